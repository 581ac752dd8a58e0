"""Fetching what a task made, from hosts that are not Modellix's API. The key never goes there.

Every hop of a redirect is checked again, and the connection goes to the address that was checked.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import field
from typing import TYPE_CHECKING, Final
from urllib.parse import urljoin, urlsplit

import httpx

from modellix_cli.api.connecting import NotSent, describe, not_sent
from modellix_cli.api.deadline import Deadline
from modellix_cli.api.proxies import shown_proxy
from modellix_cli.api.retry import asked_wait
from modellix_cli.api.transport import USER_AGENT
from modellix_cli.clock import Clock
from modellix_cli.domain.addresses import LOOPBACK
from modellix_cli.domain.errors import ErrorCode, ModellixError
from modellix_cli.domain.frozen import frozen
from modellix_cli.domain.text import clip, one_line
from modellix_cli.downloads import hosts
from modellix_cli.downloads.connections import Connections
from modellix_cli.downloads.encodings import decoded, encodings
from modellix_cli.downloads.response import (
    Checksum,
    Resume,
    Version,
    announced_length,
    body,
    promised_checksum,
)
from modellix_cli.downloads.tries import FetchFailed, Remedy, failed

if TYPE_CHECKING:
    from wsgiref.types import WSGIApplication

MAX_REDIRECTS: Final = 5
MAX_SILENCE: Final = 30.0
"""Seconds without a byte after which a host is given up."""
_REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})
_ELSEWHERE: Final = frozenset({400, 401, 403, 404, 410})
"""What hosts answer to signed URLs that are not valid any more, and where nothing is any more."""
_PASSING: Final = frozenset({408, 425, 429})
_PORTS: Final = {"http": 80, "https": 443}


@frozen
class MediaPolicy:
    """What the user allows: plain http, and hosts on private networks.

    `own_origin` is a base URL on this machine's loopback whose own media need neither.
    """

    insecure_http: bool = False
    private_network: bool = False
    own_origin: str | None = None


@frozen
class MediaStream:
    """An open download.

    `length` is the announced number of bytes of the whole file, `start` how many of them come
    before the first chunk; `version` is what a `Resume` needs, `checksum` what the whole file must
    hash to. Each is None or empty where the host does not say. A chunk that is a memoryview is good
    until `response.RING` - 1 more were asked for. Where it is `open_ended`, only the end of the
    connection ends it, whether all has arrived or not.
    """

    content_type: str | None
    length: int | None
    chunks: Iterator[bytes | memoryview]
    start: int = 0
    version: Version = field(default_factory=Version)
    checksum: Checksum | None = None
    open_ended: bool = False


class MediaFetcher:
    """Opens resource URLs under a policy; with `wsgi` they are served in this process.

    Usable from several threads. Connections are kept and used again, also for other resources.
    """

    def __init__(
        self, policy: MediaPolicy, wsgi: "WSGIApplication | None" = None, clock: Clock | None = None
    ) -> None:
        self._policy = policy
        self._clock = clock or Clock()
        self._connections = Connections(wsgi)

    @contextmanager
    def open(
        self, url: str, resume: Resume | None = None, seconds: float = 600.0
    ) -> Iterator[MediaStream]:
        """Follow `url` to its bytes: all of them, or with `resume` the rest if it still fits.

        Everything, reading included, may take `seconds`. Raises `RESOURCE_REFUSED` for what the
        policy forbids and `FetchFailed` for what the host or the network did, also while reading.
        """
        target, redirects, deadline = url, 0, Deadline(seconds, late_seconds=0.0)
        while redirects <= MAX_REDIRECTS:
            with self._hop(target, resume, deadline) as response:
                if response.status_code in _REDIRECTS:
                    target = _redirect_target(target, response)
                    redirects += 1
                elif resume is not None and _is_no_rest(response, resume):
                    resume = None  # ask for all of it
                else:
                    part = resume if response.status_code == 206 else None
                    self._check_status(response, 206 if part else 200)
                    yield _stream(response, part)
                    return
        raise failed(f"Resource download exceeded {MAX_REDIRECTS} redirects.", Remedy.NONE)

    def close(self) -> None:
        """Close every connection."""
        self._connections.close()

    def check_before_paying(self, base_url: str) -> None:
        """Raise `RESOURCE_REFUSED` if no result could be fetched, whatever its host.

        That is where only a proxy can resolve names: the address of a host cannot be checked.
        `base_url` is an address that is known to exist, that of the API.
        """
        parts = urlsplit(base_url)
        host, proxy = parts.hostname or "", self._connections.proxy(base_url)
        if proxy and not self._policy.private_network and not hosts.literal_address(host):
            _resolve(host, parts.port or _PORTS.get(parts.scheme, 443), proxy, tls=True)

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
        if not host or hosts.is_odd(host):
            raise _refused("Invalid task resource URL.")
        own = self._is_own(url)
        insecure = parts.scheme == "http" and not self._policy.insecure_http and not own
        private = not self._policy.private_network and not own and hosts.is_private(host)
        if insecure or private:
            flags = ["--allow-insecure-http"] * insecure + ["--allow-private-network"] * private
            kind = "insecure HTTP resource URL on" if insecure else "private or reserved"
            raise ModellixError(
                ErrorCode.RESOURCE_REFUSED,
                f"Refusing the {kind} host {clip(one_line(host), 253)}.",
                hint=f"Only for a trusted source, pass {' '.join(flags)}.",
            )
        return host, port or _PORTS[parts.scheme]

    def _is_own(self, url: str) -> bool:
        """Whether `url` is of the origin of a service on this machine that the user chose."""
        if self._policy.own_origin is None:
            return False
        own, other = urlsplit(self._policy.own_origin), urlsplit(url)
        return own.hostname in LOOPBACK and own[:2] == other[:2]

    @contextmanager
    def _hop(self, url: str, resume: Resume | None, deadline: Deadline) -> Iterator[httpx.Response]:
        host, port = self.check(url)
        headers = {"User-Agent": USER_AGENT, "Accept": "*/*", "Accept-Encoding": "identity"}
        headers |= resume.headers if resume else {}
        timeout = httpx.Timeout(MAX_SILENCE, connect=10.0, pool=None)
        with _network_errors(host):
            request = httpx.Request(
                "GET",
                url,
                headers=headers,
                extensions={"timeout": timeout.as_dict(), "deadline": deadline},
            )
            response = self._send(request, host, port)
        try:
            yield response
        finally:
            self._connections.finish(response)

    def _send(self, request: httpx.Request, host: str, port: int) -> httpx.Response:
        url, send = str(request.url), self._connections.send
        allowed = self._policy.private_network or self._is_own(url)
        if allowed or self._connections.in_process or hosts.literal_address(host):
            return send(request, url, host)
        tls, proxy = request.url.scheme == "https", self._connections.proxy(url)
        addresses = _resolve(host, port, proxy, tls=tls)
        if proxy:  # which resolves the name itself
            return send(request, url, host)
        failure: httpx.ConnectError | httpx.ConnectTimeout | None = None
        request.extensions["sni_hostname"] = host
        for address in addresses:
            request.url = request.url.copy_with(host=address)
            try:
                return send(request, url, host)
            except (httpx.ConnectError, httpx.ConnectTimeout) as error:
                failure = error
        raise failure or NotSent("the name has no address")

    def _check_status(self, response: httpx.Response, wanted: int) -> None:
        status = response.status_code
        if status == wanted:
            return
        passing = status in _PASSING or status >= 500
        remedy = Remedy.NEW_URL if status in _ELSEWHERE else Remedy.NONE
        raise failed(
            f"Resource download failed with HTTP status {status}.",
            Remedy.TRY_AGAIN if passing else remedy,
            status=status,
            retry_after=asked_wait(status, response.headers, self._clock) if passing else None,
        )


def _resolve(host: str, port: int, proxy: str | None, *, tls: bool) -> list[str]:
    """Return the public addresses of a host; the same rule holds where a proxy connects to it."""
    try:
        return hosts.resolve_public(host, port, tls=tls)
    except OSError as error:
        if proxy is None:
            raise
        raise ModellixError(
            ErrorCode.RESOURCE_REFUSED,
            f"Only the proxy {shown_proxy(proxy)} can resolve {host}, so it cannot be checked "
            "whether its address is private.",
            hint="If you trust the proxy to refuse private addresses, pass "
            "--allow-private-network.",
        ) from error


@contextmanager
def _network_errors(host: str) -> Iterator[None]:
    """Turn what httpx raises into failures of a try; nothing else may run inside."""
    try:
        yield
    except (httpx.InvalidURL, UnicodeError) as error:
        raise _refused("Invalid task resource URL.") from error
    except (httpx.ConnectError, NotSent) as error:
        known = error if isinstance(error, NotSent) else not_sent(error)
        remedy = Remedy.NONE if known.code is ErrorCode.TLS else Remedy.TRY_AGAIN
        raise _broken(f"Cannot reach {host}: {known.reason}", remedy) from error
    except (httpx.HTTPError, httpx.StreamError, OSError, ValueError) as error:
        raise _broken(f"The download from {host} broke off: {describe(error)}") from error


def _broken(what: str, remedy: Remedy = Remedy.TRY_AGAIN) -> FetchFailed:
    return failed(f"{clip(one_line(what), 300)}.", remedy)


def _is_no_rest(response: httpx.Response, resume: Resume) -> bool:
    """Whether the host says that there is no such rest, or sends a part of another file."""
    if response.status_code == 416:
        return True
    fits = resume.total(response.headers) is not None
    plain = not encodings(response.headers.get("content-encoding", ""))
    return response.status_code == 206 and not (fits and plain)


def _stream(response: httpx.Response, resume: Resume | None) -> MediaStream:
    headers, length = response.headers, announced_length(response.headers)
    content_type, chunks = headers.get("content-type"), _chunks(response, length)
    if resume is not None:  # what a part says of checksums may be about the part
        total = resume.total(headers)
        return MediaStream(content_type, total, chunks, resume.offset, resume.version)
    if names := encodings(headers.get("content-encoding", "")):
        chunks, changed = decoded(names, chunks)
        if changed:  # length, version and checksum are those of the encoded bytes
            return MediaStream(content_type, None, chunks)
    return MediaStream(
        content_type,
        length,
        chunks,
        version=Version.of(headers),
        checksum=promised_checksum(headers),
        open_ended=length is None and "transfer-encoding" not in headers,
    )


def _chunks(response: httpx.Response, length: int | None) -> Iterator[bytes | memoryview]:
    source = body(response, length)
    host = response.request.url.host
    while True:
        with _network_errors(host):
            chunk = next(source, None)
        if chunk is None:
            return
        yield chunk


def _redirect_target(url: str, response: httpx.Response) -> str:
    location: str = response.headers.get("location", "")
    if not location:
        raise failed(
            f"Resource download redirect ({response.status_code}) did not include a Location.",
            Remedy.NONE,
        )
    try:
        return urljoin(url, location)
    except ValueError as error:
        raise _refused("Invalid redirect of a task resource.") from error


def _refused(message: str) -> ModellixError:
    return ModellixError(ErrorCode.RESOURCE_REFUSED, message)
