"""The parameters of a model, read from the schema document that it publishes.

The document is untrusted: at most 500 parameters are read, nested at most six deep, and references
are followed inside the document only.
"""

import re
from collections.abc import Iterable
from typing import Final

from modellix_cli.domain.frozen import frozen
from modellix_cli.domain.jsontext import Json
from modellix_cli.domain.text import clip
from modellix_cli.inputs.parameter_keys import Path, write_key
from modellix_cli.models.schema_document import (
    PlainSchemas,
    as_list,
    as_object,
    body_schema,
    choices,
    types_of,
)

MAX_PARAMETERS: Final = 500
MAX_STEPS: Final = 6
_MAX_NAME: Final = 100
_MAX_WORD: Final = 40
_MAX_DESCRIPTION: Final = 2000
_MAIN_TEXTS: Final = ("prompt", "text", "url")
_URL_FORMATS: Final = ("uri", "url", "uri-reference", "binary")
_NO_MEDIA: Final = frozenset({"webhook", "callback", "notify", "notification", "redirect"})
_KINDS: Final = dict.fromkeys(("image", "img", "photo", "picture", "mask", "frame"), "image") | {
    "video": "video",
    "audio": "audio",
    "recording": "audio",
}
_WORD: Final = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])|[0-9]+")
_AFTER_MEDIA: Final = ("list", "file", "array")


@frozen
class Parameter:
    """One value that a model takes.

    `name` is what stands before the `=` of `-p`, `path` the same as steps; nested ones have dotted
    names, those of entries of an array `[]`. `types` are JSON's, empty where the schema does not
    tell; `items` those of an array's entries. `allowed`, `format`, the bounds and `max_length` are
    those of the entries where it is an array. None: the schema does not say.
    """

    name: str
    path: Path
    types: tuple[str, ...] = ()
    required: bool = False
    default: Json = None
    allowed: tuple[Json, ...] = ()
    minimum: int | float | None = None
    maximum: int | float | None = None
    exclusive_minimum: int | float | None = None
    exclusive_maximum: int | float | None = None
    max_length: int | None = None
    max_items: int | None = None
    format: str | None = None
    items: tuple[str, ...] = ()
    description: str = ""

    @property
    def takes_text(self) -> bool:
        """Whether a text may be its value, as far as the schema tells."""
        return not self.types or "string" in self.types

    @property
    def media(self) -> str | None:
        """The kind of file that it takes: image, video, audio, `file` for any; None for none.

        By its format, else by its name: schemas seldom tell more.
        """
        entries = not self.items or "string" in self.items
        takes = self.takes_text or ("array" in self.types and entries)
        words = [word.lower() for word in _WORD.findall(_last_name(self.path))]
        if not takes or self.allowed or not words or _NO_MEDIA & set(words):
            return None
        singular = [word if word in _KINDS else word.removesuffix("s") for word in words]
        kinds = [_KINDS[word] for word in singular if word in _KINDS]
        if self.format in _URL_FORMATS or singular[-1] in ("url", "uri"):
            return kinds[-1] if kinds else "file"
        while len(singular) > 1 and singular[-1] in _AFTER_MEDIA:
            singular.pop()
        return _KINDS.get(singular[-1]) if self.format is None else None


def read_parameters(document: Json) -> tuple[Parameter, ...]:
    """Return what a body may hold, in the order of the schema; nothing where none is published.

    `document` is what `Client.schema` returned. Parameters that only replies have are left out, and
    those whose names cannot be typed.
    """
    reader = _Reader(document)
    reader.walk(reader.schemas.read(body_schema(document)), (), required=True)
    return tuple(reader.found)


def main_text(parameters: Iterable[Parameter]) -> Parameter | None:
    """Return the parameter that is given as a plain argument: `prompt`, else `text`, else `url`.

    The outermost of the name; a `url` only where the model needs it, as those that listen do.
    None where there is none of them.
    """
    takers = [one for one in parameters if one.takes_text and None not in one.path]
    for name in _MAIN_TEXTS:
        named = [one for one in takers if one.path[-1] == name and (one.required or name != "url")]
        if named:
            return min(named, key=lambda one: len(one.path))
    return None


def by_path(parameters: Iterable[Parameter], path: Path) -> Parameter | None:
    """Return the parameter at a path, whichever entry of an array it names; None if unknown."""
    wanted = tuple(step if isinstance(step, str) else None for step in path)
    return next((one for one in parameters if one.path == wanted), None)


class _Reader:
    """Collects the parameters of one document."""

    def __init__(self, document: Json) -> None:
        self.schemas = PlainSchemas(document)
        self.found: list[Parameter] = []

    def walk(self, schema: dict[str, Json], place: Path, *, required: bool) -> None:
        """Collect the properties of an object at `place`; `required`: the object is."""
        needed = {name for name in as_list(schema.get("required")) if isinstance(name, str)}
        for name, inner in as_object(schema.get("properties")).items():
            if len(self.found) >= MAX_PARAMETERS:
                return
            facts = self.schemas.read(inner)
            typable = name == name.strip() and 0 < len(name) <= _MAX_NAME
            if typable and facts.get("readOnly") is not True:
                self._add(facts, (*place, name), required=required and name in needed)

    def _add(self, facts: dict[str, Json], path: Path, *, required: bool) -> None:
        nested = len(path) < MAX_STEPS
        if nested and as_object(facts.get("properties")) and "object" in types_of(facts):
            self.walk(facts, path, required=required)
            return
        items = self.schemas.read(facts.get("items")) if "array" in types_of(facts) else {}
        self.found.append(_parameter(facts, items, path, required=required))
        if nested and as_object(items.get("properties")):
            self.walk(items, (*path, None), required=required)


def _parameter(
    facts: dict[str, Json], items: dict[str, Json], path: Path, *, required: bool
) -> Parameter:
    bounds = items or facts
    told = _text(facts, "description") or _text(facts, "title") or _text(items, "description")
    kind = _text(bounds, "format")
    low, above = _bounds(bounds, "minimum", "exclusiveMinimum")
    high, below = _bounds(bounds, "maximum", "exclusiveMaximum")
    return Parameter(
        name=write_key(path),
        path=path,
        types=_words(types_of(facts)),
        required=required,
        default=facts.get("default"),
        allowed=tuple(choices(bounds)),
        minimum=low,
        maximum=high,
        exclusive_minimum=above,
        exclusive_maximum=below,
        max_length=_count(bounds.get("maxLength")),
        max_items=_count(facts.get("maxItems")),
        format=clip(kind, _MAX_WORD) if kind else None,
        items=_words(types_of(items)),
        description=clip(told.strip(), _MAX_DESCRIPTION),
    )


def _words(types: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(clip(name, _MAX_WORD) for name in types)


def _text(facts: dict[str, Json], name: str) -> str:
    value = facts.get(name)
    return value if isinstance(value, str) else ""


def _bounds(
    facts: dict[str, Json], name: str, exclusive: str
) -> tuple[int | float | None, int | float | None]:
    """Return a bound and one that is itself excluded; OpenAPI 3.0 writes the latter as a flag."""
    bound, beyond = _number(facts.get(name)), facts.get(exclusive)
    return (None, bound) if beyond is True else (bound, _number(beyond))


def _number(value: Json) -> int | float | None:
    return value if isinstance(value, (int, float)) and not isinstance(value, bool) else None


def _count(value: Json) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None


def _last_name(path: Path) -> str:
    return next((step for step in reversed(path) if isinstance(step, str)), "")
