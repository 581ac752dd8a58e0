"""Reading the body of an answer: as httpx does, and past it where a file is big.

httpx hands out at most 64 KiB at a time and copies them twice. For hundreds of MiB that costs more
than the network does, so the bytes of a big body of known length are read from the connection that
httpx shows as `network_stream`: through the same TLS, the same proxy. It cannot be used again then.
"""

import socket
from collections.abc import Iterator
from typing import Final

import httpx

BIG: Final = 32 * 1024 * 1024
"""Bytes from which on a fast body is worth a connection."""
_READ: Final = 1024 * 1024


def body(response: httpx.Response, length: int | None) -> Iterator[bytes | memoryview]:
    """Yield the body of an answer, `length` bytes if that was announced. Raises httpx's errors.

    A piece that is a memoryview is good until the next one is asked for.
    """
    source = response.iter_raw()
    connection = _socket(response)
    chunked = "transfer-encoding" in response.headers
    if connection is None or length is None or length < BIG or chunked:
        yield from source
        return
    # What came together with the head has been read already; this is all of it.
    first = next(source, b"")
    yield first
    connection.settimeout(response.request.extensions["timeout"]["read"])
    room, left = memoryview(bytearray(_READ)), length - len(first)
    while left > 0:
        size = _read_into(connection, room[: min(_READ, left)])
        left -= size
        yield room[:size]


def _socket(response: httpx.Response) -> socket.socket | None:
    """Return the socket that an answer comes from, None where it carries TLS within TLS."""
    stream = response.extensions.get("network_stream")
    if stream is None:
        return None
    connection, tls = stream.get_extra_info("socket"), stream.get_extra_info("ssl_object")
    return connection if tls is None or tls is connection else None


def _read_into(connection: socket.socket, room: memoryview) -> int:
    try:
        size = connection.recv_into(room)
    except TimeoutError as error:
        raise httpx.ReadTimeout(str(error)) from error
    except OSError as error:
        raise httpx.ReadError(str(error)) from error
    if not size:
        raise httpx.RemoteProtocolError("the host closed the connection before the end")
    return size
