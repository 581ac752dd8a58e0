"""From an answer to the error a user can act on; the statuses of docs/spec/service.md.

The server's own detail is part of every message, whatever the method.
"""

import re
from contextlib import suppress
from http import HTTPStatus
from typing import Final

from modellix_cli.api.files import UploadedFile, read_uploaded
from modellix_cli.api.retry import asked_wait
from modellix_cli.api.transport import ConnectionLost, NotSent, Reply
from modellix_cli.clock import Clock
from modellix_cli.domain.errors import ErrorCode, ModellixError
from modellix_cli.domain.jsontext import Json, JsonError, decode, loads
from modellix_cli.domain.text import clip, one_line, without_secrets
from modellix_cli.domain.values import parse_task_id

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
_TASK_ID_IN_BODY: Final = re.compile(rb'"task_id"\s*:\s*("(?:[^"\\]|\\.){1,2000}"|-?\d{1,600})')
_CONCURRENT_HINT: Final = (
    "Nothing was charged. Too many tasks run at once: wait until one ends, then send again."
)
_REJECTIONS: Final = frozenset({400, 401, 402, 403, 404, 405, 413, 415, 422, 429})
"""Statuses of a submission after which it is certain that nothing was created."""
_ADVICE: Final = {
    "dns": "Check the name and this machine's DNS; behind a company proxy, set HTTPS_PROXY.",
    "refused": "Nothing listens there: check the base URL and whether a firewall is in the way.",
    "timeout": "Nothing answers there: check the connection, or set HTTPS_PROXY if one is needed.",
    "proxy": "Check the proxy in HTTPS_PROXY, or list the host in NO_PROXY to go without.",
    "certificates": "Point SSL_CERT_FILE at a readable file of certificates, or unset it.",
}
"""What to do about each cause of `NotSent`; the error's own advice where there is none."""


def read_document(reply: Reply, clock: Clock) -> Json:
    """Return the JSON of a successful reply; raise what any other means for a read."""
    document = _json(reply)
    status = _effective_status(reply, document)
    if status == 200 and document is not None:
        return document
    if status == 200:
        raise ModellixError(
            ErrorCode.BAD_REPLY,
            f"The Modellix API answered {reply.status} with something that is not JSON"
            f"{_media_type(reply)}.",
            status=reply.status,
        )
    code = (
        ErrorCode.SERVICE_UNAVAILABLE if status >= 500 else _CODES.get(status, ErrorCode.API_ERROR)
    )
    concurrency_limited = status == 429 and is_concurrency_limit(reply)
    raise ModellixError(
        code,
        f"Modellix API error ({_status_name(status)}). {_detail(reply, document)}",
        hint=_CONCURRENT_HINT if concurrency_limited else None,
        status=status if status > 0 else reply.status,
        retry_after=asked_wait(status, reply.headers, clock),
        concurrency_limited=concurrency_limited,
    )


def is_concurrency_limit(reply: Reply) -> bool:
    """Whether a 429 refuses because too many tasks run, not because of too many requests."""
    left = reply.headers.get("x-ratelimit-remaining", "0")
    requests_left = left.isascii() and left.isdigit() and int(left[:9]) > 0
    return b"oncurren" in reply.body or (requests_left and b"ate limit" not in reply.body)


def read_paid_document(reply: Reply, clock: Clock) -> Json:
    """As `read_document`, for a paid submission.

    A definite rejection raises its error, charged "no". Anything that leaves room for a created
    task raises `SUBMISSION_UNKNOWN`, except 503 in the API's own JSON, which created nothing.
    """
    document = _json(reply)
    status = _effective_status(reply, document)
    if status == 200 and document is not None:
        return document
    own_words = isinstance(document, dict) and "code" in document
    refused = status in _REJECTIONS or (status == 503 and own_words)
    if refused and told_task_id(reply.body) is None:
        return read_document(reply, clock)
    if status == 200:
        what = f"answered {reply.status} with something that is not JSON{_media_type(reply)}."
    else:
        what = f"answered {_status_name(status)}. {_detail(reply, document)}"
    raise submission_unknown(
        f"The Modellix API {what}",
        reply.body,
        status=reply.status,
        retry_after=asked_wait(status, reply.headers, clock),
    )


def told_task_id(body: bytes) -> str | None:
    """Return the task id that a reply names, however unusable the rest of it is."""
    match = _TASK_ID_IN_BODY.search(body)
    if match is None:
        return None
    try:
        return str(loads(match[1]))
    except JsonError:
        return match[1].decode("utf-8", "replace")


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


def read_upload(reply: Reply, clock: Clock) -> UploadedFile:
    """Return the uploaded file; what leaves its outcome in doubt raises `UPLOAD_UNKNOWN`."""
    document = _json(reply)
    status = _effective_status(reply, document)
    own_words = isinstance(document, dict) and "code" in document
    if status in _REJECTIONS or (status == 503 and own_words):
        read_document(reply, clock)
    try:
        return read_uploaded(read_document(reply, clock))
    except ModellixError as error:
        raise upload_unknown(error.message, status=reply.status) from error


def upload_unknown(what: str, status: int | None = None) -> ModellixError:
    """Return the error for an upload that may or may not have arrived."""
    return ModellixError(
        ErrorCode.UPLOAD_UNKNOWN, f"{what} The upload outcome is unknown.", status=status
    )


def submission_unknown(
    what: str,
    body: bytes,
    *,
    status: int | None = None,
    retry_after: float | None = None,
) -> ModellixError:
    """Return the error for a paid submission that may or may not have created a task.

    An id that the reply's `body` names is told, and usable if it is a valid one.
    """
    given, task_id = told_task_id(body), None
    message = f"{what} The outcome is unknown: a task may have been created and charged."
    if given is not None:
        message += f" The reply names the task id {clip(one_line(given), 600)}."
        with suppress(ModellixError):
            task_id = parse_task_id(given)
    return ModellixError(
        ErrorCode.SUBMISSION_UNKNOWN,
        message,
        status=status,
        task_id=task_id,
        retry_after=retry_after,
    )


def unreachable(error: NotSent, base_url: str) -> ModellixError:
    """Return the error for a request that never reached the server; safe to repeat."""
    advice = _ADVICE.get(error.cause)
    return ModellixError(
        error.code,
        f"Cannot reach {base_url}: {clip(one_line(error.reason), 300)}.",
        hint=advice and f"Nothing was charged. {advice}",
    )


def interrupted_read(error: ConnectionLost) -> ModellixError:
    """Return the error for a read whose reply did not arrive."""
    return ModellixError(
        ErrorCode.NETWORK, f"The connection failed: {clip(one_line(error.reason), 300)}."
    )


def _json(reply: Reply) -> Json:
    try:
        return loads(reply.body)
    except JsonError:
        return None


def _effective_status(reply: Reply, document: Json) -> int:
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
        detail = clip(without_secrets(one_line(message).strip()), 300)
        return detail if detail.endswith((".", "!", "?", "…")) else detail + "."
    if document is None:
        return f"The reply is not Modellix's JSON{_media_type(reply)}."
    return "The server gave no reason."


def _media_type(reply: Reply) -> str:
    kind = reply.headers.get("content-type", "").split(";")[0].strip()
    return f" ({clip(one_line(kind), 60)})" if kind else ""
