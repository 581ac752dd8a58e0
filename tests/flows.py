"""Which modules a reader passes from a command to the socket, to a result, and to a file.

`python -m tests.flows` runs `model run` and `model batch` in this process against the sandbox on a
port, and watches every call. At the moments that end a flow it looks at the stack: that of the
thread, below it that of whoever started the thread. Of our modules on it each counts once, from
the one where the flow begins; of several such moments the one with the most modules counts.
"""

import os
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any, Final

from modellix_cli.clock import Clock
from modellix_cli.sandbox import open_sandbox
from modellix_cli.sandbox.server import Server
from tests.support import KEY, Result, invoke

SENT: Final = "socket"
FILE: Final = "file"
EMIT: Final = "emit"
_ENDS: Final = {"send": SENT, "sendall": SENT, "link": FILE, "rename": FILE, "replace": FILE}
_EMITTERS: Final = {"workflows/work.py", "workflows/batch_results.py"}
_PACKAGE: Final = str(Path(__file__).parents[1] / "modellix_cli") + "/"


@dataclass(frozen=True)
class Flow:
    """A way through the program: where it begins and ends, and how many modules it may pass.

    With `through` only stacks with that module count.
    """

    name: str
    command: str
    begins: str
    ends: tuple[str, ...]
    at_most: int
    through: str | None = None


FLOWS: Final = (
    Flow(
        "the body of `model run` to the socket",
        *("run", "commands/model/run.py", (SENT,), 9),
        through="api/paid.py",
    ),
    Flow("a batch line to its result", "batch", "commands/model/batch.py", (SENT, FILE, EMIT), 15),
    Flow("a result's URL to its file", "run", "workflows/saving.py", (SENT, FILE), 12),
)


class Watch:
    """Watches calls in every thread, and keeps the stacks at the moments that end flows."""

    def __init__(self) -> None:
        self.stacks: dict[str, set[tuple[str, ...]]] = {SENT: set(), FILE: set(), EMIT: set()}
        self._started: dict[int, list[str]] = {}

    @contextmanager
    def on(self) -> Iterator[None]:
        """Watch this thread and those that it starts."""
        threading.setprofile(self._called)
        sys.setprofile(self._called)
        try:
            yield
        finally:
            sys.setprofile(None)
            threading.setprofile(None)

    def _called(self, frame: FrameType, event: str, argument: Any) -> None:
        if event == "c_call":
            end = _ENDS.get(argument.__name__)
            if end is SENT or (end is FILE and argument.__module__ == os.name):
                self._keep(end, frame)
        elif event == "call" and frame.f_code is threading.Thread.start.__code__:
            self._started[id(frame.f_locals["self"])] = self._files(frame)
        elif event == "call" and frame.f_code.co_name == "emit" and _ours(frame) in _EMITTERS:
            self._keep(EMIT, frame)

    def _keep(self, end: str, frame: FrameType) -> None:
        self.stacks[end].add(tuple(dict.fromkeys(self._files(frame))))

    def _files(self, frame: FrameType) -> list[str]:
        """Return our modules on a stack, outermost first."""
        inner: list[str] = []
        outer: list[str] = []
        at: FrameType | None = frame
        while at is not None:
            name = _ours(at)
            inner += [] if name is None else [name]
            if at.f_code is threading.Thread._bootstrap.__code__:  # type: ignore[attr-defined]
                outer = self._started.get(id(at.f_locals["self"]), [])
            at = at.f_back
        return outer + inner[::-1]

    def way(self, flow: Flow) -> list[str]:
        """Return the modules of a flow, in the order in which they are entered."""
        ways: list[tuple[str, ...]] = [
            stack[stack.index(flow.begins) :]
            for end in flow.ends
            for stack in self.stacks[end]
            if flow.begins in stack and (flow.through is None or flow.through in stack)
        ]
        longest = max((len(way) for way in ways), default=0)
        return list(min((way for way in ways if len(way) == longest), default=()))


def _ours(frame: FrameType) -> str | None:
    name = frame.f_code.co_filename
    return name.removeprefix(_PACKAGE) if name.startswith(_PACKAGE) else None


def passed() -> dict[str, list[str]]:
    """Run the commands and return the modules of each flow by its name."""
    found: dict[str, list[str]] = {}
    with tempfile.TemporaryDirectory() as folder, _sandbox(Path(folder) / "sandbox") as url:
        for command in ("run", "batch"):
            watch = Watch()
            with watch.on():
                result = _run(command, Path(folder) / command, url)
            assert result.status == 0, (result.status, result.stdout, result.stderr)
            for flow in FLOWS:
                if flow.command == command:
                    found[flow.name] = watch.way(flow)
    return found


def _run(command: str, home: Path, url: str) -> Result:
    home.mkdir()
    environment = {
        "HOME": str(home),
        "XDG_CONFIG_HOME": str(home / "config"),
        "XDG_STATE_HOME": str(home / "state"),
        "XDG_CACHE_HOME": str(home / "cache"),
        "MODELLIX_BASE_URL": url,
        "MODELLIX_API_KEY": KEY,
        "MODELLIX_CLI_NO_PROGRESS": "1",
    }
    body = '{"prompt": "a fox"}'
    saving = (
        *("--wait", "--json", "--output-dir", "saved"),
        *("--allow-insecure-http", "--allow-private-network"),
    )
    if command == "run":
        arguments = ["model", "run", "sandbox/image", "--body", body, *saving]
    else:
        line = f'{{"model_slug": "sandbox/image", "body": {body}}}'
        (home / "tasks.jsonl").write_text(line + "\n", encoding="utf-8")
        arguments = ["model", "batch", "tasks.jsonl", "--yes", *saving]
    return invoke(*arguments, env=environment, cwd=home, clock=Clock())


@contextmanager
def _sandbox(folder: Path) -> Iterator[str]:
    """Serve the sandbox from a thread of this process, and yield its address."""
    with Server(open_sandbox(folder, Clock()), "127.0.0.1", 0) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.port}"
        finally:
            server.shutdown()
            thread.join()


def main() -> None:
    """Print the modules of each flow."""
    modules = passed()
    for flow in FLOWS:
        way = modules[flow.name]
        print(f"{flow.name}: {len(way)} (at most {flow.at_most})")
        for name in way:
            print(f"  {name}")


if __name__ == "__main__":
    main()
