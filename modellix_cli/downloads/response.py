"""Reading one answer of a media host: what it says about the file, and the bytes of its body.

httpx hands out at most 64 KiB at a time and copies them twice. For hundreds of MiB that costs more
than the network does, so the bytes of a big body of known length are read from the connection that
httpx shows as `network_stream`: through the same TLS, the same proxy. It cannot be used again then.
"""

import base64
import binascii
import re
import socket
import ssl
import time
from collections.abc import Iterator, Mapping
from typing import Final

import httpx

from modellix_cli.api.deadline import TIME_IS_UP, Deadline
from modellix_cli.api.retry import http_date
from modellix_cli.domain.frozen import frozen

BIG: Final = 32 * 1024 * 1024
"""Bytes from which on a fast body is worth a connection."""
RING: Final = 4
"""A piece that is a memoryview is good until this number of pieces less one was asked for."""
_READ: Final = 1024 * 1024
_ENOUGH: Final = 256 * 1024
_LONGEST_FILL: Final = 0.1  # seconds; a slow host's bytes are passed on as they come

_STRONG: Final = re.compile(r'"[\x21\x23-\x7e]{0,200}"')
_CONTENT_RANGE: Final = re.compile(r"bytes ([0-9]{1,18})-([0-9]{1,18})/([0-9]{1,18})")

_SIZES: Final = {"sha256": 32, "sha512": 64, "md5": 16}
_NAMES: Final = {"sha-256": "sha256", "sha-512": "sha512", "md5": "md5"}
_ITEM: Final = re.compile(r"\s*([A-Za-z0-9-]+)=:?([A-Za-z0-9+/]{1,100}={0,2}):?\s*")
_MAX_HEADER: Final = 4096


@frozen
class Version:
    """Which version of a file a host has: its `ETag` and `Last-Modified`, None where not said."""

    etag: str | None = None
    modified: str | None = None

    @classmethod
    def of(cls, headers: Mapping[str, str]) -> "Version":
        """Read the headers of an answer; what is absurdly long does not count."""
        etag, modified = (headers.get(name, "").strip() for name in ("etag", "last-modified"))
        return cls(etag[:202] or None, modified if 0 < len(modified) < 64 else None)

    @property
    def validator(self) -> str | None:
        """What `If-Range` can compare: a strong ETag, else the time of the last change."""
        if self.etag is not None and _STRONG.fullmatch(self.etag):
            return self.etag
        dated = self.modified is not None and http_date(self.modified) is not None
        return self.modified if dated else None

    def agrees(self, other: "Version") -> bool:
        """Whether nothing that both say differs."""
        pairs = ((self.etag, other.etag), (self.modified, other.modified))
        return all(a == b or a is None or b is None for a, b in pairs)


@frozen
class Resume:
    """What is there of a file: its first `offset` bytes, of `length` if that is known."""

    offset: int
    version: Version
    length: int | None = None

    @property
    def headers(self) -> dict[str, str]:
        """The request headers that ask for the rest, or for all if the file has changed."""
        return {"Range": f"bytes={self.offset}-", "If-Range": self.version.validator or ""}

    def total(self, headers: Mapping[str, str]) -> int | None:
        """Return the length of the file if this 206 is the rest of it, else None.

        Hosts that ignore `If-Range` send a part of whatever file is there now.
        """
        match = _CONTENT_RANGE.fullmatch(headers.get("content-range", "").strip())
        if match is None or not self.version.agrees(Version.of(headers)):
            return None
        first, last, total = (int(number) for number in match.groups())
        fits = first == self.offset <= last < total and self.length in (None, total)
        return total if fits else None


@frozen
class Checksum:
    """What a file's bytes must hash to; `algorithm` is hashlib's name for it."""

    algorithm: str
    digest: bytes


def promised_checksum(headers: Mapping[str, str]) -> Checksum | None:
    """Return the best checksum that the headers of a whole reply (200) give, or None.

    A value that is not one (malformed, of the wrong length, of a file in parts) does not count.
    """
    found: dict[str, Checksum] = {}
    for header in ("repr-digest", "digest", "x-goog-hash"):
        for item in headers.get(header, "")[:_MAX_HEADER].split(","):
            if match := _ITEM.fullmatch(item):
                _add(found, _NAMES.get(match[1].lower(), ""), match[2])
    _add(found, "sha256", headers.get("x-amz-checksum-sha256", ""))
    _add(found, "md5", headers.get("content-md5", ""))
    return next((found[name] for name in _SIZES if name in found), None)


def _add(found: dict[str, Checksum], algorithm: str, encoded: str) -> None:
    try:
        digest = base64.b64decode(encoded.strip()[:100], validate=True)
    except (binascii.Error, ValueError):
        return
    if algorithm in _SIZES and len(digest) == _SIZES[algorithm]:
        found.setdefault(algorithm, Checksum(algorithm, digest))


def announced_length(headers: Mapping[str, str]) -> int | None:
    """Return `Content-Length`, None if it is missing or no number."""
    text = headers.get("content-length", "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else None


def body(response: httpx.Response, length: int | None) -> Iterator[bytes | memoryview]:
    """Yield the body of an answer, `length` bytes if that was announced. Raises httpx's errors."""
    source = response.iter_raw()
    connection = _socket(response)
    chunked = "transfer-encoding" in response.headers
    if connection is None or length is None or length < BIG or chunked:
        yield from source
        return
    # What came together with the head has been read already; this is all of it.
    first = next(source, b"")
    yield first
    silence = response.request.extensions["timeout"]["read"]
    deadline: Deadline = response.request.extensions["deadline"]
    rooms, left = [memoryview(bytearray(_READ)) for _ in range(RING)], length - len(first)
    while left > 0:
        rooms.append(rooms.pop(0))
        count, error = _fill(connection, rooms[0][: min(_READ, left)], silence, deadline)
        left -= count
        if count:
            yield rooms[0][:count]
        if error is not None:
            raise error


def _socket(response: httpx.Response) -> socket.socket | None:
    """Return the socket that an answer comes from, None where it carries TLS within TLS."""
    stream = response.extensions.get("network_stream")
    if stream is None:
        return None
    connection: socket.socket | None = stream.get_extra_info("socket")
    within = isinstance(stream.get_extra_info("ssl_object"), ssl.SSLObject)
    return None if within else connection


def _fill(
    connection: socket.socket, room: memoryview, silence: float, deadline: Deadline
) -> tuple[int, httpx.HTTPError | None]:
    """Read a good piece (TLS gives 16 KiB at a time); return its size and what ended the body."""
    filled, until = 0, time.monotonic() + _LONGEST_FILL
    try:
        if not deadline.may_read():
            return 0, httpx.ReadTimeout(TIME_IS_UP)
        connection.settimeout(deadline.patience(silence))
        while filled < min(len(room), _ENOUGH) and (not filled or time.monotonic() < until):
            count = connection.recv_into(room[filled:])
            if not count:
                end = "the host closed the connection before the end"
                return filled, httpx.RemoteProtocolError(end)
            filled += count
    except TimeoutError as error:
        return filled, httpx.ReadTimeout(str(error))
    except OSError as error:
        return filled, httpx.ReadError(str(error))
    return filled, None
