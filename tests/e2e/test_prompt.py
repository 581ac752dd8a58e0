"""The hidden prompt at a real terminal."""

import os
import pty
import select
import signal
import subprocess
import termios
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.conftest import COMMAND, Served, Shell

SECRET = "mk-typed-in-secret"


class Typist:
    """A command at a terminal of its own, and the person before it."""

    def __init__(self, shell: Shell, *arguments: str) -> None:
        self.terminal, self.inner = pty.openpty()
        self.before = termios.tcgetattr(self.inner)
        self.seen = ""
        self.process = subprocess.Popen(
            [COMMAND, *arguments],
            env=shell.env | {"TERM": "xterm"},
            cwd=shell.cwd,
            stdin=self.inner, stdout=self.inner, stderr=self.inner,
            start_new_session=True,
        )  # fmt: skip

    def wait_for(self, words: str) -> None:
        deadline = time.monotonic() + 20
        while words not in self.seen:
            assert time.monotonic() < deadline, self.seen
            if select.select([self.terminal], [], [], 0.1)[0]:
                self.seen += os.read(self.terminal, 4096).decode()

    def type(self, text: str) -> None:
        os.write(self.terminal, text.encode())

    def end(self) -> int:
        status = self.process.wait(60)
        while select.select([self.terminal], [], [], 0.1)[0]:
            self.seen += os.read(self.terminal, 4096).decode()
        return status

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
        os.close(self.terminal)
        os.close(self.inner)


@pytest.fixture
def login(shell: Shell, sandbox: Served) -> Iterator[Typist]:
    del shell.env["MODELLIX_API_KEY"]
    typist = Typist(shell, "auth", "login")
    yield typist
    typist.close()


def test_a_typed_key_is_saved_and_never_shown(login: Typist, shell: Shell) -> None:
    login.wait_for("Enter the Modellix API key for profile default:")
    login.wait_for("(hidden)")
    login.type(SECRET + "\n")
    assert login.end() == 0
    assert "Authentication succeeded for profile default." in login.seen
    assert SECRET not in login.seen
    stored = Path(shell.env["XDG_CONFIG_HOME"], "modellix", "credentials.json")
    assert SECRET in stored.read_text()
    assert termios.tcgetattr(login.inner) == login.before


def test_ctrl_c_at_the_prompt_leaves_the_terminal_as_it_was(login: Typist, shell: Shell) -> None:
    login.wait_for("(hidden)")
    login.process.send_signal(signal.SIGINT)
    assert login.end() == -signal.SIGINT  # it dies by the signal, and a shell sees 130
    assert termios.tcgetattr(login.inner) == login.before
    assert not Path(shell.env["XDG_CONFIG_HOME"], "modellix").exists()


def test_an_empty_answer_is_no_key(login: Typist) -> None:
    login.wait_for("(hidden)")
    login.type("\n")
    assert login.end() == 2
    assert "No API key was entered" in login.seen
