"""A webhook's request as a delivery: what Modellix says about a task that ended.

Webhooks are not signed (docs/spec/service.md 8): anybody who knows the address can send one. So a
delivery is a hint that a task is worth a poll, never a proof of how it ended.
"""

import re
from collections.abc import Mapping
from typing import Final
from urllib.parse import unquote

from modellix_cli.api.documents import read_task
from modellix_cli.clock import iso
from modellix_cli.domain.errors import ModellixError
from modellix_cli.domain.frozen import frozen
from modellix_cli.domain.jsontext import Json, JsonError, JsonObject, loads
from modellix_cli.domain.task import Task
from modellix_cli.domain.values import parse_task_id

_DELIVERY_ID: Final = re.compile(r"[!-~]{1,200}")
_EVENT: Final = re.compile(r"[A-Za-z0-9._:-]{1,100}")
_ENDS: Final = {"succeeded": "success", "failed": "failed", "canceled": "canceled"}


class Refused(Exception):
    """A request that is no delivery: the HTTP status to answer with, and why."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status
        self.reason = reason


@frozen
class Delivery:
    """One delivery; repeats of it have the same `delivery_id`.

    `retries` counts the deliveries before this one, `received_at` is a Unix time.
    """

    delivery_id: str
    event: str
    task: Task
    retries: int
    received_at: float

    @property
    def task_id(self) -> str:
        """The task that it is about."""
        return self.task.task_id

    @property
    def is_consistent(self) -> bool:
        """Whether event and body tell of the same end."""
        end = _ENDS.get(self.event.rpartition(".")[2])
        if end == "success":
            return self.task.succeeded
        return end is not None and self.task.failed and self.task.canceled == (end == "canceled")

    def as_dict(self, *, known: bool) -> JsonObject:
        """Return what programs are given; `known` says that the task is in the ledger."""
        return {
            "type": "delivery",
            "deliveryId": self.delivery_id,
            "event": self.event,
            "taskId": self.task_id,
            "status": self.task.status,
            "retryCount": self.retries,
            "receivedAt": iso(self.received_at),
            "known": known,
            "body": self.task.document,
        }


def read_delivery(headers: Mapping[str, str], body: bytes, now: float) -> Delivery:
    """Read a delivery; header names are in lower case. Raises `Refused`, with 400.

    The body is that of `GET /tasks/{task_id}`, or what that has under `data`. The task's id is in
    the header `X-Modellix-Task-ID`, else in the body.
    """
    delivery_id = headers.get("x-modellix-delivery-id", "")
    if not _DELIVERY_ID.fullmatch(delivery_id):
        raise Refused(400, "no usable X-Modellix-Delivery-ID")
    event = headers.get("x-modellix-event", "")
    if not _EVENT.fullmatch(event):
        raise Refused(400, "no usable X-Modellix-Event")
    try:
        document = loads(body, lenient=True)
    except JsonError as error:
        raise Refused(400, "the body is not JSON") from error
    if isinstance(document, dict) and not isinstance(document.get("data"), dict):
        document = {"data": document}
    try:
        task = read_task(document, _task_id(headers, document))
    except ModellixError as error:
        raise Refused(400, "the body is not about the task") from error
    return Delivery(delivery_id, event, task, _retries(headers), now)


def _task_id(headers: Mapping[str, str], document: Json) -> str:
    """Return the id of the task. Raises the usage error for one that cannot be.

    No id has a `%`: in the header it spells what is beyond ASCII.
    """
    data = document.get("data") if isinstance(document, dict) else None
    inside = data.get("task_id") if isinstance(data, dict) else None
    return parse_task_id(unquote(headers.get("x-modellix-task-id", "")) or str(inside or ""))


def _retries(headers: Mapping[str, str]) -> int:
    text = headers.get("x-modellix-retry-count", "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else 0
