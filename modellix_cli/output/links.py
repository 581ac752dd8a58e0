"""Paths that can be clicked: OSC 8 hyperlinks, where a terminal is known to have them.

https://gist.github.com/egmontkob/eb114294efbcd5adb1944c9f3cb5feda
"""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Final, NamedTuple, TextIO
from urllib.parse import quote

from modellix_cli.output import terminal

_PROGRAMS: Final = frozenset(
    {"iTerm.app", "WezTerm", "vscode", "ghostty", "Hyper", "Tabby", "rio", "WarpTerminal", "mintty"}
)
_TERMS: Final = ("xterm-kitty", "xterm-ghostty", "alacritty", "foot", "foot-extra", "contour")
_VARIABLES: Final = ("KITTY_WINDOW_ID", "WT_SESSION", "DOMTERM", "KONSOLE_VERSION")
_OLDEST_VTE: Final = 5000
"""Version 0.50 of the library in GNOME Terminal and others: earlier ones have none, or crash."""


class FileLink(NamedTuple):
    """A text that stands for a file, and its style: an SGR code, or "" for none."""

    text: str
    style: str
    path: str


def can_link(stream: TextIO | None, env: Mapping[str, str]) -> bool:
    """Whether the terminal at `stream` is known to follow links; never in pipes, CI or `dumb`.

    `FORCE_HYPERLINK=0` says no and `FORCE_HYPERLINK=1` yes, for terminals.
    """
    if not terminal.can_animate(stream, env):
        return False
    forced = env.get("FORCE_HYPERLINK")
    if forced:
        return forced != "0"
    term = env.get("TERM", "")
    if env.get("STY") or (term.startswith("screen") and not env.get("TMUX")):
        return False
    version = env.get("VTE_VERSION", "")
    if version.isascii() and version.isdigit() and len(version) < 9:
        return int(version) >= _OLDEST_VTE
    known = env.get("TERM_PROGRAM") in _PROGRAMS or term in _TERMS
    return known or any(env.get(name) for name in _VARIABLES)


def linked(shown: str, path: str, env: Mapping[str, str]) -> str:
    """Return a text, made safe before, as a link to a file.

    Over SSH the address names this machine, so that no file of the other one is opened.
    """
    absolute = Path(path).absolute()
    host = _machine() if env.get("SSH_CONNECTION") or env.get("SSH_TTY") else ""
    address = absolute.as_uri() if os.name == "nt" else f"file://{host}{_quoted(absolute)}"
    return f"\x1b]8;;{address}\x1b\\{shown}\x1b]8;;\x1b\\"


def _machine() -> str:
    import socket

    return quote(socket.gethostname())


def _quoted(path: Path) -> str:
    return quote(os.fsencode(path), safe="/")
