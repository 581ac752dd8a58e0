"""A picture of the user's, checked before it is uploaded (official-cli.md 4.19)."""

import os
import re
import stat
import unicodedata
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from modellix_cli.domain.errors import ErrorCode, ModellixError
from modellix_cli.domain.text import size

MAX_MEDIA_BYTES: Final = 16 * 1024 * 1024
_MAX_NAME: Final = 180
_UNSAFE_IN_NAME: Final = re.compile('["\\\\\x00-\x1f\x7f-\x9f\ud800-\udfff]')


@dataclass(frozen=True, slots=True)
class MediaInput:
    """A file to upload: the name it gets, its media type by content, and its bytes."""

    name: str
    type: str
    content: bytes


def read_media(path: Path) -> MediaInput:
    """Read the file at `path`, a PNG, JPEG or WebP of at most 16 MiB.

    Raises `INPUT_UNREADABLE` if it cannot be read, `INVALID_MEDIA` if it is none of these or a
    symbolic link, which could name another file than the user means.
    """
    try:
        if not stat.S_ISREG(path.lstat().st_mode):
            raise _unfit(path, "must be a regular file, not a symbolic link, folder or device")
        with open(path, "rb", opener=_open_itself) as file:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                raise _unfit(path, "is not a regular file any more")
            content = file.read(MAX_MEDIA_BYTES + 1)
    except OSError as error:
        raise ModellixError(
            ErrorCode.INPUT_UNREADABLE, f"Unable to read {path}: {error.strerror or error}."
        ) from error
    if not content:
        raise _unfit(path, "is empty")
    if len(content) > MAX_MEDIA_BYTES:
        limit = f"exceeds the {MAX_MEDIA_BYTES}-byte limit ({size(MAX_MEDIA_BYTES)})"
        raise _unfit(path, limit)
    kind = media_type(content)
    if kind is None:
        raise _unfit(path, "is neither PNG, JPEG nor WebP by its content")
    return MediaInput(upload_name(path), kind, content)


def media_type(content: bytes) -> str | None:
    """Return the media type of a picture by its first bytes, None if it is of no known kind."""
    if content.startswith(b"\x89PNG\r\n\x1a\n"):
        return "image/png"
    if content.startswith(b"\xff\xd8\xff"):
        return "image/jpeg"
    if content[:4] == b"RIFF" and content[8:12] == b"WEBP":
        return "image/webp"
    return None


def upload_name(path: Path) -> str:
    r"""Return the name under which a file is uploaded: its own, fit for a header.

    >>> upload_name(Path('my "best" cat.png'))
    'my _best_ cat.png'
    """
    name = _UNSAFE_IN_NAME.sub("_", unicodedata.normalize("NFC", path.name))
    return name.strip()[:_MAX_NAME] or "file"


def _open_itself(name: str, flags: int) -> int:
    """Open a file, not what a link put in its place meanwhile leads to, nor wait for a pipe."""
    return os.open(name, flags | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0))


def _unfit(path: Path, reason: str) -> ModellixError:
    return ModellixError(ErrorCode.INVALID_MEDIA, f"The file to upload, {path}, {reason}.")
