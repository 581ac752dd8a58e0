"""How one request travels: TLS, proxy, time limits, a bounded reply. No retries, no meaning.

`Transport.send` returns whatever answer came, or raises `NotSent` when it is certain that the
server got nothing, `ConnectionLost` when it may have. That difference is what paying once rests on.
"""

import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import field
from typing import TYPE_CHECKING, Final

import httpx

from modellix_cli import __version__
from modellix_cli.api.connecting import NotSent, Route, describe, not_sent
from modellix_cli.api.deadline import Deadline
from modellix_cli.clock import Clock
from modellix_cli.domain.frozen import frozen
from modellix_cli.domain.jsontext import JsonError, loads
from modellix_cli.domain.text import excerpt, hide_secrets

if TYPE_CHECKING:
    from wsgiref.types import WSGIApplication

MAX_REPLY_BYTES: Final = 16 * 1024 * 1024
USER_AGENT: Final = f"modellix-cli-python/{__version__}"
EXCHANGE_SECONDS: Final = 120.0
"""How long one exchange may take, from connecting to the end of the reply, however it trickles."""
SLOWEST_UPLOAD: Final = 32 * 1024
"""Bytes a second; a request's body gets that much time on top."""

_HIDDEN: Final = b"[REDACTED]"
_SHORTEST_SECRET: Final = 16
"""Characters of a secret that is looked for anywhere; a shorter one may be a word."""
_TIMEOUTS: Final = httpx.Timeout(connect=10.0, read=30.0, write=60.0, pool=None).as_dict()
_NEVER_SENT: Final = (
    httpx.ConnectError,
    httpx.ConnectTimeout,
    httpx.PoolTimeout,
    httpx.ProxyError,
    httpx.UnsupportedProtocol,
    httpx.LocalProtocolError,
)

Trace = Callable[[str], None]


@frozen
class Reply:
    """An answer: status, headers by lower-case name, and the whole body.

    `secrets` are what must not be shown of it.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes
    secrets: Sequence[str] = field(default=(), repr=False)

    def excerpt(self, text: str, length: int) -> str:
        """Return some of its text as one safe line: cleaned, and only then cut."""
        return excerpt(text, length, self.secrets)


class ConnectionLost(Exception):
    """The request left, at least in part, and no whole reply came back; `body` is what did."""

    def __init__(self, reason: str, body: bytes = b"") -> None:
        super().__init__(reason)
        self.reason = reason
        self.body = body


class Transport:
    """Connections to one base URL, safe to use from several threads.

    `secrets` are kept out of what is told about failures. An exchange ends after `seconds`, and
    one more for every `bytes_per_second` of the request's body.
    """

    def __init__(
        self,
        base_url: str,
        *,
        clock: Clock,
        trace: Trace | None = None,
        wsgi: "WSGIApplication | None" = None,
        secrets: Sequence[str] = (),
        seconds: float = EXCHANGE_SECONDS,
        bytes_per_second: float = SLOWEST_UPLOAD,
    ) -> None:
        self._base_url = base_url
        self._clock = clock
        self._trace = trace or (lambda line: None)
        self._route = Route(base_url, wsgi)
        self._kept = self._route.open(watched=True)
        self._secrets = tuple(secrets)
        self.seconds = seconds
        self._bytes_per_second = bytes_per_second

    def send(
        self,
        method: str,
        path: str,
        *,
        headers: Mapping[str, str],
        body: bytes | None = None,
        attempt: str = "1/1",
        own_connection: bool = False,
        seconds: float | None = None,
    ) -> Reply:
        """Send one request and read its whole reply. Raises `NotSent` or `ConnectionLost`.

        `seconds` is how long that may take, instead of the `seconds` of all exchanges.

        `own_connection`: on one that nothing else was or will be sent on. A connection that was
        kept may be closed by the server just then, and that leaves doubt.
        """
        self._trace(f"request {method} {path} attempt {attempt}")
        started = self._clock.monotonic()
        standard = {"User-Agent": USER_AGENT, "Accept-Encoding": "identity"}
        standard |= {"Connection": "close"} if own_connection else {}
        try:
            request = httpx.Request(
                method,
                self._base_url + path,
                headers=standard | dict(headers),
                content=body,
                extensions={"timeout": _TIMEOUTS, "deadline": self._deadline(body, seconds)},
            )
        except (httpx.InvalidURL, ValueError) as error:
            raise NotSent(f"the address is not valid ({error})") from error
        connections = self._route.open() if own_connection else self._kept
        try:
            reply = self._exchange(connections, request, path)
        finally:
            if own_connection:
                connections.close()
        spent = (self._clock.monotonic() - started) * 1000
        self._trace(
            f"response {reply.status} {method} {path} after {spent:.0f}ms{_limits(reply.headers)}"
        )
        return reply

    def _deadline(self, body: bytes | None, seconds: float | None) -> Deadline:
        longest = self.seconds if seconds is None else seconds
        return Deadline(longest + len(body or b"") / self._bytes_per_second)

    def _exchange(
        self, connections: httpx.BaseTransport, request: httpx.Request, path: str
    ) -> Reply:
        response: httpx.Response | None = None
        body = bytearray()
        try:
            response = connections.handle_request(request)
            try:
                _read(response, body)
            finally:
                response.close()
        except _NEVER_SENT as error:
            failure = not_sent(error, self._route.proxy)
            reason = hide_secrets(failure.reason, self._secrets)
            self._trace(f"not sent {request.method} {path}: {reason}")
            raise NotSent(reason, failure.code, failure.cause, failure.variable) from error
        except (httpx.HTTPError, httpx.StreamError, OSError, ValueError, zlib.error) as error:
            reason = hide_secrets(describe(error), self._secrets)
            self._trace(f"network failure {request.method} {path}: {reason}")
            if response is None or not _is_whole(body):
                raise ConnectionLost(reason, self._cleaned(bytes(body))) from error
        headers, content = self._cleaned_headers(response.headers), self._cleaned(bytes(body))
        return Reply(response.status_code, headers, content, self._secrets)

    def _cleaned(self, data: bytes) -> bytes:
        """Return what came without secrets: an id or a URL with one would be recorded with it."""
        for secret in self._secrets:
            if len(secret) >= _SHORTEST_SECRET:
                data = data.replace(secret.encode(), _HIDDEN)
        return data

    def _cleaned_headers(self, headers: httpx.Headers) -> httpx.Headers:
        if not any(secret in value for value in headers.values() for secret in self._secrets):
            return headers
        return httpx.Headers([(n, self._cleaned(v)) for n, v in headers.raw])

    def close(self) -> None:
        """Close the connections."""
        self._kept.close()


def _read(response: httpx.Response, body: bytearray) -> None:
    """Fill `body`; what it holds when this fails is what arrived. Raises `ValueError` too."""
    expand = _expander(response.headers.get("content-encoding", ""))
    for chunk in response.iter_raw():
        body += expand(chunk, MAX_REPLY_BYTES + 1 - len(body))
        if len(body) > MAX_REPLY_BYTES:
            raise ValueError(f"the reply exceeds {MAX_REPLY_BYTES} bytes")


def _is_whole(body: bytes | bytearray) -> bool:
    """Whether a body that was cut off is a JSON object all the same: one in part never is."""
    if len(body) > MAX_REPLY_BYTES:
        return False
    try:
        return isinstance(loads(bytes(body)), dict)
    except JsonError:
        return False


def _limits(headers: Mapping[str, str]) -> str:
    """Return what a reply says about the key's limits, for a line of the trace."""
    told = [
        f"{name} {headers[f'x-ratelimit-{name}']}"
        for name in ("limit", "remaining", "reset")
        if f"x-ratelimit-{name}" in headers
    ]
    return f" (rate {', '.join(told)})" if told else ""


def _expander(encoding: str) -> Callable[[bytes, int], bytes]:
    """Return what undoes a content encoding, up to a number of bytes; none was asked for."""
    name = encoding.strip().lower()
    if name in ("", "identity"):
        return lambda data, limit: data
    if name not in ("gzip", "x-gzip"):
        raise ValueError("the reply is compressed in a way that was not asked for")
    return zlib.decompressobj(wbits=31).decompress
