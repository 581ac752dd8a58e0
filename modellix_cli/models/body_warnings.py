"""What a schema check passes over in a body: names the model does not know, paths for addresses."""

from collections.abc import Iterable, Iterator
from difflib import get_close_matches
from typing import Final

from modellix_cli.domain.jsontext import Json
from modellix_cli.domain.text import clip, one_line, quoted
from modellix_cli.inputs.local_paths import is_path, texts_of
from modellix_cli.inputs.parameter_keys import Path, write_key
from modellix_cli.models.origins import NOWHERE, Origins, set_in
from modellix_cli.models.parameters import Parameter, by_path

_MOST: Final = 20


def unknown_parameters(
    body: Json, parameters: Iterable[Parameter], origins: Origins = NOWHERE
) -> dict[str, str]:
    """Return a sentence for each name that the model does not document, with the nearest.

    Where the model documents no name, in the whole body or in a part of it, any is known.
    """
    known = _names(parameters)
    found: dict[str, str] = {}
    for path in _unknown_places(body, (), known):
        name = write_key(path)
        if name not in found and len(found) < _MOST:
            near = nearest(name, (write_key((*path[:-1], one)) for one in known[path[:-1]]))
            place = set_in(path, origins)
            found[name] = f"The model has no parameter {quoted(name)}{place}.{near}"
    return found


def _names(parameters: Iterable[Parameter]) -> dict[Path, dict[str, None]]:
    """Return the names that are documented, in their order, by the place that they stand in."""
    names: dict[Path, dict[str, None]] = {}
    for parameter in parameters:
        for at, step in enumerate(parameter.path):
            if isinstance(step, str):
                names.setdefault(parameter.path[:at], {})[step] = None
    return names


def _unknown_places(value: Json, place: Path, known: dict[Path, dict[str, None]]) -> Iterator[Path]:
    """Yield where names stand that are not documented, though others are beside them."""
    if isinstance(value, dict) and place in known:
        for name, inner in value.items():
            if name in known[place]:
                yield from _unknown_places(inner, (*place, name), known)
            else:
                yield (*place, name)
    elif isinstance(value, list) and (*place, None) in known:
        for inner in value:
            yield from _unknown_places(inner, (*place, None), known)


def nearest(name: str, known: Iterable[str]) -> str:
    """Return a sentence, after a blank, with the parameter that may have been meant, or ""."""
    near = get_close_matches(name, list(known), n=1, cutoff=0.6)
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
