"""How a terminal shows pictures: what its environment says, and what it answers when asked."""

import os
import re
import time
from collections.abc import Mapping
from enum import StrEnum
from typing import Final, TextIO

from modellix_cli.domain.frozen import frozen
from modellix_cli.output import terminal

_KITTY_TERMS: Final = ("xterm-kitty", "xterm-ghostty")
_ITERM_PROGRAMS: Final = ("iTerm.app", "WezTerm", "mintty", "rio")
_SIXEL_TERMS: Final = ("foot", "contour", "mlterm", "yaft")
_USUAL_CELL: Final = (10, 20)
_MOST_CELL: Final = 200
_QUESTION: Final = "\x1b[16t\x1b[c"
"""How large is a cell, and what can you do? The second is answered by every terminal, and last;
both are silent where they are not understood."""
_ATTRIBUTES: Final = re.compile(r"\x1b\[\?([\d;]*)c")
_CELL: Final = re.compile(r"\x1b\[6;(\d{1,4});(\d{1,4})t")
_SIXEL_ATTRIBUTE: Final = "4"
_PATIENCE: Final = 0.25
_LONGEST_ANSWER: Final = 200


class Graphics(StrEnum):
    """A way to show a picture."""

    KITTY = "kitty"
    ITERM2 = "iterm2"
    SIXEL = "sixel"
    BLOCKS = "blocks"


class Colors(StrEnum):
    """Which colours half-blocks may have."""

    FULL = "full"
    PALETTE = "palette"
    NONE = "none"


@frozen
class Place:
    """Where a picture goes: how, in how many columns and rows, cells of how many pixels."""

    graphics: Graphics
    columns: int
    rows: int
    cell: tuple[int, int] = _USUAL_CELL
    colors: Colors = Colors.FULL


def known_graphics(env: Mapping[str, str]) -> Graphics | None:
    """Return how a terminal shows pictures by what its environment says, None if it says nothing.

    Within tmux, screen and zellij nothing is known: they pass on what they understand only.
    """
    if in_multiplexer(env):
        return None
    term, program = env.get("TERM", ""), env.get("TERM_PROGRAM", "")
    if term in _KITTY_TERMS or env.get("KITTY_WINDOW_ID") or program == "ghostty":
        return Graphics.KITTY
    if program in _ITERM_PROGRAMS or env.get("LC_TERMINAL") == "iTerm2":
        return Graphics.ITERM2
    if term.partition("-")[0] in _SIXEL_TERMS or "sixel" in term:
        return Graphics.SIXEL
    return None


def in_multiplexer(env: Mapping[str, str]) -> bool:
    """Whether tmux, screen or zellij is between this program and the terminal."""
    return any(env.get(name) for name in ("TMUX", "STY", "ZELLIJ")) or env.get(
        "TERM", ""
    ).startswith(("screen", "tmux"))


def colors_of(env: Mapping[str, str], *, allowed: bool) -> Colors:
    """Return which colours half-blocks may have; none where colours are not `allowed`."""
    if not allowed:
        return Colors.NONE
    full = env.get("COLORTERM", "") in ("truecolor", "24bit") or "direct" in env.get("TERM", "")
    return Colors.FULL if full else Colors.PALETTE


def find_graphics(
    stdin: TextIO | None, stdout: TextIO | None, env: Mapping[str, str]
) -> tuple[Graphics, tuple[int, int]]:
    """Return how the terminal at `stdout` shows pictures, and the size of its cells in pixels.

    What the environment does not say the terminal is asked, for a quarter of a second at most.
    """
    known = known_graphics(env)
    cell = _told_cell(stdout)
    if known is not None and (cell or known is not Graphics.SIXEL):
        return known, cell or _USUAL_CELL
    answer = _ask(stdin, stdout)
    measured = _CELL.search(answer)
    if cell is None and measured:
        cell = _plausible(int(measured[2]), int(measured[1]))
    attributes = _ATTRIBUTES.search(answer)
    if known is None:
        can = attributes is not None and _SIXEL_ATTRIBUTE in attributes[1].split(";")
        known = Graphics.SIXEL if can else Graphics.BLOCKS
    return known, cell or _USUAL_CELL


def _told_cell(stdout: TextIO | None) -> tuple[int, int] | None:
    """Return the size of a cell as the system tells it, None where it does not."""
    try:
        import fcntl
        import struct
        import termios

        assert stdout is not None
        size = fcntl.ioctl(stdout.fileno(), termios.TIOCGWINSZ, b"\0" * 8)
        rows, columns, width, height = struct.unpack("HHHH", size)
    except (ImportError, OSError, ValueError, AssertionError):
        return None
    return _plausible(width // columns, height // rows) if rows and columns else None


def _plausible(width: int, height: int) -> tuple[int, int] | None:
    return (width, height) if 0 < width <= _MOST_CELL and 0 < height <= _MOST_CELL else None


def _ask(stdin: TextIO | None, stdout: TextIO | None) -> str:
    """Ask the terminal and return its answer, "" where it gives none or cannot be asked.

    The terminal is as it was when this returns, also after Ctrl-C, and no answer is left for the
    shell to read. What the user has typed ahead stays: then nothing is asked.
    """
    try:
        import termios
        import tty
        from select import select

        assert stdin is not None and stdout is not None
        source = stdin.fileno()
        both = stdin.isatty() and stdout.isatty()
        if not both or not terminal.in_foreground(stdin) or select([source], [], [], 0)[0]:
            return ""
        before = termios.tcgetattr(source)
    except (ImportError, OSError, ValueError, AssertionError):
        return ""
    except termios.error:
        return ""
    try:
        tty.setcbreak(source, termios.TCSANOW)
        stdout.write(_QUESTION)
        stdout.flush()
        return _answer(source)
    except (OSError, ValueError):
        return ""
    finally:
        termios.tcsetattr(source, termios.TCSAFLUSH, before)


def _answer(source: int) -> str:
    from select import select

    answer, end = b"", time.monotonic() + _PATIENCE
    while len(answer) < _LONGEST_ANSWER:
        left = end - time.monotonic()
        if left <= 0 or not select([source], [], [], left)[0]:
            break
        data = os.read(source, _LONGEST_ANSWER)
        answer += data
        if not data or _ATTRIBUTES.search(answer.decode("latin-1")):
            break
    return answer.decode("latin-1")
