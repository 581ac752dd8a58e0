"""What the tests of `model batch` in this process share."""

import json
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import respx

from tests.conftest import Cli
from tests.support import API, Result, accepted, problem, task_reply

ROUTE = f"{API}/a/b/async"
PRICE = {"fixed": 0.04, "unit": "$/img"}


class Service:
    """The API: each POST makes `task-N` for the body's `line`, unless `replies` says otherwise.

    The second of a line makes `task-N-2`.
    """

    def __init__(self, router: respx.Router) -> None:
        self.router = router
        self.replies: dict[int, httpx.Response | Exception] = {}
        self.tasks: dict[str, dict[str, Any]] = {}
        self.posts: list[int] = []
        self.made: list[int] = []
        self.bodies: list[dict[str, Any]] = []
        self.on_post: Callable[[int], None] = lambda number: None
        self.on_poll: Callable[[str], None] = lambda task_id: None
        self.missing = False
        """Whether no task is found."""
        self.models = router.get(f"{API}/models").respond(json={"models": [
            {"slug": "a/b", "price": PRICE},
        ]})  # fmt: skip
        router.get(url__startswith="https://www.modellix.ai/portal/").respond(503)
        router.post(ROUTE).mock(side_effect=self._submit)
        self.schema = router.get("https://www.modellix.ai/models/a/b/api_schema")
        router.get(url__startswith=f"{API}/tasks/").mock(side_effect=self._task)

    def _submit(self, request: httpx.Request) -> httpx.Response:
        body = json.loads(request.content)
        number = body["line"]
        self.bodies.append(body)
        self.posts.append(number)
        self.on_post(number)
        reply = self.replies.get(number)
        if isinstance(reply, Exception):
            raise reply
        again = self.made.count(number)
        self.made += [] if reply else [number]
        name = f"task-{number}-{again + 1}" if again else f"task-{number}"
        return reply or httpx.Response(200, json=accepted(name))

    def _task(self, request: httpx.Request) -> httpx.Response:
        task_id = request.url.path.rsplit("/", 1)[-1]
        self.on_poll(task_id)
        if self.missing:
            return httpx.Response(404, json=problem(404, "Resource not found: task"))
        url = f"https://cdn.example.com/{task_id}.png"
        reply = self.tasks.get(task_id) or task_reply(task_id, "success", url)
        return httpx.Response(200, json=reply)


class Batches:
    """Runs `model batch` on a file of four lines."""

    def __init__(self, cli: Cli, work: Path, env: dict[str, str], service: Service) -> None:
        self.cli = cli
        self.work = work
        self.state = Path(env["XDG_STATE_HOME"]) / "modellix"
        self.service = service
        self.write(1, 2, 3, 4)

    def write(self, *numbers: int, **more: Any) -> None:
        text = "".join(
            json.dumps({"modelSlug": "a/b", "body": {"line": number}} | more) + "\n"
            for number in numbers
        )
        (self.work / "tasks.jsonl").write_text(text)

    def __call__(self, *options: str, **keywords: Any) -> Result:
        given = ("--yes", "--concurrency", "1", *options)
        return self.cli("model", "batch", "tasks.jsonl", *given, **keywords)

    def sql(self, statement: str) -> list[tuple[Any, ...]]:
        """Read or change the ledger behind the program's back."""
        with sqlite3.connect(self.state / "ledger.db") as db:
            rows = db.execute(statement).fetchall()
        db.close()
        return rows


@pytest.fixture
def batch(cli: Cli, work: Path, env: dict[str, str]) -> Iterator[Batches]:
    with respx.mock(assert_all_called=False) as router:
        yield Batches(cli, work, env, Service(router))


def bad_request() -> httpx.Response:
    return httpx.Response(400, json={"code": 400, "message": "Invalid parameters: no prompt"})


def states(result: Result) -> list[str]:
    return [entry["submissionState"] for entry in result.json["tasks"]]
