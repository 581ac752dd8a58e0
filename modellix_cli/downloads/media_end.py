"""Whether a media file ends where its format says, for bodies that only a closed socket ends."""

import os
from typing import BinaryIO, Final

from modellix_cli.downloads.resources import sniff

_TAIL: Final = 65536
"""How many of the last bytes may hold the mark of the end: some programs append to it."""
_PNG_END: Final = b"IEND\xaeB`\x82"
_JPEG_END: Final = b"\xff\xd9"
_GIF_END: Final = b"\0;"
_STREAMED: Final = (0, 0xFFFFFFFF)
"""What a RIFF file says of its length when it was written without knowing it."""


def ends_early(file: BinaryIO) -> bool:
    """Whether a media file is cut; False where its format does not tell.

    `file` is open for reading and seekable. Raises `OSError`.
    """
    size = file.seek(0, os.SEEK_END)
    file.seek(0)
    head = file.read(16)
    match sniff(head):
        case ".png":
            return _PNG_END not in _tail(file, size)
        case ".jpg":
            return _JPEG_END not in _tail(file, size)
        case ".gif":
            return not _tail(file, size).rstrip(b"\0").endswith(_GIF_END)
        case ".webp" | ".wav" | ".avi":
            length = int.from_bytes(head[4:8], "little")
            return length not in _STREAMED and length + 8 > size
        case ".mp4" | ".mov" | ".avif":
            return _boxes_end_early(file, size)
        case _:
            return False


def _tail(file: BinaryIO, size: int) -> bytes:
    file.seek(max(0, size - _TAIL))
    return file.read(_TAIL)


def _boxes_end_early(file: BinaryIO, size: int) -> bool:
    """Walk the boxes of ISO 14496-12 from length to length: the last must end with the file."""
    at = 0
    while at < size:
        file.seek(at)
        head = file.read(16)
        length, least = int.from_bytes(head[:4]), 8
        if length == 0 and len(head) >= 8:  # up to the end of the file
            return False
        if length == 1:
            length, least = int.from_bytes(head[8:]), 16
        if len(head) < least:
            return True
        if length < least:  # no box: what was appended, or what nobody can judge
            return False
        at += length
    return at > size
