"""Counts and lengths as bodies write them: exact, or None where they make no sense."""

import re
from decimal import ROUND_CEILING, Context, Decimal
from typing import Final

from modellix_cli.domain.jsontext import Json, Number

EXACT: Final = Context(prec=200)
MOST: Final = 1_000_000
"""The largest count, and the longest time in seconds, that is believed."""

_NUMBER: Final = re.compile(r"\+?(\d{1,20}(?:\.\d{1,20})?(?:[eE][+-]?\d{1,2})?)", re.ASCII)
_SPAN: Final = re.compile(
    r"(\d{1,9}(?:\.\d{1,9})?)\s*"
    r"(ms|milliseconds?|h|hours?|m|min|mins|minutes?|s|secs?|seconds?)?",
    re.ASCII | re.IGNORECASE,
)
_CLOCK: Final = re.compile(r"(?:(\d{1,3}):)?(\d{1,3}):(\d{1,2}(?:\.\d{1,6})?)", re.ASCII)
_ISO: Final = re.compile(r"PT(?=\d)(?:(\d{1,4})M)?(?:(\d{1,9}(?:\.\d{1,9})?)S)?", re.ASCII)
_SECONDS: Final = {
    "ms": Decimal("0.001"),
    "s": Decimal(1),
    "min": Decimal(60),
    "h": Decimal(3600),
}


def number_of(value: Json) -> Decimal | None:
    """Read a number over zero and at most a million, exactly as written, also as a string."""
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        return None
    if isinstance(value, int) and not 0 < value <= MOST:
        return None  # before it is written: Python refuses to write very long ones
    text = value.text if isinstance(value, Number) else str(value).strip()
    match = _NUMBER.fullmatch(text)
    number = Decimal(match[1]) if match else None
    return number if number is not None and 0 < number <= MOST else None


def count_of(value: Json) -> Decimal | None:
    """Read a whole number from one to a million: `4`, `4.0`, `"4"`."""
    number = number_of(value)
    return number if number is not None and number == number.to_integral_value() else None


def seconds_of(value: Json, unit: str = "s") -> Decimal | None:
    """Read a length: `8`, `"8s"`, `"500 ms"`, `"0:08"`, `"PT8S"`; a bare number is in `unit`."""
    number = number_of(value)
    if number is not None:
        return _sensible(EXACT.multiply(number, _SECONDS[unit]))
    if not isinstance(value, str):
        return None
    text = value.strip()
    if match := _SPAN.fullmatch(text):
        return _sensible(EXACT.multiply(Decimal(match[1]), _SECONDS[_unit(match[2], unit)]))
    if match := _CLOCK.fullmatch(text):
        hours, minutes, seconds = (Decimal(part or 0) for part in match.groups())
        return _sensible(hours * 3600 + minutes * 60 + seconds)
    if match := _ISO.fullmatch(text):
        return _sensible(Decimal(match[1] or 0) * 60 + Decimal(match[2] or 0))
    return None


def whole_up(number: Decimal) -> Decimal:
    """Round up to a whole number: services bill whole seconds."""
    return number.to_integral_value(ROUND_CEILING)


def _unit(written: str | None, unit: str) -> str:
    if not written:
        return unit
    word = written.lower()
    if word == "ms" or word.startswith("milli"):
        return "ms"
    return {"h": "h", "m": "min", "s": "s"}[word[0]]


def _sensible(seconds: Decimal) -> Decimal | None:
    return seconds if 0 < seconds <= MOST else None
