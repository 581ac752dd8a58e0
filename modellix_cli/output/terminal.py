"""What a terminal can do: colours, an animation, its size, and whether it is ours to draw on."""

import os
from collections.abc import Mapping
from typing import Final, TextIO

from modellix_cli.runtime import is_terminal

DEFAULT_COLUMNS: Final = 80
DEFAULT_ROWS: Final = 24
_MOST_COLUMNS: Final = 10_000
_PLAIN_TERMS: Final = ("dumb", "unknown")


def shows_colors(stream: TextIO | None, env: Mapping[str, str]) -> bool:
    """Whether colours may be written to `stream`.

    `NO_COLOR` (https://no-color.org) wins over `FORCE_COLOR`, that over `TTY_COMPATIBLE`, which
    says of a stream that it is a terminal or is none.
    """
    if env.get("NO_COLOR"):
        return False
    if env.get("FORCE_COLOR", "") not in ("", "0"):
        return True
    compatible = env.get("TTY_COMPATIBLE", "")
    if compatible in ("0", "1"):
        return compatible == "1"
    return is_terminal(stream) and not _is_plain(env)


def is_watched(stream: TextIO | None, env: Mapping[str, str]) -> bool:
    """Whether somebody watches `stream` on a terminal that shows more than plain lines."""
    return is_terminal(stream) and not _is_plain(env)


def can_animate(stream: TextIO | None, env: Mapping[str, str]) -> bool:
    """Whether lines of `stream` may be written over: somebody watches, on a terminal that can."""
    refused = "0" in (env.get("TTY_COMPATIBLE"), env.get("TTY_INTERACTIVE"))
    if refused or not is_watched(stream, env):
        return False
    return bool(env.get("TERM")) or (os.name == "nt" and bool(env.get("WT_SESSION")))


def _is_plain(env: Mapping[str, str]) -> bool:
    return bool(env.get("CI")) or env.get("TERM") in _PLAIN_TERMS


def columns(stream: TextIO | None, env: Mapping[str, str]) -> int:
    """Return the columns of the terminal at `stream`, at least 1."""
    return _number(env.get("COLUMNS", "")) or _size(stream)[0] or DEFAULT_COLUMNS


def rows(stream: TextIO | None, env: Mapping[str, str]) -> int:
    """Return the rows of the terminal at `stream`, at least 1."""
    return _number(env.get("LINES", "")) or _size(stream)[1] or DEFAULT_ROWS


def _number(text: str) -> int:
    usable = text.isascii() and text.isdigit() and len(text) < 6
    return min(int(text), _MOST_COLUMNS) if usable else 0


def _size(stream: TextIO | None) -> tuple[int, int]:
    try:
        size = os.get_terminal_size(stream.fileno()) if stream else (0, 0)
    except (OSError, ValueError):
        return 0, 0
    return size[0], size[1]


def in_foreground(stream: TextIO | None) -> bool:
    """Whether this process may draw: it is not a background job of the terminal at `stream`."""
    try:
        return stream is None or os.tcgetpgrp(stream.fileno()) == os.getpgrp()
    except (OSError, ValueError, AttributeError):  # no terminal of ours, or no job control
        return True
