"""What a schema check passes over in a body: names the model does not know, paths for addresses."""

from collections.abc import Iterable, Iterator
from difflib import get_close_matches
from typing import Final

from modellix_cli.domain.jsontext import Json
from modellix_cli.domain.text import clip, one_line, quoted
from modellix_cli.inputs.parameter_keys import write_key
from modellix_cli.models.parameters import Parameter, by_path

_ADDRESSES: Final = ("http://", "https://", "data:", "asset://", "blob:")
_MOST: Final = 20
_LONGEST_PATH: Final = 300
_SUFFIXES: Final = frozenset(
    {
        *("png", "jpg", "jpeg", "webp", "gif", "bmp", "tif", "tiff", "heic", "avif"),
        *("mp4", "mov", "webm", "mkv", "avi", "mp3", "wav", "flac", "ogg", "m4a", "aac"),
    }
)


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
    for path, text in _texts(body, ()):
        parameter = by_path(known, path)
        if parameter is not None and parameter.media is not None and _is_path(text):
            name = write_key(path)
            file = f"{name}=@{clip(one_line(text).lstrip('@'), 80)}"
            sentences.append(
                f"{name} takes an address, and {quoted(text)} is a path on this machine. "
                "Upload it with modellix-cli file upload, or give it by an option, which does so: "
                f"-p {file} for model run, --set {file} for model batch."
            )
    return sentences[:_MOST]


def _is_path(text: str) -> bool:
    """Whether a text is a path of a media file rather than an address or encoded content."""
    if text.lower().startswith(_ADDRESSES) or len(text) > _LONGEST_PATH or "\n" in text:
        return False
    return text.lower().rpartition(".")[2] in _SUFFIXES


def _texts(value: Json, path: tuple[str | int, ...]) -> Iterator[tuple[tuple[str | int, ...], str]]:
    """Yield every text in a body with its place."""
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield from _texts(inner, (*path, key))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from _texts(inner, (*path, index))
