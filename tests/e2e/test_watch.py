"""`task watch` at a real terminal: what it shows, and that the terminal comes back."""

import fcntl
import os
import pty
import select
import signal
import struct
import subprocess
import termios
import time
from collections.abc import Iterator

import pytest

from tests.e2e.conftest import BODY, COMMAND, Shell

ENTERED, LEFT, CURSOR = "\x1b[?1049h", "\x1b[?1049l", "\x1b[?25h"

WATCH = (COMMAND, "task", "watch")


class Watcher:
    """`task watch` at a terminal of its own, and the person before it."""

    def __init__(self, shell: Shell, *options: str, command: tuple[str, ...] = WATCH) -> None:
        self.terminal, self.inner = pty.openpty()
        self.resize(100, 20)
        self.before = termios.tcgetattr(self.inner)
        self.seen = ""
        self.process = subprocess.Popen(
            [*command, *options],
            env=shell.env | {"TERM": "xterm-256color"},
            cwd=shell.cwd,
            stdin=self.inner, stdout=self.inner, stderr=self.inner,
            preexec_fn=self._take_terminal,
        )  # fmt: skip

    def _take_terminal(self) -> None:
        os.setsid()
        fcntl.ioctl(self.inner, termios.TIOCSCTTY, 0)

    def resize(self, columns: int, rows: int) -> None:
        size = struct.pack("HHHH", rows, columns, 0, 0)
        fcntl.ioctl(self.terminal, termios.TIOCSWINSZ, size)

    def wait_for(self, words: str) -> None:
        """Read until these words come, counted from the last time."""
        start, deadline = len(self.seen), time.monotonic() + 20
        while words not in self.seen[start:]:
            assert time.monotonic() < deadline, self.seen[start:][-3000:]
            if select.select([self.terminal], [], [], 0.1)[0]:
                self.seen += os.read(self.terminal, 65536).decode(errors="replace")

    def type(self, text: str) -> None:
        os.write(self.terminal, text.encode())

    def end(self) -> int:
        deadline = time.monotonic() + 20
        while self.process.poll() is None and time.monotonic() < deadline:
            if select.select([self.terminal], [], [], 0.1)[0]:
                self.seen += os.read(self.terminal, 65536).decode(errors="replace")
        while select.select([self.terminal], [], [], 0.1)[0]:
            self.seen += os.read(self.terminal, 65536).decode(errors="replace")
        assert self.process.returncode is not None
        return self.process.returncode

    @property
    def is_given_back(self) -> bool:
        """Whether the usual screen, the cursor, wrapping and the modes are as before."""
        after = self.seen.rpartition(ENTERED)[2]
        modes = termios.tcgetattr(self.inner) == self.before
        return modes and all(code in after for code in (LEFT, CURSOR, "\x1b[?7h"))

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
        os.close(self.terminal)
        os.close(self.inner)


@pytest.fixture(autouse=True)
def sandbox(shell: Shell) -> None:
    shell.env["MODELLIX_SANDBOX"] = "1"


@pytest.fixture
def watcher(shell: Shell) -> Iterator[Watcher]:
    opened = Watcher(shell)
    opened.wait_for("Nothing runs now.")
    yield opened
    opened.close()


def test_a_task_of_another_process_appears_and_ends(watcher: Watcher, shell: Shell) -> None:
    run = shell("model", "run", "sandbox/image", "--body", BODY, "--wait", "--output-dir", ".")
    assert run.status == 0
    watcher.wait_for("✓ success")
    watcher.wait_for("1 file saved")
    watcher.type("q")
    assert watcher.end() == 0
    assert watcher.is_given_back


@pytest.mark.parametrize(
    ("number", "status"), [(signal.SIGINT, 0), (signal.SIGTERM, -signal.SIGTERM)]
)
def test_signals_give_the_terminal_back(
    watcher: Watcher, number: signal.Signals, status: int
) -> None:
    watcher.process.send_signal(number)
    assert watcher.end() == status
    assert watcher.is_given_back


def test_ctrl_c_is_a_way_to_quit(watcher: Watcher) -> None:
    watcher.type("\x03")
    assert watcher.end() == 0
    assert watcher.is_given_back
    assert "Error" not in watcher.seen


def test_ctrl_z_gives_the_terminal_back_until_it_goes_on(shell: Shell) -> None:
    jobs = f"{COMMAND} task watch; stty -a; fg"
    watcher = Watcher(shell, command=("sh", "-mc", jobs))
    try:
        watcher.wait_for("Nothing runs now.")
        watcher.type("\x1a")
        watcher.wait_for(ENTERED)
        modes = watcher.seen.split(LEFT)[1].split()
        assert {"icanon", "echo", "isig", "quit"} <= set(modes)
        watcher.wait_for("Nothing runs now.")
        watcher.type("q")
        assert watcher.end() == 0
        assert watcher.is_given_back
    finally:
        watcher.close()


def test_it_fits_a_terminal_that_changes(watcher: Watcher) -> None:
    watcher.resize(40, 8)
    watcher.wait_for("choose  o open\x1b")  # the keys that have room, whole
    watcher.type("q")
    assert watcher.end() == 0


def test_a_ledger_that_is_lost_gives_the_terminal_back_and_says_why(
    watcher: Watcher, shell: Shell
) -> None:
    state = shell.env["XDG_STATE_HOME"]
    for name in ("ledger.db", "ledger.db-wal", "ledger.db-shm"):
        path = os.path.join(state, "modellix", name)
        if os.path.exists(path):
            os.unlink(path)
    os.mkdir(os.path.join(state, "modellix", "ledger.db"))
    assert watcher.end() == 1
    assert watcher.is_given_back
    assert "ledger" in watcher.seen.rpartition(LEFT)[2]


def test_with_poll_a_task_that_nobody_waits_for_ends(shell: Shell) -> None:
    assert shell("model", "run", "sandbox/image", "--body", BODY).status == 0
    watcher = Watcher(shell, "--poll")
    try:
        watcher.wait_for("✓ success")
        watcher.type("q")
        assert watcher.end() == 0
        assert watcher.is_given_back
    finally:
        watcher.close()
    assert b"success" in shell("task", "history").stdout


def test_results_are_saved_by_a_key(shell: Shell) -> None:
    run = shell("model", "run", "sandbox/image", "--body", BODY, "--wait", "--quiet")
    assert run.status == 0
    task = shell("task", "history", "--quiet").stdout.decode().strip()
    watcher = Watcher(shell, task)
    try:
        watcher.wait_for("✓ success")
        watcher.type("s")
        watcher.wait_for("Saved ")
        watcher.type("q")
        assert watcher.end() == 0
    finally:
        watcher.close()
    assert [path.suffix for path in shell.cwd.iterdir()] == [".png"]
