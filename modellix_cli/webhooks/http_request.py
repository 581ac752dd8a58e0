"""One HTTP/1.1 request from a stream that may be slow, endless or no HTTP at all.

Only what a webhook needs: a head of bounded length, and a body with a Content-Length or in chunks.
"""

import re
from asyncio import IncompleteReadError, LimitOverrunError, StreamReader
from collections.abc import AsyncIterator
from typing import Final

from modellix_cli.domain.frozen import frozen
from modellix_cli.webhooks.delivery import Refused

LONGEST_HEAD: Final = 32 * 1024
"""Bytes of request line and headers; the stream's own limit has to be the same."""
LONGEST_BODY: Final = 8 * 1024 * 1024
_PIECE: Final = 64 * 1024
_REQUEST_LINE: Final = re.compile(rb"([A-Z]{1,20}) ([!-~]+) HTTP/1\.[01]")
_HEADER: Final = re.compile(rb"([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*(.*?)[ \t]*")
_CHUNK_LENGTH: Final = re.compile(rb"([0-9A-Fa-f]{1,8})[ \t]*(?:;.*)?\r?\n", re.DOTALL)
_LONGEST_TRAILER: Final = 100


@frozen
class Head:
    """The first part of a request; names of headers are in lower case."""

    method: str
    target: str
    headers: dict[str, str]

    @property
    def path(self) -> str:
        """The path that is asked for, without a query."""
        return self.target.partition("?")[0]


async def read_head(stream: StreamReader) -> Head | None:
    """Read request line and headers, None where the client left. Raises `Refused`."""
    try:
        text = await stream.readuntil(b"\r\n\r\n")
    except IncompleteReadError as error:
        if not error.partial.strip():
            return None
        raise Refused(400, "not HTTP") from error
    except LimitOverrunError as error:
        raise Refused(431, "the headers are too long") from error
    first, *lines = text[:-4].split(b"\r\n")
    request = _REQUEST_LINE.fullmatch(first)
    if request is None:
        raise Refused(400, "not HTTP")
    headers: dict[str, str] = {}
    for line in lines:
        header = _HEADER.fullmatch(line)
        if header is None:
            raise Refused(400, "not HTTP")
        headers.setdefault(header[1].decode().lower(), _text(header[2]))
    return Head(request[1].decode(), request[2].decode(), headers)


def _text(value: bytes) -> str:
    try:
        return value.decode()
    except UnicodeDecodeError:
        return value.decode("latin-1")


def check_length(head: Head) -> None:
    """Refuse a body that says itself that it is too long, or does not say where it ends."""
    if "transfer-encoding" in head.headers:
        chunked = head.headers["transfer-encoding"].lower() == "chunked"
        if not chunked or "content-length" in head.headers:  # where one ends is in doubt
            raise Refused(400, "not HTTP")
        return
    length = head.headers.get("content-length")
    if length is None:
        raise Refused(411, "no Content-Length")
    if not length.isascii() or not length.isdigit():
        raise Refused(400, "not HTTP")
    if len(length) > 12 or int(length) > LONGEST_BODY:
        raise Refused(413, "the body is too long")


async def body_pieces(stream: StreamReader, head: Head) -> AsyncIterator[bytes]:
    """Yield the body as it comes, after `check_length`. Raises `Refused`."""
    if "transfer-encoding" not in head.headers:
        async for piece in _exactly(stream, int(head.headers["content-length"])):
            yield piece
        return
    total = 0
    while length := await _chunk_length(stream):
        total += length
        if total > LONGEST_BODY:
            raise Refused(413, "the body is too long")
        async for piece in _exactly(stream, length):
            yield piece
        if await _line(stream) not in (b"\r\n", b"\n"):
            raise Refused(400, "not HTTP")
    for _ in range(_LONGEST_TRAILER):
        if (await _line(stream)) in (b"\r\n", b"\n", b""):
            return
    raise Refused(400, "not HTTP")


async def _exactly(stream: StreamReader, length: int) -> AsyncIterator[bytes]:
    while length:
        piece = await stream.read(min(length, _PIECE))
        if not piece:
            raise Refused(400, "the body was cut off")
        length -= len(piece)
        yield piece


async def _chunk_length(stream: StreamReader) -> int:
    found = _CHUNK_LENGTH.fullmatch(await _line(stream))
    if found is None:
        raise Refused(400, "not HTTP")
    return int(found[1], 16)


async def _line(stream: StreamReader) -> bytes:
    try:
        return await stream.readline()
    except ValueError as error:  # it is longer than the stream's limit
        raise Refused(400, "not HTTP") from error
