"""Facts too long for a line of a terminal: folded where they can be, under their own text.

Commands are broken at a backslash between words, so that a shell takes what is copied; JSON after
commas and at blanks.
"""

import re
from collections.abc import Iterable, Sequence
from typing import Final

from modellix_cli.domain.shell import join, quote
from modellix_cli.domain.text import one_line
from modellix_cli.output.sink import Sink

PARAMETERS: Final = "Parameters"
"""The name of the fact that is JSON."""
_LABEL: Final = 13
_GOES_ON: Final = " \\"
_OPTION: Final = re.compile(r"--?[a-z][a-z-]*")
_PIECE: Final = re.compile(r"[^ ,]*(?:[ ,]|$)")


def write_facts(sink: Sink, facts: Iterable[tuple[str, str]], again: Sequence[str] | None) -> None:
    """Write facts with their names on stdout, then the command that makes the same `again`.

    A fact without a name belongs to the one above it.
    """
    rows = list(facts)
    width = max((_LABEL, *(len(name) + 2 for name, _ in rows)))
    for name, text in rows:
        head = f"{f'{name}:' if name else '':<{width}}"
        if name == PARAMETERS:
            write_json(sink, head, text)
        else:
            sink.sentence(head + text, width)
    if again is not None:
        write_command(sink, f"{'Make again:':<{width}}", again)


def write_command(sink: Sink, head: str, words: Sequence[str]) -> None:
    """Write a command to copy on stdout, behind its label; elsewhere than at a terminal whole."""
    if not sink.stdout_is_terminal:
        sink.line(head + join(words))
        return
    pieces = [sink.clean(one_line(quote(word))) for word in words]
    sink.block("\n".join(folded_command(head, pieces, sink.width)))


def write_json(sink: Sink, head: str, text: str) -> None:
    """Write JSON text on stdout, behind its label; elsewhere than at a terminal on one line."""
    if not sink.stdout_is_terminal:
        sink.line(head + text)
        return
    sink.block("\n".join(folded(head, sink.clean(one_line(text)), sink.width)))


def folded(head: str, text: str, columns: int) -> list[str]:
    """Return a text behind its label, broken after commas and at blanks, and indented below it.

    >>> folded("Body: ", '{"a":1,"b":"one two"}', 20)
    ['Body: {"a":1,', '      "b":"one two"}']
    """
    lines, empty = [head], True
    for piece in _PIECE.findall(text):
        if not empty and _width((lines[-1] + piece).rstrip()) > columns:
            lines.append(" " * _width(head))
        lines[-1] += piece
        empty = False
    return [line.rstrip() for line in lines]


def folded_command(head: str, words: Iterable[str], columns: int) -> list[str]:
    r"""Return a command behind its label, broken between its words, which are quoted already.

    >>> print(*folded_command("Run: ", ["modellix-cli", "usage", "--sandbox"], 26), sep="\n")
    Run: modellix-cli usage \
         --sandbox
    """
    first, *rest = _with_values(words)
    lines = [head + first]
    for place, word in enumerate(rest, 1):
        ends = "" if place == len(rest) else _GOES_ON
        if _width(f"{lines[-1]} {word}{ends}") > columns:
            lines[-1] += _GOES_ON
            lines.append(" " * _width(head) + word)
        else:
            lines[-1] += f" {word}"
    return lines


def _with_values(words: Iterable[str]) -> list[str]:
    """Return words, an option and what may be its value as one."""
    pieces: list[str] = []
    for word in words:
        if pieces and _OPTION.fullmatch(pieces[-1]) and not word.startswith("-"):
            pieces[-1] += f" {word}"
        else:
            pieces.append(word)
    return pieces


def _width(text: str) -> int:
    from modellix_cli.output.cells import width  # loads rich, at no start

    return width(text)
