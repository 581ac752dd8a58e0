"""Draws a few lines at the bottom of a terminal over and over, and leaves no trace.

The cursor is never hidden, so that no end of the program can leave it so: it rests below the
lines. Nothing is drawn from the background; Ctrl-Z takes the lines away, `fg` brings them back.
"""

import os
import signal
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from types import FrameType
from typing import Final, TextIO

from modellix_cli.output import terminal
from modellix_cli.output.cells import Line, line_width

_WITHOUT_REFLOW: Final = ("linux",)
"""Terminals that cut lines that are too long when they get narrower, instead of wrapping them."""
_STOP: Final = getattr(signal, "SIGTSTP", None)


class Painter:
    """The lines at the bottom of the terminal at `stream`."""

    def __init__(self, stream: TextIO | None, env: Mapping[str, str], *, colored: bool) -> None:
        self._stream = stream
        self._env = env
        self._colored = colored
        self._shown: list[Line] = []
        self._shown_at = 0
        self._handles_stop = False
        self._stopping = False
        self._drawing_in: int | None = None
        self._asked_to_stop: int | None = None
        self._lock = threading.RLock()

    @property
    def columns(self) -> int:
        """The columns to draw in; the last one stays free, as some terminals wrap after it."""
        return max(1, terminal.columns(self._stream, self._env) - 1)

    @property
    def rows(self) -> int:
        """The rows to draw in; one stays free for the cursor."""
        return max(1, terminal.rows(self._stream, self._env) - 1)

    @property
    def may_draw(self) -> bool:
        """Whether this process has the terminal: it is neither in the background nor stopped."""
        return not self._stopping and terminal.in_foreground(self._stream)

    def paint(self, lines: Sequence[Line]) -> None:
        """Show these lines in place of those that are shown."""
        with self._whole():
            if not self.may_draw:
                self._shown = []  # where they were, others write now
                return
            columns = self.columns
            if list(lines) != self._shown or columns != self._shown_at:
                self._write(f"{self._up()}{self._drawn(lines)}\x1b[J")
                self._shown, self._shown_at = list(lines), columns

    def above(self, text: str) -> None:
        """Write a line that stays, above those that are shown."""
        with self._whole():
            if not self.may_draw:
                self._shown = []
            clear = "\x1b[J" if self._shown else ""
            self._write(f"{self._up()}{clear}{text}\n{self._drawn(self._shown)}")
            self._shown_at = self.columns

    def erase(self) -> None:
        """Take the lines away."""
        with self._whole():
            if self._shown and self.may_draw:
                self._write(f"{self._up()}\x1b[J")
            self._shown = []

    @contextmanager
    def _whole(self) -> Iterator[None]:
        """Draw without other threads; a Ctrl-Z that comes meanwhile stops when it is drawn."""
        with self._lock:
            self._drawing_in = threading.get_ident()
            try:
                yield
            except BaseException:
                self._asked_to_stop = None  # the program ends
                raise
            finally:
                self._drawing_in = None
        in_main = threading.current_thread() is threading.main_thread()
        if in_main and (number := self._asked_to_stop) is not None:
            self._asked_to_stop = None
            self._stop(number, None)

    def _drawn(self, lines: Sequence[Line]) -> str:
        return "".join(f"{self.rendered(line)}\x1b[K\n" for line in lines)

    def rendered(self, line: Line) -> str:
        """Return a line as it is written."""
        if not self._colored:
            return "".join(text for text, _ in line).rstrip()
        styled = (f"\x1b[{style}m{text}\x1b[0m" if style and text else text for text, style in line)
        return "".join(styled)

    def _up(self) -> str:
        """Return what brings the cursor to where the lines begin.

        Lines that were drawn on a wider terminal take more rows now.
        """
        columns = self.columns + 1
        if self._env.get("TERM") in _WITHOUT_REFLOW:
            columns = max(columns, self._shown_at + 1)
        taken = sum(max(1, -(-line_width(line) // columns)) for line in self._shown)
        return f"\x1b[{taken}A\r" if taken else ""

    def _write(self, text: str) -> None:
        if self._stream is None:
            return
        try:
            self._stream.write(text)
            self._stream.flush()
        except (OSError, ValueError):  # the terminal is gone
            self._stream = None
        except RuntimeError:  # Ctrl-Z caught others in the midst of a write to this stream
            return

    def catch_stops(self) -> None:
        """Take the lines away before Ctrl-Z stops the process; only in the main thread."""
        main = threading.current_thread() is threading.main_thread()
        if _STOP is None or not main or signal.getsignal(_STOP) != signal.SIG_DFL:
            return
        with suppress(ValueError, OSError):
            signal.signal(_STOP, self._stop)
            self._handles_stop = True

    def let_stops_go(self) -> None:
        """Give Ctrl-Z back."""
        if self._handles_stop and _STOP is not None:
            self._handles_stop = False
            signal.signal(_STOP, signal.SIG_DFL)

    def _stop(self, number: int, frame: FrameType | None) -> None:
        """Stop as asked to, and go on drawing when the process continues."""
        if self._drawing_in == threading.get_ident():
            self._asked_to_stop = number
            return
        self.erase()
        self._stopping = True
        signal.signal(number, signal.SIG_DFL)
        os.kill(os.getpid(), number)  # returns when the process is continued
        signal.signal(number, self._stop)
        self._stopping = False
