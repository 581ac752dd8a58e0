"""Places in a body that stand for what another line of the batch makes: `"@line:cat[0]"`.

Only a whole text means that, at any depth, also as an entry of an array. `"@@line:cat"` is the text
`@line:cat`. Everything else is sent as it is.
"""

import re
from collections.abc import Callable, Collection
from typing import Final

from modellix_cli.domain.errors import usage
from modellix_cli.domain.frozen import frozen
from modellix_cli.domain.jsontext import Json, dumps, loads
from modellix_cli.domain.text import quoted

_USE: Final = re.compile(r"@line:(.*?)(?:\[([0-9]{1,4})\])?", re.DOTALL)
_LITERAL: Final = re.compile(r"@@+line:")
_LOOKS_LIKE_USE: Final = re.compile(r"@+line:")

Place = tuple[str | int, ...]
"""Where in a body: names of properties and indexes of entries."""


@frozen
class LineUse:
    """A place in a body that stands for a result of the line `line_id`; `position` from 0."""

    place: Place
    line_id: str
    position: int

    @property
    def written(self) -> str:
        """How it is written in a body."""
        return write_use(self.line_id, self.position)


def read_use(text: str) -> tuple[str, int] | None:
    """Return the id and the position in a text that stands for a result of a line, else None.

    Raises the usage error for one without an id.

    >>> read_use("@line:cat[1]"), read_use("@line:cat"), read_use("a @line:cat")
    (('cat', 1), ('cat', 0), None)
    """
    found = _USE.fullmatch(text)
    if found is not None and not found[1]:
        raise usage(
            f"{quoted(text)} names no line.",
            hint='A result of another line is written "@line:ID[0]", the text itself "@@line:…".',
        )
    return None if found is None else (found[1], int(found[2] or 0))


def write_use(line_id: str, position: int) -> str:
    """Return the text that stands for a result of a line."""
    return f"@line:{line_id}[{position}]"


def write_literal(text: str) -> str:
    """Return what stands in a body for this very text.

    >>> write_literal("@line:cat"), write_literal("@home")
    ('@@line:cat', '@home')
    """
    return f"@{text}" if _LOOKS_LIKE_USE.match(text) else text


def read_literal(text: str) -> str:
    """Return the text that is sent for one that stands for no result."""
    return text[1:] if _LITERAL.match(text) else text


def find_uses(body: Json, suffix: str = "") -> tuple[Json, tuple[LineUse, ...]]:
    """Return a body with its literal texts as they are sent, and the places that use other lines.

    `suffix` is added to the id of each line that is used: it is that of the same combination of a
    `--matrix`. Raises the usage error for a use without an id.
    """
    uses: list[LineUse] = []
    return _read(body, (), suffix, uses), tuple(uses)


def _read(value: Json, place: Place, suffix: str, uses: list[LineUse]) -> Json:
    """Return a part of a body as it is sent, and add what it uses to `uses`.

    No closure: one that calls itself is garbage that only a search finds, here for each line.
    """
    if isinstance(value, dict):
        return {key: _read(inner, (*place, key), suffix, uses) for key, inner in value.items()}
    if isinstance(value, list):
        return [_read(inner, (*place, at), suffix, uses) for at, inner in enumerate(value)]
    if not isinstance(value, str) or not value.startswith("@"):
        return value
    named = read_use(value)
    if named is None:
        return read_literal(value)
    use = LineUse(place, named[0] + suffix, named[1])
    uses.append(use)
    return use.written


def fill_in(body: bytes, uses: Collection[LineUse], text_of: Callable[[LineUse], str]) -> bytes:
    """Return a body, compact JSON, with other texts in place of the uses."""
    value = loads(body)
    for use in uses:
        holder = value
        for step in use.place[:-1]:
            holder = holder[step]
        holder[use.place[-1]] = text_of(use)
    return dumps(value, indent=None).encode()


def write_body(body: bytes, uses: Collection[LineUse]) -> Json:
    """Return a body as an input of a batch has it, so that reading it gives the same."""
    return _write(loads(body), (), {use.place for use in uses})


def _write(value: Json, place: Place, places: set[Place]) -> Json:
    if isinstance(value, dict):
        return {key: _write(inner, (*place, key), places) for key, inner in value.items()}
    if isinstance(value, list):
        return [_write(inner, (*place, at), places) for at, inner in enumerate(value)]
    if isinstance(value, str) and place not in places:
        return write_literal(value)
    return value
