"""Command lines at real terminals: a process that has loaded everything forks for each of them.

`Host` starts that process. Per command line it opens a pseudo-terminal, types keys when it has seen
what they answer to, and tells what was written, the exit status, and whether the modes of the
terminal are as they were.
"""

import gc
import json
import os
import pkgutil
import select
import signal
import struct
import subprocess
import sys
import time
from dataclasses import asdict, dataclass, replace
from importlib import import_module
from typing import IO, Final

PATIENCE: Final = 60.0
"""Seconds after which a command that does not end is killed; a busy machine does not count."""

Keys = tuple[tuple[str, str], ...]
"""What is typed, each after the words that it waits for."""


@dataclass(frozen=True)
class Order:
    """One command line, where it runs, and what is typed. From `now` on time goes on only where
    the command sleeps.
    """

    arguments: tuple[str, ...]
    env: dict[str, str]
    cwd: str
    columns: int
    rows: int
    now: float
    keys: Keys


@dataclass(frozen=True)
class Ended:
    """How it went. `status` is negative after a signal."""

    status: int
    written: str
    modes_kept: bool


class Host:
    """The process that forks."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.terminals"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def run(self, order: Order) -> Ended:
        """Run a command line to its end."""
        given, answers = self._process.stdin, self._process.stdout
        assert given is not None and answers is not None
        given.write(json.dumps(asdict(order)) + "\n")
        given.flush()
        return Ended(**json.loads(answers.readline()))

    def close(self) -> None:
        """End it."""
        self._process.communicate()


def _serve(orders: IO[str], answers: IO[str]) -> None:
    import modellix_cli

    for module in pkgutil.walk_packages(modellix_cli.__path__, "modellix_cli."):
        if not module.name.endswith("__main__"):
            import_module(module.name)
    gc.collect()
    gc.freeze()  # what is shared with the commands stays shared
    for line in orders:
        order = Order(**json.loads(line))
        answers.write(json.dumps(asdict(_run(order))) + "\n")
        answers.flush()


def _run(order: Order) -> Ended:
    import fcntl
    import termios

    outer, inner = os.openpty()
    fcntl.ioctl(inner, termios.TIOCSWINSZ, struct.pack("HHHH", order.rows, order.columns, 0, 0))
    modes = termios.tcgetattr(inner)
    pid = os.fork()
    if pid == 0:
        _be_the_command(order, inner)
    written = _talk(order, pid, outer)
    kept = termios.tcgetattr(inner) == modes
    os.close(inner)
    os.close(outer)
    return Ended(written[0], written[1], kept)


def _talk(order: Order, pid: int, terminal: int) -> tuple[int, str]:
    """Read what it writes and type the keys, until it has ended and all is read."""
    data, at, keys = b"", 0, list(order.keys)
    end = time.monotonic() + PATIENCE
    status: int | None = None
    while True:
        ready = select.select([terminal], [], [], 0 if status is not None else 0.02)[0]
        if ready:
            data += os.read(terminal, 65536)
        elif status is not None:
            break
        else:
            ended, code = os.waitpid(pid, os.WNOHANG)
            status = os.waitstatus_to_exitcode(code) if ended else None
        if keys and (found := data.find(keys[0][0].encode(), at)) >= 0:
            at = found + len(keys[0][0].encode())
            os.write(terminal, keys.pop(0)[1].encode())
        if time.monotonic() > end and status is None:
            os.kill(pid, signal.SIGKILL)
            end += PATIENCE
    return status, data.decode(errors="replace")


def _be_the_command(order: Order, terminal: int) -> None:
    """In the forked process: take the terminal and run the program as its entry point does."""
    import fcntl
    import termios

    status = 70
    try:
        os.setsid()
        fcntl.ioctl(terminal, termios.TIOCSCTTY, 0)
        for stream in (0, 1, 2):
            os.dup2(terminal, stream)
        os.closerange(3, 64)
        sys.stdin = os.fdopen(0, closefd=False)
        sys.stdout = os.fdopen(1, "w", closefd=False)
        sys.stderr = os.fdopen(2, "w", closefd=False)
        os.environ.clear()
        os.environ.update(order.env)
        time.tzset()
        os.chdir(order.cwd)
        sys.argv = ["modellix-cli", *order.arguments]
        status = _main(order.now)
        sys.stdout.flush()
        sys.stderr.flush()
    finally:
        os._exit(status)


def _main(now: float) -> int:
    from modellix_cli.__main__ import main
    from modellix_cli.runtime import Runtime
    from tests.support import FakeClock

    of_process = Runtime.of_process
    Runtime.of_process = lambda: replace(of_process(), clock=FakeClock(now))  # type: ignore
    return main()


if __name__ == "__main__":
    _serve(sys.stdin, sys.stdout)
