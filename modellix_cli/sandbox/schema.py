"""JSON schemas of parameters: words to write them with, and a strict check of a body.

The check knows the keywords that these words use, and nothing else. It agrees with jsonschema, as
a test makes sure; jsonschema itself would add 0.1 s to every command in the sandbox.
"""

import re
from collections.abc import Mapping
from typing import Final

from modellix_cli.domain.jsontext import Json, JsonObject

Schema = JsonObject

_URL: Final = re.compile(r"(?i)(https?://[^\s/]|data:[a-z0-9.+-]+/[a-z0-9.+-]+[;,])")
_KINDS: Final = {
    "string": "a string",
    "integer": "an integer",
    "number": "a number",
    "boolean": "true or false",
    "array": "an array",
    "object": "an object",
}


def text(description: str, longest: int | None = None) -> Schema:
    """Return the schema of words that must not be blank, of at most `longest` letters."""
    schema = {"type": "string", "description": description, "minLength": 1, "pattern": r"\S"}
    return schema | ({} if longest is None else {"maxLength": longest})


def url(description: str) -> Schema:
    """Return the schema of an input's address: http(s) or a data: URL."""
    return {"type": "string", "format": "uri", "description": description}


def urls(description: str, most: int) -> Schema:
    """Return the schema of one to `most` addresses of inputs."""
    item = {"type": "string", "format": "uri"}
    return {
        "type": "array",
        "items": item,
        "minItems": 1,
        "maxItems": most,
        "description": description,
    }


def whole(
    description: str, low: int, high: int | None = None, default: int | None = None
) -> Schema:
    """Return the schema of an integer from `low` to `high`, both included."""
    facts = {"default": default, "minimum": low, "maximum": high}
    given = {name: value for name, value in facts.items() if value is not None}
    return {"type": "integer", "description": description, **given}


def number(description: str, low: float, high: float, default: float) -> Schema:
    """Return the schema of a number from `low` to `high`, both included."""
    bounds = {"default": default, "minimum": low, "maximum": high}
    return {"type": "number", "description": description, **bounds}


def choice(description: str, *values: str) -> Schema:
    """Return the schema of one of a few words; the first is the default."""
    return {
        "type": "string",
        "enum": list(values),
        "default": values[0],
        "description": description,
    }


def flag(description: str, *, default: bool) -> Schema:
    """Return the schema of true or false."""
    return {"type": "boolean", "default": default, "description": description}


def problem(
    properties: Mapping[str, Schema], required: tuple[str, ...], body: Mapping[str, Json]
) -> str | None:
    """Return what is wrong with a body, as the API words it ("Category: detail"), else None."""
    for name in required:
        if name not in body:
            return f"Invalid parameters: parameter '{name}' is required"
    for name, schema in properties.items():
        found = _problem(schema, body[name], f"parameter '{name}'") if name in body else None
        if found is not None:
            return found
    return None


def _problem(schema: Schema, value: Json, name: str) -> str | None:
    kind = schema["type"]
    if not _is_of(kind, value):
        return f"Invalid parameters: {name} must be {_KINDS[kind]}"
    if "enum" in schema and value not in schema["enum"]:
        return f"Invalid parameters: {name} must be one of {', '.join(schema['enum'])}"
    if kind == "string":
        return _text_problem(schema, value, name)
    if kind in ("integer", "number"):
        low, high = schema.get("minimum"), schema.get("maximum")
        if (low is not None and value < low) or (high is not None and value > high):
            bounds = f"at least {low}" if high is None else f"from {low} to {high}"
            return f"Value out of range: {name} must be {bounds}"
    if kind == "array":
        return _array_problem(schema, value, name)
    return None


def _text_problem(schema: Schema, value: str, name: str) -> str | None:
    if schema.get("format") == "uri" and not _URL.match(value):
        return f"Invalid parameters: {name} must be a URL (https://… or data:…)"
    if schema.get("minLength") and not value.strip():
        return f"Invalid parameters: {name} must not be empty"
    longest = schema.get("maxLength")
    if longest is not None and len(value) > longest:
        return f"Value out of range: {name} must have at most {longest} characters"
    return None


def _array_problem(schema: Schema, value: list[Json], name: str) -> str | None:
    fewest, most = schema["minItems"], schema["maxItems"]
    if not fewest <= len(value) <= most:
        return f"Value out of range: {name} must have {fewest} to {most} entries"
    found = (_problem(schema["items"], one, f"{name}[{at}]") for at, one in enumerate(value))
    return next((one for one in found if one is not None), None)


def _is_of(kind: str, value: Json) -> bool:
    if kind in ("integer", "number"):
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            return False
        return kind == "number" or isinstance(value, int) or value.is_integer()
    types = {"string": str, "boolean": bool, "array": list, "object": dict}
    return isinstance(value, types[kind])
