"""What comes in and what goes out: a request read from WSGI, an answer in the API's form."""

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from email.utils import formatdate
from http import HTTPStatus
from typing import TYPE_CHECKING, Final
from urllib.parse import parse_qsl

from modellix_cli.domain.jsontext import Json

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIEnvironment

API_PREFIX: Final = "/api/v1"
MAX_BODY_BYTES: Final = 80 * 1024 * 1024

Headers = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Answer:
    """A reply: HTTP status, headers besides Content-Length and Date, and the body.

    `chunks`, if given, are sent instead of `body`, whose length is still the one announced.
    """

    status: int
    headers: Headers
    body: bytes
    chunks: Iterable[bytes] | None = None

    def with_headers(self, headers: Headers) -> "Answer":
        """Return the answer with more headers; those it has already stay as they are."""
        own = {name.lower() for name, _ in self.headers}
        more = tuple(pair for pair in headers if pair[0].lower() not in own)
        return replace(self, headers=self.headers + more)

    def send(self, start_response: "StartResponse", now: float, *, head: bool) -> Iterable[bytes]:
        """Start the WSGI response at the Unix time `now`; return its body, none for HEAD."""
        reason = HTTPStatus(self.status).phrase
        length = () if self.status == 204 else (("Content-Length", str(len(self.body))),)
        date = ("Date", formatdate(max(0.0, now), usegmt=True))
        start_response(f"{self.status} {reason}", [*self.headers, *length, date])
        if head:
            return []
        return [self.body] if self.chunks is None else self.chunks


class Refused(Exception):
    """Ends the handling of a request with an error in the API's JSON.

    `message` reads "Category: detail".
    """

    def __init__(self, status: int, message: str, headers: Headers = ()) -> None:
        super().__init__(message)
        self.answer = error(status, message, headers)


def as_json(status: int, document: Json, headers: Headers = ()) -> Answer:
    """Return `document` as JSON in UTF-8."""
    text = json.dumps(document, ensure_ascii=False)
    # A lone surrogate, which UTF-8 cannot carry, becomes the JSON escape it came from.
    body = text.encode("utf-8", "backslashreplace")
    return Answer(status, (("Content-Type", "application/json"), *headers), body)


def success(data: Json) -> Answer:
    """Return the API's reply to what went well."""
    return as_json(200, {"code": 0, "message": "success", "data": data})


def error(status: int, message: str, headers: Headers = (), code: int | None = None) -> Answer:
    """Return the API's reply to what did not; `code` is `status` if not given."""
    document = {"code": status if code is None else code, "message": message}
    return as_json(status, document, headers)


def plain(status: int, text: str, media_type: str = "text/plain") -> Answer:
    """Return text for a person or a proxy."""
    return Answer(status, (("Content-Type", f"{media_type}; charset=utf-8"),), text.encode())


def half_of(data: bytes) -> Iterator[bytes]:
    """Give half of the bytes, then drop the connection."""
    yield data[: len(data) // 2]
    raise ConnectionResetError("the sandbox dropped the connection")


def not_allowed(request: "Request", allowed: str) -> Refused:
    """Return the error for a method that a known path does not have."""
    message = f"Method not allowed: {request.method} {quoted(request.path)}"
    return Refused(405, message, (("Allow", allowed),))


def quoted(text: str) -> str:
    """Return a part of the request for an error message, not longer than a line."""
    return f"'{text[:80]}'"


def number(request: "Request", name: str, default: int, low: int, high: int) -> int:
    """Return a number of the query, `default` without one. Refuses (400) one out of range."""
    written = request.query.get(name)
    if written is None:
        return default
    value = int(written) if re.fullmatch("[0-9]{1,9}", written) else -1
    if not low <= value <= high:
        raise Refused(400, f"Value out of range: '{name}' must be a number from {low} to {high}")
    return value


class Request:
    """A request as the service sees it: `method` (HEAD counts as GET), `path` and `query`."""

    def __init__(self, environ: "WSGIEnvironment") -> None:
        self._environ = environ
        written = str(environ.get("REQUEST_METHOD", "GET")).upper()
        self.head = written == "HEAD"
        self.method = "GET" if self.head else written
        self.path = _decoded(str(environ.get("PATH_INFO", "")))
        self.query = dict(parse_qsl(str(environ.get("QUERY_STRING", ""))))

    def header(self, name: str) -> str:
        """Return a header's value, "" if it is missing."""
        variable = name.upper().replace("-", "_")
        prefix = "" if variable in ("CONTENT_TYPE", "CONTENT_LENGTH") else "HTTP_"
        return str(self._environ.get(prefix + variable, "")).strip()

    @property
    def key(self) -> str:
        """The API key of `Authorization: Bearer KEY`, "" without one."""
        scheme, _, key = self.header("Authorization").partition(" ")
        return key.strip() if scheme.lower() == "bearer" else ""

    @property
    def origin(self) -> str:
        """The scheme and host that the request was sent to."""
        scheme = self._environ.get("wsgi.url_scheme", "http")
        return f"{scheme}://{self.header('Host') or self._environ.get('SERVER_NAME', 'localhost')}"

    def body(self) -> bytes:
        """Read the body. Refuses one over 80 MiB or of unreadable length."""
        stream = self._environ["wsgi.input"]
        length = self.header("Content-Length")
        if not length and self.header("Transfer-Encoding"):
            data: bytes = stream.read(MAX_BODY_BYTES + 1)
        elif not length:
            return b""
        elif not (length.isascii() and length.isdigit()):
            raise Refused(400, "Invalid format: Content-Length is not a number")
        else:
            data = stream.read(min(int(length[:20]), MAX_BODY_BYTES + 1))
        if len(data) > MAX_BODY_BYTES:
            raise Refused(413, f"Invalid format: the body is over {MAX_BODY_BYTES} bytes")
        return data


def _decoded(path: str) -> str:
    """Return a WSGI path as text: UTF-8 read as Latin-1, or (httpx) text already."""
    try:
        return path.encode("latin-1").decode("utf-8", "replace")
    except UnicodeEncodeError:
        return path.encode("utf-8", "replace").decode()
