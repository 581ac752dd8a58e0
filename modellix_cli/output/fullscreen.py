"""A terminal used as a whole: its other screen, keys as they are typed, and everything back after.

Whatever ends the program but SIGKILL gives the terminal back: `with` ends for exceptions, Ctrl-C
and the signals that the program turns into exceptions; Ctrl-Z gives it back for the time being.
"""

import os
import signal
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from types import FrameType, TracebackType
from typing import Final, Self, TextIO

from modellix_cli.output.cells import Line

_ENTER: Final = "\x1b[?1049h\x1b[?25l\x1b[?7l\x1b[2J"
_LEAVE: Final = "\x1b[?7h\x1b[?25h\x1b[?1049l"
_BEGIN_FRAME: Final = "\x1b[?2026h\x1b[H"
_END_FRAME: Final = "\x1b[?2026l"
_MOST_KEYS: Final = 256


class FullScreen:
    """The terminal whose keys come from `stdin` and that shows `stdout`; for the main thread."""

    def __init__(self, stdin: TextIO, stdout: TextIO, *, colored: bool) -> None:
        self._keys = stdin.fileno()
        self._screen = stdout.fileno()
        self._colored = colored
        self._modes: list[int | list[bytes | int]] = []
        self._former: Callable[[int, FrameType | None], object] | int | None = None
        self._entered = False

    def __enter__(self) -> Self:
        import termios

        self._modes = termios.tcgetattr(self._keys)
        self._former = signal.getsignal(signal.SIGTSTP)
        try:
            self._enter()
            if self._former is signal.SIG_DFL:  # else nobody could continue it
                signal.signal(signal.SIGTSTP, self._stop)
        except BaseException:
            self._leave()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        signal.signal(signal.SIGTSTP, self._former)
        self._leave()

    def show(self, lines: Sequence[Line]) -> None:
        """Show lines, as many as there are rows. Raises `OSError` where the terminal is gone."""
        # Erased before it is written: at the last column, erasing takes the last sign away.
        drawn = "\r\n".join(f"\x1b[K{self._rendered(line)}" for line in lines)
        self._write(f"{_BEGIN_FRAME}{drawn}{_END_FRAME}")

    def codes(self, text: str) -> None:
        """Write codes that show nothing, such as those for the clipboard."""
        self._write(text)

    def keys(self, seconds: float) -> bytes:
        """Wait up to `seconds` for keys and return what the terminal sends for them."""
        from select import select

        if not select([self._keys], [], [], seconds)[0]:
            return b""
        data = os.read(self._keys, _MOST_KEYS)
        if not data:
            raise EOFError("the terminal is gone")
        return data

    def _rendered(self, line: Line) -> str:
        if not self._colored:
            return "".join(text for text, _ in line).rstrip()
        return "".join(
            f"\x1b[{style}m{text}\x1b[0m" if style and text else text for text, style in line
        )

    def _enter(self) -> None:
        import termios
        import tty

        tty.setcbreak(self._keys, termios.TCSANOW)
        modes = termios.tcgetattr(self._keys)
        for key in (termios.VQUIT, termios.VLNEXT):  # Ctrl-\\ would end it without a word
            modes[6][key] = b"\0"
        termios.tcsetattr(self._keys, termios.TCSANOW, modes)
        self._entered = True
        self._write(_ENTER)

    def _leave(self) -> None:
        import termios

        if self._entered:
            self._entered = False
            with suppress(OSError, ValueError):
                self._write(_LEAVE)
        with suppress(OSError, ValueError, termios.error):
            termios.tcsetattr(self._keys, termios.TCSANOW, self._modes)
            termios.tcflush(self._keys, termios.TCIFLUSH)

    def _stop(self, number: int, frame: FrameType | None) -> None:
        """Give the terminal back, stop as Ctrl-Z means it, and take it again after `fg`."""
        self._leave()
        signal.signal(number, signal.SIG_DFL)
        os.kill(os.getpid(), number)  # returns when the process is continued
        signal.signal(number, self._stop)
        import termios

        with suppress(OSError, ValueError, termios.error):
            self._modes = termios.tcgetattr(self._keys)
        self._enter()

    def _write(self, text: str) -> None:
        """Write at once and not by a stream, which Ctrl-Z may have caught in the midst of it."""
        data = memoryview(text.encode("utf-8", "replace"))
        while data:
            data = data[os.write(self._screen, data) :]


def is_possible() -> bool:
    """Whether this system has terminals that can be used so."""
    return sys.platform != "win32"
