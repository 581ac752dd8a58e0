"""What is wrong with a body in one short sentence, from what the schema library found."""

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Final

from modellix_cli.domain.jsontext import Json, dumps
from modellix_cli.domain.text import clip, count, one_line

if TYPE_CHECKING:
    from jsonschema import ValidationError

_MAX_SENTENCE: Final = 300
_MAX_SHOWN: Final = 60
_MAX_CHOICES: Final = 12
_TYPES: Final = {
    "string": "a string",
    "integer": "an integer",
    "number": "a number",
    "boolean": "true or false",
    "array": "an array",
    "object": "an object",
    "null": "null",
}


def describe(error: "ValidationError") -> str:
    """Return the problem as `body.size: 'huge' is not one of '1K', '2K'`, at most 300 characters.

    It is one line, safe to show: names and values come from the body and the schema.
    """
    words = _WORDS.get(str(error.validator), _as_found)
    return clip(one_line(f"{_place(error.absolute_path)}: {words(error)}"), _MAX_SENTENCE)


def shown(value: Json) -> str:
    """Return a value as it is quoted in a problem: strings in single quotes, the rest as JSON."""
    if isinstance(value, str):
        return f"'{clip(value, _MAX_SHOWN)}'"
    return clip(dumps(value, indent=None), _MAX_SHOWN)


def _place(path: Iterable[str | int]) -> str:
    steps = (f"[{step}]" if isinstance(step, int) else f".{clip(step, 40)}" for step in path)
    return "body" + "".join(steps)


def _enum(error: "ValidationError") -> str:
    value: Json = error.validator_value
    choices = list(value)
    listed = ", ".join(shown(choice) for choice in choices[:_MAX_CHOICES])
    more = ", …" if len(choices) > _MAX_CHOICES else ""
    return f"{shown(error.instance)} is not one of {listed}{more}"


def _type(error: "ValidationError") -> str:
    wanted: Json = error.validator_value
    names = [wanted] if isinstance(wanted, str) else wanted
    kinds = " or ".join(_TYPES.get(name, str(name)) for name in names)
    return f"{shown(error.instance)} is not {kinds}"


def _length(noun: str, comparison: str) -> Callable[["ValidationError"], str]:
    def words(error: "ValidationError") -> str:
        value: Json = error.instance
        have = len(value)
        if have == 0:
            return "must not be empty"
        return f"has {count(have, noun)}, {comparison} than {shown(error.validator_value)}"

    return words


def _limit(relation: str, bound: str) -> Callable[["ValidationError"], str]:
    def words(error: "ValidationError") -> str:
        limit: Json = error.validator_value
        if isinstance(limit, bool) and isinstance(error.schema, dict):
            limit = error.schema.get(bound)  # OpenAPI 3.0: exclusiveMinimum says how, not what
        return f"{shown(error.instance)} is {relation} {shown(limit)}"

    return words


def _no_form(error: "ValidationError") -> str:
    if error.validator == "oneOf" and not error.context:
        return f"{shown(error.instance)} fits several forms of which only one is allowed"
    return f"{shown(error.instance)} is of none of the forms that are allowed"


def _as_found(error: "ValidationError") -> str:
    return error.message


_WORDS: Final[dict[str, Callable[["ValidationError"], str]]] = {
    "enum": _enum,
    "const": lambda error: f"{shown(error.instance)} is not {shown(error.validator_value)}",
    "type": _type,
    "minimum": _limit("less than", "minimum"),
    "maximum": _limit("greater than", "maximum"),
    "exclusiveMinimum": _limit("not greater than", "minimum"),
    "exclusiveMaximum": _limit("not less than", "maximum"),
    "multipleOf": _limit("not a multiple of", ""),
    "minLength": _length("character", "fewer"),
    "maxLength": _length("character", "more"),
    "minItems": _length("item", "fewer"),
    "maxItems": _length("item", "more"),
    "pattern": lambda error: (
        f"{shown(error.instance)} does not match {shown(error.validator_value)}"
    ),
    "uniqueItems": lambda error: "has the same item twice",
    "anyOf": _no_form,
    "oneOf": _no_form,
    "not": lambda error: f"{shown(error.instance)} is not allowed",
    "None": lambda error: "is not allowed",  # the schema false
}
