"""What the benchmarks of batches and waits share: a command, measured; and a table of figures.

Each case gets a service and a home folder of its own. A figure is one printed line: the value,
its limit, PASS or over; a line without a limit is there to compare with.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.e2e.served import FakeService, service

COMMAND = str(Path(sys.executable).with_name("modellix-cli"))
NAIVE = [sys.executable, str(Path(__file__).with_name("naive.py"))]
VARIANTS = {"headers": [], "bare": ["--bare"], "sliding": ["--sliding"]}


@dataclass(frozen=True)
class Ran:
    """A process that ended. `peak` is the most memory it held, in MiB."""

    status: int
    stdout: bytes
    stderr: str
    seconds: float
    peak: float

    @property
    def json(self) -> Any:
        return json.loads(self.stdout)


class Running:
    """A process whose streams go to files, so that it never waits for this one."""

    def __init__(self, command: list[str], env: dict[str, str], cwd: Path, stdin: bytes) -> None:
        files = (tempfile.TemporaryFile() for _ in range(3))  # noqa: SIM115 - closed by `end`
        self.stdin, self.out, self.err = files
        self.stdin.write(stdin)
        self.stdin.seek(0)
        self.started = time.perf_counter()
        self.process = subprocess.Popen(
            command, env=env, cwd=cwd, stdin=self.stdin, stdout=self.out, stderr=self.err
        )

    def end(self) -> Ran:
        # Never below this process's own size: a child counts it until it is another program.
        _, status, usage = os.wait4(self.process.pid, 0)
        seconds = time.perf_counter() - self.started
        self.process.returncode = os.waitstatus_to_exitcode(status)
        texts = []
        for stream in (self.stdin, self.out, self.err):
            stream.seek(0)
            texts.append(stream.read())
            stream.close()
        peak = usage.ru_maxrss / 1024
        return Ran(self.process.returncode, texts[1], texts[2].decode(), seconds, peak)


@dataclass(frozen=True)
class Home:
    """Where commands run: folders of their own, an address and a key."""

    env: dict[str, str]
    cwd: Path

    def start(self, *arguments: str, stdin: bytes = b"") -> Running:
        return Running([COMMAND, *arguments], self.env, self.cwd, stdin)

    def run(self, *arguments: str, stdin: bytes = b"") -> Ran:
        return self.start(*arguments, stdin=stdin).end()

    def naive(self, *arguments: str, stdin: bytes = b"") -> Ran:
        return Running([*NAIVE, *arguments], self.env, self.cwd, stdin).end()

    def lines(self, bodies: list[dict[str, Any]]) -> str:
        """Write a batch input and return its path."""
        path = self.cwd / "lines.jsonl"
        with path.open("w") as file:
            file.writelines(json.dumps({"modelSlug": "a/b", "body": b}) + "\n" for b in bodies)
        return str(path)


@contextmanager
def home(url: str) -> Iterator[Home]:
    """Yield a fresh home for commands that call `url`."""
    with tempfile.TemporaryDirectory() as folder:
        names = ("HOME", "XDG_CONFIG_HOME", "XDG_STATE_HOME", "XDG_CACHE_HOME")
        env = os.environ | dict.fromkeys(names, folder)
        env |= {"MODELLIX_API_KEY": "any", "MODELLIX_BASE_URL": url}
        yield Home(env, Path(folder))


def prompts(count: int) -> list[dict[str, Any]]:
    """Return bodies that differ."""
    return [{"prompt": f"picture {number}"} for number in range(1, count + 1)]


@dataclass
class Report:
    """Prints figures as they come and remembers whether one was over its limit."""

    case: str
    over: list[str] = field(default_factory=list)

    def figure(self, name: str, value: float, limit: float | None = None, unit: str = "") -> None:
        """Print a value that may be `limit` at most."""
        if limit is None:
            self.note(f"{name:34} {value:9.2f} {unit}".rstrip())
        else:
            self._line(name, value, unit, f"<= {limit:g}", value <= limit)

    def at_least(self, name: str, value: float, limit: float, unit: str = "") -> None:
        self._line(name, value, unit, f">= {limit:g}", value >= limit)

    def exactly(self, name: str, value: float, wanted: float) -> None:
        self._line(name, value, "", f"== {wanted:g}", value == wanted)

    def note(self, text: str) -> None:
        print(f"{self.case:22} {text}", flush=True)

    def _line(self, name: str, value: float, unit: str, limit: str, good: bool) -> None:
        if not good:
            self.over.append(f"{self.case}: {name}")
        verdict = "PASS" if good else "over"
        self.note(f"{name:34} {value:9.2f} {unit:8} {limit:10} {verdict}")

    def paid_once(self, stats: Any, made: int) -> None:
        self.exactly("made", stats["tasks_created"], made)
        self.exactly("made twice", stats["duplicates"], 0)

    def exit_status(self, ran: Ran) -> None:
        self.exactly("exit status", ran.status, 0)
        if ran.status:
            self.note("stderr ends: " + " | ".join(ran.stderr.splitlines()[-4:])[:400])


Case = Callable[[FakeService, Home, Report], None]


def main(doc: str | None, cases: Mapping[str, tuple[list[str], Case]]) -> int:
    """Run the cases that were asked for; 1 if a figure was over its limit."""
    parser = argparse.ArgumentParser(
        description=doc, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--only", choices=cases, action="append", help="may be repeated")
    parser.add_argument("--variant", choices=[*VARIANTS, "all"], default="headers")
    asked = parser.parse_args()
    variants = VARIANTS if asked.variant == "all" else {asked.variant: VARIANTS[asked.variant]}
    over: list[str] = []
    for variant, extra in variants.items():
        for name in asked.only or cases:
            options, case = cases[name]
            report = Report(f"{name} {variant}")
            with service(*options, *extra) as served, home(served.url) as place:
                case(served, place, report)
            over += report.over
    print("All within limits." if not over else "Over: " + "; ".join(over))
    return 1 if over else 0
