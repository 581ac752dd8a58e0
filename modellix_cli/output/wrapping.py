"""Lines broken between words, where a terminal would break them anywhere.

Commands to paste stay whole, and so does whatever has no blanks, such as paths and ids: a terminal
that wraps them copies them as one piece.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Final, TextIO

from modellix_cli.output import terminal
from modellix_cli.runtime import is_terminal

_STYLE: Final = r"\x1b\[[\d;]*m"
_COLUMN: Final = r" *\S+(?: \S+)*  +(?=\S)| +(?=\S)"
_ASSIGNMENT: Final = r"[A-Z_]+=\S*"
_PROGRAM: Final = "modellix-cli"
_JSON: Final = r"""\{(?:["}]|$)|\[(?:["\[{\]\d-]|$)"""
_ENDS: Final = (".", ",", ";", ":", ")")
_ASIDE: Final = 16
"""Characters up to which a measure in parentheses, as `(1.2 MiB)`, stays together."""
_NARROWEST: Final = 20
"""Columns that must be left beside an indentation, or there is none."""


def fitted(env: Mapping[str, str], text: str, stream: TextIO | None, indent: int = 0) -> str:
    """Return a line as `stream` shows it best: at a terminal broken between words."""
    if not is_terminal(stream):
        return text
    return "\n".join(wrapped(text, terminal.columns(stream, env), indent))


def wrapped(text: str, columns: int, indent: int = 0) -> list[str]:
    """Return a text as lines of at most `columns`, all but the first indented.

    Styles (SGR codes) may stand in it and take no room. A piece that is too long has a line of its
    own, which is longer.
    """
    if len(text) * 2 <= columns or _width(text) <= columns:  # none takes more than two
        return [text]
    indent = indent if columns - indent >= _NARROWEST else 0
    head = len(text) - len(text.lstrip(" "))
    lines, empty = [text[:head]], True
    for piece in _pieces(text[head:]):
        joined = f"{lines[-1]}{'' if empty else ' '}{piece}"
        too_long = indent and _width(piece) > columns - indent  # no other line has room for it
        if empty or too_long or _width(joined) <= columns:
            lines[-1] = joined
        else:
            lines[-1] = lines[-1].rstrip()
            lines.append(" " * indent + piece)
        empty = not lines[-1].strip()
    return lines


def last_column(line: str) -> int:
    """Return where the last of the columns in a line begins: what stands behind two blanks.

    >>> last_column("  --yes  Do not ask."), last_column("  Do not ask."), last_column("No.")
    (9, 2, 0)
    """
    found = re.match(_COLUMN, re.sub(_STYLE, "", line))
    return found.end() if found else 0


def _pieces(text: str) -> Iterator[str]:
    """Yield words, and as a whole commands, JSON, and a measure in parentheses."""
    words = text.split(" ")
    while words:
        piece = words.pop(0)
        if re.match(_JSON, piece):
            yield " ".join([piece, *words])
            return
        if (
            piece.startswith("(")
            and piece[1:2].isdigit()
            and len(aside := _aside(piece, words)) <= _ASIDE
        ):
            del words[: aside.count(" ")]
            piece = aside
        while re.fullmatch(_ASSIGNMENT, piece.rpartition(" ")[2]) and _leads_to_program(words):
            piece += f" {words.pop(0)}"
        if piece.lstrip("(").endswith(_PROGRAM):
            while words and not _is_over(piece, words[0]):
                piece += f" {words.pop(0)}"
        yield piece


def _aside(piece: str, words: list[str]) -> str:
    """Return what a piece opens in parentheses, up to where they are closed."""
    for word in words:
        if ")" in piece:
            break
        piece += f" {word}"
    return piece


def _leads_to_program(words: list[str]) -> bool:
    """Whether only variables stand before the program that they are set for."""
    others = (word for word in words if not re.fullmatch(_ASSIGNMENT, word))
    return next(others, None) == _PROGRAM


def _is_over(command: str, word: str) -> bool:
    """Whether a command ends before a word; two blanks end it, the folder `.` is part of it."""
    if any(command.count(mark) % 2 for mark in "'\""):
        return False
    return (
        word.startswith("(") or not word or (command.endswith(_ENDS) and not command.endswith(" ."))
    )


def _width(text: str) -> int:
    from modellix_cli.output.cells import width  # loads rich, at no start

    return width(re.sub(_STYLE, "", text))
