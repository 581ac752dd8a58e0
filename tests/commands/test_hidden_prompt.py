"""The hidden prompt on a real terminal: Ctrl-C, Ctrl-Z and fg, and what the screen shows."""

import os
import select
import shutil
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

if sys.platform == "win32":
    pytest.skip("no pseudo-terminals", allow_module_level=True)

import pty
import termios

SECRET = b"mk-typed-SECRET"
LOGIN = f"{sys.executable} -m modellix_cli auth login --base-url http://127.0.0.1:9\n".encode()


class Shell:
    """An interactive shell on a terminal of its own; plain sh leaves the terminal's modes alone."""

    def __init__(self, env: dict[str, str], work: Path) -> None:
        self.pid, self._terminal = pty.fork()
        if self.pid == 0:
            os.chdir(work)
            shell = shutil.which("dash") or "sh"
            os.execve(shell, [shell, "-i"], env)
        self.screen = b""

    def type(self, data: bytes) -> None:
        os.write(self._terminal, data)

    def read_until(self, text: bytes) -> None:
        start, end = len(self.screen), time.monotonic() + 20
        while text not in self.screen[start:]:
            ready, _, _ = select.select([self._terminal], [], [], end - time.monotonic())
            assert ready, self.screen
            self.screen += os.read(self._terminal, 4096)

    def wait_for_echo(self, echo: bool) -> None:
        end = time.monotonic() + 20
        while bool(termios.tcgetattr(self._terminal)[3] & termios.ECHO) is not echo:
            assert time.monotonic() < end, self.screen
            select.select([self._terminal], [], [], 0.01)

    def close(self) -> None:
        os.close(self._terminal)
        os.waitpid(self.pid, 0)


@pytest.fixture
def shell(env: dict[str, str], work: Path) -> Iterator[Shell]:
    del env["MODELLIX_API_KEY"]
    shell = Shell(env | {"PATH": os.environ["PATH"], "PS1": "READY> ", "NO_COLOR": "1"}, work)
    shell.read_until(b"READY> ")
    yield shell
    shell.close()


@pytest.mark.slow
def test_what_is_typed_is_not_shown_and_the_echo_comes_back(shell: Shell) -> None:
    shell.type(LOGIN)
    shell.read_until(b"(hidden)")
    shell.wait_for_echo(False)
    shell.type(SECRET + b"\n")
    shell.read_until(b"READY> ")
    assert b"Cannot reach" in shell.screen
    assert SECRET not in shell.screen
    shell.wait_for_echo(True)


def test_ctrl_c_brings_the_echo_back(shell: Shell) -> None:
    shell.type(LOGIN)
    shell.read_until(b"(hidden)")
    shell.wait_for_echo(False)
    shell.type(b"\x03")
    shell.read_until(b"READY> ")
    shell.wait_for_echo(True)
    assert b"Traceback" not in shell.screen


@pytest.mark.slow
def test_ctrl_z_gives_the_shell_its_echo_and_fg_hides_again(shell: Shell) -> None:
    shell.type(LOGIN)
    shell.read_until(b"(hidden)")
    shell.wait_for_echo(False)
    shell.type(b"\x1a")
    shell.read_until(b"READY> ")
    shell.wait_for_echo(True)
    shell.type(b"fg\n")
    shell.read_until(b"(hidden)")
    shell.wait_for_echo(False)
    shell.type(SECRET + b"\n")
    shell.read_until(b"READY> ")
    assert b"Cannot reach" in shell.screen
    assert SECRET not in shell.screen
    shell.wait_for_echo(True)
