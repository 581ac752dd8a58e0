"""A task's status at a moment, and the reply that says so. Nothing runs: it is all computed."""

from typing import Final

from modellix_cli.domain.jsontext import JsonObject
from modellix_cli.sandbox.model import Model
from modellix_cli.sandbox.prices import MICRO
from modellix_cli.sandbox.records import TaskRecord
from modellix_cli.sandbox.results import iso_seconds, result

_PENDING_PART: Final = 0.2
_ODD_PART: Final = 0.6
_REASONS: Final = {
    "failed": ("content_policy", "The prompt was refused by the provider's content policy."),
    "canceled": ("canceled", "The task was canceled by the provider."),
}


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


def document(task: TaskRecord, model: Model, now: float, media_base: str) -> JsonObject:
    """Return the `data` of the reply about a task; resource URLs begin with `media_base`."""
    state = status(task, model, now)
    spent = min(max(now, task.created), task.ended) - task.created
    data: JsonObject = {
        "status": state,
        "task_id": task.task_id,
        "model_id": model.fault.name,
        "duration": round(spent * 1000),
    }
    if now >= task.ended:
        data["billing"] = {"amount": task.cost / MICRO}
    if state == "success":
        data["result_expires_at"] = iso_seconds(task.ended + model.fault.kept)
        data["result"] = result(task, model.fault, media_base)
    elif state in _REASONS:
        code, message = _REASONS[state]
        data["error"] = {"code": code, "message": message}
    return data
