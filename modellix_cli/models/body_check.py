"""A request body against the schema that the model publishes.

Both are untrusted. No `$ref` is fetched. A document may have 100,000 values, a body 10,000; one
check takes at most 200,000 steps, 50 levels and 5 seconds. `pattern` is applied where it cannot
take long: short, of few repetitions and choices, to strings of up to 300 characters.
`patternProperties` and `unevaluated…` are not applied, `uniqueItems` up to 1000 items, a malformed
keyword never. So a body may pass here that the service refuses.
"""

from itertools import islice
from typing import Final

from jsonschema import Draft202012Validator, ValidationError
from jsonschema.exceptions import best_match
from jsonschema.protocols import Validator
from jsonschema.validators import create
from referencing import Registry
from referencing.exceptions import Unresolvable
from referencing.jsonschema import DRAFT202012

from modellix_cli.domain.jsontext import Json, JsonError, loads
from modellix_cli.models.origins import NOWHERE, Origins, set_in
from modellix_cli.models.schema_document import BODY_SCHEMA, body_schema
from modellix_cli.models.schema_keywords import MALFORMED, CannotCheck, Guard
from modellix_cli.models.validation_messages import describe, shown

_MAX_SCHEMA_VALUES: Final = 100_000
_MAX_BODY_VALUES: Final = 10_000
_MAX_PROBLEMS: Final = 100
_LONG: Final = 1000
_DOCUMENT: Final = "urn:modellix:schema"
# They would switch to another, unguarded dialect, or move what references count from.
_DROPPED: Final = ("$schema", "$id")


class BodyCheck:
    """Checks bodies for one model, by the document that `Client.schema` returned.

    Raises `CannotCheck` if that document holds no usable schema of the body.
    """

    def __init__(self, schema_document: Json) -> None:
        if not isinstance(body_schema(schema_document), (dict, bool)):
            raise CannotCheck("the model publishes no schema of its parameters")
        document = _copied(schema_document, _MAX_SCHEMA_VALUES, "the schema", _DROPPED)
        self._guard = Guard()
        self._validator = _validator(document, self._guard)

    def problem(self, body: bytes, origins: Origins = NOWHERE) -> str | None:
        """Return what is most wrong with a body, such as `body.n: 9 is greater than 4`, or None.

        Where it concerns one of the `origins`, that is named. Raises `CannotCheck`.
        """
        try:
            value = _copied(loads(body), _MAX_BODY_VALUES, "the body")
        except JsonError as error:
            return f"body: {error}"
        self._guard.start()
        try:
            found = list(islice(self._validator.iter_errors(value), _MAX_PROBLEMS))
            if not found:
                return None
            worst = _best(found)
            return describe(worst) + set_in(tuple(worst.absolute_path), origins)
        except Unresolvable as error:
            reference = shown(str(error.ref))
            raise CannotCheck(f"the schema refers to {reference}, which it lacks") from error
        except RecursionError as error:
            raise CannotCheck("the schema or the body is nested too deeply") from error


def _best(found: list[ValidationError]) -> ValidationError:
    """Choose what is missing first, then the outermost; of forms, the one that was meant."""
    first = min(found, key=lambda error: (error.validator != "required", len(error.path)))
    try:
        return best_match([first]) or first
    except MALFORMED:
        return first


def _validator(document: Json, guard: Guard) -> Validator:
    kind = create(
        meta_schema={},
        validators=guard.keywords(),
        type_checker=Draft202012Validator.TYPE_CHECKER,
    )
    # References such as #/components/… count from the document, not from the schema in it.
    resource = DRAFT202012.create_resource(document)
    pointer = "/".join(key.replace("/", "~1") for key in BODY_SCHEMA)
    registry: Registry[Json] = Registry().with_resource(_DOCUMENT, resource)
    validator: Validator = kind({"$ref": f"{_DOCUMENT}#/{pointer}"}, registry=registry)
    return validator


class _Long(str):
    """A long string: the library puts whole values into its messages, many times over."""

    __slots__ = ()

    def __repr__(self) -> str:
        return repr(self[:_LONG])


def _copied(value: Json, most: int, what: str, dropped: tuple[str, ...] = ()) -> Json:
    """Copy a value of at most `most` values, without the keys in `dropped`."""
    left = most

    def copy(value: Json) -> Json:
        nonlocal left
        left -= 1
        if left < 0:
            raise CannotCheck(f"{what} has more than {most} values")
        if isinstance(value, dict):
            return {key: copy(inner) for key, inner in value.items() if key not in dropped}
        if isinstance(value, list):
            return [copy(inner) for inner in value]
        return _Long(value) if isinstance(value, str) and len(value) > _LONG else value

    try:
        return copy(value)
    except RecursionError as error:
        raise CannotCheck(f"{what} is nested too deeply") from error
