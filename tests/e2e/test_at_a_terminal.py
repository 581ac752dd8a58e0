"""What people see on a real terminal: results, progress that comes and goes, Ctrl-Z and `&`."""

import os
import re
import select
import shutil
import signal
import struct
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.e2e.conftest import BODY, COMMAND
from tests.screen import Screen

if sys.platform == "win32":
    pytest.skip("no pseudo-terminals", allow_module_level=True)

import fcntl
import pty
import termios

PROMPT = "READY> "
SPINNER = "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏"
TASKS = "".join(
    f'{{"id": "{name}", "modelSlug": "sandbox/{kind}", "body": {{"prompt": "{about}"}}}}\n'
    for name, kind, about in (
        ("cat", "image", "a cat"),
        ("cjk", "image", "犬が走る 🐕"),
        ("bad", "fails", "an owl"),
    )
)
Open = Callable[[int, int], "Terminal"]


class Terminal:
    """An interactive shell on a terminal of its own, and what its screen shows."""

    def __init__(self, env: dict[str, str], work: Path, columns: int, rows: int) -> None:
        self.pid, self._terminal = pty.fork()
        if self.pid == 0:
            os.chdir(work)
            shell = shutil.which("dash") or "sh"
            os.execve(shell, [shell, "-i"], env)
        size = struct.pack("HHHH", rows, columns, 0, 0)
        fcntl.ioctl(self._terminal, termios.TIOCSWINSZ, size)
        self.screen = Screen(columns, rows)
        self.seen = ""
        self._rest = b""
        self._at = 0
        self.until(PROMPT)

    def until(self, words: str) -> str:
        """Read until these words; return what came since those of the last time."""
        start, end = self._at, time.monotonic() + 60
        while words not in self.seen[start:]:
            ready, _, _ = select.select([self._terminal], [], [], end - time.monotonic())
            assert ready, self.seen
            data = self._rest + os.read(self._terminal, 65536)
            whole = data.decode(errors="ignore")
            self._rest = data[len(whole.encode()) :]
            self.seen += whole
            self.screen.feed(whole)
        self._at = self.seen.index(words, start) + len(words)
        return self.seen[start : self._at]

    def type(self, text: str) -> None:
        os.write(self._terminal, text.encode())

    def run(self, command: str) -> str:
        """Run a command to its end; return what it wrote, without its echo."""
        self.type(f"modellix-cli {command}\n")
        return self.until(PROMPT).partition("\n")[2].removesuffix(PROMPT)

    def close(self) -> None:
        os.kill(self.pid, signal.SIGKILL)
        os.close(self._terminal)
        os.waitpid(self.pid, 0)


@pytest.fixture
def at(env: dict[str, str], work: Path) -> Iterator[Open]:
    """Open a terminal of so many columns and rows."""
    del env["MODELLIX_CLI_NO_PROGRESS"]
    path = f"{Path(COMMAND).parent}{os.pathsep}{os.environ['PATH']}"
    more = {"PATH": path, "PS1": PROMPT, "TERM": "xterm", "MODELLIX_SANDBOX": "1"}
    (work / "tasks.jsonl").write_text(TASKS, encoding="utf-8")
    opened: list[Terminal] = []

    def start(columns: int, rows: int) -> Terminal:
        opened.append(Terminal(env | more, work, columns, rows))
        return opened[-1]

    yield start
    for terminal in opened:
        terminal.close()


@pytest.mark.parametrize(("columns", "rows"), [(80, 24), (100, 30)])
def test_a_run_shows_progress_and_leaves_a_summary(at: Open, columns: int, rows: int) -> None:
    terminal = at(columns, rows)
    terminal.run(f"model run sandbox/image --body '{BODY}' --wait")
    written = terminal.run(f"model run sandbox/image --body '{BODY}' --wait --output-dir pictures")
    assert '"a cat"' in written
    assert "of about 0:02" in written
    assert "→ saving" in written
    at_last = terminal.screen.lines[-6:-1]
    task_id = terminal.screen.lines[-6].split()[-1]
    assert at_last == [
        f"Task:    {task_id}",
        "Model:   sandbox/image",
        "Status:  success in 2s",
        "Billed:  $0.01 (sandbox)",
        at_last[-1],
    ]
    assert re.fullmatch(r"Saved:   pictures/1\.png  \(png, 512×512, \d+\.\d KiB\)", at_last[-1])
    assert not set(SPINNER) & set("".join(terminal.screen.all_lines))


@pytest.mark.parametrize(("columns", "rows"), [(80, 24), (100, 30)])
def test_a_batch_shows_each_result_once_and_a_closing_summary(
    at: Open, columns: int, rows: int
) -> None:
    terminal = at(columns, rows)
    written = terminal.run("model batch tasks.jsonl --yes --wait --output-dir pictures")
    shown = terminal.screen.all_lines
    assert "  0 of 3" in written
    assert sum(line.startswith("✓ 1  cat  sandbox/image  ") for line in shown) == 1
    assert sum(line.startswith("✓ 2  cjk  sandbox/image  ") for line in shown) == 1
    assert sum(line.startswith("✗ 3  bad  sandbox/fails  ") for line in shown) == 1
    text = "\n".join(shown)
    assert re.search(r"^Saved 2 files \(\d+\.\d KiB\) in pictures\.$", text, re.M)
    assert re.search(r"^Billed \$0\.0\d \(sandbox\) for \d tasks\. Took \d", text, re.M)
    assert "Failed: line 3: Task reached terminal status failed." in text
    assert "Batch 1: 3 of 3 lines accepted, 1 failed." in text
    assert "━" not in text


def test_ctrl_z_takes_the_display_away_and_fg_brings_it_back(at: Open) -> None:
    terminal = at(80, 24)
    terminal.type(f"modellix-cli model run sandbox/slow --body '{BODY}' --wait\n")
    terminal.until("pending")
    terminal.type("\x1a")
    terminal.until(PROMPT)
    assert not set(SPINNER) & set("".join(terminal.screen.lines))
    terminal.type("echo he''re\n")
    terminal.until("here\r\n")
    terminal.until(PROMPT)
    terminal.type("fg\n")
    terminal.until("pending")
    assert "here" in terminal.screen.lines
    assert set(SPINNER) & set(terminal.screen.lines[-1])
    terminal.type("\x03")
    terminal.until("Resume with:")
    terminal.until(PROMPT)
    assert not set(SPINNER) & set("".join(terminal.screen.lines))


def test_nothing_is_drawn_in_the_background(at: Open) -> None:
    terminal = at(80, 24)
    terminal.type(f"modellix-cli model run sandbox/image --body '{BODY}' --wait & wait\n")
    written = terminal.until("Save them with:")
    assert "Status:" in written
    assert not set(SPINNER) & set(written)


@pytest.mark.parametrize(
    ("before", "drawn", "colored"),
    [
        ("", True, True),
        ("NO_COLOR=1", True, False),
        ("TERM=dumb", False, False),
        ("TERM=unknown", False, False),
        ("TTY_COMPATIBLE=0", False, False),
        ("CI=true", False, False),
        ("CI=true FORCE_COLOR=1", False, True),
    ],
)
def test_what_the_environment_says_of_the_terminal_is_heeded(
    at: Open, before: str, drawn: bool, colored: bool
) -> None:
    terminal = at(80, 24)
    terminal.type(f"{before} modellix-cli model run sandbox/image --body '{BODY}' --wait\n")
    written = terminal.until(PROMPT)
    assert bool(set(SPINNER) & set(written)) is drawn
    assert bool(re.search(r"\x1b\[[\d;]+m", written)) is colored
    assert ("Model:" in written) is ("CI" not in before)  # in CI results stay JSON
