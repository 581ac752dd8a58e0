"""Short ways to ask for paid work and to read what came of it, for the tests about money."""

import json
import time
from collections.abc import Callable, Sequence
from typing import Any

from tests.e2e.batches import Batches
from tests.e2e.conftest import Ran

Body = dict[str, Any]
SAVING = ("--wait", "--allow-insecure-http", "--allow-private-network")


def lines(*bodies: Body, slug: str = "a/b") -> str:
    """Return the text of a batch with these bodies."""
    return "".join(json.dumps({"modelSlug": slug, "body": body}) + "\n" for body in bodies)


def prompts(*names: object) -> list[Body]:
    return [{"prompt": str(name)} for name in names]


def run(batch: Batches, *options: str, body: str | Body = "1", **env: Any) -> Ran:
    """Run `model run a/b` with errors as JSON; a text is the body's prompt."""
    asked = {"prompt": body} if isinstance(body, str) else body
    words = ("model", "run", "a/b", "--body", json.dumps(asked), "--json")
    return batch.shell(*words, *options, **env)


def again(batch: Batches, *options: str, **keywords: Any) -> Ran:
    """Run the batch with errors as JSON."""
    return batch("--json", *options, **keywords)


def end(ran: Ran) -> tuple[int, str | None]:
    """The exit status, and the code of the error where one was told."""
    told = ran.json if ran.stdout.strip() else {}
    return ran.status, told.get("error", {}).get("code")


def ended(ran: Ran) -> str:
    """What to show where an assertion fails."""
    return f"exit {ran.status}\nstdout: {ran.stdout[-1500:]!r}\nstderr: {ran.stderr[-1500:]}"


def task_of(ran: Ran) -> str:
    """The task id in the JSON of a `model run`."""
    return str(ran.json["data"]["task_id"])


def task_ids(ran: Ran) -> list[str | None]:
    """The task ids in the JSON of a batch, in the order of its lines."""
    return [entry.get("taskId") for entry in ran.json["tasks"]]


def error_infos(ran: Ran) -> list[Any]:
    return [entry.get("errorInfo") for entry in ran.json["tasks"]]


def unknown_submissions(batch: Batches) -> list[Any]:
    listed: list[Any] = batch.shell("task", "history", "--json").json["unknownSubmissions"]
    return listed


def made(batch: Batches) -> int:
    return int(batch.served.stats()["tasks_created"])


def until(condition: Callable[[], bool], seconds: float = 30.0) -> None:
    """Wait until it is so; fail when it is not in time."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not become so in time"
        time.sleep(0.01)


def without(words: Sequence[str], *dropped: str) -> list[str]:
    return [word for word in words if word not in dropped]
