"""Deliveries as Modellix sends them (docs/spec/service.md 8)."""

import json
from typing import Any

from modellix_cli.webhooks.delivery import Delivery, read_delivery
from tests.support import task_reply


def headers(task_id: str = "t-1", delivery_id: str = "d-1", **other: str) -> dict[str, str]:
    """Its headers; names in lower case."""
    return {
        "x-modellix-event": "prediction.task.succeeded",
        "x-modellix-task-id": task_id,
        "x-modellix-delivery-id": delivery_id,
        "x-modellix-retry-count": "0",
    } | other


def body(task_id: str = "t-1", status: str = "success", **data: Any) -> bytes:
    return json.dumps(task_reply(task_id, status, **data)).encode()


def delivery(task_id: str = "t-1", delivery_id: str = "d-1", **data: Any) -> Delivery:
    return read_delivery(headers(task_id, delivery_id), body(task_id, **data), 1_800_000_000.0)
