"""Submissions: which model a path names, what it refuses, and the task it creates."""

from hashlib import sha256
from math import ceil
from secrets import token_hex
from typing import Any, Final

from modellix_cli.domain.values import TASK_TYPES
from modellix_cli.sandbox.catalog import MODELS, Model
from modellix_cli.sandbox.faults import Refusal
from modellix_cli.sandbox.limits import Limits
from modellix_cli.sandbox.parameters import Order, read_body, read_order
from modellix_cli.sandbox.store import Store, TaskRecord
from modellix_cli.sandbox.wire import (
    API_PREFIX,
    Answer,
    Headers,
    Refused,
    Request,
    error,
    plain,
    quoted,
    success,
)

BROKE_KEY: Final = "sandbox-broke"
_BROKE: Final = "Insufficient balance: recharge the account in the console"
_GATEWAY_PAGE: Final = (
    "<html><head><title>502 {0}</title></head><body><h1>502 {0}</h1></body></html>"
)


def find_model(parts: tuple[str, ...]) -> tuple[Model, bool]:
    """Return the model that a submit path names, and whether the route is one with a type.

    `parts` is the path below the API's prefix; a last `async` may be missing, as in the official
    CLI. Refuses (404) a model that does not exist or is of another type.
    """
    names = parts[:-1] if len(parts) > 2 and parts[-1] == "async" else parts
    task_type = names[0] if len(names) == 3 and names[0] in TASK_TYPES else None
    slug = "/".join(names[1:] if task_type else names)
    model = MODELS.get(slug)
    if model is None:
        raise Refused(404, f"Resource not found: model {quoted(slug)}")
    if task_type and not slug.startswith("sandbox/") and task_type != model.type:
        raise Refused(404, f"Resource not found: model {slug} is of type {model.type}")
    return model, task_type is not None


def submit(
    store: Store, limits: Limits, request: Request, model: Model, *, now: float, typed: bool
) -> Answer:
    """Create a task at the Unix time `now` and take its price, or refuse as the API would."""
    data = request.body()
    if model.fault.refusal and (refused := _refusal(store, model, data, now)):
        return refused
    order = read_order(model.slug, model.parameters, read_body(data))
    if request.key == BROKE_KEY:
        raise Refused(402, _BROKE)
    task = _new_task(model, order, limits, now)
    outcome = store.create(task, model.price.micro_dollars(order), limits.running_tasks)
    if outcome == "broke":
        raise Refused(402, _BROKE)
    if outcome == "busy":
        running = f"{limits.running_tasks} tasks of the team are running"
        raise Refused(429, f"Concurrent limit exceeded: {running}")
    return _reply(request, model, task, typed=typed)


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


def _new_task(model: Model, order: Order, limits: Limits, now: float) -> TaskRecord:
    seconds = model.fault.seconds if limits.task_seconds is None else limits.task_seconds
    return TaskRecord(
        task_id=f"task-{token_hex(8)}",
        slug=model.slug,
        created=now,
        ended=now + seconds,
        seed=order.seed,
        width=order.width,
        height=order.height,
        count=order.count,
        clip_seconds=order.clip_seconds,
    )


def _reply(request: Request, model: Model, task: TaskRecord, *, typed: bool) -> Answer:
    if model.fault.reply == "cut":
        raise ConnectionResetError("the sandbox dropped the connection")
    if model.fault.reply == "garbage":
        return Answer(200, (("Content-Type", "application/json"),), b'{"code": 0, "da\xff\xfe\x00')
    url = f"{request.origin}{API_PREFIX}/tasks/{task.task_id}"
    data: dict[str, Any] = {
        "status": "pending",
        "task_id": task.task_id,
        "model_id": model.fault.name,
        "get_result": {"method": "GET", "url": url},
    }
    if model.fault.reply == "no-id":
        del data["task_id"], data["get_result"]
    if typed:
        data["duration"] = 0
    return success(data)
