"""From an answer to the error a user can act on; the statuses of docs/spec/service.md.

The server's own detail is part of every message, whatever the method.
"""

from http import HTTPStatus
from typing import TYPE_CHECKING, Final

from modellix_cli.api.connecting import NotSent
from modellix_cli.api.retry import Limits, asked_wait, read_limits
from modellix_cli.api.transport import ConnectionLost, Reply
from modellix_cli.clock import Clock
from modellix_cli.domain.errors import ErrorCode, ModellixError
from modellix_cli.domain.jsontext import Json, JsonError, decode, loads
from modellix_cli.domain.text import clip, one_line

if TYPE_CHECKING:
    from modellix_cli.api.files import UploadedFile

_CODES: Final = {
    400: ErrorCode.INVALID_REQUEST,
    401: ErrorCode.UNAUTHORIZED,
    402: ErrorCode.PAYMENT_REQUIRED,
    403: ErrorCode.UNAUTHORIZED,
    404: ErrorCode.NOT_FOUND,
    405: ErrorCode.INVALID_REQUEST,
    408: ErrorCode.SERVICE_UNAVAILABLE,
    413: ErrorCode.INVALID_REQUEST,
    415: ErrorCode.INVALID_REQUEST,
    422: ErrorCode.INVALID_REQUEST,
    429: ErrorCode.RATE_LIMITED,
}
CATEGORIES: Final = (
    "Invalid parameters",
    "Missing required parameter",
    "Invalid format",
    "Value out of range",
    "Authentication failed",
    "Resource not found",
    "Rate limit exceeded",
    "Concurrent limit exceeded",
)
"""What the API puts before the detail of its messages (docs/spec/service.md 9)."""
_CONCURRENT_HINT: Final = "Too many tasks run at once: wait until one ends, then send again."
_FOREIGN_HINT: Final = (
    "That is not Modellix's own answer, so the key need not be at fault: check the base URL, and "
    "whether a proxy or a gateway is in the way. Test the key with: modellix-cli auth status"
)
_LONGEST_NUMBER: Final = 11
_REFUSED_UPLOADS: Final = frozenset({400, 401, 402, 403, 404, 405, 413, 415, 422, 429})
"""Statuses of an upload after which it is certain that nothing was stored."""
_ADVICE: Final = {
    "dns": "Check the name and this machine's DNS; behind a company proxy, set HTTPS_PROXY.",
    "refused": "Check the base URL, and whether a firewall is in the way.",
    "timeout": "Nothing answers there: check the connection, or set HTTPS_PROXY if one is needed.",
    "proxy": "Check the proxy in {variable}, or list the host in NO_PROXY to go without.",
    "certificates": "Point {variable} at a readable file of certificates, or unset it.",
}
"""What to do about each cause of `NotSent`; the error's own advice where there is none."""


def read_document(reply: Reply, clock: Clock) -> Json:
    """Return the JSON of a successful reply; raise what any other means for a read."""
    document = json_of(reply)
    status = effective_status(reply, document)
    if status == 200 and document is not None:
        return document
    if status == 200:
        raise ModellixError(ErrorCode.BAD_REPLY, described(reply, document), status=reply.status)
    code = (
        ErrorCode.SERVICE_UNAVAILABLE if status >= 500 else _CODES.get(status, ErrorCode.API_ERROR)
    )
    concurrency_limited = status == 429 and is_concurrency_limit(reply)
    foreign = code is ErrorCode.UNAUTHORIZED and not is_own(document)
    raise ModellixError(
        code,
        f"Modellix API error ({_status_name(status)}). {_detail(reply, document)}"
        f"{_refused(status)}",
        hint=_CONCURRENT_HINT if concurrency_limited else _FOREIGN_HINT if foreign else None,
        status=status if status > 0 else reply.status,
        retry_after=asked_wait(status, reply.headers, clock),
        concurrency_limited=concurrency_limited,
        category=category_of(document),
        rate_limit=rate_limit_of(reply),
    )


def read_key_check(reply: Reply, clock: Clock) -> Json:
    """As `read_document`, for a question about a key: a refusal by others is none of the key.

    The page of a gateway, whatever its status, raises `BAD_REPLY`.
    """
    document = json_of(reply)
    refused = _CODES.get(effective_status(reply, document)) is ErrorCode.UNAUTHORIZED
    if refused and not is_own(document):
        raise ModellixError(ErrorCode.BAD_REPLY, described(reply, document), status=reply.status)
    return read_document(reply, clock)


def described(reply: Reply, document: Json) -> str:
    """Return a sentence about a reply that is not what was hoped for."""
    status = effective_status(reply, document)
    if status == 200:
        return (
            f"The Modellix API answered {reply.status} with something that is not JSON"
            f"{_media_type(reply)}."
        )
    return f"The Modellix API answered {_status_name(status)}. {_detail(reply, document)}"


def limits_of(reply: Reply, clock: Clock) -> Limits:
    """Return what a reply says about the key's limits."""
    status = reply.status
    if b"429" in reply.body:  # perhaps a refusal in a 200; not every long reply is read twice
        status = effective_status(reply, json_of(reply))
    limited = status == 429 and is_concurrency_limit(reply)
    return read_limits(status, reply.headers, clock, concurrency_limited=limited)


def rate_limit_of(reply: Reply) -> dict[str, int] | None:
    """Return `limit`, `remaining` and `resetAt` (Unix time) as the headers tell, None for none."""
    told = {
        known: int(value)
        for name, known in (("limit", "limit"), ("remaining", "remaining"), ("reset", "resetAt"))
        if (value := reply.headers.get(f"x-ratelimit-{name}", "").partition(".")[0])
        and value.isascii()
        and value.isdigit()
        and len(value) <= _LONGEST_NUMBER
    }
    return told or None


def category_of(document: Json) -> str | None:
    """Return the documented category that an error's message begins with, None without one."""
    message = document.get("message") if isinstance(document, dict) else None
    name = message.partition(":")[0].strip().casefold() if isinstance(message, str) else ""
    return next((known for known in CATEGORIES if known.casefold() == name), None)


def is_concurrency_limit(reply: Reply) -> bool:
    """Whether a 429 refuses because too many tasks run, not because of too many requests."""
    left = reply.headers.get("x-ratelimit-remaining", "0")
    requests_left = left.isascii() and left.isdigit() and int(left[:9]) > 0
    return b"oncurren" in reply.body or (requests_left and b"ate limit" not in reply.body)


def read_text(reply: Reply, clock: Clock) -> str:
    """Return the text of a successful reply; raise what any other means for a read.

    A web page in its place, as a captive portal sends, is not it.
    """
    if reply.status != 200:
        read_document(reply, clock)
    if "html" in reply.headers.get("content-type", "").lower():
        raise ModellixError(ErrorCode.BAD_REPLY, "A web page came instead of the text.")
    try:
        return decode(reply.body)
    except JsonError as error:
        raise ModellixError(ErrorCode.BAD_REPLY, f"The page is not text: {error}.") from error


def check_deleted(reply: Reply, clock: Clock) -> None:
    """Accept any 2xx with JSON or an empty body; raise what any other reply means."""
    if not (200 <= reply.status < 300 and not reply.body.strip()):
        read_document(reply, clock)


def read_upload(reply: Reply, clock: Clock) -> "UploadedFile":
    """Return the uploaded file; what leaves its outcome in doubt raises `UPLOAD_UNKNOWN`."""
    from modellix_cli.api.files import read_uploaded

    document = json_of(reply)
    status = effective_status(reply, document)
    if is_full_quota(reply):
        raise ModellixError(
            ErrorCode.FILE_QUOTA_FULL,
            f"No more files can be uploaded. {_detail(reply, document)}",
            status=reply.status,
            category=category_of(document),
        )
    if status in _REFUSED_UPLOADS or (status == 503 and is_own(document)):
        read_document(reply, clock)
    try:
        return read_uploaded(read_document(reply, clock))
    except ModellixError as error:
        raise upload_unknown(error.message, status=reply.status) from error


def is_full_quota(reply: Reply) -> bool:
    """Whether an upload was refused because other files must be deleted first: no rate limit."""
    from modellix_cli.api.files import is_quota_full

    document = json_of(reply)
    message = document.get("message") if isinstance(document, dict) else None
    limited = effective_status(reply, document) == 429
    return limited and isinstance(message, str) and is_quota_full(message)


def upload_unknown(what: str, status: int | None = None) -> ModellixError:
    """Return the error for an upload that may or may not have arrived."""
    return ModellixError(
        ErrorCode.UPLOAD_UNKNOWN, f"{what} The upload outcome is unknown.", status=status
    )


def unreachable(error: NotSent, base_url: str) -> ModellixError:
    """Return the error for a request that never reached the server; safe to repeat."""
    advice = _ADVICE.get(error.cause)
    return ModellixError(
        error.code,
        f"Cannot reach {base_url}: {clip(one_line(error.reason), 300)}.",
        hint=advice and advice.format(variable=error.variable or "HTTPS_PROXY"),
    )


def interrupted_read(error: ConnectionLost) -> ModellixError:
    """Return the error for a read whose reply did not arrive."""
    return ModellixError(
        ErrorCode.NETWORK, f"The connection failed: {clip(one_line(error.reason), 300)}."
    )


def json_of(reply: Reply) -> Json:
    """Return the JSON of a reply, None if it is none."""
    try:
        return loads(reply.body, lenient=True)
    except JsonError:
        return None


def is_own(document: Json) -> bool:
    """Whether the JSON of a reply is the API's own: it has a `code`."""
    return isinstance(document, dict) and "code" in document


def effective_status(reply: Reply, document: Json) -> int:
    """Return 200 for success, else the status; a 200 whose `code` is not 0 takes that code."""
    if not 200 <= reply.status < 300:
        return reply.status
    code = document.get("code") if isinstance(document, dict) else None
    if code is None or code in (0, "0"):
        return 200
    return code if isinstance(code, int) and 300 <= code < 600 else -1


def _status_name(status: int) -> str:
    if status < 0:
        return "code other than 0"
    try:
        return f"{status} {HTTPStatus(status).phrase}"
    except ValueError:
        return str(status)


def _detail(reply: Reply, document: Json) -> str:
    message = document.get("message") if isinstance(document, dict) else None
    if isinstance(message, str) and message.strip():
        detail = reply.excerpt(message, 300)
        return detail if detail.endswith((".", "!", "?", "…")) else detail + "."
    if document is None:
        return f"The reply is not Modellix's JSON{_media_type(reply)}."
    return "The server gave no reason."


def _media_type(reply: Reply) -> str:
    kind = reply.headers.get("content-type", "").split(";")[0].strip()
    return f" ({reply.excerpt(kind, 60)})" if kind else ""


def _refused(status: int) -> str:
    """Return the word for a refused key that 403 lacks and clients search for."""
    return " The key is unauthorized for this." if status == 403 else ""
