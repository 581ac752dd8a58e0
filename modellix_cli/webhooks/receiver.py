"""The HTTP server that takes webhooks: one thread, any number of clients, however slow.

A delivery is acknowledged before anything is done with it. Where there is no room for it the answer
is 503, and Modellix delivers it again (docs/spec/service.md 8). One request a connection.
"""

import asyncio
import socket
import threading
from asyncio import StreamReader, StreamWriter
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from http import HTTPStatus
from ipaddress import ip_address
from typing import Final

from modellix_cli.clock import Clock
from modellix_cli.webhooks.delivery import Delivery, Refused, read_delivery
from modellix_cli.webhooks.http_request import (
    LONGEST_HEAD,
    Head,
    body_pieces,
    check_length,
    read_head,
)

CLIENT_SECONDS: Final = 10.0
"""How long a client may take to send its request."""
_LINGER_SECONDS: Final = 1.0
_SETTLING_SECONDS: Final = 0.05
"""In which asyncio hands over clients that it accepted, and closes sockets that it is to close."""
_MOST_CLIENTS: Final = 400
_MOST_BYTES: Final = 64 * 1024 * 1024
_BACKLOG: Final = 256
_PIECE: Final = 64 * 1024


class Receiver:
    """Listens on `host`, which may be a name, for deliveries to `path`; port 0 takes a free one.

    `take` is given each delivery and the bytes of its body, in the receiver's thread, and says
    whether there was room. Raises `OSError` where the address cannot be had.
    """

    def __init__(
        self,
        host: str,
        port: int,
        path: str,
        take: Callable[[Delivery, int], bool],
        clock: Clock,
        *,
        most_clients: int = _MOST_CLIENTS,
        client_seconds: float = CLIENT_SECONDS,
    ) -> None:
        self._path = path
        self._take = take
        self._clock = clock
        self._most_clients = most_clients
        self._client_seconds = client_seconds
        self._clients: dict[asyncio.Task[None], None] = {}
        self._held = 0
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stopped: asyncio.Event | None = None
        self._thread: threading.Thread | None = None
        self._ready = threading.Event()
        self.refused: Counter[str] = Counter()
        """How many requests were no deliveries, by why."""
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        self._socket = socket.create_server(address[:2], family=family, backlog=_BACKLOG)

    @property
    def port(self) -> int:
        """The port it listens on."""
        return int(self._socket.getsockname()[1])

    @property
    def is_local(self) -> bool:
        """Whether only programs of this machine can reach it."""
        return ip_address(str(self._socket.getsockname()[0]).partition("%")[0]).is_loopback

    def start(self) -> None:
        """Begin to answer, in a thread of its own."""
        self._thread = threading.Thread(target=self._run, name="receiver", daemon=True)
        self._thread.start()
        self._ready.wait(5.0)

    def stop(self) -> None:
        """Take nothing more; clients whose request has not come are left without an answer."""
        if self._loop is not None and self._stopped is not None:
            with suppress(RuntimeError):  # it has ended already
                self._loop.call_soon_threadsafe(self._stopped.set)
        if self._thread is not None:
            self._thread.join(5.0)
        self._socket.close()

    def _run(self) -> None:
        asyncio.run(self._serve())

    async def _serve(self) -> None:
        self._loop, self._stopped = asyncio.get_running_loop(), asyncio.Event()
        self._loop.set_exception_handler(lambda loop, context: None)  # such as no more sockets
        server = await asyncio.start_server(
            self._answer, sock=self._socket, limit=LONGEST_HEAD, backlog=_BACKLOG
        )
        self._ready.set()
        await self._stopped.wait()
        server.close()
        await asyncio.sleep(_SETTLING_SECONDS)
        clients = list(self._clients)
        for client in clients:
            client.cancel()
        await asyncio.gather(*clients, return_exceptions=True)
        await asyncio.sleep(_SETTLING_SECONDS)

    async def _answer(self, stream: StreamReader, client: StreamWriter) -> None:
        """Answer one connection; where there are too many, the oldest ends."""
        task = asyncio.current_task()
        assert task is not None
        if len(self._clients) >= self._most_clients:
            next(iter(self._clients)).cancel()
        self._clients[task] = None
        try:
            await self._converse(stream, client)
        except (TimeoutError, OSError, asyncio.CancelledError):
            pass  # without an answer: Modellix delivers it again
        finally:
            self._clients.pop(task, None)
            client.close()

    async def _converse(self, stream: StreamReader, client: StreamWriter) -> None:
        try:
            async with asyncio.timeout(self._client_seconds):
                head = await read_head(stream)
                if head is None:
                    return
                status = await self._status(stream, client, head)
        except Refused as refusal:
            self.refused[refusal.reason] += 1
            status = refusal.status
        async with asyncio.timeout(_LINGER_SECONDS):
            client.write(_reply(status))
            await client.drain()
            client.write_eof()
            # Closing at once, while more is on its way, could lose the answer.
            while await stream.read(_PIECE):
                pass

    async def _status(self, stream: StreamReader, client: StreamWriter, head: Head) -> int:
        """Take a delivery; return the status to answer with. Raises `Refused`."""
        if head.path != self._path:
            raise Refused(404, "another path")
        if head.method != "POST":
            raise Refused(405, "another method than POST")
        check_length(head)
        if head.headers.get("expect", "").lower() == "100-continue":
            client.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        body = bytearray()
        try:
            async for piece in body_pieces(stream, head):
                self._held += len(piece)
                body += piece
                if self._held > _MOST_BYTES:
                    return 503
            delivery = read_delivery(head.headers, bytes(body), self._clock.now())
            return 200 if self._take(delivery, len(body)) else 503
        finally:
            self._held -= len(body)


def _reply(status: int) -> bytes:
    lines = [f"HTTP/1.1 {status} {HTTPStatus(status).phrase}", "Content-Length: 0"]
    lines += ["Connection: close"]
    lines += ["Allow: POST"] if status == 405 else []
    lines += ["Retry-After: 5"] if status == 503 else []
    return ("\r\n".join(lines) + "\r\n\r\n").encode()
