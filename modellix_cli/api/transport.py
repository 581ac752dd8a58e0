"""How one request travels: TLS, proxy, time limits, a bounded reply. No retries, no meaning.

`Transport.send` returns whatever answer came, or raises `NotSent` when it is certain that the
server got nothing, `Cut` when it may have. That difference is what paying once rests on.
"""

import socket
import ssl
import zlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

import httpx

from modellix_cli import __version__
from modellix_cli.clock import Clock
from modellix_cli.domain.errors import ErrorCode
from modellix_cli.domain.text import without_secrets
from modellix_cli.domain.values import LOOPBACK

MAX_REPLY_BYTES: Final = 16 * 1024 * 1024
USER_AGENT: Final = f"modellix-cli-python/{__version__}"

_TIMEOUTS: Final = httpx.Timeout(connect=10.0, read=30.0, write=60.0, pool=None)
_SLOW_REPLY: Final = 120.0  # seconds for a whole reply that trickles
_NEVER_SENT: Final = (
    httpx.ConnectError,
    httpx.ConnectTimeout,
    httpx.PoolTimeout,
    httpx.ProxyError,
    httpx.UnsupportedProtocol,
    httpx.LocalProtocolError,
)

Trace = Callable[[str], None]
WsgiApp = Callable[..., Any]


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer: status, headers by lower-case name, and the whole body."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class NotSent(Exception):
    """The server got nothing. `code` tells a network failure from a TLS one.

    `cause` is one word for what stood in the way: dns, refused, timeout, tls, certificates, proxy,
    or network for all else; more may come.
    """

    def __init__(
        self, reason: str, code: ErrorCode = ErrorCode.NETWORK, cause: str = "network"
    ) -> None:
        super().__init__(reason)
        self.reason = reason
        self.code = code
        self.cause = cause


class ConnectionLost(Exception):
    """The request left, at least in part, and no whole reply came back; `body` is what did."""

    def __init__(self, reason: str, body: bytes = b"") -> None:
        super().__init__(reason)
        self.reason = reason
        self.body = body


class Transport:
    """Connections to one base URL, safe to use from several threads."""

    def __init__(
        self,
        base_url: str,
        *,
        clock: Clock,
        trace: Trace | None = None,
        wsgi: WsgiApp | None = None,
    ) -> None:
        self._base_url = base_url
        self._clock = clock
        self._trace = trace or (lambda line: None)
        self._proxy = None if wsgi is not None else proxy_for(base_url)
        self._http = httpx.Client(
            transport=open_transport(base_url, wsgi), timeout=_TIMEOUTS, trust_env=False
        )

    def send(
        self,
        method: str,
        path: str,
        *,
        headers: Mapping[str, str],
        body: bytes | None = None,
        attempt: str = "1/1",
    ) -> Reply:
        """Send one request and read its whole reply. Raises `NotSent` or `Cut`."""
        self._trace(f"request {method} {path} attempt {attempt}")
        started = self._clock.monotonic()
        body_read = bytearray()
        standard = {"User-Agent": USER_AGENT, "Accept-Encoding": "identity"}
        try:
            request = self._http.build_request(
                method, self._base_url + path, headers=standard | dict(headers), content=body
            )
        except (httpx.InvalidURL, ValueError) as error:
            raise NotSent(f"the address is not valid ({error})") from error
        try:
            response = self._http.send(request, stream=True)
            try:
                self._read(response, body_read)
            finally:
                response.close()
                self._http.cookies.clear()
            reply = Reply(response.status_code, response.headers, bytes(body_read))
        except _NEVER_SENT as error:
            failure = not_sent(error, self._proxy)
            self._trace(f"not sent {method} {path}: {failure.reason}")
            raise failure from error
        except (httpx.HTTPError, httpx.StreamError, OSError, ValueError, zlib.error) as error:
            reason = describe(error)
            self._trace(f"network failure {method} {path}: {reason}")
            raise ConnectionLost(reason, bytes(body_read)) from error
        spent = (self._clock.monotonic() - started) * 1000
        self._trace(f"response {reply.status} {method} {path} after {spent:.0f}ms")
        return reply

    def _read(self, response: httpx.Response, body: bytearray) -> None:
        """Fill `body`; what it holds when this fails is what arrived. Raises `ValueError` too."""
        deadline = self._clock.monotonic() + _SLOW_REPLY
        expand = _expander(response.headers.get("content-encoding", ""))
        for chunk in response.iter_raw():
            body += expand(chunk, MAX_REPLY_BYTES + 1 - len(body))
            if len(body) > MAX_REPLY_BYTES:
                raise ValueError(f"the reply exceeds {MAX_REPLY_BYTES} bytes")
            if self._clock.monotonic() > deadline:
                raise ValueError(f"the reply took longer than {_SLOW_REPLY:.0f} s")

    def close(self) -> None:
        """Close the connections."""
        self._http.close()


def _expander(encoding: str) -> Callable[[bytes, int], bytes]:
    """Return what undoes a content encoding, up to a number of bytes; none was asked for."""
    name = encoding.strip().lower()
    if name in ("", "identity"):
        return lambda data, limit: data
    if name not in ("gzip", "x-gzip"):
        raise ValueError("the reply is compressed in a way that was not asked for")
    return zlib.decompressobj(wbits=31).decompress


def open_transport(url: str, wsgi: WsgiApp | None) -> httpx.BaseTransport:
    """Return the httpx transport for `url`: the sandbox's app, or the network, by proxy if set."""
    if wsgi is not None:
        return httpx.WSGITransport(app=wsgi)
    proxy = proxy_for(url)
    secure_proxy = proxy is not None and proxy.startswith("https:")
    if proxy is not None and not secure_proxy and not proxy.startswith("http:"):
        raise NotSent(f"the proxy {shown_proxy(proxy)} is neither http nor https", cause="proxy")
    needs_tls = secure_proxy or urlsplit(url).scheme == "https"
    # Loading the trusted certificates costs more than the request where no TLS is spoken.
    context = tls_context() if needs_tls else ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    try:
        tls = context if secure_proxy else None
        through = httpx.Proxy(proxy, ssl_context=tls) if proxy else None
    except (httpx.InvalidURL, ValueError):  # its text would show a password
        reason = f"the address of the proxy {shown_proxy(proxy or '')} is not valid"
        raise NotSent(reason, cause="proxy") from None
    return httpx.HTTPTransport(verify=context, proxy=through)


def proxy_for(url: str) -> str | None:
    """Return the proxy that the environment or system names for `url`, or None."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    if host in LOOPBACK:
        return None
    if proxy_bypass(f"{host}:{parts.port}" if parts.port else host):
        return None
    proxies = getproxies()
    proxy = proxies.get(parts.scheme) or proxies.get("all")
    if not proxy:
        return None
    return proxy if "://" in proxy else f"http://{proxy}"


def shown_proxy(proxy: str) -> str:
    """Return a proxy's address without the user name and password it may carry."""
    scheme, _, rest = proxy.partition("://")
    return without_secrets(f"{scheme}://{rest.rpartition('@')[2].split('/')[0]}")


def tls_context() -> ssl.SSLContext:
    """Return a context that trusts SSL_CERT_FILE or SSL_CERT_DIR if set, else the system's store.

    Raises `NotSent` when SSL_CERT_FILE cannot be read.
    """
    import os

    bundle, folder = os.environ.get("SSL_CERT_FILE"), os.environ.get("SSL_CERT_DIR")
    if bundle or folder:
        try:
            return ssl.create_default_context(cafile=bundle or None, capath=folder or None)
        except OSError as error:
            reason = f"SSL_CERT_FILE {bundle} cannot be used: {error}"
            raise NotSent(reason, ErrorCode.TLS, "certificates") from error
    import truststore

    return truststore.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


def not_sent(error: Exception, proxy: str | None = None) -> NotSent:
    """Name the cause of a connection that was never made: TLS, proxy, DNS, refusal, time.

    With a `proxy`, it is the proxy that could not be reached; only TLS is spoken with the server.
    """
    causes = list(_causes(error))
    for cause in causes:
        if isinstance(cause, ssl.SSLError):
            known = (getattr(cause, name, None) for name in ("verify_message", "reason"))
            why = next(filter(None, known), cause)
            return NotSent(f"TLS failed: {why}", ErrorCode.TLS, "tls")
    reason, word = describe(error), "network"
    if any(isinstance(cause, socket.gaierror) for cause in causes):
        reason, word = "its name cannot be resolved", "dns"
    elif any(isinstance(cause, ConnectionRefusedError) for cause in causes):
        reason, word = "nothing listens there (connection refused)", "refused"
    elif isinstance(error, httpx.ConnectTimeout):
        word = "timeout"
    if isinstance(error, httpx.ProxyError):
        return NotSent(reason, cause="proxy")
    if proxy is not None and word != "network":
        return NotSent(f"the proxy {shown_proxy(proxy)}: {reason}", cause="proxy")
    return NotSent(reason, cause=word)


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def describe(error: Exception) -> str:
    """Say in a few words what went wrong on the wire."""
    if isinstance(error, httpx.ConnectTimeout):
        return "connecting timed out"
    if isinstance(error, httpx.TimeoutException):
        return "the server did not answer in time"
    if isinstance(error, httpx.ProxyError):
        return f"the proxy refused: {error}"
    return without_secrets(str(error)).rstrip(".") or type(error).__name__
