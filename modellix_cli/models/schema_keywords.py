"""The keywords of JSON Schema, guarded: a schema from the network cannot take long or break.

A keyword that is malformed or cannot be bounded is passed over; where passing over could turn
into a problem (`not`, `oneOf`…), so is what it stands in.
"""

import time
from collections.abc import Callable, Iterable, Iterator
from decimal import Decimal
from difflib import get_close_matches
from functools import partial
from typing import Any, Final

from jsonschema import Draft202012Validator, ValidationError
from jsonschema.exceptions import UndefinedTypeCheck, UnknownType
from referencing.exceptions import Unresolvable

from modellix_cli.domain.jsontext import Json, Number
from modellix_cli.models.safe_pattern import MAX_MATCHED, safe_pattern

_MAX_DEPTH: Final = 50
_MAX_STEPS: Final = 200_000
_MAX_SECONDS: Final = 5.0
_MAX_UNIQUE: Final = 1000
_REFERENCES: Final = ("$ref", "$dynamicRef")
_NEGATING: Final = ("not", "oneOf", "if", "contains", "dependentSchemas")
# They match names by patternProperties, or ask the library what it saw: neither is bounded.
_LEFT_OUT: Final = ("patternProperties", "unevaluatedProperties", "unevaluatedItems")

MALFORMED: Final = (
    *(TypeError, ValueError, ArithmeticError, LookupError, AttributeError),
    *(UndefinedTypeCheck, UnknownType),
)
"""What the library raises where a keyword's value is not what it may be."""

Validator = Any
"""One of the library's; its protocol lacks `descend`."""
Errors = Iterable[ValidationError] | None
Keyword = Callable[[Validator, Json, Json, Json], Errors]
GuardedKeyword = Callable[[Validator, Json, Json, Json], Iterator[ValidationError]]


class CannotCheck(Exception):
    """The schema, or this body against it, is beyond what can be checked; says why."""


class Guard:
    """What checks share: the work that the current one may still do, and what was passed over."""

    def __init__(self) -> None:
        self._steps = 0
        self._depth = 0
        self._until = 0.0
        self._passed_over = 0

    def start(self) -> None:
        """Begin the check of a body: 200,000 steps and 5 seconds."""
        self._steps = _MAX_STEPS
        self._depth = 0
        self._until = time.monotonic() + _MAX_SECONDS

    def keywords(self) -> dict[str, GuardedKeyword]:
        """Return every keyword of draft 2020-12, guarded. They raise `CannotCheck` and above."""
        plain: dict[str, Keyword] = {**Draft202012Validator.VALIDATORS, **_OWN}
        return {name: partial(self._check, name, keyword) for name, keyword in plain.items()}

    def _check(
        self,
        name: str,
        keyword: Keyword,
        validator: Validator,
        value: Json,
        instance: Json,
        schema: Json,
    ) -> Iterator[ValidationError]:
        self._steps -= 1
        if self._steps < 0 or time.monotonic() > self._until:
            raise CannotCheck("the check would take too long")
        if self._depth >= _MAX_DEPTH:  # before Python's own limit, which the library takes ill
            raise CannotCheck("the schema or the body is nested too deeply")
        if instance is None and schema.get("nullable") is True:  # OpenAPI 3.0
            return
        self._depth += 1
        try:
            if name not in _NEGATING:
                yield from self._errors(name, keyword, validator, value, instance, schema)
                return
            before = self._passed_over
            found = list(self._errors(name, keyword, validator, value, instance, schema))
            if self._passed_over == before:
                yield from found
        finally:
            self._depth -= 1

    def _errors(
        self,
        name: str,
        keyword: Keyword,
        validator: Validator,
        value: Json,
        instance: Json,
        schema: Json,
    ) -> Iterator[ValidationError]:
        try:
            yield from keyword(validator, value, instance, schema) or ()
        except (CannotCheck, Unresolvable, RecursionError):
            raise
        except _PassedOver:
            self._passed_over += 1
        except MALFORMED as error:
            if name in _REFERENCES:
                raise CannotCheck("a reference in the schema leads to no schema") from error
            self._passed_over += 1


class _PassedOver(Exception):
    """A keyword that is not applied."""


def _pass_over(validator: Validator, value: Json, instance: Json, schema: Json) -> Errors:
    raise _PassedOver


def _required(
    validator: Validator, names: Json, instance: Json, schema: Json
) -> Iterator[ValidationError]:
    if isinstance(instance, dict):
        if not isinstance(names, list):
            raise _PassedOver
        for name in names:
            if isinstance(name, str) and name not in instance:
                yield ValidationError("is required", path=(name,))


def _properties(
    validator: Validator, known: Json, instance: Json, schema: Json
) -> Iterator[ValidationError]:
    """As the library does, which forgets the name where the schema is just false."""
    if isinstance(instance, dict):
        for name, wanted in known.items():
            if name not in instance:
                continue
            if wanted is False:
                yield ValidationError("is not allowed", path=(name,))
            else:
                yield from validator.descend(instance[name], wanted, path=name)


def _additional_properties(
    validator: Validator, wanted: Json, instance: Json, schema: Json
) -> Iterator[ValidationError]:
    if not isinstance(instance, dict):
        return
    if "patternProperties" in schema:
        raise _PassedOver
    known = schema.get("properties", {})
    for name, value in instance.items():
        if name in known:
            continue
        if wanted is False:
            yield ValidationError(_unknown(name, known), path=(name,))
        else:
            yield from validator.descend(value, wanted, path=name)


def _unknown(name: str, known: Iterable[str]) -> str:
    close = get_close_matches(name[:100], [other[:100] for other in known][:200], 1)
    return "is not a parameter here" + (f"; did you mean {close[0]}?" if close else "")


def _exclusive(bound: str) -> Keyword:
    """Return a keyword that is a number, or in OpenAPI 3.0 whether `bound` is exclusive."""
    plain: Keyword = Draft202012Validator.VALIDATORS[f"exclusive{bound.capitalize()}"]

    def check(validator: Validator, value: Json, instance: Json, schema: Json) -> Errors:
        if isinstance(value, bool):
            value = schema.get(bound) if value else None
        return None if value is None else plain(validator, value, instance, schema)

    return check


def _multiple_of(
    validator: Validator, step: Json, instance: Json, schema: Json
) -> Iterator[ValidationError]:
    """Divide in decimals: in floats 0.3 is not a multiple of 0.1."""
    if validator.is_type(instance, "number") and _decimal(instance) % _decimal(step):
        yield ValidationError("is not a multiple")


def _decimal(number: Json) -> Decimal:
    return Decimal(number.text if isinstance(number, Number) else str(number))


def _unique_items(validator: Validator, wanted: Json, instance: Json, schema: Json) -> Errors:
    if isinstance(instance, list) and len(instance) > _MAX_UNIQUE:
        raise _PassedOver
    plain: Keyword = Draft202012Validator.VALIDATORS["uniqueItems"]
    return plain(validator, wanted, instance, schema)


def _pattern(
    validator: Validator, pattern: Json, instance: Json, schema: Json
) -> Iterator[ValidationError]:
    if not isinstance(instance, str):
        return
    matcher = safe_pattern(pattern) if isinstance(pattern, str) else None
    if matcher is None or len(instance) > MAX_MATCHED:
        raise _PassedOver
    if not matcher.search(instance):
        yield ValidationError("does not match")


_OWN: Final[dict[str, Keyword]] = {
    "required": _required,
    "properties": _properties,
    "additionalProperties": _additional_properties,
    "exclusiveMinimum": _exclusive("minimum"),
    "exclusiveMaximum": _exclusive("maximum"),
    "multipleOf": _multiple_of,
    "uniqueItems": _unique_items,
    "pattern": _pattern,
    **dict.fromkeys(_LEFT_OUT, _pass_over),
}
