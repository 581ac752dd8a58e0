"""What of a body its price can depend on: bodies of one shape cost the same.

Left out are values of which `reading.py` takes no more than is kept of them here: texts, of which
at most the length counts, and values under names that no schema can make a count or a length.
"""

from collections.abc import Hashable
from functools import lru_cache
from typing import Final

from modellix_cli.domain.jsontext import Json, Number
from modellix_cli.models.pricing.hidden import is_address
from modellix_cli.models.pricing.names import Meaning, is_neutral, meaning_of

_MOST_PARTS: Final = 1000
_LONGEST_KEPT: Final = 4000
_LONG_TEXT: Final = 100
"""Characters above which any text counts as text (`reading.py`)."""
_OPEN, _CLOSE, _LIST, _ADDRESS, _PROSE, _PLAIN = range(6)


def shape_of(body: dict[str, Json], *, by_text: bool) -> Hashable | None:
    """Return the shape of a body, None for one that is too large to be worth it.

    `by_text` says that the price goes by characters, so that lengths of texts count.
    """
    shape = _Shape(by_text=by_text)
    shape.add_object(body)
    return None if shape.too_large else tuple(shape.parts)


class _Shape:
    """The shape of a body as far as it was read: a sequence that says each value's place."""

    def __init__(self, *, by_text: bool) -> None:
        self._by_text = by_text
        self.parts: list[Hashable] = []
        self.too_large = False

    def add_object(self, body: dict[str, Json]) -> None:
        self.parts.append((_OPEN,))
        for name, value in body.items():
            self.parts.append(name)
            self._add(name, value)
        self.parts.append((_CLOSE,))

    def _add(self, name: str, value: Json) -> None:
        self.too_large |= len(self.parts) > _MOST_PARTS
        if self.too_large:
            return
        if isinstance(value, dict):
            self.add_object(value)
        elif isinstance(value, list):
            self.parts.append((_LIST, len(value)))
            for entry in value:
                self._add(name, entry)
        elif isinstance(value, str):
            self._add_text(name, value)
        elif value is None or isinstance(value, bool) or not _is_plain(name):
            exact = value.text if isinstance(value, Number) else value
            self.parts.append((type(value), exact))
        else:
            self.parts.append((_PLAIN,))

    def _add_text(self, name: str, text: str) -> None:
        if "--" in text or text.lstrip()[:1] in ("{", "["):  # it may hide parameters
            self._add_exactly(text)
        elif is_address(text):
            self.parts.append((_ADDRESS,))
        elif _is_prose(name):
            self.parts.append((_PROSE, len(text) if self._by_text else 0))
        elif len(text) <= _LONG_TEXT and _is_plain(name):
            self.parts.append((_PLAIN,))
        else:
            self._add_exactly(text)

    def _add_exactly(self, text: str) -> None:
        self.too_large |= len(text) > _LONGEST_KEPT
        self.parts.append(text)


@lru_cache(maxsize=2048)
def _is_prose(name: str) -> bool:
    """Whether a text of this name is one for the model, whatever a schema says of it."""
    return meaning_of(name) is Meaning.TEXT


@lru_cache(maxsize=2048)
def _is_plain(name: str) -> bool:
    """Whether a value of this name counts nothing, whatever a schema says of it."""
    return meaning_of(name) is Meaning.NEUTRAL and is_neutral(name)
