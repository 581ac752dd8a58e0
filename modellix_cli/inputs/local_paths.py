"""Paths of this machine in a body: where a model takes an address it could not read them."""

import re
from collections.abc import Iterator
from typing import Final

from modellix_cli.domain.jsontext import Json

_ADDRESSES: Final = ("http://", "https://", "data:", "asset://", "blob:")
_LONGEST_PATH: Final = 300
_SUFFIXES: Final = (
    *("png", "jpg", "jpeg", "webp", "gif", "bmp", "tif", "tiff", "heic", "avif"),
    *("mp4", "mov", "webm", "mkv", "avi", "mp3", "wav", "flac", "ogg", "m4a", "aac"),
)
_NAMES_A_FILE: Final = re.compile(rb'\.(?:%s)"' % "|".join(_SUFFIXES).encode(), re.IGNORECASE)


def names_a_file(body: bytes) -> bool:
    """Whether JSON may hold a path or an address of a media file: quick, for any body."""
    return _NAMES_A_FILE.search(body) is not None


def is_path(text: str) -> bool:
    """Whether a text is a path of a media file rather than an address or encoded content."""
    if text.lower().startswith(_ADDRESSES) or len(text) > _LONGEST_PATH or "\n" in text:
        return False
    return text.lower().rpartition(".")[2] in _SUFFIXES


def texts_of(
    value: Json, path: tuple[str | int, ...] = ()
) -> Iterator[tuple[tuple[str | int, ...], str]]:
    """Yield every text in a body with its place."""
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield from texts_of(inner, (*path, key))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from texts_of(inner, (*path, index))
