"""Putting the record into a file, and reading it there: pictures and videos stay bit for bit.

The new file is written beside the old one and takes its place whole. Where anything about the
file is doubtful it stays as it is.
"""

import os
import stat
from pathlib import Path
from secrets import token_hex
from typing import BinaryIO, Final, Protocol

from modellix_cli.domain.errors import ModellixError
from modellix_cli.domain.frozen import frozen
from modellix_cli.downloads.files import appear
from modellix_cli.downloads.parts import Part, open_part
from modellix_cli.downloads.resources import sniff
from modellix_cli.provenance import jpeg, mp4, png, webp
from modellix_cli.provenance.layout import Piece, Source, TooLong, Unfit
from modellix_cli.provenance.record import Provenance


class _Format(Protocol):
    """What the module of a format has."""

    def plan(self, source: Source, record: Provenance) -> list[Piece]:
        """Return what the file is to be made of. Raises `Unfit`."""

    def find(self, source: Source) -> str | None:
        """Return the record in a file as text, None if there is none. Raises `Unfit`."""


_FORMATS: Final[dict[str | None, _Format]] = {
    ".png": png,
    ".jpg": jpeg,
    ".webp": webp,
    ".mp4": mp4,
    ".mov": mp4,
}
_READ: Final = 1024 * 1024
_OPEN: Final = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)


@frozen
class Embedded:
    """The record is in the file, which now has this `size` in bytes and this SHA-256 in hex.

    `complete` is False where the format had no room for the parameters.
    """

    path: Path
    size: int
    sha256: str
    complete: bool = True


@frozen
class LeftAlone:
    """Nothing was written; `reason` goes on from "NAME was left as it is:".

    `failed` says that it could have been written but for something that went wrong.
    """

    reason: str
    failed: bool = False


def embed(path: Path, provenance: Provenance) -> Embedded | LeftAlone:
    """Put a record into a PNG, JPEG, WebP, MP4 or MOV file; an earlier one is replaced.

    Takes a few MiB of memory, whatever the size of the file, and for a moment as much room on the
    disk as the file. Raises nothing: a file that cannot be written is left alone, too.
    """
    if path.is_symlink():
        return LeftAlone("it is a symbolic link")
    try:
        descriptor = os.open(path, _OPEN | getattr(os, "O_NOFOLLOW", 0))
        with os.fdopen(descriptor, "rb") as file:
            return _embed(path, file, provenance)
    except Unfit as error:
        return LeftAlone(error.reason)
    except ModellixError as error:
        return LeftAlone(error.message.removesuffix("."), failed=True)
    except OSError as error:
        return LeftAlone(f"it cannot be opened ({error.strerror or error})", failed=True)


def read_embedded(path: Path) -> Provenance | None:
    """Return the record in a file, None if there is none. Raises `OSError`."""
    with os.fdopen(os.open(path, _OPEN), "rb") as file:
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            return None
        kind = _FORMATS.get(sniff(file.read(16)))
        try:
            text = None if kind is None else kind.find(Source(file))
        except Unfit:
            return None
    return None if text is None else Provenance.parse(text)


def _embed(path: Path, file: BinaryIO, provenance: Provenance) -> Embedded | LeftAlone:
    before = os.fstat(file.fileno())
    if not stat.S_ISREG(before.st_mode):
        return LeftAlone("it is not a regular file")
    kind = _FORMATS.get(sniff(file.read(16)))
    if kind is None:
        return LeftAlone("only PNG, JPEG, WebP, MP4 and MOV files can hold a record")
    source, record = Source(file), provenance
    try:
        pieces = kind.plan(source, record)
    except TooLong:
        record = provenance.without_parameters()
        pieces = kind.plan(source, record)
    part = open_part(path.parent, token_hex(8), path)
    try:
        _write(part, source, pieces)
        after = os.fstat(file.fileno())
        if (before.st_size, before.st_mtime_ns) != (after.st_size, after.st_mtime_ns):
            return LeftAlone("another program is changing it", failed=True)
        part.path.chmod(stat.S_IMODE(before.st_mode))
        with part.path.open("rb") as written:
            if kind.find(Source(written)) != record.as_json():
                return LeftAlone("the record could not be read back", failed=True)
        appear(part.path, path.parent, path.name, overwrite=True, taken=set())
        complete = record.parameters == provenance.parameters
        return Embedded(path, part.size, part.sha256, complete)
    finally:
        part.remove()
        part.close()


def _write(part: Part, source: Source, pieces: list[Piece]) -> None:
    for piece in pieces:
        if isinstance(piece, bytes):
            part.write(piece)
            continue
        at, end = piece.start, piece.start + piece.length
        while at < end:
            data = source.at(at, min(_READ, end - at))
            part.write(data)
            at += len(data)
    part.finish()
