"""How a task stands at a moment, and the reply that says so. Nothing runs: it is all computed."""

import base64
import time
from typing import Any, Final

from modellix_cli.sandbox.catalog import Model
from modellix_cli.sandbox.media import png
from modellix_cli.sandbox.store import TaskRecord

RESULT_LIFETIME: Final = 24 * 3600.0
"""Seconds for which results are kept after the task ended."""

FORMATS: Final = {"image": "png", "video": "mp4", "audio": "wav"}
VIDEO_SIZE: Final = (256, 144)
_PENDING_PART: Final = 0.2
_ODD_PART: Final = 0.6
_REASONS: Final = {
    "failed": ("content_policy", "The prompt was refused by the provider's content policy."),
    "canceled": ("canceled", "The task was canceled by the provider."),
}
_EVIL: Final = "\x1b[2J\x1b[31mpwned\x1b[0m\x1b]0;owned\x07\r\x9b2K\u202egnp.exe"
_EVIL_NAMES: Final = (
    "%1B%5D0%3Bowned%07%1B%5B2Jcat.png",
    "..%2F..%2F..%2F..%2Fetc%2Fpasswd.png",
    "long-" + "a" * 400 + ".png",
    "CON.png",
)


def iso_seconds(moment: float) -> str:
    """Write a Unix time as the API does: `2024-01-01T10:00:00Z`."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(max(0.0, moment)))


def status(task: TaskRecord, model: Model, now: float) -> str:
    """Return the status at the Unix time `now`."""
    if now >= task.ended:
        return model.fault.outcome
    spent, total = now - task.created, task.ended - task.created
    if spent < _PENDING_PART * total:
        return "pending"
    if model.fault.passes and spent < _ODD_PART * total:
        return model.fault.passes
    return "processing"


def document(task: TaskRecord, model: Model, now: float, media_base: str) -> dict[str, Any]:
    """Return the `data` of the reply about a task; resource URLs begin with `media_base`."""
    state = status(task, model, now)
    spent = min(max(now, task.created), task.ended) - task.created
    data: dict[str, Any] = {
        "status": state,
        "task_id": task.task_id,
        "model_id": model.fault.name,
        "duration": round(spent * 1000),
    }
    if state == "success":
        data["result"] = _result(task, model, media_base)
    elif state in _REASONS:
        code, message = _REASONS[state]
        data["error"] = {"code": code, "message": message}
    return data


def _result(task: TaskRecord, model: Model, media_base: str) -> dict[str, Any]:
    resources = [_resource(task, model, number, media_base) for number in _numbers(task, model)]
    metadata: dict[str, Any] = {"request_id": f"req-{task.seed[:12]}"}
    if model.fault.makes in ("image", "data-url"):
        metadata = {"image_count": len(resources)} | metadata
    if model.fault.evil:
        metadata["request_id"] = _EVIL
        resources.append({"type": "text", "text": f"{_EVIL}\n../../x", "role": "../../x"})
    times = {"submit_time": iso_seconds(task.created), "end_time": iso_seconds(task.ended)}
    return {"resources": resources, "metadata": metadata, "extensions": times}


def _numbers(task: TaskRecord, model: Model) -> range:
    many = model.fault.makes in ("image", "data-url")
    return range(1, (task.count if many else 1) + 1)


def _resource(task: TaskRecord, model: Model, number: int, media_base: str) -> dict[str, Any]:
    kind = model.fault.makes
    role = "primary" if number == 1 else "alternative"
    if kind == "text":
        return {"type": "text", "text": f"A sandbox text, number {task.seed[:8]}.", "role": role}
    if kind == "data-url":
        data = base64.b64encode(png(f"{task.seed} {number}", 16, 16)).decode()
        url = f"data:image/png;base64,{data}"
        facts = {"width": 16, "height": 16, "format": "png", "role": role}
        return {"url": url, "type": "image"} | facts
    extension = FORMATS[kind]
    url = f"{media_base}/media/{task.task_id}/{number}.{extension}"
    facts = {"format": extension, "role": role}
    if model.fault.evil:
        name = _EVIL_NAMES[(number - 1) % len(_EVIL_NAMES)]
        url = f"{media_base}/media/{task.task_id}/{number}/{name}"
        facts = {"format": "png\x1b[2J/../x", "role": _EVIL}
    if kind == "audio":
        return {"url": url, "type": kind} | facts
    width, height = VIDEO_SIZE if kind == "video" else (task.width, task.height)
    return {"url": url, "type": kind, "width": width, "height": height} | facts
