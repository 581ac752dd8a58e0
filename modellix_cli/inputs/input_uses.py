"""Places in a body that stand for a file or a result of a task, named by `--set` or `--matrix`.

Until the line is sent they hold the words that name it. What makes the line the same request as
another is what those mean: a file's content, or the task.
"""

from collections.abc import Iterable
from typing import Self

from modellix_cli.domain.frozen import frozen
from modellix_cli.domain.jsontext import Json, dumps, loads
from modellix_cli.inputs.line_uses import Place


class InputText(str):
    """The words that name a file or a result, in a body: `@cat.png`.

    `written` is the option that said so, `asked` what it asks for, `shown` what stands for it as
    far as that is known: an address, or the words themselves.
    """

    written: str
    asked: Json
    shown: str

    @classmethod
    def of(cls, words: str, written: str, asked: Json, shown: str) -> Self:
        """Return the words with what is known about them."""
        text = cls(words)
        text.written, text.asked, text.shown = written, asked, shown
        return text


@frozen
class InputUse:
    """A place in a body where an `InputText` stands, with what is known about it."""

    place: Place
    written: str
    asked: Json
    shown: str


def find_inputs(body: Json) -> tuple[InputUse, ...]:
    """Return the places in a body that stand for files and results."""
    found: list[InputUse] = []
    _find(body, (), found)
    return tuple(found)


def _find(value: Json, place: Place, found: list[InputUse]) -> None:
    if isinstance(value, InputText):
        found.append(InputUse(place, value.written, value.asked, value.shown))
    elif isinstance(value, dict):
        for key, inner in value.items():
            _find(inner, (*place, key), found)
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            _find(inner, (*place, index), found)


def with_values(body: bytes, values: Iterable[tuple[Place, Json]]) -> bytes:
    """Return a body, compact JSON, with other values at some places."""
    whole = loads(body)
    for place, value in values:
        holder = whole
        for step in place[:-1]:
            holder = holder[step]
        holder[place[-1]] = value
    return dumps(whole, indent=None).encode()
