"""Lines that are drawn over and over, as the screen shows them."""

import io
import signal
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from modellix_cli.output import terminal
from modellix_cli.output.cells import Line
from modellix_cli.output.painter import Painter
from tests.screen import Screen
from tests.support import Terminal

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer


def lines(*texts: str) -> list[Line]:
    return [[(text, "")] for text in texts]


class Drawn:
    """A painter, and the screen that it draws on."""

    def __init__(self, columns: int = 80, rows: int = 24) -> None:
        self.stream = Terminal()
        self.env = {"TERM": "xterm", "COLUMNS": str(columns), "LINES": str(rows)}
        self.painter = Painter(self.stream, self.env, colored=False)
        self.screen = Screen(columns, rows)
        self.read = 0

    @property
    def shown(self) -> list[str]:
        text = self.stream.getvalue()
        self.screen.feed(text[self.read :])
        self.read = len(text)
        return self.screen.lines


def test_new_lines_take_the_place_of_the_old_ones() -> None:
    drawn = Drawn()
    drawn.painter.paint(lines("one", "a longer line", "three"))
    assert drawn.shown == ["one", "a longer line", "three"]
    drawn.painter.paint(lines("one", "short"))
    assert drawn.shown == ["one", "short"]
    drawn.painter.erase()
    assert drawn.shown == []
    assert (drawn.screen.row, drawn.screen.column) == (0, 0)


def test_lines_that_did_not_change_are_not_written_again() -> None:
    drawn = Drawn()
    drawn.painter.paint(lines("one"))
    before = drawn.stream.getvalue()
    drawn.painter.paint(lines("one"))
    assert drawn.stream.getvalue() == before


def test_what_stays_stands_above_even_when_the_screen_scrolls() -> None:
    drawn = Drawn(rows=4)
    drawn.painter.paint(lines("bar", "foot"))
    for number in range(6):
        drawn.painter.above(f"result {number}")
        assert drawn.shown[-2:] == ["bar", "foot"]
    drawn.painter.erase()
    assert [*drawn.screen.gone, *drawn.shown] == [f"result {number}" for number in range(6)]


def test_lines_that_a_narrower_terminal_wrapped_are_taken_away_whole() -> None:
    drawn = Drawn(columns=80)
    drawn.painter.above("before")
    drawn.painter.paint(lines("x" * 79, "猫" * 39))
    narrow = Screen(30, 24).feed("before\n" + "x" * 79 + "\n" + "猫" * 39 + "\n")  # as it wraps
    drawn.env["COLUMNS"] = "30"
    at = len(drawn.stream.getvalue())
    drawn.painter.paint(lines("short"))
    assert narrow.feed(drawn.stream.getvalue()[at:]).lines == ["before", "short"]


def test_nothing_is_drawn_from_the_background(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn = Drawn()
    drawn.painter.paint(lines("one"))
    with monkeypatch.context() as patch:
        patch.setattr(terminal, "in_foreground", lambda stream: False)
        before = drawn.stream.getvalue()
        drawn.painter.paint(lines("two"))
        drawn.painter.erase()
        assert drawn.stream.getvalue() == before
    drawn.painter.paint(lines("three"))
    assert drawn.shown == ["one", "three"]  # below what others wrote meanwhile


def test_an_alert_comes_through_from_the_background(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn = Drawn()
    monkeypatch.setattr(terminal, "in_foreground", lambda stream: False)
    drawn.painter.above("Task t-1 was submitted.")
    assert drawn.shown == ["Task t-1 was submitted."]


class _Slow(io.RawIOBase):
    """A terminal where Ctrl-Z is pressed in the midst of the first write."""

    def __init__(self) -> None:
        super().__init__()
        self.text = ""
        self.pressed = False

    def writable(self) -> bool:
        return True

    def isatty(self) -> bool:
        return True

    def write(self, data: "ReadableBuffer", /) -> int:
        self.text += bytes(data).decode()
        if not self.pressed:
            self.pressed = True
            signal.raise_signal(signal.SIGTSTP)
        return len(bytes(data))


@pytest.fixture
def seen_at_stop(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[_Slow, list[list[str]]]]:
    """A slow terminal, and what its screen showed whenever the process would have stopped."""
    slow, seen = _Slow(), list[list[str]]()

    def stop(_process: int, _number: int) -> None:
        screen = Screen(80, 24)
        screen.feed(slow.text)
        seen.append(screen.lines)

    monkeypatch.setattr("modellix_cli.output.painter.os.kill", stop)
    monkeypatch.setattr(terminal, "in_foreground", lambda _stream: True)
    before = signal.signal(signal.SIGTSTP, signal.SIG_DFL)
    yield slow, seen
    signal.signal(signal.SIGTSTP, before)


@pytest.mark.skipif(sys.platform == "win32", reason="no Ctrl-Z")
def test_ctrl_z_in_the_midst_of_drawing_stops_when_the_lines_are_drawn_and_gone(
    seen_at_stop: tuple[_Slow, list[list[str]]],
) -> None:
    slow, seen = seen_at_stop
    stream = io.TextIOWrapper(io.BufferedWriter(slow), write_through=True)
    painter = Painter(stream, {"TERM": "xterm"}, colored=False)
    painter.catch_stops()
    painter.paint(lines("one", "two"))
    assert seen == [[]]
    painter.paint(lines("one", "two"))
    screen = Screen(80, 24)
    screen.feed(slow.text)
    assert screen.lines == ["one", "two"]


@pytest.mark.skipif(sys.platform == "win32", reason="no Ctrl-Z")
def test_ctrl_z_in_the_midst_of_a_write_by_others_stops(
    seen_at_stop: tuple[_Slow, list[list[str]]],
) -> None:
    slow, seen = seen_at_stop
    slow.pressed = True
    stream = io.TextIOWrapper(io.BufferedWriter(slow), write_through=True)
    painter = Painter(stream, {"TERM": "xterm"}, colored=False)
    painter.catch_stops()
    painter.paint(lines("one"))
    slow.pressed = False
    stream.write("a warning")
    stream.flush()
    assert len(seen) == 1
