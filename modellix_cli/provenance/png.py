"""PNG and APNG: the record is an iTXt chunk after the header (PNG specification 11.3.3.4)."""

import re
import struct
import zlib
from collections.abc import Iterator
from typing import Final, NamedTuple

from modellix_cli.provenance import c2pa
from modellix_cli.provenance.layout import Piece, Source, Span, Unfit, bounded
from modellix_cli.provenance.record import MAX_RECORD, Provenance

KEYWORD: Final = b"modellix"
_DESCRIPTION: Final = b"Description"
"""The keyword under which other programs show what a picture is of."""
_SIGNATURE: Final = 8
_HEADER: Final = b"IHDR"
_HEADER_LENGTH: Final = 13
_TEXTS: Final = (b"tEXt", b"zTXt", b"iTXt")
_LONGEST_KEYWORD: Final = 79
_READ: Final = 1024 * 1024
_LETTERS: Final = re.compile(rb"[A-Za-z]{4}")


class _Chunk(NamedTuple):
    kind: bytes
    start: int
    length: int

    @property
    def data(self) -> int:
        return self.start + 8

    @property
    def end(self) -> int:
        return self.data + self.length + 4


def plan(source: Source, record: Provenance) -> list[Piece]:
    """Return what the file is to be made of. Raises `Unfit`."""
    pieces: list[Piece] = []
    described = image = False
    last = b""
    for number, chunk in enumerate(_chunks(source)):
        if (number == 0) is not (chunk.kind == _HEADER) or last == b"IEND":
            raise Unfit("its chunks are not in the order of a PNG file")
        if number == 0 and chunk.length != _HEADER_LENGTH:
            raise Unfit("its header is not that of a PNG file")
        if chunk.kind == c2pa.PNG_CHUNK:
            raise c2pa.found()
        _check(source, chunk)
        keyword = _keyword(source, chunk)
        image = image or chunk.kind == b"IDAT"
        described = described or keyword == _DESCRIPTION
        last = chunk.kind
        if not (chunk.kind == b"iTXt" and keyword == KEYWORD):
            pieces.append(Span(chunk.start, chunk.end - chunk.start))
    if last != b"IEND" or not image:
        raise Unfit("it is cut off")
    texts = [_text(KEYWORD, record.as_json())]
    if record.description and not described:
        texts.append(_text(_DESCRIPTION, record.description))
    return [Span(0, _SIGNATURE), pieces[0], *texts, *pieces[1:]]


def find(source: Source) -> str | None:
    """Return the record in a file as text, None if there is none. Raises `Unfit`."""
    for chunk in _chunks(source):
        if chunk.kind == b"iTXt" and _keyword(source, chunk) == KEYWORD:
            return None if chunk.length > MAX_RECORD else _read(source.at(chunk.data, chunk.length))
    return None


def _chunks(source: Source) -> Iterator[_Chunk]:
    at, count = _SIGNATURE, 0
    while at < source.size:
        bounded(count := count + 1)
        length, kind = struct.unpack(">I4s", source.at(at, 8))
        chunk = _Chunk(kind, at, length)
        if not _LETTERS.fullmatch(kind):
            raise Unfit("something that is no PNG chunk is in it")
        if chunk.end > source.size:
            raise Unfit("it is cut off")
        yield chunk
        at = chunk.end


def _check(source: Source, chunk: _Chunk) -> None:
    checksum, at, end = zlib.crc32(chunk.kind), chunk.data, chunk.end - 4
    while at < end:
        piece = source.at(at, min(_READ, end - at))
        checksum = zlib.crc32(piece, checksum)
        at += len(piece)
    if checksum != int.from_bytes(source.at(end, 4)):
        raise Unfit("a checksum in it is wrong")


def _keyword(source: Source, chunk: _Chunk) -> bytes:
    if chunk.kind not in _TEXTS:
        return b""
    return source.at(chunk.data, min(chunk.length, _LONGEST_KEYWORD + 1)).partition(b"\0")[0]


def _text(keyword: bytes, text: str) -> bytes:
    """Return an iTXt chunk, not compressed, without a language."""
    data = b"iTXt" + keyword + bytes(5) + text.encode()
    return struct.pack(">I", len(data) - 4) + data + struct.pack(">I", zlib.crc32(data))


def _read(data: bytes) -> str | None:
    _, _, rest = data.partition(b"\0")
    flags, rest = rest[:2], rest[2:]
    _language, _, rest = rest.partition(b"\0")
    _translated, _, text = rest.partition(b"\0")
    try:
        if flags[:1] == b"\1":  # another program may have packed it
            text = zlib.decompressobj().decompress(text, MAX_RECORD)
        return text.decode()
    except (zlib.error, UnicodeDecodeError):
        return None
