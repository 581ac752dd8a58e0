"""Submissions: which model a path names, what it refuses, and the task it creates."""

from dataclasses import dataclass, replace
from hashlib import sha256
from http import HTTPStatus
from math import ceil
from secrets import token_hex
from typing import Final

from modellix_cli.domain.jsontext import JsonObject
from modellix_cli.sandbox.catalog import MODELS, TYPES
from modellix_cli.sandbox.faults import Refusal
from modellix_cli.sandbox.limits import Limits
from modellix_cli.sandbox.model import Model
from modellix_cli.sandbox.parameters import Order, read_body
from modellix_cli.sandbox.records import TaskRecord
from modellix_cli.sandbox.store import Store
from modellix_cli.sandbox.webhooks import check_webhook
from modellix_cli.sandbox.wire import (
    API_PREFIX,
    Answer,
    Headers,
    Refused,
    Request,
    as_json,
    error,
    half_of,
    plain,
    quoted,
    success,
)

BROKE_KEY: Final = "sandbox-broke"
_BROKE: Final = "Insufficient balance: recharge the account in the console"
_MAX_KEPT_BODY: Final = 4096
_SIGN_IN_PAGE: Final = "<html><head><title>Sign in</title></head><body>Sign in first.</body></html>"
_GATEWAY_PAGE: Final = (
    "<html><head><title>502 {0}</title></head><body><h1>502 {0}</h1></body></html>"
)


def find_model(parts: tuple[str, ...]) -> tuple[Model, bool]:
    """Return the model that a submit path names, and whether the route is one with a type.

    `parts` is the path below the API's prefix; a last `async` may be missing, as in the official
    CLI. Refuses (404) a model that does not exist or is of another type.
    """
    names = parts[:-1] if len(parts) > 2 and parts[-1] == "async" else parts
    task_type = names[0] if len(names) == 3 and names[0] in TYPES else None
    slug = "/".join(names[1:] if task_type else names)
    model = MODELS.get(slug)
    if model is None:
        raise Refused(404, f"Resource not found: model {quoted(slug)}")
    if task_type and not slug.startswith("sandbox/") and task_type != model.type:
        raise Refused(404, f"Resource not found: model {slug} is of type {model.type}")
    return model, task_type is not None


@dataclass(frozen=True, slots=True)
class Submission:
    """A request that names a model: whose it is, when it came (Unix time), on which route."""

    request: Request
    model: Model
    team: str
    now: float
    typed: bool


def submit(store: Store, limits: Limits, submission: Submission) -> Answer:
    """Create a task and take its price, or refuse as the API would."""
    request, model = submission.request, submission.model
    data = request.body()
    if model.fault.refusal and (refused := _refusal(store, model, data, submission.now)):
        return refused
    order = model.order(read_body(data))
    if webhook := request.header("X-Webhook-URL"):
        check_webhook(webhook)
    if request.key == BROKE_KEY:
        raise Refused(402, _BROKE)
    task = _new_task(submission, order, data, limits)
    outcome = store.create(task, limits.running_tasks, limits.repeat_webhooks)
    if outcome == "broke":
        raise Refused(402, _BROKE)
    if outcome == "busy":
        running = f"{limits.running_tasks} tasks of the team are running"
        raise Refused(429, f"Concurrent limit exceeded: {running}")
    return _reply(submission, task)


def _refusal(store: Store, model: Model, body: bytes, now: float) -> Answer | None:
    """Return what a model of `faults` answers instead of creating a task, None if it accepts."""
    refusal = model.fault.refusal
    assert refusal is not None
    if refusal.first is not None:
        met = f"met {model.slug} {sha256(body).hexdigest()}"
        if store.count(met) > refusal.first:
            store.start_over(met)
            return None
    if refusal.html:
        return plain(refusal.status, _GATEWAY_PAGE.format(refusal.message), "text/html")
    return error(refusal.status, refusal.message, _pacing(refusal, now), refusal.code)


def _pacing(refusal: Refusal, now: float) -> Headers:
    headers: Headers = ()
    if refusal.retry_after is not None:
        headers += (("Retry-After", str(refusal.retry_after)),)
    if refusal.resets is not None:
        headers += (("X-RateLimit-Reset", str(ceil(now + refusal.resets))),)
    return headers


def _new_task(submission: Submission, order: Order, data: bytes, limits: Limits) -> TaskRecord:
    model, now = submission.model, submission.now
    seconds = model.fault.seconds if limits.task_seconds is None else limits.task_seconds
    return TaskRecord(
        task_id=f"task-{token_hex(8)}",
        team=submission.team,
        slug=model.slug,
        created=now,
        ended=now + seconds,
        seed=order.seed,
        width=order.width,
        height=order.height,
        count=order.count,
        clip_seconds=order.clip_seconds,
        cost=model.cost(order),
        origin=submission.request.origin,
        webhook=submission.request.header("X-Webhook-URL"),
        digest=sha256(data).hexdigest(),
        body=data.decode("utf-8", "replace") if len(data) <= _MAX_KEPT_BODY else "",
    )


def _reply(submission: Submission, task: TaskRecord) -> Answer:
    fault = submission.model.fault
    if fault.reply == "cut":
        raise ConnectionResetError("the sandbox dropped the connection")
    if fault.reply == "garbage":
        return Answer(200, (("Content-Type", "application/json"),), b'{"code": 0, "da\xff\xfe\x00')
    if fault.reply == "html":
        return plain(200, _SIGN_IN_PAGE, "text/html")
    data: JsonObject = {
        "status": "pending",
        "task_id": task.task_id,
        "model_id": fault.name,
        "get_result": {
            "method": "GET",
            "url": f"{task.origin}{API_PREFIX}/tasks/{task.task_id}",
        },
    }
    if fault.reply == "no-id":
        del data["task_id"], data["get_result"]
    if submission.typed:
        data["duration"] = 0
    if fault.reply_status != 200:
        message = f"{HTTPStatus(fault.reply_status).phrase}: the task was created all the same"
        return as_json(
            fault.reply_status, {"code": fault.reply_status, "message": message, "data": data}
        )
    answer = success(data)
    if fault.reply == "trailing":
        return replace(answer, body=answer.body + b"\r\n0\r\n\r\n<!-- served by a proxy -->")
    if fault.reply == "half":
        return replace(answer, chunks=half_of(answer.body))
    return answer
