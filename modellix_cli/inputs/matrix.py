"""`--matrix KEY=VALUES`: the values that a parameter, or the model, is to take one after another.

Values are separated by commas, and blanks around them do not count: `seed=1..4,9`, `size=1K,2K`.
`1..4` and `1..9..2` are ranges of integers, the last one included. A backslash before a comma makes
it a part of the value, before a range a text. `KEY:=[…]` takes the entries of a JSON array.
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import product
from math import prod
from typing import Final

from modellix_cli.domain.errors import usage
from modellix_cli.domain.frozen import frozen
from modellix_cli.domain.jsontext import JsonError, dumps, loads
from modellix_cli.domain.text import clip, count, one_line, quoted
from modellix_cli.inputs.parameter_keys import parse_key, split_assignment

MAX_COMBINATIONS: Final = 1_000_000
MODEL: Final = "model"
"""The key that takes models, not a parameter."""

_OPTION: Final = "--matrix"
_RANGE: Final = re.compile(r"(-?[0-9]{1,18})\.\.(-?[0-9]{1,18})(?:\.\.(-?[0-9]{1,18}))?")
COMMA: Final = re.compile(r"(?<!\\),")
"""What separates the values of a key."""
_LONGEST_LABEL: Final = 32
_EXAMPLE: Final = "For example: --matrix seed=1..4 --matrix model=google/nano-banana-2,a/b"


@frozen
class Axis:
    """The values of one key, each as it would be written alone; `sign` is `=` or `:=`."""

    key: str
    sign: str
    values: tuple[str, ...]

    def label(self, index: int) -> str:
        """Return a value as a part of an id, by its index: itself, or its number if it is long."""
        value = self.values[index]
        fits = 0 < len(value) <= _LONGEST_LABEL and one_line(value) == value
        return f"{self.key}={value}" if fits else f"{self.key}=#{index + 1}"


Choice = tuple[int, ...]
"""One combination: by axis, the index of its value."""


def parse_axes(texts: Iterable[str]) -> tuple[Axis, ...]:
    """Read the values of `--matrix`. Raises the usage error, also for too many combinations."""
    axes = tuple(_axis(text) for text in texts)
    for at, axis in enumerate(axes):
        if axis.key in [earlier.key for earlier in axes[:at]]:
            raise usage(f"{_OPTION} {axis.key} is given twice.", hint="Put its values together.")
    if prod(len(axis.values) for axis in axes) > MAX_COMBINATIONS:
        raise usage(f"{_OPTION}: more than {MAX_COMBINATIONS} combinations.")
    return axes


def choices(axes: Iterable[Axis]) -> Iterator[Choice]:
    """Yield every combination; the values of the last axis change first. One where none is."""
    return product(*(range(len(axis.values)) for axis in axes))


def label(axes: Iterable[Axis], choice: Choice) -> str:
    """Return what an id says of a combination: `seed=1-size=2K`."""
    return "-".join(axis.label(index) for axis, index in zip(axes, choice, strict=True))


def _axis(text: str) -> Axis:
    parts = split_assignment(text)
    if parts is None:
        raise usage(f"{_OPTION} {quoted(text)} is not KEY=VALUES.", hint=_EXAMPLE)
    key, sign, given = parts
    parse_key(key, _OPTION)
    values = _json_values(key, given) if sign == ":=" else tuple(_values(key, given))
    if key == MODEL and sign == ":=":
        raise usage(f"{_OPTION} {MODEL} takes slugs, not JSON.", hint=_EXAMPLE)
    if len(set(values)) < len(values):
        twin = Counter(values).most_common(1)[0][0]
        raise usage(f"{_OPTION} {_shown(key)} holds {quoted(twin)} twice: it would be paid twice.")
    return Axis(key, sign, values)


def _values(key: str, given: str) -> Iterator[str]:
    total = 0
    for part in COMMA.split(given):
        item = part.strip().replace("\\,", ",")
        if not item:
            raise usage(f"{_OPTION} {_shown(key)}: a value is empty.", hint=_EXAMPLE)
        found = _RANGE.fullmatch(item)
        numbers = _range(key, found) if found else None
        total += 1 if numbers is None else len(numbers)
        if total > MAX_COMBINATIONS:
            limit = count(MAX_COMBINATIONS, "value")
            raise usage(f"{_OPTION} {_shown(key)} has more than {limit}.")
        if numbers is None:
            escaped = item.startswith("\\") and _RANGE.fullmatch(item[1:])
            yield item[1:] if escaped else item
        else:
            yield from (str(number) for number in numbers)


def _range(key: str, found: "re.Match[str]") -> range:
    first, last = int(found[1]), int(found[2])
    down = last < first
    step = int(found[3]) if found[3] else (-1 if down else 1)
    if step == 0 or (first != last and (step < 0) != down):
        what = f"{_OPTION} {_shown(key)}: {found[0]} never arrives."
        raise usage(what, hint="A range is FIRST..LAST or FIRST..LAST..STEP.")
    return range(first, last + (1 if step > 0 else -1), step)


def _json_values(key: str, given: str) -> tuple[str, ...]:
    try:
        values = loads(given)
    except JsonError:
        values = None
    if not isinstance(values, list) or not values:
        what = f"{_OPTION} {_shown(key)}: {quoted(given)} after := is no JSON array with entries."
        raise usage(what, hint="Write, for example: --matrix 'size:=[512, 1024]'")
    return tuple(dumps(value, indent=None) for value in values)


def _shown(key: str) -> str:
    return clip(one_line(key), _LONGEST_LABEL)
