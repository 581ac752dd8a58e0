"""On which line each key of a TOML document stands, which the standard parser does not tell."""

import re
import tomllib
from collections.abc import Iterator
from typing import Final

KeyPath = tuple[str, ...]

_TOKEN: Final = re.compile(
    r'''
      (?P<string> """(?:\\.|[^\\])*?"{3,5} | \'\'\'.*?'{3,5}
                | "(?:\\.|[^"\\\n])*" | '[^'\n]*' )
    | (?P<comment> \#[^\n]* )
    | (?P<newline> \n )
    | (?P<other> [^\s"'\#\[\]{}=]+ | . )
    ''',
    re.VERBOSE | re.DOTALL,
)


def key_lines(text: str) -> dict[KeyPath, int]:
    """Return the line, counted from 1, on which each key of a valid document first stands.

    Keys of inline tables are not among them; see `line_of`.
    """
    lines: dict[KeyPath, int] = {}
    table: KeyPath = ()
    for number, words in _statements(text):
        if words[0] == "[":
            path = table = _path("".join(words).strip("[] \t\r"))
        else:
            path = (*table, *_path("".join(words[: words.index("=")])))
        for length in range(1, len(path) + 1):
            lines.setdefault(path[:length], number)
    return lines


def longest_key(text: str) -> int:
    """Return the number of dots in the dotted key that has most of them.

    The standard parser takes minutes for a key of thousands, so this comes first.
    """
    longest = dots = 0
    for token in _TOKEN.finditer(text):
        kind, word = token.lastgroup, token[0]
        if kind == "string" or (kind == "other" and word.isspace()):
            continue
        if kind != "other" or word in "[]{}=":
            dots = 0
            continue
        first, *rest = (piece.count(".") for piece in word.split(","))
        longest = max(longest, dots + first, *rest)
        dots = rest[-1] if rest else dots + first
    return longest


def line_of(lines: dict[KeyPath, int], path: KeyPath) -> int:
    """Return the line of a key, or of the nearest key that holds it; 1 for the document."""
    while path and path not in lines:
        path = path[:-1]
    return lines.get(path, 1)


def _statements(text: str) -> Iterator[tuple[int, list[str]]]:
    """Yield headers and assignments, in pieces, with the line on which each begins.

    A line break ends one, unless brackets of its value are open.
    """
    line, first, depth = 1, 1, 0
    words: list[str] = []
    for token in _TOKEN.finditer(text):
        kind, word = token.lastgroup, token[0]
        if kind == "newline" and depth == 0:
            if words:
                yield first, words
            words = []
        elif kind in ("string", "other") and (words or not word.isspace()):
            first = first if words else line
            words.append(word)
            depth += (word in "[{") - (word in "]}")
        line += word.count("\n")
    if words:
        yield first, words


def _path(key: str) -> KeyPath:
    """Return the names in a key such as `models."a/b".parameters`."""
    found: list[str] = []
    value: object = tomllib.loads(f"{key.strip()}=0")
    while isinstance(value, dict):
        name, value = next(iter(value.items()))
        found.append(name)
    return tuple(found)
