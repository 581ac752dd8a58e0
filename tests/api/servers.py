"""Servers of a few lines for tests of the wire: each connection is treated by a function."""

import contextlib
import socket
import threading
from collections.abc import Callable

Handler = Callable[[socket.socket], None]


class Servers:
    """Starts servers on this machine and ends them all."""

    def __init__(self) -> None:
        self._open: list[socket.socket] = []
        self.connections = 0

    def start(self, handle: Handler) -> int:
        """Treat each connection with `handle`, in a thread of its own; return the port."""
        server = socket.create_server(("127.0.0.1", 0))
        self._open.append(server)

        def serve(connection: socket.socket) -> None:
            with connection, contextlib.suppress(OSError):
                handle(connection)

        def loop() -> None:
            while True:
                try:
                    connection, _ = server.accept()
                except OSError:
                    return
                self.connections += 1
                threading.Thread(target=serve, args=(connection,), daemon=True).start()

        threading.Thread(target=loop, daemon=True).start()
        port: int = server.getsockname()[1]
        return port

    def close(self) -> None:
        for server in self._open:
            server.close()


def request_of(connection: socket.socket) -> bytes:
    """Return one whole request, b"" where the client has gone."""
    data = b""
    while b"\r\n\r\n" not in data:
        more = connection.recv(65536)
        if not more:
            return b""
        data += more
    head, _, body = data.partition(b"\r\n\r\n")
    length = next(
        (
            int(line.split(b":")[1])
            for line in head.split(b"\r\n")
            if line.lower().startswith(b"content-length:")
        ),
        0,
    )
    while len(body) < length:
        more = connection.recv(65536)
        if not more:
            return b""
        body += more
    return head + b"\r\n\r\n" + body


def reply(body: bytes, status: bytes = b"200 OK", *headers: bytes) -> bytes:
    """A whole reply with a Content-Length."""
    lines = [b"HTTP/1.1 " + status, b"Content-Length: %d" % len(body), *headers]
    return b"\r\n".join(lines) + b"\r\n\r\n" + body


def answering(*replies: bytes) -> Handler:
    """Answer the requests of each connection with these, in turn, then close it."""

    def handle(connection: socket.socket) -> None:
        for data in replies:
            if not request_of(connection):
                return
            connection.sendall(data)

    return handle


def dripping(before: bytes, drip: bytes, after: threading.Event) -> Handler:
    """Answer with `before`, then with `drip` again and again until the test has ended."""

    def handle(connection: socket.socket) -> None:
        request_of(connection)
        connection.sendall(before)
        while not after.wait(0.02):
            connection.sendall(drip)

    return handle
