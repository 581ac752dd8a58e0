"""Where a model's schema document holds the schema of its body, and where references lead.

The document is the untrusted `api_schema` of docs/spec/service.md 6.
"""

from typing import Final
from urllib.parse import unquote

from modellix_cli.domain.jsontext import Json

BODY_SCHEMA: Final = ("post", "requestBody", "content", "application/json", "schema")
_MAX_HOPS: Final = 20
_MAX_COMBINED: Final = 6
_MAX_WORK: Final = 20_000
_MAX_CHOICES: Final = 1000
_MAX_TYPES: Final = 7
_COMBINING: Final = ("$ref", "allOf", "anyOf", "oneOf")
_PUT_TOGETHER: Final = frozenset({"type", "enum", "const", "properties", "required"})


def body_schema(document: Json) -> Json:
    """Return the schema of the body, None where the document has none."""
    schema = document
    for key in BODY_SCHEMA:
        schema = schema.get(key) if isinstance(schema, dict) else None
    return schema


def resolved(schema: Json, document: Json) -> Json:
    """Return what a schema that refers to another place of the document refers to.

    What stands beside the reference, such as a description of its own, takes the place of what is
    there. A reference that leads elsewhere, nowhere or in a circle gives an empty schema.
    """
    for _ in range(_MAX_HOPS):
        reference = schema.get("$ref") if isinstance(schema, dict) else None
        if not isinstance(reference, str):
            return schema
        target = target_of(reference, document)
        if not isinstance(target, dict):
            target = {}
        schema = target | {name: value for name, value in schema.items() if name != "$ref"}
    return {}


def target_of(reference: str, document: Json) -> Json:
    """Return what stands where a reference such as `#/components/schemas/Size` leads, else None."""
    if not reference.startswith("#/"):
        return document if reference == "#" else None
    place = document
    for part in unquote(reference[2:]).split("/"):
        key = part.replace("~1", "/").replace("~0", "~")
        if isinstance(place, dict):
            place = place.get(key)
        elif isinstance(place, list) and key.isascii() and key.isdigit() and len(key) < 7:
            place = place[int(key)] if int(key) < len(place) else None
        else:
            return None
    return place


class PlainSchemas:
    """Reads schemas of one document as plain ones: references followed, combinations merged.

    The work of all readings together is bounded; what is beyond it reads as empty.
    """

    def __init__(self, document: Json) -> None:
        self._document = document
        self._left = _MAX_WORK

    def read(self, schema: Json, depth: int = 0) -> dict[str, Json]:
        """Return a schema without `$ref`, `allOf`, `anyOf` and `oneOf`; empty for what is none.

        Of several forms, what they agree on or what only one of them says is kept; nothing is
        required by all.
        """
        if self._left <= 0 or depth > _MAX_COMBINED:
            return {}
        found = resolved(schema, self._document)
        if not isinstance(found, dict):
            return {}
        held = (len(value) for value in found.values() if isinstance(value, (dict, list)))
        self._left -= 1 + len(found) + sum(held)
        whole = {name: value for name, value in found.items() if name not in _COMBINING}
        for part in as_list(found.get("allOf")):
            whole = _both(whole, self.read(part, depth + 1))
        for name in ("anyOf", "oneOf"):
            forms = [self.read(part, depth + 1) for part in as_list(found.get(name))]
            forms = [form for form in forms if form.get("type") != "null"]
            if forms:
                whole = _both(whole, forms[0] if len(forms) == 1 else _either(forms))
        return whole


def as_object(value: Json) -> dict[str, Json]:
    """Return `value` where it is an object, else an empty one."""
    return value if isinstance(value, dict) else {}


def as_list(value: Json) -> list[Json]:
    """Return `value` where it is an array, else an empty one."""
    return value if isinstance(value, list) else []


def types_of(schema: dict[str, Json]) -> tuple[str, ...]:
    """Return the types that a plain schema allows, without null; none where it does not tell."""
    given = schema.get("type")
    named = [given] if isinstance(given, str) else as_list(given)
    types = [name for name in named if isinstance(name, str) and name != "null"]
    if not types:
        types = [_type_of(value) for value in choices(schema) if value is not None]
    if not types and isinstance(schema.get("properties"), dict):
        types = ["object"]
    if not types and isinstance(schema.get("items"), dict):
        types = ["array"]
    return tuple(dict.fromkeys(types))[:_MAX_TYPES]


def choices(schema: dict[str, Json]) -> list[Json]:
    """Return the values that a plain schema allows; none where it allows others, or over 1000."""
    allowed = [schema["const"]] if "const" in schema else as_list(schema.get("enum"))
    return allowed if len(allowed) <= _MAX_CHOICES else []


def _type_of(value: Json) -> str:
    names = {bool: "boolean", int: "integer", str: "string", list: "array", dict: "object"}
    return names.get(type(value), "number")


def _both(one: dict[str, Json], other: dict[str, Json]) -> dict[str, Json]:
    """Merge schemas that both apply; `one` has the last word where they differ."""
    merged = other | one
    if "properties" in one and "properties" in other:
        merged["properties"] = as_object(other["properties"]) | as_object(one["properties"])
    if "required" in one and "required" in other:
        merged["required"] = [*as_list(one["required"]), *as_list(other["required"])]
    return merged


def _either(forms: list[dict[str, Json]]) -> dict[str, Json]:
    """Merge schemas of which one applies."""
    told: dict[str, list[Json]] = {}
    for form in forms:
        for name in form.keys() - _PUT_TOGETHER:
            told.setdefault(name, []).append(form[name])
    merged = {name: some[0] for name, some in told.items() if all(_same(some[0], v) for v in some)}
    types = [types_of(form) for form in forms]
    if all(types):
        merged["type"] = [name for some in types for name in some]
    allowed = [choices(form) for form in forms]
    if all(allowed):
        merged["enum"] = [value for some in allowed for value in some]
    properties: dict[str, Json] = {}
    for form in forms:
        for name, value in as_object(form.get("properties")).items():
            properties.setdefault(name, value)
    return merged | ({"properties": properties} if properties else {})


def _same(one: Json, other: Json) -> bool:
    """Whether values are equal; large ones, which take long to compare, only if they are one."""
    return one is other or (not isinstance(one, (dict, list)) and bool(one == other))
