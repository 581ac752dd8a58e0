"""A plugin of pytest: instead of the tests, it runs the mutants, each in a fork of this process.

The tests are collected once. First they run as they are, to learn which lines each executes and
how long it takes. Then every mutant meets those that execute its lines, the quickest first, until
one fails.
"""

import gc
import importlib
import json
import os
import resource
import shutil
import signal
import sys
import tempfile
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import Any, Final

import pytest

from tests.mutation.mutants import Mutant, mutants
from tests.mutation.patching import install

PACKAGE: Final = Path(__file__).parents[2] / "modellix_cli"
MOST_SECONDS: Final = 8.0
"""How many seconds of tests a mutant meets, as they took while their lines were noted."""
_MEMORY: Final = 4 << 30
_PATIENCE: Final = 300.0
"""After how many seconds a mutant is given up that waits for something."""
IMPORTING: Final = "import"
LATE: Final = "no end"
_SURVIVED: Final = 0
_KILLED: Final = 3
_LATE: Final = 4


@dataclass
class Seen:
    """One test: the lines of each module that it executes, and its seconds of processor time."""

    index: int
    file: str
    seconds: float
    lines: dict[str, set[int]]


@dataclass
class Verdict:
    """What became of a mutant: killed by a test, `IMPORTING` or `LATE`; None if it survived."""

    mutant: Mutant
    killer: str | None
    seconds: float


@dataclass
class Report:
    """The verdicts of each module."""

    verdicts: dict[str, list[Verdict]] = field(default_factory=dict)
    broken: list[str] = field(default_factory=list)


class MutationRun:
    """The plugin. `modules` are paths below the package; `only` are numbers of mutants."""

    def __init__(self, modules: list[str], jobs: int, only: set[int]) -> None:
        self.report = Report()
        self._modules = modules
        self._jobs = jobs
        self._only = only
        self._failed = False

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection(self) -> None:
        """Let properties draw the same examples for every mutant, and not look for smaller ones."""
        from hypothesis import Phase, settings  # not before pytest, which rewrites it

        settings.register_profile(
            "mutation",
            settings(
                database=None,
                derandomize=True,
                max_examples=60,
                deadline=None,
                phases=(Phase.explicit, Phase.generate),
            ),
        )
        settings.load_profile("mutation")

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        self._failed = self._failed or report.failed

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        """Run every mutant against the tests that were collected."""
        gc.freeze()  # what is shared with the children stays shared
        seen = self._look(session)
        for name in self._modules:
            self._meet(session, name, seen)
        return True

    def _look(self, session: pytest.Session) -> list[Seen]:
        """Run all tests as they are."""
        read, write = os.pipe()
        child = self._fork(lambda: self._trace_all(session, write))
        os.close(write)
        with os.fdopen(read, encoding="utf-8") as pipe:
            rows = json.load(pipe)
        _end(child)
        self.report.broken = [session.items[row["index"]].nodeid for row in rows if row["failed"]]
        return [
            Seen(
                row["index"],
                session.items[row["index"]].path.name,
                row["seconds"],
                {name: set(at) for name, at in row["lines"].items()},
            )
            for row in rows
            if not row["failed"]
        ]

    def _trace_all(self, session: pytest.Session, write: int) -> int:
        names = {str(PACKAGE / name): name for name in self._modules}
        rows = []
        for index, item in enumerate(session.items):
            lines: dict[str, set[int]] = {}
            began = time.process_time()
            with _Tracing(names, lines):
                self._failed = False
                self._run(item)
            seconds = time.process_time() - began
            at = {name: sorted(numbers) for name, numbers in lines.items()}
            rows.append({"index": index, "seconds": seconds, "lines": at, "failed": self._failed})
        with os.fdopen(write, "w", encoding="utf-8") as pipe:
            json.dump(rows, pipe)
        return _SURVIVED

    def _run(self, item: pytest.Item) -> None:
        item.config.hook.pytest_runtest_protocol(item=item, nextitem=None)

    def _meet(self, session: pytest.Session, name: str, seen: list[Seen]) -> None:
        path = PACKAGE / name
        made = mutants(path.read_text(encoding="utf-8"))
        waiting = deque(m for m in made if not self._only or m.number in self._only)
        verdicts = self.report.verdicts.setdefault(name, [])
        running: dict[int, tuple[_Child, Mutant, float]] = {}
        killers: dict[int, float] = {}
        indexes = {item.nodeid: index for index, item in enumerate(session.items)}
        while waiting or running:
            while waiting and len(running) < self._jobs:
                mutant = waiting.popleft()
                tests = _tests_for(mutant, name, seen, killers)
                child = self._fork(lambda m=mutant, t=tests: self._kill(session, name, m, t))  # type: ignore[misc]
                running[child.pid] = child, mutant, time.monotonic()
            for pid, (child, mutant, began) in list(running.items()):
                took = time.monotonic() - began
                status = _ended(child, late=took > _PATIENCE)
                if status is None:
                    continue
                del running[pid]
                killer = None if status == _SURVIVED else child.said(session)
                killer = LATE if status == _LATE else killer
                if killer in indexes:
                    killers[indexes[killer]] = time.monotonic()
                verdicts.append(Verdict(mutant, killer, took))
                self._tell(name, verdicts[-1], len(verdicts), len(made))
            time.sleep(0.005)

    def _kill(self, session: pytest.Session, name: str, mutant: Mutant, tests: list[Seen]) -> int:
        module = importlib.import_module("modellix_cli." + name[:-3].replace("/", "."))
        _say(-1)
        seconds = 4 + 2 * int(sum(test.seconds for test in tests))  # a busy machine does not count
        resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))
        resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY))
        install(module, mutant.tree())
        for test in tests:
            self._failed = False
            _say(test.index)
            self._run(session.items[test.index])
            if self._failed:
                return _KILLED
        return _SURVIVED

    def _fork(self, work: Callable[[], int]) -> "_Child":
        folder = tempfile.mkdtemp(prefix="mutant-")
        pid = os.fork()
        if pid:
            return _Child(pid, folder)
        status = _KILLED
        try:
            quiet = os.open(os.devnull, os.O_RDWR)
            for stream in (0, 1, 2):
                os.dup2(quiet, stream)
            os.environ["PYTEST_DEBUG_TEMPROOT"] = folder
            os.environ["MUTANT_FOLDER"] = folder
            status = work()
        finally:
            os._exit(status)

    def _tell(self, name: str, verdict: Verdict, done: int, count: int) -> None:
        mutant = verdict.mutant
        if verdict.killer is None:
            line = f"{name}:{mutant.line}  #{mutant.number}  {mutant.change}"
            print(f"SURVIVED {line}  ({verdict.seconds:.1f} s)", file=sys.__stderr__)
        if done % 50 == 0 or done == count:
            print(f"{name}: {done} of {count}", file=sys.__stderr__, flush=True)


@dataclass
class _Child:
    pid: int
    folder: str

    def said(self, session: pytest.Session) -> str:
        """Return the test that was under way last."""
        try:
            index = int((Path(self.folder) / "test").read_text())
        except (OSError, ValueError):
            return IMPORTING
        finally:
            shutil.rmtree(self.folder, ignore_errors=True)
        return IMPORTING if index < 0 else session.items[index].nodeid


def _say(index: int) -> None:
    (Path(os.environ["MUTANT_FOLDER"]) / "test").write_text(str(index))


def _ended(child: _Child, *, late: bool) -> int | None:
    """Return the status of a child that ended, None while it runs; end one that is late."""
    if late:  # a loop without an end counts as noticed
        os.kill(child.pid, signal.SIGKILL)
        os.waitpid(child.pid, 0)
        return _LATE
    pid, status = os.waitpid(child.pid, os.WNOHANG)
    if not pid:
        return None
    code = os.waitstatus_to_exitcode(status)
    code = _LATE if code in (-signal.SIGXCPU, -signal.SIGKILL) else code
    if code == _SURVIVED:
        shutil.rmtree(child.folder, ignore_errors=True)
    return code


def _end(child: _Child) -> None:
    os.waitpid(child.pid, 0)
    shutil.rmtree(child.folder, ignore_errors=True)


def _tests_for(
    mutant: Mutant, name: str, seen: list[Seen], killers: dict[int, float]
) -> list[Seen]:
    """Return the tests that execute a mutant's lines.

    Recent killers come first, then those of the module's own file, and the quick before the slow.
    """
    wanted = None if mutant.lines is None else set(mutant.lines)
    touching = [
        test
        for test in seen
        if (lines := test.lines.get(name)) and (wanted is None or lines & wanted)
    ]
    touching.sort(
        key=lambda test: (
            test.seconds > 1,
            -killers.get(test.index, 0.0),
            Path(name).stem not in test.file,
            test.seconds,
        )
    )
    chosen: list[Seen] = []
    total = 0.0
    for test in touching:
        total += test.seconds
        if chosen and total > MOST_SECONDS:
            break
        chosen.append(test)
    return chosen


class _Tracing:
    """Notes the lines of some files that are executed, in any thread."""

    def __init__(self, names: dict[str, str], lines: dict[str, set[int]]) -> None:
        self._names = names
        self._lines = lines

    def __enter__(self) -> None:
        threading.settrace(self._called)
        sys.settrace(self._called)

    def __exit__(self, *about: object) -> None:
        sys.settrace(None)
        threading.settrace(None)

    def _called(self, frame: FrameType, event: str, argument: Any) -> Any:
        name = self._names.get(frame.f_code.co_filename)
        if name is None:
            return None
        seen = self._lines.setdefault(name, set())
        seen.add(frame.f_lineno)

        def line(frame: FrameType, event: str, argument: Any) -> Any:
            seen.add(frame.f_lineno)
            return line

        return line
