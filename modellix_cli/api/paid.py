"""The paid request: one POST, and what is certain after it (docs/spec/service.md 3 and 9).

This is the one place that says which replies prove that no task was created.
"""

import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Final
from urllib.parse import unquote

from modellix_cli.api import failures
from modellix_cli.api.connecting import NotSent
from modellix_cli.api.documents import read_submission
from modellix_cli.api.retry import Limits, asked_wait
from modellix_cli.api.transport import ConnectionLost, Reply, Transport
from modellix_cli.clock import Clock
from modellix_cli.domain.errors import ErrorCode, ModellixError
from modellix_cli.domain.jsontext import Json, Number
from modellix_cli.domain.task import Submission
from modellix_cli.domain.values import parse_task_id

REFUSALS: Final = frozenset({400, 401, 402, 403, 404, 405, 413, 415, 422, 429})
"""Statuses after which it is certain that nothing was created, unless the reply names a task."""
_MAX_ID: Final = 2000
_TASK_ID: Final = re.compile(
    rb'"task[_-]?id"\s*:\s*(?:"((?:[^"\\]|\\.){1,2000})"|(-?\d{1,600}))', re.IGNORECASE
)
_GET_RESULT: Final = re.compile(
    rb'"get[_-]?result"\s*:.{0,2000}?/tasks/([^/?#"\s\\]{1,2000})\\?[/?#"]',
    re.IGNORECASE | re.DOTALL,
)
_ADDRESS: Final = re.compile(r"/tasks/([^/?#\s]{1,2000})/?(?:[?#].*)?\s*")


@dataclass(frozen=True, slots=True)
class Posted:
    """What came of one paid POST: the task, or why there is none or nobody knows.

    An error other than `SUBMISSION_UNKNOWN` means that no task was created. `limits` is what the
    reply said about the key's limits, None without a reply.
    """

    outcome: Submission | ModellixError
    limits: Limits | None


def post(
    transport: Transport,
    path: str,
    headers: Mapping[str, str],
    body: bytes,
    *,
    clock: Clock,
    base_url: str,
) -> Posted:
    """Send one paid POST, once, on a connection of its own; never raises `ModellixError`.

    A defect of ours, too, leaves the outcome unknown: the request may have left.
    """
    try:
        reply = transport.send("POST", path, headers=headers, body=body, own_connection=True)
    except NotSent as error:
        return Posted(_caused_by(failures.unreachable(error, base_url), error), None)
    except ConnectionLost as error:
        what = f"The connection failed after the submission started: {error.reason}."
        return Posted(_caused_by(unknown(what, Reply(0, {}, error.body), body), error), None)
    except Exception as error:  # noqa: BLE001
        what = f"The submission broke off ({type(error).__name__})."
        return Posted(_caused_by(unknown(what, Reply(0, {}, b""), body), error), None)
    limits: Limits | None = None
    try:
        limits = failures.limits_of(reply, clock)
        return Posted(_created(reply, body, clock), limits)
    except ModellixError as error:
        return Posted(error, limits)
    except Exception as error:  # noqa: BLE001
        what = f"The reply could not be read ({type(error).__name__})."
        return Posted(_caused_by(unknown(what, reply, body), error), limits)


def _caused_by(error: ModellixError, cause: Exception) -> ModellixError:
    error.__cause__ = cause
    return error


def _created(reply: Reply, sent: bytes, clock: Clock) -> Submission:
    document = read_paid_document(reply, clock, sent)
    try:
        return read_submission(document)
    except ModellixError as error:
        raise unknown(error.message, reply, sent) from error


def read_paid_document(reply: Reply, clock: Clock, sent: bytes = b"") -> Json:
    """As `failures.read_document`, for the reply to a paid request with the body `sent`.

    A definite refusal raises its error. Anything that leaves room for a created task raises
    `SUBMISSION_UNKNOWN`, except 503 in the API's own JSON, which created nothing.
    """
    document = failures.json_of(reply)
    status = failures.effective_status(reply, document)
    if status == 200 and document is not None:
        return document
    own_words = isinstance(document, dict) and "code" in document
    refused = status in REFUSALS or (status == 503 and own_words)
    if refused and next(named_tasks(reply, sent), None) is None:
        return failures.read_document(reply, clock)
    raise unknown(
        failures.described(reply, document),
        reply,
        sent,
        retry_after=asked_wait(status, reply.headers, clock),
        category=failures.category_of(document),
        rate_limit=failures.rate_limit_of(reply),
    )


def unknown(
    what: str,
    reply: Reply,
    sent: bytes = b"",
    *,
    retry_after: float | None = None,
    category: str | None = None,
    rate_limit: Mapping[str, int] | None = None,
) -> ModellixError:
    """Return the error for a paid submission that may or may not have created a task.

    An id that the reply, or what there is of it, names is told, and usable if it is a valid one.
    """
    message = f"{what} The outcome is unknown: a task may have been created and charged."
    named = list(named_tasks(reply, sent))
    task_id = next(filter(_is_usable, named), None)
    if named:
        told = reply.excerpt(task_id or named[0], 600)
        message += f" The reply names the task id {told}."
    return ModellixError(
        ErrorCode.SUBMISSION_UNKNOWN,
        message,
        status=reply.status or None,
        task_id=task_id,
        retry_after=retry_after,
        category=category,
        rate_limit=rate_limit,
    )


def named_tasks(reply: Reply, sent: bytes = b"") -> Iterator[str]:
    """Yield the ids of tasks that a reply names, however unusable the rest of it is.

    By `task_id` or `taskId`, or the address of a task in `get_result` or `Location`. An id that
    the request `sent` holds is an earlier task's, repeated by the server, and no new one.
    """
    found = [*_in_json(failures.json_of(reply)), *_in_bytes(reply.body)]
    found += _in_address(reply.headers.get("location"))
    for task_id in dict.fromkeys(found):
        if f'"{task_id}"'.encode("utf-8", "replace") not in sent:
            yield task_id


def _in_json(document: Json) -> Iterator[str]:
    level: list[Json] = [document]
    while level:
        inner: list[Json] = []
        for value in level:
            if isinstance(value, dict):
                for key, item in value.items():
                    yield from _in_field(key, item)
                inner += value.values()
            elif isinstance(value, list):
                inner += value
        level = inner


def _in_field(key: str, value: Json) -> Iterator[str]:
    name = key.replace("_", "").replace("-", "").lower()
    if name == "taskid" and isinstance(value, (str, int, Number)) and not isinstance(value, bool):
        text = value.text if isinstance(value, Number) else str(value)
        if text.strip():
            yield text[:_MAX_ID]
    elif name == "getresult":
        addresses = value.values() if isinstance(value, dict) else (value,)
        for address in addresses:
            yield from _in_address(address)


def _in_address(address: Json) -> Iterator[str]:
    match = _ADDRESS.search(address) if isinstance(address, str) else None
    if match is not None and match.end() == len(match.string):
        yield unquote(match[1])


def _in_bytes(body: bytes) -> Iterator[str]:
    for pattern in (_TASK_ID, _GET_RESULT):
        for match in pattern.finditer(body.replace(b"\\/", b"/")):
            yield next(filter(None, match.groups())).decode("utf-8", "replace")


def _is_usable(task_id: str) -> bool:
    with suppress(ModellixError):
        return parse_task_id(task_id) == task_id
    return False
