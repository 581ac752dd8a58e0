"""JSON read strictly and written faithfully.

The standard parser accepts NaN, changes `1.0e2` and `12345678901234567890.0`, and recurses as deep
as the sender likes. Here numbers keep the text they were sent with, depth is bounded, and every
error knows its line and column.
"""

import json
import re
from collections.abc import Callable, Collection
from typing import Any, Final

Json = Any
"""A parsed JSON value: dict, list, str, int, Number, bool or None."""
JsonObject = dict[str, Json]
"""A JSON object, read or to be written."""

MAX_DEPTH: Final = 100
MAX_COMMAS: Final = 1_000_000
"""A small text can name millions of values, each of which takes far more memory than text."""
_MAX_INT_DIGITS: Final = 4000  # Python refuses to convert longer ones

_UNSAFE_IN_JSON: Final = "[\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]"
# json.dumps makes an encoder for each value it is given, which takes longer than encoding.
_encode: Final = json.JSONEncoder(ensure_ascii=False, allow_nan=False).encode


class JsonError(ValueError):
    """Text that is not acceptable JSON. `line` and `column` count from 1, 0 when unknown."""

    def __init__(self, reason: str, line: int = 0, column: int = 0) -> None:
        where = f" at line {line}, column {column}" if line else ""
        super().__init__(reason + where)
        self.reason = reason
        self.line = line
        self.column = column


class Number(float):
    """A JSON number that is written again exactly as it was read."""

    text: str

    def __new__(cls, text: str) -> "Number":
        """Read the literal `text`; beyond a double's range the value is infinite."""
        number = super().__new__(cls, text)
        number.text = text
        return number


def _integer(text: str) -> int | Number:
    if len(text) > _MAX_INT_DIGITS or text == "-0":
        return Number(text)
    return int(text)


def _refuse_constant(text: str) -> Json:
    raise JsonError(f"{text} is not JSON")


def _nothing(_text: str) -> Json:
    return None


def _decoder(constant: Callable[[str], Json]) -> json.JSONDecoder:
    return json.JSONDecoder(parse_float=Number, parse_int=_integer, parse_constant=constant)


# json.loads makes a decoder for each text it is given.
_STRICT: Final = _decoder(_refuse_constant)
_LENIENT: Final = _decoder(_nothing)


def loads(data: bytes | str, *, lenient: bool = False) -> Json:
    """Parse one JSON value. Raises `JsonError` for anything else, whatever the bytes.

    With `lenient`, NaN and infinities are read as null: some servers write them, and what else
    they say must not be lost for that.
    """
    text = decode(data) if isinstance(data, bytes) else data
    if text.count(",") > MAX_COMMAS:
        raise JsonError(f"more than {MAX_COMMAS} values")
    try:
        value = (_LENIENT if lenient else _STRICT).decode(text)
    except json.JSONDecodeError as error:
        raise JsonError(error.msg.removesuffix(" at"), error.lineno, error.colno) from None
    except RecursionError:
        raise JsonError(f"nesting deeper than {MAX_DEPTH} levels") from None
    if deeper_than(value, MAX_DEPTH):
        raise JsonError(f"nesting deeper than {MAX_DEPTH} levels")
    return value


def decode(data: bytes) -> str:
    """Return `data` as text; a byte order mark is dropped. Raises `JsonError` if not UTF-8."""
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        # Without the byte order mark; all before the bad byte is UTF-8.
        before = error.object[: error.start].decode()
        line = before.count("\n") + 1
        column = len(before) - before.rfind("\n")
        bad = error.object[error.start]
        raise JsonError(f"byte 0x{bad:02x} is not UTF-8", line, column) from None


def deeper_than(value: Json, limit: int) -> bool:
    """Whether objects and arrays are nested in `value` over `limit` levels deep."""
    level = [value]
    for _ in range(limit + 1):
        inner: list[Json] = []
        for item in level:
            if isinstance(item, dict):
                inner.extend(item.values())
            elif isinstance(item, list):
                inner.extend(item)
        if not inner:
            return False
        level = inner
    return True


def dumps(value: Json, *, indent: int | None = 2) -> str:
    r"""Write `value` as JSON: keys in their order, UTF-8 kept, numbers as they were read.

    Characters that could act on a terminal are written as `\uXXXX` escapes.
    """
    parts: list[str] = []
    _write(value, parts, "\n" if indent else "", " " * (indent or 0), ": " if indent else ":")
    return "".join(parts)


def _write(value: Json, parts: list[str], newline: str, step: str, colon: str) -> None:
    if isinstance(value, dict):
        _write_items("{}", value.items(), parts, newline, step, colon)
    elif isinstance(value, (list, tuple)):
        _write_items("[]", value, parts, newline, step, colon)
    elif isinstance(value, Number):
        parts.append(value.text)
    elif isinstance(value, str):
        parts.append(_string(value))
    else:
        parts.append(_encode(value))


def _write_items(
    brackets: str, items: Collection[Json], parts: list[str], newline: str, step: str, colon: str
) -> None:
    if not items:
        parts.append(brackets)
        return
    inner = newline + step
    separator = brackets[0] + inner
    for item in items:
        parts.append(separator)
        if brackets == "{}":
            key, item = item
            parts.append(_string(str(key)) + colon)
        _write(item, parts, inner, step, colon)
        separator = "," + inner
    parts.append(newline + brackets[1])


def _string(text: str) -> str:
    literal = _encode(text)
    if literal.isprintable():  # as nearly always; the pattern takes long to compile
        return literal
    return re.sub(_UNSAFE_IN_JSON, lambda match: f"\\u{ord(match[0]):04x}", literal)
