"""Connections to hosts of media, kept and used again where that is safe.

What is kept is keyed by all that was checked: scheme, address, port, and the host in whose name
TLS was verified. A connection to a host is never used in the name of another at its address.
"""

import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import httpx

from modellix_cli.api.connecting import open_transport
from modellix_cli.api.proxies import proxy_for

if TYPE_CHECKING:
    from wsgiref.types import WSGIApplication

MAX_HOSTS: Final = 32
_BROKEN_OFF: Final = (httpx.RemoteProtocolError, httpx.ReadError, httpx.WriteError)

_Key = tuple[str, str, str, int | None]


@dataclass(slots=True, eq=False)
class _Kept:
    """The connections of one key; `busy` counts the answers that are being read from them."""

    transport: httpx.BaseTransport
    busy: int = 0
    used: bool = False
    retired: bool = False


class Connections:
    """Sends requests over kept connections; usable from several threads.

    With `wsgi` every request is answered in this process. Cookies are neither kept nor sent.
    """

    def __init__(self, wsgi: "WSGIApplication | None") -> None:
        self._wsgi = wsgi
        self._lock = threading.Lock()
        self._kept: dict[_Key, _Kept] = {}
        self._reading: dict[httpx.Response, _Kept] = {}

    @property
    def in_process(self) -> bool:
        """Whether there is no network: every request is answered in this process."""
        return self._wsgi is not None

    def proxy(self, url: str) -> str | None:
        """Return the proxy that `url` is asked through, None if its host is connected to."""
        return None if self.in_process else proxy_for(url)

    def send(self, request: httpx.Request, url: str, host: str) -> httpx.Response:
        """Send a GET in the name of `host`; return the answer, its body unread, for `finish`.

        The request may name an address of the host; `url`, which names the host, finds the proxy.
        Raises what httpx raises, and `NotSent` where a proxy or certificate file cannot be used.
        """
        key = (request.url.scheme, host, request.url.host, request.url.port)
        kept, used = self._take(key, url)
        try:
            return self._answer(kept, request)
        except _BROKEN_OFF:
            if not used:
                raise
        # The host may have closed a kept connection just then; a new one tells.
        with self._lock:
            if self._kept.get(key) is kept:
                del self._kept[key]
                self._retire(kept)
        return self._answer(self._take(key, url)[0], request)

    def finish(self, response: httpx.Response) -> None:
        """Be done with an answer; its connection is kept if all of it was read."""
        response.close()
        with self._lock:
            self._release(self._reading.pop(response))

    def close(self) -> None:
        """Close every connection."""
        with self._lock:
            for kept in {*self._kept.values(), *self._reading.values()}:
                kept.transport.close()
            self._kept.clear()

    def _take(self, key: _Key, url: str) -> tuple[_Kept, bool]:
        """Return what is kept for `key`, now busy, and whether it was used before."""
        with self._lock:
            kept = self._kept.get(key)
            if kept is None:
                self._make_room()
                kept = self._kept[key] = _Kept(open_transport(url, self._wsgi))
            used, kept.used = kept.used, True
            kept.busy += 1
            return kept, used

    def _answer(self, kept: _Kept, request: httpx.Request) -> httpx.Response:
        try:
            response = kept.transport.handle_request(request)
        except BaseException:
            with self._lock:
                self._release(kept)
            raise
        response.request = request
        with self._lock:
            self._reading[response] = kept
        return response

    def _make_room(self) -> None:
        """Let go of what is not in use if there is much of it."""
        idle = [key for key, kept in self._kept.items() if not kept.busy]
        for key in idle[: max(0, len(self._kept) - MAX_HOSTS + 1)]:
            self._retire(self._kept.pop(key))

    def _retire(self, kept: _Kept) -> None:
        """Close what is taken by nobody any more, as soon as nothing is read from it."""
        kept.retired = True
        if not kept.busy:
            kept.transport.close()

    def _release(self, kept: _Kept) -> None:
        kept.busy -= 1
        if kept.retired and not kept.busy:
            kept.transport.close()
