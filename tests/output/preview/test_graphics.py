"""What is known of a terminal, and how it is asked."""

import os
import sys
import threading
from collections.abc import Iterator
from typing import TextIO

import pytest

from modellix_cli.output.preview import graphics
from modellix_cli.output.preview.graphics import Colors, Graphics, find_graphics, known_graphics

if sys.platform == "win32":
    pytest.skip("no pseudo-terminals", allow_module_level=True)

import fcntl
import pty
import struct
import termios

KITTY, ITERM2, SIXEL, BLOCKS = Graphics


@pytest.mark.parametrize(
    ("env", "shows"),
    [
        ({"TERM": "xterm-kitty"}, KITTY),
        ({"TERM": "xterm-256color", "KITTY_WINDOW_ID": "1"}, KITTY),
        ({"TERM_PROGRAM": "ghostty"}, KITTY),
        ({"TERM_PROGRAM": "iTerm.app"}, ITERM2),
        ({"TERM_PROGRAM": "WezTerm"}, ITERM2),
        ({"LC_TERMINAL": "iTerm2"}, ITERM2),
        ({"TERM": "foot-extra"}, SIXEL),
        ({"TERM": "xterm-256color", "TERM_PROGRAM": "Apple_Terminal"}, None),
        ({"TERM": "xterm-kitty", "TMUX": "/tmp/tmux"}, None),
        ({"TERM": "screen-256color", "KITTY_WINDOW_ID": "1"}, None),
        ({}, None),
    ],
)
def test_the_environment_says_what_a_terminal_shows(
    env: dict[str, str], shows: Graphics | None
) -> None:
    assert known_graphics(env) is shows


@pytest.mark.parametrize(
    ("env", "allowed", "colors"),
    [
        ({"COLORTERM": "truecolor"}, True, Colors.FULL),
        ({"TERM": "xterm-256color"}, True, Colors.PALETTE),
        ({"COLORTERM": "truecolor"}, False, Colors.NONE),
    ],
)
def test_colours_of_blocks(env: dict[str, str], *, allowed: bool, colors: Colors) -> None:
    assert graphics.colors_of(env, allowed=allowed) is colors


class Pty:
    """A terminal that answers with `answer` once it was asked."""

    def __init__(self) -> None:
        self.outer, inner = pty.openpty()
        self.stream: TextIO = os.fdopen(os.dup(inner), "r", newline="")
        self.out: TextIO = os.fdopen(os.dup(inner), "w", newline="")
        self.inner = inner
        self.before = termios.tcgetattr(inner)

    def answer(self, text: str) -> None:
        def reply() -> None:
            asked = b""
            while not asked.endswith(b"\x1b[c"):
                asked += os.read(self.outer, 100)
            os.write(self.outer, text.encode())

        threading.Thread(target=reply, daemon=True).start()

    def find(self) -> tuple[Graphics, tuple[int, int]]:
        return find_graphics(self.stream, self.out, {"TERM": "xterm-256color"})

    @property
    def unread(self) -> int:
        waiting = fcntl.ioctl(self.inner, termios.FIONREAD, b"\0" * 4)
        return int(struct.unpack("I", waiting)[0])

    def close(self) -> None:
        self.stream.close()
        self.out.close()
        os.close(self.inner)
        os.close(self.outer)


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> Iterator[Pty]:
    monkeypatch.setattr("modellix_cli.output.terminal.in_foreground", lambda stream: True)
    opened = Pty()
    yield opened
    opened.close()


def test_a_terminal_says_that_it_has_sixel_and_how_large_a_cell_is(terminal: Pty) -> None:
    terminal.answer("\x1b[6;18;9t\x1b[?62;4;22c")
    assert terminal.find() == (SIXEL, (9, 18))


def test_a_terminal_without_sixel_gets_blocks(terminal: Pty) -> None:
    terminal.answer("\x1b[?62;22;44c")
    assert terminal.find() == (BLOCKS, (10, 20))


def test_the_size_of_cells_is_taken_from_the_system_where_it_tells(terminal: Pty) -> None:
    fcntl.ioctl(terminal.inner, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 640, 384))
    terminal.answer("\x1b[?4c")
    assert terminal.find() == (SIXEL, (8, 16))


@pytest.mark.parametrize("answer", ["", "\x1b[6;9999;0t", "x" * 500, "\x1b[?c", "ÿ\x1b[?;;c"])
def test_odd_answers_leave_the_terminal_as_it_was(
    terminal: Pty, answer: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(graphics, "_PATIENCE", 0.02)
    terminal.answer(answer)
    assert terminal.find() == (BLOCKS, (10, 20))
    assert termios.tcgetattr(terminal.inner) == terminal.before


def test_ctrl_c_while_it_is_asked_leaves_the_terminal_as_it_was(
    terminal: Pty, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(source: int) -> str:
        raise KeyboardInterrupt

    monkeypatch.setattr(graphics, "_answer", interrupted)
    with pytest.raises(KeyboardInterrupt):
        terminal.find()
    assert termios.tcgetattr(terminal.inner) == terminal.before


def test_what_was_typed_ahead_is_kept_and_nothing_is_asked(terminal: Pty) -> None:
    os.write(terminal.outer, b"ls\n")
    assert terminal.find() == (BLOCKS, (10, 20))
    assert terminal.unread == 3


def test_a_known_terminal_is_not_asked(terminal: Pty, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(graphics, "_ask", lambda *streams: pytest.fail("it was asked"))
    env = {"TERM": "xterm-kitty"}
    assert find_graphics(terminal.stream, terminal.out, env) == (KITTY, (10, 20))
