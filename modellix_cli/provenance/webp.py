"""WebP: the record is in the XMP chunk, which only the extended format has (RFC 9649)."""

import re
import struct
from collections.abc import Iterator
from typing import Final, NamedTuple

from modellix_cli.provenance import c2pa, xmp
from modellix_cli.provenance.layout import Piece, Source, Span, TooLong, Unfit, bounded
from modellix_cli.provenance.record import Provenance

_XMP: Final = b"XMP "
_EXTENDED: Final = b"VP8X"
_HAS_XMP: Final = 0x04
_HAS_ALPHA: Final = 0x10
_MAX_SIZE: Final = 0xFFFFFFF6
_NAME: Final = re.compile(rb"[ -~]{4}")


class _Chunk(NamedTuple):
    kind: bytes
    start: int
    length: int

    @property
    def data(self) -> int:
        return self.start + 8

    @property
    def end(self) -> int:
        return self.data + self.length + self.length % 2


def plan(source: Source, record: Provenance) -> list[Piece]:
    """Return what the file is to be made of. Raises `Unfit`."""
    existing: _Chunk | None = None
    kept: list[_Chunk] = []
    for chunk in _chunks(source):
        if chunk.kind == c2pa.WEBP_CHUNK:
            raise c2pa.found()
        if chunk.kind != _XMP:
            kept.append(chunk)
        elif existing is not None:
            raise Unfit("it carries XMP metadata twice")
        else:
            existing = chunk
    if not kept:
        raise Unfit("it is cut off")
    first = kept[0]
    old = None if existing is None else _packet(source, existing)
    added = _chunk(_XMP, xmp.packet(record, old))
    head = _extended_header(source, kept)
    rest = kept[1:] if first.kind == _EXTENDED else kept
    size = 4 + len(head) + sum(chunk.end - chunk.start for chunk in rest) + len(added)
    if size > _MAX_SIZE:
        raise TooLong("there is no room in it: a WebP file has at most 4 GiB")
    spans = [Span(chunk.start, chunk.end - chunk.start) for chunk in rest]
    return [b"RIFF" + struct.pack("<I", size) + b"WEBP" + head, *spans, added]


def find(source: Source) -> str | None:
    """Return the record in a file as text, None if there is none. Raises `Unfit`."""
    for chunk in _chunks(source):
        if chunk.kind == _XMP:
            return None if chunk.length > xmp.MAX_PACKET else xmp.find(_packet(source, chunk))
    return None


def _packet(source: Source, chunk: _Chunk) -> bytes:
    if chunk.length > xmp.MAX_PACKET:
        raise Unfit("it carries more XMP metadata than can be read")
    return source.at(chunk.data, chunk.length)


def _chunks(source: Source) -> Iterator[_Chunk]:
    if struct.unpack("<I", source.at(4, 4))[0] != source.size - 8:
        raise Unfit("its length is not the one it tells")
    at, count = 12, 0
    while at < source.size:
        bounded(count := count + 1)
        kind, length = struct.unpack("<4sI", source.at(at, 8))
        chunk = _Chunk(kind, at, length)
        if not _NAME.fullmatch(kind):
            raise Unfit("something that is no WebP chunk is in it")
        if chunk.end > source.size:
            raise Unfit("it is cut off")
        yield chunk
        at = chunk.end


def _extended_header(source: Source, chunks: list[_Chunk]) -> bytes:
    """Return the chunk that announces XMP: the one that is there, or one for a simple file."""
    first = chunks[0]
    if first.kind == _EXTENDED:
        if first.length != 10 or len(chunks) == 1:
            raise Unfit("its header is not that of a WebP file")
        data = bytearray(source.at(first.data, 10))
        data[0] |= _HAS_XMP
        return _chunk(_EXTENDED, bytes(data))
    if len(chunks) != 1:
        raise Unfit("its chunks are not in the order of a WebP file")
    width, height, alpha = _frame(source, first)
    flags = _HAS_XMP | (_HAS_ALPHA if alpha else 0)
    sides = (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
    return _chunk(_EXTENDED, struct.pack("<I", flags) + sides)


def _frame(source: Source, chunk: _Chunk) -> tuple[int, int, bool]:
    """Return width, height and whether there may be alpha, of a lossy or lossless frame."""
    head = source.at(chunk.data, min(10, chunk.length))
    if chunk.kind == b"VP8 " and head[3:6] == b"\x9d\x01\x2a" and not head[0] & 1:
        width, height = struct.unpack("<HH", head[6:].ljust(4, b"\0"))
        width, height, alpha = width & 0x3FFF, height & 0x3FFF, False
    elif chunk.kind == b"VP8L" and head[:1] == b"\x2f" and len(head) >= 5:
        bits = int.from_bytes(head[1:5], "little")
        width, height = (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
        alpha = bool(bits >> 28 & 1)
        if bits >> 29:
            raise Unfit("its format is newer than WebP's")
    else:
        raise Unfit("its header is not that of a WebP file")
    if not width or not height:
        raise Unfit("its header is not that of a WebP file")
    return width, height, alpha


def _chunk(kind: bytes, data: bytes) -> bytes:
    return kind + struct.pack("<I", len(data)) + data + bytes(len(data) % 2)
