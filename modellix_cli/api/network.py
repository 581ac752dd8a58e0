"""Connections whose exchanges end in time, as an httpx transport over httpcore's public parts.

httpx limits each silence on the wire but not the whole: a byte now and then holds it for ever.
Here a request may carry a `Deadline` (in its extension `deadline`), which counts for everything:
connecting, TLS, sending, headers and body. It is known to the sockets by way of the thread, as
httpcore tells its network layer nothing about the request that it works for.
"""

import ssl
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any, Final, cast

import h11
import httpcore
import httpx

from modellix_cli.api.deadline import TIME_IS_UP, Deadline

_MOST_CONNECTIONS: Final = 100
_MOST_KEPT: Final = 20
_KEPT_SECONDS: Final = 5.0
_ERRORS: Final = (
    httpcore.TimeoutException,
    httpcore.NetworkError,
    httpcore.ProtocolError,
    httpcore.ProxyError,
    httpcore.UnsupportedProtocol,
)


class _Thread(threading.local):
    """The deadline of what this thread is doing."""

    deadline: Deadline | None = None


_thread = _Thread()


@contextmanager
def _within(deadline: Deadline | None) -> Iterator[None]:
    """Work under a deadline; raise what httpcore raises as what httpx calls it."""
    before, _thread.deadline = _thread.deadline, deadline
    try:
        yield
    except _ERRORS as error:
        raise getattr(httpx, type(error).__name__)(str(error)) from error
    finally:
        _thread.deadline = before


def _patience(timeout: float | None) -> float | None:
    deadline = _thread.deadline
    return timeout if deadline is None else deadline.patience(timeout)


class _ReplyEnd:
    """Finds bytes behind a reply, which the next request must not take for its own.

    It is a second parser beside that of httpcore, which keeps such bytes to itself.
    """

    def __init__(self) -> None:
        self._parser = h11.Connection(h11.CLIENT)
        self._parser.send(h11.Request(method="GET", target="/", headers=[("Host", "any")]))
        self._parser.send(h11.EndOfMessage())
        self.over = False
        self.surplus = False

    def feed(self, data: bytes) -> None:
        """Take the bytes that arrived; sets `over` at the end of the reply, and `surplus`."""
        try:
            self._parser.receive_data(data)
            while True:
                event = self._parser.next_event()
                if isinstance(event, h11.EndOfMessage):
                    self.over = True
                if event is h11.NEED_DATA or event is h11.PAUSED:
                    break
        except h11.RemoteProtocolError:
            self.surplus = True  # httpcore gives such a connection up as well
        self.surplus = self.surplus or bool(self._parser.trailing_data[0] and self.over)


class _Stream(httpcore.NetworkStream):
    """A connection under the deadline of whoever uses it; `watched` finds surplus bytes."""

    def __init__(self, stream: httpcore.NetworkStream, *, watched: bool) -> None:
        self._stream = stream
        self._watched = watched
        self._reply: _ReplyEnd | None = None

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        if _thread.deadline is not None and not _thread.deadline.may_read():
            raise httpcore.ReadTimeout(TIME_IS_UP)
        data = self._stream.read(max_bytes, _patience(timeout))
        if self._watched:
            self._reply = self._reply or _ReplyEnd()
            self._reply.feed(data)
        return data

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        if self._reply is not None and self._reply.over and not self._reply.surplus:
            self._reply = None
        self._stream.write(buffer, _patience(timeout))

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore.NetworkStream:
        secured = self._stream.start_tls(ssl_context, server_hostname, _patience(timeout))
        return _Stream(secured, watched=self._watched)

    def get_extra_info(self, info: str) -> Any:
        if info == "is_readable" and self._reply is not None and self._reply.surplus:
            return True  # how httpcore finds an idle connection that must not be used again
        return self._stream.get_extra_info(info)


class _Network(httpcore.NetworkBackend):
    """Opens connections as httpcore does by default, under the deadline of the thread.

    A host's name is ASCII by now: as bytes it is looked up as it is, while Python would load its
    tables of Unicode for a text, and raise `UnicodeError` for a label that is too long.
    """

    def __init__(self, *, watched: bool) -> None:
        self._backend = httpcore.SyncBackend()
        self._watched = watched

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: "Iterable[httpcore.SOCKET_OPTION] | None" = None,
    ) -> httpcore.NetworkStream:
        name = cast("str", host.encode("ascii"))  # `socket` takes bytes, httpcore hands them on
        stream = self._backend.connect_tcp(
            name, port, _patience(timeout), local_address, socket_options
        )
        return _Stream(stream, watched=self._watched)


class _Body(httpx.SyncByteStream):
    """A reply's body, read under the deadline of its request."""

    def __init__(self, stream: Iterable[bytes], deadline: Deadline | None) -> None:
        self._stream = stream
        self._deadline = deadline

    def __iter__(self) -> Iterator[bytes]:
        with _within(self._deadline):
            chunks = iter(self._stream)
        while True:
            with _within(self._deadline):
                chunk = next(chunks, None)
            if chunk is None:
                return
            yield chunk

    def close(self) -> None:
        if hasattr(self._stream, "close"):
            self._stream.close()


class NetworkTransport(httpx.BaseTransport):
    """An httpx transport that honours `Deadline`s; raises what httpx's own does.

    With `watched`, a connection is not used again if more than the reply came: for replies that
    are small, as each is read by a second parser.
    """

    def __init__(
        self, context: ssl.SSLContext, proxy: httpx.Proxy | None, *, watched: bool
    ) -> None:
        network = _Network(watched=watched)
        self._pool: httpcore.ConnectionPool
        if proxy is None:
            self._pool = httpcore.ConnectionPool(
                ssl_context=context,
                network_backend=network,
                max_connections=_MOST_CONNECTIONS,
                max_keepalive_connections=_MOST_KEPT,
                keepalive_expiry=_KEPT_SECONDS,
            )
        else:
            self._pool = httpcore.HTTPProxy(
                proxy_url=_url(proxy.url),
                proxy_auth=proxy.raw_auth,
                proxy_headers=proxy.headers.raw,
                ssl_context=context,
                proxy_ssl_context=proxy.ssl_context,
                network_backend=network,
                max_connections=_MOST_CONNECTIONS,
                max_keepalive_connections=_MOST_KEPT,
                keepalive_expiry=_KEPT_SECONDS,
            )

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request and return its reply, the body unread."""
        deadline = request.extensions.get("deadline")
        sent = httpcore.Request(
            request.method,
            _url(request.url),
            headers=request.headers.raw,
            content=request.stream,
            extensions=request.extensions,
        )
        with _within(deadline):
            reply = self._pool.handle_request(sent)
        assert isinstance(reply.stream, Iterable)
        return httpx.Response(
            reply.status,
            headers=reply.headers,
            stream=_Body(reply.stream, deadline),
            extensions=reply.extensions,
        )

    def close(self) -> None:
        """Close the connections."""
        self._pool.close()


def _url(url: httpx.URL) -> httpcore.URL:
    return httpcore.URL(
        scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path
    )
