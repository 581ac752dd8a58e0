"""A file as pieces: what is copied from it as it is, and what is put between."""

import os
from typing import BinaryIO, Final

from modellix_cli.domain.frozen import frozen

MAX_PARTS: Final = 200_000
"""Most chunks, segments or boxes that are gone through in one file."""


class Unfit(Exception):
    """A file that is left as it is; `reason` says why, as in "it is cut off"."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class TooLong(Unfit):
    """The format has no room for as much as was to be put in."""


@frozen
class Span:
    """Bytes of the file that are copied: `length` of them from the offset `start`."""

    start: int
    length: int


Piece = Span | bytes


class Source:
    """A file that is open for reading, with exact reads. `size` is in bytes."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.size = os.fstat(file.fileno()).st_size

    def at(self, offset: int, length: int) -> bytes:
        """Return the bytes at an offset. Raises `Unfit` where the file ends before."""
        self._file.seek(offset)
        data = self._file.read(length)
        if len(data) < length:
            raise Unfit("it is cut off")
        return data

    def tail(self, length: int) -> bytes:
        """Return the last bytes, at most `length`."""
        return self.at(max(0, self.size - length), min(length, self.size))


def bounded(count: int) -> None:
    """Raise `Unfit` for a file of so many parts that it is not worth going on."""
    if count > MAX_PARTS:
        raise Unfit(f"it has more than {MAX_PARTS} parts")
