"""How an address is reached, and in which words it is not: proxy, TLS, certificates, DNS."""

import os
import socket
import ssl
from collections.abc import Iterator
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import httpx

from modellix_cli.api.proxies import Proxy, find_proxy
from modellix_cli.domain.errors import ErrorCode
from modellix_cli.domain.text import without_secrets

if TYPE_CHECKING:
    from wsgiref.types import WSGIApplication


class NotSent(Exception):
    """The server got nothing. `code` tells a network failure from a TLS one.

    `cause` is one word for what stood in the way: dns, refused, timeout, tls, certificates, proxy,
    or network for all else; more may come. `variable` is the environment variable at fault.
    """

    def __init__(
        self,
        reason: str,
        code: ErrorCode = ErrorCode.NETWORK,
        cause: str = "network",
        variable: str | None = None,
    ) -> None:
        super().__init__(reason)
        self.reason = reason
        self.code = code
        self.cause = cause
        self.variable = variable


class Route:
    """How an address is reached: directly, through a proxy, or as an app in this process.

    Raises `NotSent` when the proxy or the certificates that the environment names are unusable.
    """

    def __init__(self, url: str, wsgi: "WSGIApplication | None" = None) -> None:
        self.proxy = None if wsgi is not None else find_proxy(url)
        self._wsgi = wsgi
        proxy = self.proxy
        secure_proxy = proxy is not None and proxy.url.startswith("https:")
        if proxy is not None and not secure_proxy and not proxy.url.startswith("http:"):
            raise _proxy_at_fault(f"the proxy {proxy} is neither http nor https", proxy)
        # Loading the trusted certificates costs more than the request where no TLS is spoken.
        needs_tls = wsgi is None and (secure_proxy or urlsplit(url).scheme == "https")
        self._context = tls_context() if needs_tls else ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        self._through: httpx.Proxy | None = None
        if proxy is not None:
            try:
                tls = self._context if secure_proxy else None
                self._through = httpx.Proxy(proxy.url, ssl_context=tls)
            except (httpx.InvalidURL, ValueError):  # its text would show a password
                reason = f"the address of the proxy {proxy} is not valid"
                raise _proxy_at_fault(reason, proxy) from None

    def open(self, *, watched: bool = False) -> httpx.BaseTransport:
        """Return new connections; see `NetworkTransport` for `watched`."""
        if self._wsgi is not None:
            return httpx.WSGITransport(app=self._wsgi)
        from modellix_cli.api.network import NetworkTransport  # takes long to load

        return NetworkTransport(self._context, self._through, watched=watched)


def open_transport(url: str, wsgi: "WSGIApplication | None") -> httpx.BaseTransport:
    """Return the httpx transport for `url`. Raises `NotSent`."""
    return Route(url, wsgi).open()


def _proxy_at_fault(reason: str, proxy: Proxy) -> NotSent:
    return NotSent(reason, cause="proxy", variable=proxy.variable or "the system's settings")


def tls_context() -> ssl.SSLContext:
    """Return a context that trusts SSL_CERT_FILE or SSL_CERT_DIR if set, else the system's store.

    Raises `NotSent` when SSL_CERT_FILE cannot be read.
    """
    bundle, folder = os.environ.get("SSL_CERT_FILE"), os.environ.get("SSL_CERT_DIR")
    if bundle or folder:
        try:
            return ssl.create_default_context(cafile=bundle or None, capath=folder or None)
        except OSError as error:
            variable = "SSL_CERT_FILE" if bundle else "SSL_CERT_DIR"
            reason = f"{variable} {bundle or folder} cannot be used: {error}"
            raise NotSent(reason, ErrorCode.TLS, "certificates", variable) from error
    import truststore

    return truststore.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


def not_sent(error: Exception, proxy: Proxy | None = None) -> NotSent:
    """Name the cause of a connection that was never made: TLS, proxy, DNS, refusal, time.

    With a `proxy`, it is the proxy that could not be reached; only TLS is spoken with the server.
    A TLS handshake that was cut off may succeed next time, one that failed will not.
    """
    causes = list(_causes(error))
    cut_off = any(isinstance(cause, (ssl.SSLEOFError, ssl.SSLZeroReturnError)) for cause in causes)
    for cause in causes:
        if isinstance(cause, ssl.SSLError) and not cut_off:
            known = (getattr(cause, name, None) for name in ("verify_message", "reason"))
            why = next(filter(None, known), cause)
            return NotSent(f"TLS failed: {why}", ErrorCode.TLS, "tls")
    reason, word = describe(error), "network"
    if cut_off:
        reason = "the server closed the connection before it was secured"
    elif any(isinstance(cause, socket.gaierror) for cause in causes):
        reason, word = "its name cannot be resolved", "dns"
    elif any(isinstance(cause, ConnectionRefusedError) for cause in causes):
        reason, word = "nothing listens there (connection refused)", "refused"
    elif isinstance(error, httpx.ConnectTimeout):
        word = "timeout"
    if proxy is None and isinstance(error, httpx.ProxyError):
        return NotSent(reason, cause="proxy")
    if proxy is None or (word == "network" and not isinstance(error, httpx.ProxyError)):
        return NotSent(reason, cause=word)
    return _proxy_at_fault(f"the proxy {proxy}: {reason}", proxy)


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
