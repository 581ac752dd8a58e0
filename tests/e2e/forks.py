"""Runs the program in processes that are forked once everything was imported.

An end-to-end run spends four fifths of its time on starting Python and importing. Here one server
does that once (`python -m tests.e2e.forks`, a server for each process of pytest), and each run is a
child of its own with the arguments, environment, folder and streams that it was given: a process
with its own exit status, as the installed command is. What only the installed command can show (its
start, what it imports when, signals) goes through `Shell.start` and `Shell.installed`.
"""

import atexit
import gc
import importlib
import json
import os
import pkgutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import IO

import modellix_cli
from modellix_cli.__main__ import main

ROOT = Path(__file__).parents[2]
SECONDS = 60.0
"""A run that takes longer is killed, and its test fails."""


class Forks:
    """The server's other end, in the process that runs the tests."""

    def __init__(self) -> None:
        self._control, theirs = socket.socketpair()
        self._server = subprocess.Popen(
            [sys.executable, "-m", "tests.e2e.forks"], stdin=theirs.fileno(), cwd=ROOT
        )
        theirs.close()
        atexit.register(self.close)

    def close(self) -> None:
        """End the server."""
        self._control.close()
        self._server.wait(10)

    def run(
        self, words: Sequence[str], *, env: Mapping[str, str], cwd: Path, stdin: bytes
    ) -> tuple[int, bytes, bytes]:
        """Run a command line (the first word is the program); return status, stdout and stderr.

        The status is negative where a signal ended it, as with `subprocess`.
        """
        asked = json.dumps({"words": words, "env": dict(env), "cwd": str(cwd)}).encode()
        status_read, status_write = os.pipe()
        out, err = _Collected(), _Collected()
        with _file_of(asked) as question, _file_of(stdin) as given:
            streams = [question.fileno(), given.fileno(), out.end, err.end, status_write]
            socket.send_fds(self._control, [b"."], streams)
        for end in (out.end, err.end, status_write):
            os.close(end)
        with os.fdopen(status_read) as told:
            pid = int(told.readline())
            late = threading.Timer(SECONDS, os.kill, (pid, signal.SIGKILL))
            late.start()
            status = int(told.readline())
            late.cancel()
        assert not late.finished.is_set() or status != -signal.SIGKILL, f"too long: {words}"
        return status, out.text(), err.text()


class _Collected:
    """A pipe that is read to its end; `end` is what is written to."""

    def __init__(self) -> None:
        reading, self.end = os.pipe()
        self._parts: list[bytes] = []
        self._thread = threading.Thread(target=self._read, args=(reading,))
        self._thread.start()

    def _read(self, reading: int) -> None:
        with os.fdopen(reading, "rb") as stream:
            self._parts.append(stream.read())

    def text(self) -> bytes:
        self._thread.join(SECONDS)
        return b"".join(self._parts)


def _file_of(content: bytes) -> IO[bytes]:
    made = tempfile.TemporaryFile()  # noqa: SIM115 - the caller closes it
    made.write(content)
    made.seek(0)
    return made


@cache
def forks() -> Forks:
    """The server of this process."""
    return Forks()


def serve() -> None:
    """Fork a run for each message on stdin, until it is closed; return in the run."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for those that wait
    control = socket.socket(fileno=os.dup(0))
    while True:
        message, streams, _, _ = socket.recv_fds(control, 1, 5)
        if not message:
            os._exit(0)
        if not os.fork():
            control.close()
            return _wait_for_run(streams)
        for stream in streams:
            os.close(stream)


def _wait_for_run(streams: list[int]) -> None:
    """Fork once more: tell the child's number and its status, or return in the child."""
    question, *standard, told = streams
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    child = os.fork()
    if child:
        for stream in standard:
            os.close(stream)
        os.write(told, f"{child}\n".encode())
        status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        os.write(told, f"{status}\n".encode())
        os._exit(0)
    os.close(told)
    with os.fdopen(question, "rb") as asked:
        wanted = json.load(asked)
    for number, stream in enumerate(standard):
        os.dup2(stream, number)
        os.close(stream)
    sys.stdin = open(0, closefd=False)  # noqa: SIM115
    sys.stdout = open(1, "w", closefd=False)  # noqa: SIM115
    sys.stderr = open(2, "w", buffering=1, errors="backslashreplace", closefd=False)  # noqa: SIM115
    os.environ.clear()
    os.environ.update(wanted["env"])
    time.tzset()
    os.chdir(wanted["cwd"])
    sys.argv = wanted["words"]


def import_everything() -> None:
    for module in pkgutil.walk_packages(modellix_cli.__path__, "modellix_cli."):
        with suppress(ImportError):  # optional extras, other systems
            if not module.name.endswith("__main__"):
                importlib.import_module(module.name)
    gc.collect()
    gc.freeze()  # a collection in a child would copy every page


if __name__ == "__main__":
    import_everything()
    serve()
    sys.exit(main())
