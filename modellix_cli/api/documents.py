"""Typed reading of what the API sends about keys, balances, submissions and tasks.

Server values stay open: an unknown status or field is kept, not refused. Each document carries
the reply it was read from, so that it can be shown as sent. A reply without what a document must
have raises `BAD_REPLY`.
"""

from math import isfinite
from typing import TYPE_CHECKING, Final

from modellix_cli.api.fields import (
    amount,
    as_object,
    moment,
    positive,
    text_of,
    unexpected,
    whole,
)
from modellix_cli.domain.errors import ModellixError
from modellix_cli.domain.jsontext import Json, dumps
from modellix_cli.domain.task import RESULT_LIFETIME, SUCCEEDED, Resource, Submission, Task
from modellix_cli.domain.text import one_line
from modellix_cli.domain.values import parse_task_id

if TYPE_CHECKING:
    from modellix_cli.domain.money import Money

_LONGEST_STATUS: Final = 100
_URL_SCHEMES: Final = ("http://", "https://", "data:")
_FACTS: Final = frozenset({"metadata", "extensions"})
"""What a result holds beside what the model made."""


def read_submission(document: Json) -> Submission:
    """Read the reply to a submission. Raises `BAD_REPLY` without a usable task id."""
    data = _data(document)
    task_id = data.get("task_id")
    try:
        if not isinstance(task_id, str) or parse_task_id(task_id) != task_id:
            raise unexpected("a usable task_id")
    except ModellixError:
        raise unexpected("a usable task_id") from None
    status = data.get("status")
    return Submission(task_id, status if isinstance(status, str) else "submitted", document)


def read_task(document: Json, task_id: str) -> Task:
    """Read the reply about `task_id`. Raises `BAD_REPLY` if it is about something else.

    Its results are kept until `result_expires_at` of the task, or the soonest of its resources,
    else for `RESULT_LIFETIME` after its end (docs/spec/service.md 5).
    """
    data = _data(document)
    status = data.get("status")
    if not isinstance(status, str) or not one_line(status).strip():
        raise unexpected("data.status to be a non-empty string")
    answered = data.get("task_id", task_id)
    if answered != task_id:
        wanted = "the task that was asked for; it is about another task ID"
        raise unexpected(wanted).copy_with(retryable=False)
    result = as_object(data.get("result"))
    resources = _read_resources(data, succeeded=status.strip().lower() in SUCCEEDED)
    end = text_of(as_object(result.get("extensions")), "end_time")
    ended_at = moment(end)
    return Task(
        task_id=task_id,
        status=_status(status),
        resources=resources,
        reason=_reason(data),
        ended_at=ended_at,
        seconds=_seconds(data.get("duration")),
        document=document,
        expires_at=_expiry(data, result, resources, ended_at),
        billed=_billed(data),
        model=text_of(data, "model_id"),
    )


def read_validity(document: Json) -> bool:
    """Read the reply about a key: whether it is valid and active."""
    valid = _data(document).get("is_valid")
    if not isinstance(valid, bool):
        raise unexpected("data.is_valid to be a boolean")
    return valid


def read_balance(document: Json) -> float:
    """Read the team's balance in USD."""
    balance = _data(document).get("balance")
    if not isinstance(balance, (int, float)) or isinstance(balance, bool) or not isfinite(balance):
        raise unexpected("data.balance to be a number")
    return float(balance)


def _data(document: Json) -> dict[str, Json]:
    data = document.get("data") if isinstance(document, dict) else None
    if not isinstance(data, dict):
        raise unexpected("a data object")
    return data


def _status(text: str) -> str:
    """Return a status as one line; a text of another kind is named, as part of it may be secret."""
    line = one_line(text).strip()
    return line if len(line) <= _LONGEST_STATUS else f"(a status of {len(line)} characters)"


def _read_resources(data: dict[str, Json], *, succeeded: bool) -> tuple[Resource, ...]:
    """Read `result.resources`, else `resources` beside the result, else the result itself."""
    result = data.get("result")
    items = as_object(result).get("resources", data.get("resources"))
    if isinstance(items, list) and items:
        return tuple(_read_resource(position, item) for position, item in enumerate(items, 1))
    structured = _structured(result) if succeeded else None
    return () if structured is None else (structured,)


def _structured(result: Json) -> Resource | None:
    """Return a result without media, as parsing and transcripts have it, as one inline resource.

    Metadata and extensions are no result. What is left is a text where it is one string, alone or
    in a field of its own; else it is a document, its JSON written out.
    """
    if isinstance(result, dict):
        known = _FACTS | ({"resources"} if isinstance(result.get("resources"), list) else set())
        result = {name: value for name, value in result.items() if name not in known and value}
        if len(result) == 1:
            only = next(iter(result.values()))
            result = only if isinstance(only, str) else result
    if not result or not isinstance(result, (dict, list, str)):
        return None
    if isinstance(result, str):
        return Resource(1, "text", None, result, "txt")
    return Resource(1, "document", None, dumps(result), "json")


def _read_resource(position: int, item: Json) -> Resource:
    fields = {"url": item} if isinstance(item, str) else item
    if not isinstance(fields, dict):  # one odd item must not hide the paid others
        return Resource(position, None, None, None, None)
    kind, url = text_of(fields, "type"), text_of(fields, "url")
    text, form = text_of(fields, "text", "content"), text_of(fields, "format")
    if url is not None and kind == "text" and not url.lower().startswith(_URL_SCHEMES):
        url, text = None, url
    if url is None and text is None:
        inner = next((fields[name] for name in ("content", "text", "data") if fields.get(name)), "")
        if isinstance(inner, (dict, list)):
            text, form = dumps(inner), form or "json"
    return Resource(
        position,
        kind,
        url,
        text,
        form,
        width=whole(fields.get("width")),
        height=whole(fields.get("height")),
        duration=positive(fields.get("duration")),
        size=whole(fields.get("size")),
        role=text_of(fields, "role"),
        expires_at=_told_expiry(fields),
    )


def _told_expiry(fields: dict[str, Json]) -> float | None:
    return moment(fields.get("result_expires_at", fields.get("expires_at")))


def _expiry(
    data: dict[str, Json],
    result: dict[str, Json],
    resources: tuple[Resource, ...],
    ended_at: float | None,
) -> float | None:
    for fields in (data, result):
        told = moment(fields.get("result_expires_at"))
        if told is not None:
            return told
    soonest = [resource.expires_at for resource in resources if resource.expires_at is not None]
    if soonest:
        return min(soonest)
    return None if ended_at is None else ended_at + RESULT_LIFETIME


def _billed(data: dict[str, Json]) -> "Money | None":
    billing = data.get("billing")
    return amount(billing.get("amount")) if isinstance(billing, dict) else None


def _reason(data: dict[str, Json]) -> str | None:
    """Return what the server says about a failure: `error` as text or as an object."""
    error = data.get("error")
    if isinstance(error, dict):
        message, code = text_of(error, "message", "detail", "reason"), error.get("code")
        return f"{message} ({code})" if message and code else message or (str(code or "") or None)
    if isinstance(error, str) and error.strip():
        return error.strip()
    return text_of(data, "error_message", "message", "fail_reason")


def _seconds(milliseconds: Json) -> float | None:
    usable = isinstance(milliseconds, (int, float)) and not isinstance(milliseconds, bool)
    return milliseconds / 1000 if usable and 0 < milliseconds < 1e10 else None
