"""What a schema check passes over in a body: names the model does not know, paths for addresses."""

from collections.abc import Iterable
from difflib import get_close_matches
from typing import Final

from modellix_cli.domain.jsontext import Json
from modellix_cli.domain.text import clip, one_line, quoted
from modellix_cli.inputs.local_paths import is_path, texts_of
from modellix_cli.inputs.parameter_keys import write_key
from modellix_cli.models.parameters import Parameter, by_path

_MOST: Final = 20


def unknown_parameters(body: dict[str, Json], parameters: tuple[Parameter, ...]) -> dict[str, str]:
    """Return a sentence for each outermost name that the model does not document, with the nearest.

    Nothing where the model documents no parameter at all.
    """
    known = dict.fromkeys(str(one.path[0]) for one in parameters)
    if not known:
        return {}
    return {
        name: f"The model has no parameter {quoted(name)}.{nearest(name, known)}"
        for name in [name for name in body if name not in known][:_MOST]
    }


def nearest(name: str, known: Iterable[str]) -> str:
    """Return a sentence, after a blank, with the parameter that may have been meant, or ""."""
    near = get_close_matches(name, list(known), n=1, cutoff=0.6)
    return f" Did you mean {quoted(near[0])}?" if near else ""


def paths_for_addresses(body: dict[str, Json], parameters: Iterable[Parameter]) -> list[str]:
    """Return a sentence for each parameter that takes a file by address and was given a path."""
    known = tuple(parameters)
    sentences = []
    for path, text in texts_of(body):
        parameter = by_path(known, path)
        if parameter is not None and parameter.media is not None and is_path(text):
            name = write_key(path)
            file = f"{name}=@{clip(one_line(text).lstrip('@'), 80)}"
            sentences.append(
                f"{name} takes an address, and {quoted(text)} is a path on this machine. "
                "Upload it with modellix-cli file upload, or give it by an option, which does so: "
                f"-p {file} for model run, --set {file} for model batch."
            )
    return sentences[:_MOST]
