"""What tests share: a clock under control, and the command line run in this process."""

import io
import json
import queue
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any, TextIO, TypeVar

from modellix_cli.__main__ import execute, wants_envelope
from modellix_cli.clock import Clock
from modellix_cli.context.session import Session
from modellix_cli.mailbox import Mailbox
from modellix_cli.output.sink import Sink
from modellix_cli.runtime import Runtime

T = TypeVar("T")
BASE = "https://api.modellix.ai"
API = BASE + "/api/v1"
KEY = "mk-test-0123456789abcdef"


class FakeClock(Clock):
    """Time stands still but for sleeping, which takes none."""

    def __init__(self, now: float = 1_800_000_000.0) -> None:
        self.time = now
        self.stepped = 0.0
        self.slept: list[float] = []

    def now(self) -> float:
        return self.time

    def monotonic(self) -> float:
        return self.time

    def uptime(self) -> float:
        return self.time - self.stepped

    def step(self, seconds: float) -> None:
        """Set the date to another one, as somebody does."""
        self.time += seconds
        self.stepped += seconds

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.time += max(0.0, seconds)

    def take(self, source: "Mailbox[T]", seconds: float) -> T | None:
        try:
            return source.get(0)
        except queue.Empty:
            self.sleep(seconds)
            return None

    def jitter(self, span: float) -> float:
        return 0.0


class Terminal(io.StringIO):
    """A stream that somebody watches."""

    def isatty(self) -> bool:
        return True


class FakeKeyring(ModuleType):
    """A system keychain as the module `keyring` shows it; `broken` is what every call raises."""

    def __init__(self) -> None:
        super().__init__("keyring")
        self.keys: dict[tuple[str, str], str] = {}
        self.broken: Exception | None = None

    def get_password(self, service: str, user: str) -> str | None:
        if self.broken:
            raise self.broken
        return self.keys.get((service, user))

    def set_password(self, service: str, user: str, password: str) -> None:
        if self.broken:
            raise self.broken
        self.keys[service, user] = password

    def delete_password(self, service: str, user: str) -> None:
        del self.keys[service, user]


@dataclass(frozen=True)
class Result:
    status: int
    stdout: str
    stderr: str

    @property
    def json(self) -> Any:
        return json.loads(self.stdout)


def invoke(
    *arguments: str,
    env: Mapping[str, str],
    cwd: Path | None,
    stdin: bytes | TextIO = b"",
    clock: Clock | None = None,
    stdout: io.StringIO | None = None,
    stderr: io.StringIO | None = None,
) -> Result:
    """Run one command line in this process, with its own streams, environment and clock."""
    out, err = stdout or io.StringIO(), stderr or io.StringIO()
    given = io.TextIOWrapper(io.BytesIO(stdin)) if isinstance(stdin, bytes) else stdin
    runtime = Runtime(given, out, err, env, cwd, clock or FakeClock())
    sink = Sink(out, err, env, envelope=wants_envelope(arguments))
    with Session(runtime, sink).opened() as session:
        status = execute(session, list(arguments))
    return Result(status, out.getvalue(), err.getvalue())


def at_terminal(
    env: dict[str, str], work: Path, *arguments: str, columns: int = 80, color: bool = False
) -> list[str]:
    """Run a command line and return the lines that a terminal would show."""
    chosen = env | {"COLUMNS": str(columns)} | ({} if color else {"NO_COLOR": "1"})
    result = invoke(*arguments, env=chosen, cwd=work, stdout=Terminal())
    assert result.status == 0
    return result.stdout.splitlines()


def task_reply(task_id: str, status: str = "success", *urls: str, **data: Any) -> dict[str, Any]:
    """A task's reply as docs/spec/service.md shows it."""
    body: dict[str, Any] = {"status": status, "task_id": task_id, "model_id": "m", "duration": 9}
    if urls:
        resources = [{"url": url, "type": "image"} for url in urls]
        body["result"] = {"resources": resources, "metadata": {}, "extensions": {}}
    return {"code": 0, "message": "success", "data": body | data}


def accepted(task_id: str) -> dict[str, Any]:
    """The reply to a submission as docs/spec/service.md shows it."""
    data = {"status": "pending", "task_id": task_id, "model_id": "m"}
    return {"code": 0, "message": "success", "data": data}


def problem(code: int, message: str) -> dict[str, Any]:
    """An error in the API's own JSON."""
    return {"code": code, "message": message}
