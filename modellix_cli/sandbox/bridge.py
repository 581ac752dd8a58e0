"""From the standard library's HTTP request to WSGI and back, for HTTP/1.1 with keep-alive."""

import io
import re
import sys
from collections.abc import Callable, Iterable
from email.message import Message
from http.server import BaseHTTPRequestHandler
from typing import Final
from urllib.parse import unquote

from modellix_cli.domain.jsontext import JsonObject
from modellix_cli.sandbox.wire import MAX_BODY_BYTES

_MAX_LINE: Final = 4096
_PIECE: Final = 64 * 1024
_ORIGIN: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://[^/?]*")


class BadBody(Exception):
    """A request body that cannot be read; `status` says why (400, 411 or 413)."""

    def __init__(self, status: int, detail: str) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail


def check_body(headers: "Message[str, str]") -> int | None:
    """Return the announced length in bytes, None for a chunked body. Raises `BadBody`."""
    encoding = headers.get("Transfer-Encoding")
    length = headers.get("Content-Length", "0").strip()
    if encoding is not None:
        if encoding.strip().lower() != "chunked":
            raise BadBody(411, "Content-Length is missing")
        return None
    if not (length.isascii() and length.isdigit()):
        raise BadBody(400, "Content-Length is not a number")
    if len(length.lstrip("0")) > 18 or int(length[-18:]) > MAX_BODY_BYTES:
        raise _too_large()
    return int(length)


class LazyBody:
    """A request body that is read from the connection when the app asks for it, then whole.

    So an app can refuse a request, or count it as running, while its body is still coming.
    Reading raises what `read_body` raises.
    """

    def __init__(self, stream: io.BufferedIOBase, length: int | None) -> None:
        self._stream = stream
        self._length = length
        self._data: io.BytesIO | None = None

    def take(self) -> io.BytesIO:
        """Return the body, read whole."""
        if self._data is None:
            self._data = io.BytesIO(read_body(self._stream, self._length))
        return self._data

    def read(self, size: int = -1) -> bytes:
        """Return the next `size` bytes, all that are left for -1."""
        return self.take().read(size)


def read_body(stream: io.BufferedIOBase, length: int | None) -> bytes:
    """Read a body whole; `length` is what `check_body` returned.

    Raises `BadBody`, and `ConnectionError` if the client leaves half-way.
    """
    return _read_chunks(stream) if length is None else _exactly(stream, length)


def _read_chunks(stream: io.BufferedIOBase) -> bytes:
    body = bytearray()
    while size := _chunk_size(stream.readline(_MAX_LINE)):
        if len(body) + size > MAX_BODY_BYTES:
            raise _too_large()
        body += _exactly(stream, size)
        if stream.readline(_MAX_LINE).strip():
            raise BadBody(400, "a chunk is longer than it says")
    for _ in range(100):
        if not stream.readline(_MAX_LINE).strip():
            return bytes(body)
    raise BadBody(400, "too many trailers")


def _chunk_size(line: bytes) -> int:
    written = line.split(b";")[0].strip()
    if not line.endswith(b"\n"):
        raise ConnectionAbortedError("the client left")
    if not 0 < len(written) <= 12 or set(written.lower()) - set(b"0123456789abcdef"):
        raise BadBody(400, "a chunk has no size")
    return int(written, 16)


def _exactly(stream: io.BufferedIOBase, length: int) -> bytes:
    data = stream.read(length)
    if len(data) < length:
        raise ConnectionAbortedError("the client left")
    return data


def _too_large() -> BadBody:
    return BadBody(413, f"the body is over {MAX_BODY_BYTES} bytes")


def environ(
    handler: BaseHTTPRequestHandler, body: LazyBody, length: int | None, port: int
) -> JsonObject:
    """Return the WSGI environment of the request that `handler` has parsed.

    `length` is that of the body, None for a chunked one.
    """
    path, _, query = _ORIGIN.sub("", handler.path, count=1).partition("?")
    variables: JsonObject = {
        "REQUEST_METHOD": handler.command,
        "SCRIPT_NAME": "",
        "PATH_INFO": unquote(path, "latin-1"),
        "QUERY_STRING": query,
        "SERVER_NAME": "127.0.0.1",
        "SERVER_PORT": str(port),
        "SERVER_PROTOCOL": handler.request_version,
        "REMOTE_ADDR": str(handler.client_address[0]),
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "http",
        "wsgi.input": body,
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
    }
    for name, value in handler.headers.items():
        variables[f"HTTP_{name.upper().replace('-', '_')}"] = value
    for name in ("HTTP_TRANSFER_ENCODING", "HTTP_CONTENT_LENGTH", "HTTP_CONTENT_TYPE"):
        variables.pop(name, None)
    if length is None:
        variables["HTTP_TRANSFER_ENCODING"] = "chunked"
    variables["CONTENT_LENGTH"] = "" if length is None else str(length)
    variables["CONTENT_TYPE"] = handler.headers.get("Content-Type", "")
    return variables


class Reply:
    """What an app answers, and how it goes out: head and first bytes in one packet."""

    def __init__(self, stream: io.BufferedIOBase, *, keep_alive: bool) -> None:
        self._stream = stream
        self._connection = "keep-alive" if keep_alive else "close"
        self._head = b""
        self.begun = False
        """Whether anything was sent, so that no other answer can be given."""

    def start(
        self, status: str, headers: list[tuple[str, str]], failure: object = None
    ) -> Callable[[bytes], None]:
        """Be the app's `start_response`."""
        fields = [*headers, ("Connection", self._connection)]
        lines = [f"HTTP/1.1 {status}", *(f"{name}: {value}" for name, value in fields), "\r\n"]
        self._head = "\r\n".join(lines).encode("latin-1", "replace")
        return self._write

    def send(self, body: Iterable[bytes]) -> None:
        """Send all of `body`, whose length the app announced, then let it go."""
        try:
            for chunk in body:
                self._write(chunk)
            if not self.begun:
                self._write(b"")
        finally:
            close = getattr(body, "close", None)
            if close is not None:
                close()

    def _write(self, data: bytes) -> None:
        if not self.begun:
            self.begun = True
            self._stream.write(self._head + data[:_PIECE])
            data = data[_PIECE:]
        if data:
            self._stream.write(data)
