"""What a schema check passes over in a body: names the model does not know, paths for addresses."""

from collections.abc import Iterable
from difflib import get_close_matches
from itertools import islice
from typing import Final

from modellix_cli.domain.jsontext import Json
from modellix_cli.domain.text import clip, one_line, quoted
from modellix_cli.inputs.local_paths import is_path, texts_of
from modellix_cli.inputs.parameter_keys import write_key
from modellix_cli.models.documented_names import NameReport
from modellix_cli.models.origins import NOWHERE, Origins, set_in
from modellix_cli.models.parameters import Parameter, by_path

_MOST: Final = 20
_MOST_COMPARED: Final = 1000


def unknown_parameters(names: NameReport, origins: Origins = NOWHERE) -> dict[str, str]:
    """Return a sentence for each name that the model does not document, with the nearest."""
    found: dict[str, str] = {}
    for one in names.found:
        name = write_key(one.path)
        near = nearest(name, (write_key((*one.path[:-1], beside)) for beside in one.beside))
        found[name] = f"The model has no parameter {quoted(name)}{set_in(one.path, origins)}.{near}"
    return found


def nearest(name: str, known: Iterable[str]) -> str:
    """Return a sentence, after a blank, with the parameter that may have been meant, or ""."""
    near = get_close_matches(name, islice(known, _MOST_COMPARED), n=1, cutoff=0.6)
    return f" Did you mean {quoted(near[0])}?" if near else ""


def paths_for_addresses(
    body: dict[str, Json], parameters: Iterable[Parameter], origins: Origins = NOWHERE
) -> list[str]:
    """Return a sentence for each parameter that takes a file by address and was given a path."""
    known = tuple(parameters)
    sentences = []
    for path, text in texts_of(body):
        parameter = by_path(known, path)
        if parameter is not None and parameter.media is not None and is_path(text):
            name, place = write_key(path), set_in(path, origins)
            file = f"{name}=@{clip(one_line(text).lstrip('@'), 80)}"
            sentences.append(
                f"{name} takes an address, and {quoted(text)}{place} is a path on this machine. "
                "Upload it with modellix-cli file upload, or give it by an option, which does so: "
                f"-p {file} for model run, --set {file} for model batch."
            )
    return sentences[:_MOST]
