"""Single fields of the API's documents: read if they are what they should be, else None."""

import re
from datetime import datetime
from math import isfinite
from typing import TYPE_CHECKING, Final

from modellix_cli.domain.errors import ErrorCode, ModellixError
from modellix_cli.domain.jsontext import Json, Number

if TYPE_CHECKING:
    from modellix_cli.domain.money import Money

_MAX_DOLLARS: Final = 1_000_000
_LONGEST_AMOUNT: Final = 40
_UNIX_TIME: Final = r"(?a)\d{9,13}(?:\.\d{1,9})?"
_FIRST_MILLISECONDS: Final = 1e11
"""Unix times above this are milliseconds: as seconds they would be after the year 5000."""
_LAST_SECONDS: Final = 253_402_300_800.0  # the end of the year 9999


def unexpected(wanted: str) -> ModellixError:
    """Return the error for a reply without what its document must have."""
    return ModellixError(
        ErrorCode.BAD_REPLY, f"Unexpected reply from the Modellix API: expected {wanted}."
    )


def as_object(value: Json) -> dict[str, Json]:
    """Return an object, an empty one for anything else."""
    return value if isinstance(value, dict) else {}


def text_of(fields: dict[str, Json], *names: str) -> str | None:
    """Return the first of the named fields that is a text with something in it."""
    for name in names:
        value = fields.get(name)
        if isinstance(value, str) and value:
            return value
    return None


def moment(value: Json) -> float | None:
    """Return a time as Unix seconds: ISO 8601 with its zone, Unix seconds or milliseconds.

    >>> moment("2024-01-08T10:00:03Z"), moment(1704708003), moment(1704708003000)
    (1704708003.0, 1704708003.0, 1704708003.0)
    """
    if isinstance(value, str):
        text = value.strip()
        if not re.fullmatch(_UNIX_TIME, text):
            return _calendar(text)
        number = float(text)
    elif isinstance(value, (int, float)) and not isinstance(value, bool):
        if not 0 < value < _LAST_SECONDS * 1000 or not isfinite(value):
            return None
        number = float(value)
    else:
        return None
    return number / 1000 if number >= _FIRST_MILLISECONDS else number


def _calendar(text: str) -> float | None:
    try:
        when = datetime.fromisoformat(text)
        return when.timestamp() if when.tzinfo else None
    except (ValueError, OverflowError, OSError):
        return None


def amount(value: Json) -> "Money | None":
    """Return an amount in US dollars, exactly as it was written as a number or a text.

    None for anything else, below zero or over a million.
    """
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        return None
    if isinstance(value, str):
        text = value.strip().removeprefix("$")
    else:
        text = value.text if isinstance(value, Number) else repr(value)
    from modellix_cli.domain.money import Money  # decimals take 2 ms to load

    money = Money.parse(text) if len(text) <= _LONGEST_AMOUNT else None
    return money if money is not None and money.usd <= _MAX_DOLLARS else None


def whole(value: Json) -> int | None:
    """Return a count, such as of pixels or bytes: a whole number of at least 0."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    if not 0 <= value < 1e15 or value != int(value):
        return None
    return int(value)


def positive(value: Json) -> float | None:
    """Return a length such as of time: a number above 0."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    return float(value) if 0 < value < 1e9 else None
