"""JPEG: the record is in the XMP packet, a segment after those of JFIF and Exif."""

from collections.abc import Iterator
from typing import Final, NamedTuple

from modellix_cli.provenance import c2pa, xmp
from modellix_cli.provenance.layout import Piece, Source, Span, TooLong, Unfit, bounded
from modellix_cli.provenance.record import Provenance

_XMP: Final = b"http://ns.adobe.com/xap/1.0/\0"
_EXIF: Final = b"Exif\0\0"
_SEVERAL_PICTURES: Final = b"MPF\0"
_APP0, _APP1, _APP2, _START_OF_SCAN = 0xE0, 0xE1, 0xE2, 0xDA
_WITHOUT_LENGTH: Final = (0x00, 0x01, *range(0xD0, 0xDA))
_MAX_LENGTH: Final = 0xFFFF
_HEAD: Final = 64
_TAIL: Final = 65536
_END: Final = b"\xff\xd9"


class _Segment(NamedTuple):
    marker: int
    start: int
    data: int
    end: int
    head: bytes

    @property
    def is_xmp(self) -> bool:
        return self.marker == _APP1 and self.head.startswith(_XMP)


def plan(source: Source, record: Provenance) -> list[Piece]:
    """Return what the file is to be made of. Raises `Unfit`, `TooLong` past 64 KiB."""
    place, at_start = 2, True
    existing: _Segment | None = None
    for segment in _segments(source):
        if c2pa.is_jpeg_segment(segment.marker, segment.head):
            raise c2pa.found()
        if segment.marker == _APP2 and segment.head.startswith(_SEVERAL_PICTURES):
            raise Unfit("it holds several pictures, which are found by their distance")
        if segment.is_xmp:
            if existing is not None:
                raise Unfit("it carries XMP metadata twice")
            existing = segment
        exif = segment.marker == _APP1 and segment.head.startswith(_EXIF)
        at_start = at_start and (exif or segment.marker == _APP0)
        place = segment.end if at_start else place
    if _END not in source.tail(_TAIL):
        raise Unfit("it is cut off")
    old = None if existing is None else _packet(source, existing)
    data = _XMP + xmp.packet(record, old)
    if len(data) + 2 > _MAX_LENGTH:
        raise TooLong("there is no room in it: a JPEG file takes 64 KiB of metadata")
    new = bytes((0xFF, _APP1)) + (len(data) + 2).to_bytes(2) + data
    start, end = (place, place) if existing is None else (existing.start, existing.end)
    return [Span(0, start), new, Span(end, source.size - end)]


def find(source: Source) -> str | None:
    """Return the record in a file as text, None if there is none. Raises `Unfit`."""
    for segment in _segments(source):
        if segment.is_xmp:
            return xmp.find(_packet(source, segment))
    return None


def _packet(source: Source, segment: _Segment) -> bytes:
    return source.at(segment.data, segment.end - segment.data)[len(_XMP) :]


def _segments(source: Source) -> Iterator[_Segment]:
    """Yield the segments before the picture's data."""
    at, count = 2, 0
    while True:
        bounded(count := count + 1)
        start = at
        if source.at(at, 1) != b"\xff":
            raise Unfit("something that is no JPEG segment is in it")
        while (code := source.at(at := at + 1, 1)) == b"\xff":  # fill bytes
            bounded(count := count + 1)
        marker = code[0]
        if marker in _WITHOUT_LENGTH:
            raise Unfit("its segments are not in the order of a JPEG file")
        length = int.from_bytes(source.at(at + 1, 2))
        end = at + 1 + length
        if length < 2 or end > source.size:
            raise Unfit("it is cut off")
        if marker == _START_OF_SCAN:
            return
        yield _Segment(marker, start, at + 3, end, source.at(at + 3, min(_HEAD, length - 2)))
        at = end
