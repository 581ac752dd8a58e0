"""What the end-to-end tests of `model batch` share: a service, a folder, lines, and the command."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.conftest import Ran, Shell
from tests.e2e.served import FakeService, service

LINES = 8


@pytest.fixture(scope="module")
def running_service() -> Iterator[FakeService]:
    with service("--task-time", "0.1") as served:
        yield served


@dataclass
class Batches:
    """Runs `model batch` on lines of its own against a service."""

    served: FakeService
    shell: Shell
    path: Path

    def write(self, *bodies: dict[str, Any], **more: Any) -> None:
        """Write one line for each body; `prompt` is added where none is given."""
        self.path.write_text("".join(
            json.dumps({"modelSlug": "a/b", "body": {"prompt": str(number)} | body} | more) + "\n"
            for number, body in enumerate(bodies, 1)
        ))  # fmt: skip

    def __call__(self, *options: str, **keywords: Any) -> Ran:
        """Run it, with --yes."""
        return self.shell("model", "batch", str(self.path), "--yes", *options, **keywords)

    @property
    def posts(self) -> int:
        return int(self.served.stats()["posts"])

    def ids(self) -> list[str | None]:
        """The ids that the service made, in the order of the lines; every line at most once."""
        made = self.served.tasks_of()
        assert all(len(ids) == 1 for ids in made.values()), made
        count = len(self.path.read_text().splitlines())
        return [made.get(str(number), [None])[0] for number in range(1, count + 1)]


@pytest.fixture
def batch(running_service: FakeService, shell: Shell) -> Iterator[Batches]:
    """Lines that differ, and a service without limits that forgot everything."""
    shell.env["MODELLIX_BASE_URL"] = running_service.url
    running_service.restore(task_time="0.1")
    made = Batches(running_service, shell, shell.cwd / "lines.jsonl")
    made.write(*[{}] * LINES)
    yield made


def states(ran: Ran) -> list[str]:
    """The submissionState of each line, as a result on stdout tells it."""
    return [entry["submissionState"] for entry in ran.json["tasks"]]
