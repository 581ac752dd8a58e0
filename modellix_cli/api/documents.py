"""Typed reading of what the API sends.

Server values stay open: an unknown status or field is kept, not refused. Each document carries
the reply it was read from, so that it can be shown as sent. A reply without what a document must
have raises `BAD_REPLY`.
"""

from datetime import datetime
from math import isfinite
from typing import Final

from modellix_cli.domain.errors import ErrorCode, ModellixError
from modellix_cli.domain.jsontext import Json
from modellix_cli.domain.task import Resource, Submission, Task
from modellix_cli.domain.text import one_line
from modellix_cli.domain.values import parse_task_id

_LONGEST_STATUS: Final = 100
_URL_SCHEMES: Final = ("http://", "https://", "data:")


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
    """Read the reply about `task_id`. Raises `BAD_REPLY` if it is about something else."""
    data = _data(document)
    status = data.get("status")
    if not isinstance(status, str) or not status.strip():
        raise unexpected("data.status to be a non-empty string")
    answered = data.get("task_id", task_id)
    if answered != task_id:
        raise unexpected("the task that was asked for; it is about another task ID")
    result = data.get("result")
    holder = result if isinstance(result, dict) else {}
    resources = holder.get("resources", data.get("resources"))
    return Task(
        task_id=task_id,
        status=_status(status),
        resources=_read_resources(resources),
        reason=_reason(data),
        ended_at=_moment(holder.get("extensions")),
        seconds=_seconds(data.get("duration")),
        document=document,
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


def _read_resources(items: Json) -> tuple[Resource, ...]:
    if not isinstance(items, list):  # the reply can still be shown as sent
        return ()
    return tuple(_read_resource(position, item) for position, item in enumerate(items, 1))


def _read_resource(position: int, item: Json) -> Resource:
    fields = {"url": item} if isinstance(item, str) else item
    if not isinstance(fields, dict):  # one odd item must not hide the paid others
        return Resource(position, None, None, None, None)
    kind, url = _string(fields, "type"), _string(fields, "url")
    text = _string(fields, "text", "content")
    if url is not None and kind == "text" and not url.lower().startswith(_URL_SCHEMES):
        url, text = None, url
    return Resource(position, kind, url, text, _string(fields, "format"))


def _string(fields: dict[str, Json], *names: str) -> str | None:
    for name in names:
        value = fields.get(name)
        if isinstance(value, str) and value:
            return value
    return None


def _reason(data: dict[str, Json]) -> str | None:
    """Return what the server says about a failure: `error` as text or as an object."""
    error = data.get("error")
    if isinstance(error, dict):
        message, code = _string(error, "message", "detail", "reason"), error.get("code")
        return f"{message} ({code})" if message and code else message or (str(code or "") or None)
    if isinstance(error, str) and error.strip():
        return error.strip()
    return _string(data, "error_message", "message", "fail_reason")


def _moment(extensions: Json) -> float | None:
    end = extensions.get("end_time") if isinstance(extensions, dict) else None
    if not isinstance(end, str):
        return None
    try:
        moment = datetime.fromisoformat(end)
        return moment.timestamp() if moment.tzinfo else None
    except (ValueError, OverflowError, OSError):
        return None


def _seconds(milliseconds: Json) -> float | None:
    usable = isinstance(milliseconds, (int, float)) and not isinstance(milliseconds, bool)
    return milliseconds / 1000 if usable and 0 < milliseconds < 1e10 else None


def unexpected(wanted: str) -> ModellixError:
    """Return the error for a reply without what its document must have."""
    return ModellixError(
        ErrorCode.BAD_REPLY, f"Unexpected reply from the Modellix API: expected {wanted}."
    )
