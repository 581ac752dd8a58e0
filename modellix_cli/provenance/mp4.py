"""MP4 and MOV: the record is in an XMP box at the end (ISO 14496-12, ISO 16684-3).

Nothing before it moves, so that the tables of offsets stay true, those of fragments included.
"""

import re
import struct
from collections.abc import Iterator
from typing import Final
from uuid import UUID

from modellix_cli.domain.frozen import frozen
from modellix_cli.provenance import c2pa, xmp
from modellix_cli.provenance.layout import Piece, Source, Span, Unfit, bounded
from modellix_cli.provenance.record import Provenance

_XMP_BOX: Final = UUID("be7acfcb-97a9-42e8-9c71-999491e3afac").bytes
_NAME: Final = re.compile(rb"[ -~\xa9]{4}")
_MAX_SHORT: Final = 0xFFFFFFFF
_INDEX: Final = b"mfra"
"""The index of fragments: it is found from the end of the file, so that it must stay last."""


@frozen
class _Box:
    kind: bytes
    start: int
    head: int
    end: int
    uuid: bytes
    to_the_end: bool

    @property
    def is_xmp(self) -> bool:
        return self.uuid == _XMP_BOX


def plan(source: Source, record: Provenance) -> list[Piece]:
    """Return what the file is to be made of. Raises `Unfit`."""
    boxes = list(_boxes(source))
    kinds = [box.kind for box in boxes]
    if any(box.uuid == c2pa.MP4_BOX for box in boxes):
        raise c2pa.found()
    if kinds[0] != b"ftyp" or kinds.count(b"moov") != 1 or b"meta" in kinds:
        raise Unfit("it is not built like an MP4 or MOV file")
    packets = [box for box in boxes if box.is_xmp]
    if len(packets) > 1:
        raise Unfit("it carries XMP metadata twice")
    old = _packet(source, packets[0]) if packets else None
    data = _XMP_BOX + xmp.packet(record, old)
    added = struct.pack(">I4s", len(data) + 8, b"uuid") + data
    last = [boxes.pop()] if kinds[-1] == _INDEX else []
    if packets and boxes[-1] is packets[0]:
        boxes.pop()  # at the end: nothing moves without it
    pieces: list[Piece] = []
    for box in boxes:
        pieces += _freed(box) if box.is_xmp else _kept(box)
    return [*pieces, added, *(Span(box.start, box.end - box.start) for box in last)]


def find(source: Source) -> str | None:
    """Return the record in a file as text, None if there is none. Raises `Unfit`."""
    for box in _boxes(source):
        if box.is_xmp:
            return None if box.end - box.start > xmp.MAX_PACKET else xmp.find(_packet(source, box))
    return None


def _packet(source: Source, box: _Box) -> bytes:
    start = box.start + box.head + len(_XMP_BOX)
    if box.end - start > xmp.MAX_PACKET:
        raise Unfit("it carries more XMP metadata than can be read")
    return source.at(start, box.end - start)


def _boxes(source: Source) -> Iterator[_Box]:
    """Yield the outermost boxes, which fill the file."""
    at, count = 0, 0
    while at < source.size:
        bounded(count := count + 1)
        length, kind = struct.unpack(">I4s", source.at(at, 8))
        head, to_the_end = 8, length == 0
        if length == 1:
            head, length = 16, int.from_bytes(source.at(at + 8, 8))
        elif to_the_end:
            length = source.size - at
        least = head + (16 if kind == b"uuid" else 0)
        if not _NAME.fullmatch(kind) or length < least:
            raise Unfit("something that is no MP4 box is in it")
        if at + length > source.size:
            raise Unfit("it is cut off")
        uuid = source.at(at + head, 16) if kind == b"uuid" else b""
        yield _Box(kind, at, head, at + length, uuid, to_the_end)
        at += length


def _kept(box: _Box) -> list[Piece]:
    """Return a box as it is; one that lasts up to the end of the file gets a length."""
    length = box.end - box.start
    if not box.to_the_end:
        return [Span(box.start, length)]
    if length > _MAX_SHORT:
        raise Unfit("its last box has no room for the length that it would need")
    return [struct.pack(">I", length), Span(box.start + 4, length - 4)]


def _freed(box: _Box) -> list[Piece]:
    """Return a box of the same length that nobody reads."""
    return [Span(box.start, 4), b"free", Span(box.start + 8, box.end - box.start - 8)]
