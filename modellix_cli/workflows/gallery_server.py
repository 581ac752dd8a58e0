"""Serves a gallery to this machine: the page, its data, and the media files that it shows.

Requests that name another host are refused, so that no page of the web reaches it under a name
that leads to this machine (DNS rebinding).
"""

import os
import re
from collections.abc import Callable
from contextlib import suppress
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import BinaryIO, Final, Protocol

from modellix_cli.domain.errors import ModellixError
from modellix_cli.output.gallery.page import Gallery, data, page
from modellix_cli.workflows.gallery_items import MEDIA_TYPES

HOST: Final = "127.0.0.1"
_NAMES: Final = ("127.0.0.1", "localhost", "[::1]")
_RANGE: Final = re.compile(r"bytes=(\d{0,18})-(\d{0,18})")
_MEDIA: Final = re.compile(r"/media/([0-9a-f]{16})/")
_PIECE: Final = 256 * 1024
_COMMON: Final = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "X-Frame-Options": "DENY",
}


class Source(Protocol):
    """What is served."""

    def current(self) -> Gallery:
        """Return the gallery as it is now. Raises the ledger's errors."""

    def media(self, id_: str) -> Path | None:
        """Return where a media file of the gallery is, None if it is none of its."""


class GalleryServer(ThreadingHTTPServer):
    """Listens on 127.0.0.1; run `serve_forever`, stop it with `shutdown`."""

    daemon_threads = True
    allow_reuse_address = os.name == "posix"

    def __init__(self, port: int, source: Source) -> None:
        self.source = source
        super().__init__((HOST, port), _Handler)

    @property
    def port(self) -> int:
        """The port it listens on."""
        return int(self.server_address[1])

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing: a client that left is not the server's business."""


def serve(port: int, source: Source, ready: Callable[[int], None]) -> None:
    """Serve until Ctrl-C; port 0 takes a free one, and `ready` is told which.

    Raises `OSError` if the port cannot be had.
    """
    with GalleryServer(port, source) as server, suppress(KeyboardInterrupt):
        ready(server.port)
        server.serve_forever(poll_interval=0.1)


class _Handler(BaseHTTPRequestHandler):
    """One connection."""

    server: GalleryServer
    protocol_version = "HTTP/1.1"
    timeout = 60.0
    server_version = "modellix-cli"
    sys_version = ""

    def do_GET(self) -> None:
        """Answer with the page, its data, or a media file."""
        with suppress(ConnectionError, TimeoutError):
            self._answer()

    do_HEAD = do_GET  # noqa: N815

    def _answer(self) -> None:
        if self.headers.get("Host", "").lower() not in self._hosts():
            self._text(421, "This server answers to its own address only.")
            return
        path = self.path.partition("?")[0]
        if media := _MEDIA.match(path):
            self._media(self.server.source.media(media[1]))
        elif path in ("/", "/gallery.json"):
            self._gallery(path)
        else:
            self._text(404, "There is nothing at this address.")

    def _gallery(self, path: str) -> None:
        try:
            gallery = self.server.source.current()
        except ModellixError as error:
            self._text(503, error.message)
            return
        if path == "/":
            self._text(200, page(gallery), "text/html; charset=utf-8")
        else:
            self._data(gallery)

    def _hosts(self) -> set[str]:
        port = self.server.port
        bare = set(_NAMES) if port == 80 else set()
        return bare | {f"{name}:{port}" for name in _NAMES}

    def _data(self, gallery: Gallery) -> None:
        """Send the gallery's data, or 304 if the page has it."""
        tag = f'"{gallery.version}"'
        if self.headers.get("If-None-Match") == tag:
            self._head(304, {"ETag": tag})
        else:
            self._text(200, data(gallery), "application/json", {"ETag": tag})

    def _media(self, path: Path | None) -> None:
        try:
            file = None if path is None or not path.is_file() else path.open("rb")
        except OSError:
            file = None
        if file is None or path is None:
            self._text(404, "The file is not there.")
            return
        with file:
            self._file(file, path)

    def _file(self, file: BinaryIO, path: Path) -> None:
        """Send a file or the range of it that was asked for."""
        facts = os.fstat(file.fileno())
        size = facts.st_size
        headers = {
            "Content-Type": MEDIA_TYPES.get(path.suffix.lower(), "application/octet-stream"),
            "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; sandbox",
            "Accept-Ranges": "bytes",
            "Last-Modified": formatdate(facts.st_mtime, usegmt=True),
        }
        span = byte_range(self.headers.get("Range"), size)
        if span is None:
            self._head(416, {"Content-Range": f"bytes */{size}", "Content-Length": "0"})
            return
        start, end = span
        status = 200
        if self.headers.get("Range") and span != (0, size):
            status = 206
            headers["Content-Range"] = f"bytes {start}-{end - 1}/{size}"
        self._head(status, headers | {"Content-Length": str(end - start)})
        if self.command != "HEAD":
            self._copy(file, start, end)

    def _copy(self, file: BinaryIO, start: int, end: int) -> None:
        file.seek(start)
        left = end - start
        while left > 0:
            piece = file.read(min(_PIECE, left))
            if not piece:  # it became shorter: what was announced cannot be sent
                self.close_connection = True
                return
            self.wfile.write(piece)
            left -= len(piece)

    def _text(
        self,
        status: int,
        text: str,
        type_: str = "text/plain; charset=utf-8",
        headers: dict[str, str] | None = None,
    ) -> None:
        content = text.encode("utf-8", "replace")
        facts = {"Content-Type": type_, "Content-Length": str(len(content))}
        self._head(status, facts | {"Cache-Control": "no-cache"} | (headers or {}))
        if self.command != "HEAD":
            self.wfile.write(content)

    def _head(self, status: int, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in (_COMMON | headers).items():
            self.send_header(name, value)
        self.end_headers()

    def log_message(self, *parts: object) -> None:
        """Write no log."""


def byte_range(header: str | None, size: int) -> tuple[int, int] | None:
    """Return from where and to where a file of `size` bytes is to be sent; None if it cannot be.

    Several ranges, and what is no range, give the whole file, as HTTP allows.

    >>> byte_range("bytes=10-19", 100), byte_range("bytes=-5", 100), byte_range("bytes=100-", 100)
    ((10, 20), (95, 100), None)
    """
    found = _RANGE.fullmatch((header or "").strip())
    if not found or found[1] == found[2] == "":
        return 0, size
    if found[1] == "":
        last = int(found[2])
        return (max(0, size - last), size) if last and size else None
    start = int(found[1])
    end = min(int(found[2]) + 1, size) if found[2] else size
    if found[2] and int(found[2]) < start:
        return 0, size
    return (start, end) if start < size else None
