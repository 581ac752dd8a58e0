"""The sandbox on a port: threads, HTTP/1.1 with keep-alive, nothing on stderr."""

import json
import os
import socket
from collections.abc import Callable
from contextlib import suppress
from email.utils import formatdate
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler
from socketserver import TCPServer, ThreadingMixIn
from threading import Lock
from typing import TYPE_CHECKING, Final

from modellix_cli.sandbox.bridge import BadBody, LazyBody, Reply, check_body, environ

if TYPE_CHECKING:
    from wsgiref.types import WSGIApplication

_IDLE_SECONDS: Final = 75.0
_LINGER_SECONDS: Final = 2.0
_LINGER_BYTES: Final = 1024 * 1024

Connection = socket.socket | tuple[bytes, socket.socket]


def serve(app: "WSGIApplication", host: str, port: int, ready: Callable[[int], None]) -> None:
    """Serve a WSGI app until Ctrl-C; port 0 takes a free one, and `ready` is told which.

    Raises `OSError` if the port cannot be had.
    """
    with Server(app, host, port) as server, suppress(KeyboardInterrupt):
        ready(server.port)
        server.serve_forever(poll_interval=0.1)


class Server(ThreadingMixIn, TCPServer):
    """A listening socket for a WSGI app; run `serve_forever`, stop it with `shutdown`."""

    daemon_threads = True
    request_queue_size = 128
    # On Windows the option would let two servers share a port.
    allow_reuse_address = os.name == "posix"

    def __init__(self, app: "WSGIApplication", host: str, port: int) -> None:
        self.app = app
        self._open: set[socket.socket] = set()
        self._lock = Lock()
        self.address_family = socket.AF_INET6 if ":" in host else socket.AF_INET
        super().__init__((host, port), Handler)

    @property
    def port(self) -> int:
        """The port it listens on."""
        return int(self.server_address[1])

    def process_request(self, request: Connection, client_address: object) -> None:
        """Answer a connection in a thread of its own."""
        assert isinstance(request, socket.socket)  # datagrams come with their data
        with self._lock:
            self._open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Connection) -> None:
        """Close a connection."""
        assert isinstance(request, socket.socket)
        with self._lock:
            self._open.discard(request)
        super().shutdown_request(request)

    def server_close(self) -> None:
        """Stop listening and hang up on every client."""
        super().server_close()
        with self._lock:
            for connection in self._open:
                with suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing: a broken client is not the server's business."""


class Handler(BaseHTTPRequestHandler):
    """One connection: requests in, the app's answers out."""

    server: Server
    protocol_version = "HTTP/1.1"
    timeout = _IDLE_SECONDS
    disable_nagle_algorithm = True

    def answer(self) -> None:
        """Answer the request that was just parsed."""
        try:
            length = check_body(self.headers)
            self._run_app(LazyBody(self.rfile, length), length)
        except BadBody as problem:
            self._refuse(problem.status, f"Invalid format: {problem.detail}")
            self._linger()

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = do_OPTIONS = answer  # noqa: N815

    def _run_app(self, body: LazyBody, length: int | None) -> None:
        """Send what the app answers. Raises `BadBody`, before anything was sent."""
        reply = Reply(self.wfile, keep_alive=not self.close_connection)
        try:
            answer = self.server.app(environ(self, body, length, self.server.port), reply.start)
            body.take()  # what the app did not read; the next request follows it
            reply.send(answer)
        except BadBody:
            raise
        except (
            ConnectionError,
            TimeoutError,
        ):  # the client left, or a fault of the sandbox cuts the connection
            self.close_connection = True
        except Exception as error:  # noqa: BLE001 - whatever it is, the client gets an answer
            self.close_connection = True
            if not reply.begun:
                self._refuse(500, f"Internal error: {type(error).__name__}: {error}")

    def _refuse(self, status: int, message: str) -> None:
        """Answer with the API's JSON and end the connection: what follows cannot be trusted."""
        self.close_connection = True
        body = json.dumps({"code": status, "message": message}).encode()
        headers = [
            ("Content-Type", "application/json"),
            ("Content-Length", str(len(body))),
            ("Date", formatdate(usegmt=True)),
        ]
        reply = Reply(self.wfile, keep_alive=False)
        reply.start(f"{status} {HTTPStatus(status).phrase}", headers)
        reply.send([b"" if self.command == "HEAD" else body])

    def _linger(self) -> None:
        """Take some of what the client still sends; closing at once could lose the answer."""
        self.wfile.flush()
        self.connection.settimeout(_LINGER_SECONDS)
        with suppress(OSError):
            self.connection.shutdown(socket.SHUT_WR)
            left = _LINGER_BYTES
            while left > 0 and (data := self.rfile.read1(65536)):
                left -= len(data)

    def handle_expect_100(self) -> bool:
        """Ask for a body only if it would be taken."""
        try:
            check_body(self.headers)
        except BadBody as problem:
            self._refuse(problem.status, f"Invalid format: {problem.detail}")
            return False
        return super().handle_expect_100()

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """Answer a request that is not HTTP, or whose method is none."""
        status = 405 if code == HTTPStatus.NOT_IMPLEMENTED else code
        self._refuse(status, f"Invalid format: {message or HTTPStatus(status).phrase}")

    def log_message(self, *parts: object) -> None:
        """Write no log."""
