"""Fetching what a task made, from hosts that are not Modellix's API. The key never goes there.

Every hop of a redirect is checked again, and the connection goes to the address that was checked.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final
from urllib.parse import urljoin, urlsplit

import httpx

from modellix_cli.api import hosts
from modellix_cli.api.transport import (
    USER_AGENT,
    NotSent,
    WsgiApp,
    describe,
    not_sent,
    open_transport,
    proxy_for,
)
from modellix_cli.errors import Code, ModellixError
from modellix_cli.text import clip, one_line

MAX_REDIRECTS: Final = 5
_REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})
_TIMEOUTS: Final = httpx.Timeout(connect=10.0, read=30.0, write=30.0, pool=None)


@dataclass(frozen=True, slots=True)
class MediaPolicy:
    """What the user allows: plain http, and hosts on private networks."""

    insecure_http: bool = False
    private_network: bool = False


@dataclass(frozen=True, slots=True)
class MediaStream:
    """An open download. `length` is the announced number of bytes, if any."""

    content_type: str | None
    length: int | None
    chunks: Iterator[bytes]


class MediaFetcher:
    """Opens resource URLs under a policy; with `wsgi` they are served in this process."""

    def __init__(self, policy: MediaPolicy, wsgi: WsgiApp | None = None) -> None:
        self._policy = policy
        self._wsgi = wsgi

    @contextmanager
    def open(self, url: str) -> Iterator[MediaStream]:
        """Follow `url` to its bytes.

        Raises `RESOURCE_REFUSED` for what the policy forbids and `DOWNLOAD_FAILED` for what the
        host or the network did, also while reading; `retryable` says if another try may help.
        """
        target = url
        for _ in range(MAX_REDIRECTS + 1):
            with self._hop(target) as response:
                if response.status_code not in _REDIRECTS:
                    _check_status(response)
                    yield _stream(response)
                    return
                target = _redirect_target(target, response)
        raise ModellixError(
            Code.DOWNLOAD_FAILED,
            f"Resource download exceeded {MAX_REDIRECTS} redirects.",
            retryable=False,
        )

    @contextmanager
    def _hop(self, url: str) -> Iterator[httpx.Response]:
        host, port = self.check(url)
        try:
            http = httpx.Client(
                transport=open_transport(url, self._wsgi), timeout=_TIMEOUTS, trust_env=False
            )
        except NotSent as error:
            raise _failed(f"Cannot reach {host}: {error.reason}", error.code) from error
        with http:
            with _network_errors(host):
                headers = {"User-Agent": USER_AGENT, "Accept-Encoding": "identity"}
                request = http.build_request("GET", url, headers=headers)
                response = self._send(http, request, host, port)
            try:
                yield response
            finally:
                response.close()

    def _send(
        self, http: httpx.Client, request: httpx.Request, host: str, port: int
    ) -> httpx.Response:
        direct = self._wsgi is None and proxy_for(str(request.url)) is None
        if not direct or self._policy.private_network or hosts.literal_address(host):
            return http.send(request, stream=True)
        failure: httpx.ConnectError | httpx.ConnectTimeout | None = None
        request.extensions["sni_hostname"] = host
        for address in hosts.resolve_public(host, port):
            request.url = request.url.copy_with(host=address)
            try:
                return http.send(request, stream=True)
            except (httpx.ConnectError, httpx.ConnectTimeout) as error:
                failure = error
        raise failure or NotSent("the name has no address")

    def check(self, url: str) -> tuple[str, int]:
        """Return host and port of a URL that the policy allows; refuse any other."""
        try:
            parts = urlsplit(url)
            host, port = parts.hostname, parts.port
        except ValueError:
            raise _refused("Invalid task resource URL.") from None
        if parts.scheme not in ("http", "https"):
            scheme = clip(one_line(parts.scheme), 20) or "(none)"
            raise _refused(f"Unsupported task resource URL protocol: {scheme}")
        if parts.username is not None or parts.password is not None:
            raise _refused("Task resource URLs must not contain embedded credentials.")
        if not host:
            raise _refused("Invalid task resource URL.")
        insecure = parts.scheme == "http" and not self._policy.insecure_http
        private = not self._policy.private_network and hosts.is_private(host)
        if insecure or private:
            flags = ["--allow-insecure-http"] * insecure + ["--allow-private-network"] * private
            kind = "insecure HTTP resource URL on" if insecure else "private or reserved"
            raise ModellixError(
                Code.RESOURCE_REFUSED,
                f"Refusing the {kind} host {clip(one_line(host), 253)}.",
                hint=f"Only for a trusted source, pass {' '.join(flags)}.",
            )
        return host, port or (443 if parts.scheme == "https" else 80)


@contextmanager
def _network_errors(host: str) -> Iterator[None]:
    """Turn what httpx raises into errors for the user; nothing else may run inside."""
    try:
        yield
    except (httpx.InvalidURL, UnicodeError) as error:
        raise _refused("Invalid task resource URL.") from error
    except (httpx.ConnectError, NotSent) as error:
        known = error if isinstance(error, NotSent) else not_sent(error)
        raise _failed(f"Cannot reach {host}: {known.reason}", known.code) from error
    except (httpx.HTTPError, httpx.StreamError, OSError, ValueError) as error:
        raise _failed(f"The download from {host} broke off: {describe(error)}") from error


def _stream(response: httpx.Response) -> MediaStream:
    length = response.headers.get("content-length", "")
    encoding = response.headers.get("content-encoding", "identity").strip().lower()
    if encoding not in ("", "identity"):
        raise ModellixError(
            Code.DOWNLOAD_FAILED,
            "The host sent the file compressed, which was not asked for.",
            retryable=False,
        )
    digits = length.isascii() and length.isdigit() and len(length) < 19
    return MediaStream(
        content_type=response.headers.get("content-type"),
        length=int(length) if digits else None,
        chunks=_chunks(response),
    )


def _chunks(response: httpx.Response) -> Iterator[bytes]:
    source = response.iter_raw()
    while True:
        with _network_errors(response.url.host):
            chunk = next(source, None)
        if chunk is None:
            return
        yield chunk


def _redirect_target(url: str, response: httpx.Response) -> str:
    location: str = response.headers.get("location", "")
    if not location:
        raise ModellixError(
            Code.DOWNLOAD_FAILED,
            f"Resource download redirect ({response.status_code}) did not include a Location.",
            retryable=False,
        )
    try:
        return urljoin(url, location)
    except ValueError as error:
        raise _refused("Invalid redirect of a task resource.") from error


def _check_status(response: httpx.Response) -> None:
    status = response.status_code
    if status == 200:
        return
    transient = status in (408, 429) or status >= 500
    raise ModellixError(
        Code.DOWNLOAD_FAILED,
        f"Resource download failed with HTTP status {status}.",
        status=status,
        retryable=transient,
    )


def _failed(what: str, code: Code = Code.NETWORK) -> ModellixError:
    return ModellixError(
        Code.DOWNLOAD_FAILED, f"{clip(one_line(what), 300)}.", retryable=code is not Code.TLS
    )


def _refused(message: str) -> ModellixError:
    return ModellixError(Code.RESOURCE_REFUSED, message)
