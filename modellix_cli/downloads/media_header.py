"""What the first bytes of a media file say: its kind, its width and height, how long it plays."""

import struct
from pathlib import Path
from typing import BinaryIO, Final

from modellix_cli.domain.frozen import frozen

_HEAD: Final = 64 * 1024
_MAX_MOOV: Final = 8 * 1024 * 1024
_MOST_BOXES: Final = 10_000
_MAX_SIDE: Final = 1_000_000
_NO_FRAME: Final = frozenset({0xC4, 0xC8, 0xCC})
"""Markers of JPEG in the range of frames that are none."""


@frozen
class MediaHeader:
    """What is known about a file: width and height in pixels, duration in seconds.

    `kind` is image, video, audio or None; what is not known is None.
    """

    kind: str | None = None
    width: int | None = None
    height: int | None = None
    seconds: float | None = None


UNKNOWN: Final = MediaHeader()


def read_header(path: Path) -> MediaHeader:
    """Read the header of PNG, JPEG, GIF, WebP, AVIF, MP4, WebM, WAV, MP3, Ogg or FLAC.

    Anything else, and what is damaged or cut, gives what is known. Raises `OSError`.
    """
    with path.open("rb") as file:
        head = file.read(_HEAD)
        try:
            return _checked(_header(head, file))
        except (struct.error, IndexError):
            return UNKNOWN


def _checked(header: MediaHeader) -> MediaHeader:
    """Return a header without sizes that cannot be."""
    width, height, seconds = header.width, header.height, header.seconds
    if not (width and height and 0 < width <= _MAX_SIDE and 0 < height <= _MAX_SIDE):
        width = height = None
    if seconds is not None and not 0 < seconds < 1e7:
        seconds = None
    return MediaHeader(header.kind, width, height, seconds)


def _header(head: bytes, file: BinaryIO) -> MediaHeader:
    if head[:8] == b"\x89PNG\r\n\x1a\n":
        return MediaHeader("image", *struct.unpack(">II", head[16:24]))
    if head[:3] == b"\xff\xd8\xff":
        return _jpeg(head)
    if head[:6] in (b"GIF87a", b"GIF89a"):
        return MediaHeader("image", *struct.unpack("<HH", head[6:10]))
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return _webp(head)
    if head[:4] == b"RIFF" and head[8:12] == b"WAVE":
        return _wav(head)
    if head[4:8] == b"ftyp":
        return _mp4(head, file)
    if head[:4] == b"\x1aE\xdf\xa3":
        return MediaHeader("video")
    if head[:3] == b"ID3" or head[:4] in (b"OggS", b"fLaC"):
        return MediaHeader("audio")
    if len(head) > 1 and head[0] == 0xFF and head[1] & 0xE0 == 0xE0:
        return MediaHeader("audio")
    return UNKNOWN


def _jpeg(head: bytes) -> MediaHeader:
    at = 2
    while at + 9 <= len(head) and head[at] == 0xFF:
        marker = head[at + 1]
        if marker == 0xFF:  # a fill byte
            at += 1
        elif 0xC0 <= marker <= 0xCF and marker not in _NO_FRAME:
            height, width = struct.unpack(">HH", head[at + 5 : at + 9])
            return MediaHeader("image", width, height)
        else:
            at += 2 + int.from_bytes(head[at + 2 : at + 4])
    return MediaHeader("image")


def _webp(head: bytes) -> MediaHeader:
    form = head[12:16]
    if form == b"VP8X":
        width = int.from_bytes(head[24:27], "little") + 1
        height = int.from_bytes(head[27:30], "little") + 1
        return MediaHeader("image", width, height)
    if form == b"VP8L":
        bits = int.from_bytes(head[21:25], "little")
        return MediaHeader("image", (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1)
    if form == b"VP8 ":
        width, height = struct.unpack("<HH", head[26:30])
        return MediaHeader("image", width & 0x3FFF, height & 0x3FFF)
    return MediaHeader("image")


def _wav(head: bytes) -> MediaHeader:
    at, rate = 12, 0
    while at + 8 <= len(head):
        name, size = head[at : at + 4], int.from_bytes(head[at + 4 : at + 8], "little")
        if name == b"fmt ":
            rate = int.from_bytes(head[at + 16 : at + 20], "little")
        elif name == b"data":
            return MediaHeader("audio", seconds=size / rate if rate else None)
        at += 8 + size + size % 2
    return MediaHeader("audio")


def _mp4(head: bytes, file: BinaryIO) -> MediaHeader:
    """Read MP4, QuickTime, M4A, AVIF or HEIC by their boxes."""
    brand = head[8:12]
    if brand in (b"avif", b"avis", b"heic", b"mif1"):
        at = head.find(b"ispe")
        if at < 0:
            return MediaHeader("image")
        return MediaHeader("image", *struct.unpack(">II", head[at + 8 : at + 16]))
    kind = "audio" if brand == b"M4A " else "video"
    moov = _find_moov(file)
    width, height = _track_size(moov)
    return MediaHeader(kind, width, height, _movie_seconds(moov))


def _find_moov(file: BinaryIO) -> bytes:
    """Return the content of the box that describes the movie, wherever it is; b"" if nowhere."""
    at = 0
    for _ in range(_MOST_BOXES):
        file.seek(at)
        start = file.read(16)
        if len(start) < 8:
            break
        size, name, content = int.from_bytes(start[:4]), start[4:8], 8
        if size == 1:
            size, content = int.from_bytes(start[8:16]), 16
        if name == b"moov":
            file.seek(at + content)
            return file.read(min(max(size - content, 0), _MAX_MOOV))
        if size < content:
            break
        at += size
        if at >= 2**62:
            break
    return b""


def _movie_seconds(moov: bytes) -> float | None:
    at = moov.find(b"mvhd")
    if at < 0:
        return None
    wide = moov[at + 4] == 1
    form, start = (">IQ", at + 24) if wide else (">II", at + 16)
    scale, length = struct.unpack_from(form, moov, start)
    return length / scale if scale else None


def _track_size(moov: bytes) -> tuple[int | None, int | None]:
    """Return width and height of the first track that has any; as turned, where it is turned."""
    at = moov.find(b"tkhd")
    while at >= 0:
        end = at + (100 if moov[at + 4] == 1 else 88)
        width, height = struct.unpack_from(">II", moov, end - 8)
        turned = struct.unpack_from(">i", moov, end - 44)[0] == 0
        if width and height:
            sides = (width >> 16, height >> 16)
            return (sides[1], sides[0]) if turned else sides
        at = moov.find(b"tkhd", at + 4)
    return None, None
