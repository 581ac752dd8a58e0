"""A file of the user's, checked before it is uploaded (docs/spec/service.md 7).

Images, video and audio, by content: a name tells nothing.
"""

import os
import re
import stat
import unicodedata
from pathlib import Path
from typing import Final

from modellix_cli.domain.errors import ErrorCode, ModellixError
from modellix_cli.domain.frozen import frozen
from modellix_cli.domain.text import size

MAX_MEDIA_BYTES: Final = 16 * 1024 * 1024
_MAX_NAME: Final = 180
_EBML_HEAD: Final = 64
_MPEG_HEAD: Final = 4
_AAC_FREQUENCIES: Final = 13
_NO_FREQUENCY: Final = 3
_SIGNATURES: Final = (
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
    (b"II*\x00", "image/tiff"),
    (b"MM\x00*", "image/tiff"),
    (b"OggS", "audio/ogg"),
    (b"fLaC", "audio/flac"),
    (b"ID3", "audio/mpeg"),
    (b"#!AMR", "audio/amr"),
    (b"FLV\x01", "video/x-flv"),
    (b"\x00\x00\x01\xba", "video/mpeg"),
    (b"\x00\x00\x01\xb3", "video/mpeg"),
)
_RIFF: Final = {b"WEBP": "image/webp", b"WAVE": "audio/wav", b"AVI ": "video/x-msvideo"}
_UNSAFE_IN_NAME: Final = re.compile('["\\\\\x00-\x1f\x7f-\x9f\ud800-\udfff]')


@frozen
class MediaInput:
    """A file to upload: the name it gets, its media type by content, and its bytes."""

    name: str
    type: str
    content: bytes


def read_media(path: Path) -> MediaInput:
    """Read the file at `path`: an image, video or audio of at most 16 MiB.

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
        raise _unfit(path, "is no image, video or audio by its content")
    return MediaInput(upload_name(path), kind, content)


def media_type(content: bytes) -> str | None:
    """Return the media type of an image, video or audio by its first bytes, None for others."""
    for signature, kind in _SIGNATURES:
        if content.startswith(signature):
            return kind
    if content[:4] == b"RIFF":
        return _RIFF.get(content[8:12])
    if content[4:8] == b"ftyp":
        return _brand(content[8:12])
    if content.startswith(b"\x1aE\xdf\xa3"):
        return "video/webm" if b"webm" in content[:_EBML_HEAD] else "video/x-matroska"
    if len(content) >= _MPEG_HEAD and content[0] == 0xFF and content[1] & 0xE0 == 0xE0:
        return _mpeg_audio(content)
    return None


def _brand(brand: bytes) -> str:
    """Return the media type of a file of the MPEG-4 family by its main brand."""
    if brand in (b"avif", b"avis"):
        return "image/avif"
    if brand in (b"heic", b"heix", b"heim", b"heis", b"mif1", b"msf1"):
        return "image/heic"
    if brand in (b"M4A ", b"M4B "):
        return "audio/mp4"
    return "video/quicktime" if brand == b"qt  " else "video/mp4"


def _mpeg_audio(content: bytes) -> str | None:
    """Return the media type of bytes that begin like a frame of MP3 or AAC, None if they are none.

    Two bytes are little to go by, so the values that no frame has are left out.
    """
    layer = content[1] >> 1 & 3
    if layer == 0:
        frequency = content[2] >> 2 & 15
        return "audio/aac" if content[1] & 0xF0 == 0xF0 and frequency < _AAC_FREQUENCIES else None
    version, bit_rate, frequency = content[1] >> 3 & 3, content[2] >> 4, content[2] >> 2 & 3
    fits = version != 1 and bit_rate not in (0, 15) and frequency != _NO_FREQUENCY
    return "audio/mpeg" if fits else None


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
