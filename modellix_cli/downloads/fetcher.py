"""Fetching what a task made, from hosts that are not Modellix's API. The key never goes there.

Every hop of a redirect is checked again, and the connection goes to the address that was checked.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final
from urllib.parse import urljoin, urlsplit

import httpx

from modellix_cli.api.connecting import NotSent, WsgiApp, describe, not_sent
from modellix_cli.api.transport import USER_AGENT
from modellix_cli.domain.errors import ErrorCode, ModellixError
from modellix_cli.domain.text import clip, one_line
from modellix_cli.downloads import hosts
from modellix_cli.downloads.body_reader import body
from modellix_cli.downloads.checksums import Checksum, promised_checksum
from modellix_cli.downloads.connections import Connections
from modellix_cli.downloads.ranges import Resume, validator

MAX_REDIRECTS: Final = 5
_REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})
MAX_SILENCE: Final = 30.0
"""Seconds without a byte after which a host is given up."""


@dataclass(frozen=True, slots=True)
class MediaPolicy:
    """What the user allows: plain http, and hosts on private networks."""

    insecure_http: bool = False
    private_network: bool = False


@dataclass(frozen=True, slots=True)
class MediaStream:
    """An open download.

    `length` is the announced number of bytes of the whole file, `start` how many of them come
    before the first chunk; `validator` is what a `Resume` needs, `checksum` what the whole file
    must hash to. Each is None where the host does not say.
    """

    content_type: str | None
    length: int | None
    chunks: Iterator[bytes | memoryview]
    start: int = 0
    validator: str | None = None
    checksum: Checksum | None = None


class MediaFetcher:
    """Opens resource URLs under a policy; with `wsgi` they are served in this process.

    Usable from several threads. Connections are kept and used again, also for other resources.
    """

    def __init__(self, policy: MediaPolicy, wsgi: WsgiApp | None = None) -> None:
        self._policy = policy
        self._connections = Connections(wsgi)

    @contextmanager
    def open(
        self, url: str, resume: Resume | None = None, patience: float = MAX_SILENCE
    ) -> Iterator[MediaStream]:
        """Follow `url` to its bytes: all of them, or with `resume` the rest if it still fits.

        `patience` is the longest silence of the host in seconds. Raises `RESOURCE_REFUSED` for
        what the policy forbids and `DOWNLOAD_FAILED` for what the host or the network did, also
        while reading; `retryable` says if another try may help.
        """
        target, redirects = url, 0
        while redirects <= MAX_REDIRECTS:
            with self._hop(target, resume, patience) as response:
                if response.status_code in _REDIRECTS:
                    target = _redirect_target(target, response)
                    redirects += 1
                elif resume is not None and _is_no_rest(response, resume):
                    resume = None  # ask for all of it
                else:
                    part = resume if response.status_code == 206 else None
                    _check_status(response, 206 if part else 200)
                    yield _stream(response, part)
                    return
        raise ModellixError(
            ErrorCode.DOWNLOAD_FAILED,
            f"Resource download exceeded {MAX_REDIRECTS} redirects.",
            retryable=False,
        )

    def close(self) -> None:
        """Close every connection."""
        self._connections.close()

    @contextmanager
    def _hop(self, url: str, resume: Resume | None, patience: float) -> Iterator[httpx.Response]:
        host, port = self.check(url)
        headers = {"User-Agent": USER_AGENT, "Accept": "*/*", "Accept-Encoding": "identity"}
        headers |= resume.headers if resume else {}
        timeout = httpx.Timeout(min(MAX_SILENCE, patience), connect=min(10.0, patience), pool=None)
        with _network_errors(host):
            request = httpx.Request(
                "GET", url, headers=headers, extensions={"timeout": timeout.as_dict()}
            )
            response = self._send(request, host, port)
        try:
            yield response
        finally:
            self._connections.finish(response)

    def _send(self, request: httpx.Request, host: str, port: int) -> httpx.Response:
        url = str(request.url)
        direct = self._connections.direct(url)
        if not direct or self._policy.private_network or hosts.literal_address(host):
            return self._connections.send(request, url, host)
        failure: httpx.ConnectError | httpx.ConnectTimeout | None = None
        request.extensions["sni_hostname"] = host
        for address in hosts.resolve_public(host, port):
            request.url = request.url.copy_with(host=address)
            try:
                return self._connections.send(request, url, host)
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
                ErrorCode.RESOURCE_REFUSED,
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


def _is_no_rest(response: httpx.Response, resume: Resume) -> bool:
    """Whether the host says that there is no such rest, or sends another part of the file."""
    fits = resume.total(response.headers.get("content-range", "")) is not None
    return response.status_code == 416 or (response.status_code == 206 and not fits)


def _stream(response: httpx.Response, resume: Resume | None) -> MediaStream:
    headers = response.headers
    encoding = headers.get("content-encoding", "identity").strip().lower()
    if encoding not in ("", "identity"):
        raise ModellixError(
            ErrorCode.DOWNLOAD_FAILED,
            "The host sent the file compressed, which was not asked for.",
            retryable=False,
        )
    announced = headers.get("content-length", "")
    digits = announced.isascii() and announced.isdigit() and len(announced) < 19
    length = int(announced) if digits else None
    content_type, chunks = headers.get("content-type"), _chunks(response, length)
    if resume is not None:  # what a part says of checksums may be about the part
        total = resume.total(headers.get("content-range", ""))
        return MediaStream(content_type, total, chunks, resume.offset, resume.validator)
    return MediaStream(
        content_type,
        length,
        chunks,
        validator=validator(headers),
        checksum=promised_checksum(headers),
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
        raise ModellixError(
            ErrorCode.DOWNLOAD_FAILED,
            f"Resource download redirect ({response.status_code}) did not include a Location.",
            retryable=False,
        )
    try:
        return urljoin(url, location)
    except ValueError as error:
        raise _refused("Invalid redirect of a task resource.") from error


def _check_status(response: httpx.Response, wanted: int) -> None:
    status = response.status_code
    if status == wanted:
        return
    transient = status in (408, 429) or status >= 500
    raise ModellixError(
        ErrorCode.DOWNLOAD_FAILED,
        f"Resource download failed with HTTP status {status}.",
        status=status,
        retryable=transient,
    )


def _failed(what: str, code: ErrorCode = ErrorCode.NETWORK) -> ModellixError:
    return ModellixError(
        ErrorCode.DOWNLOAD_FAILED,
        f"{clip(one_line(what), 300)}.",
        retryable=code is not ErrorCode.TLS,
    )


def _refused(message: str) -> ModellixError:
    return ModellixError(ErrorCode.RESOURCE_REFUSED, message)
