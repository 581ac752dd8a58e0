"""Which names in a body its model documents, wherever they stand.

The schema is walked along the body, so that what it holds elsewhere costs nothing. It is untrusted:
references are followed inside the document only, the work is bounded, and what cannot be read is
told as a reason why names may have been passed over.
"""

from collections import deque
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Final

from modellix_cli.domain.frozen import frozen
from modellix_cli.domain.jsontext import Json
from modellix_cli.domain.text import clip, quoted
from modellix_cli.inputs.parameter_keys import Path
from modellix_cli.models.schema_document import as_list, as_object, body_schema, target_of

_MAX_STEPS: Final = 200_000
_MOST: Final = 20
_MOST_BESIDE: Final = 1000
_MAX_HOPS: Final = 20
_REFERENCES: Final = ("$ref", "$dynamicRef")
_EACH: Final = ("allOf", "anyOf", "oneOf")
_ONE: Final = ("if", "then", "else")
_MAPS: Final = ("additionalProperties", "unevaluatedProperties")
_REST: Final = ("additionalItems", "unevaluatedItems", "contains")


@frozen
class UndocumentedName:
    """A name that the model does not document: its path, and the names that may stand there."""

    path: Path
    beside: tuple[str, ...]


@frozen
class NameReport:
    """The first undocumented names of a body; `unchecked` is why others may have been missed."""

    found: tuple[UndocumentedName, ...]
    unchecked: str | None


class DocumentedNames:
    """Knows the names of one model, by the document that `Client.schema` returned.

    Where the model documents no name, in the whole body or in a part of it, any is known.
    """

    def __init__(self, document: Json) -> None:
        self._document = document

    def look(self, body: Json) -> NameReport:
        """Return the names in a body that are not documented, those of entries once."""
        walk = _Walk(self._document)
        found: dict[Path, UndocumentedName] = {}
        try:
            for one in walk.undocumented(body):
                found[one.path] = one
                if len(found) == _MOST:
                    break
        except _Unreadable as error:
            return NameReport(tuple(found.values()), str(error))
        return NameReport(tuple(found.values()), walk.doubt)


class _Unreadable(Exception):
    """Why a schema cannot be followed."""


class _Walk:
    """One body along its schema. `doubt` is why a name may have been taken for a known one."""

    def __init__(self, document: Json) -> None:
        self._document = document
        self._left = _MAX_STEPS
        self._told: set[Path] = set()
        self._replies: dict[int, bool] = {}
        self.doubt: str | None = None

    def undocumented(self, body: Json) -> Iterator[UndocumentedName]:
        """Yield the names that are not documented, once each, from the outside to the inside."""
        schema = body_schema(self._document)
        if isinstance(body, dict) and body and not _names_any(self._forms((schema,))):
            self.doubt = "the model's schema names no parameters"
        places: deque[tuple[Path, Json, tuple[Json, ...]]] = deque([((), body, (schema,))])
        while places:
            path, value, schemas = places.popleft()
            if not isinstance(value, (dict, list)):
                continue
            forms = self._forms(schemas)
            if isinstance(value, list):
                for number, entry in enumerate(value):
                    self._spend(len(forms))
                    places.append(((*path, None), entry, tuple(_of_entry(forms, number))))
            elif _names_any(forms):
                for name, inner in value.items():
                    at = (*path, name)
                    known = self._of_name(forms, name)
                    if known is not None:
                        places.append((at, inner, known))
                    elif at not in self._told:
                        self._told.add(at)
                        yield UndocumentedName(at, tuple(islice(self._named(forms), _MOST_BESIDE)))

    def _spend(self, steps: int = 1) -> None:
        self._left -= steps
        if self._left < 0:
            raise _Unreadable("the model's schema is too large to look up every name")

    def _forms(self, schemas: Iterable[Json]) -> list[dict[str, Json]]:
        """Return all schemas that say something about one value: references and parts followed."""
        forms: dict[int, dict[str, Json]] = {}
        waiting = list(schemas)
        while waiting:
            schema = waiting.pop()
            self._spend()
            if not isinstance(schema, dict) or id(schema) in forms:
                continue
            if not isinstance(schema.get("properties", {}), dict):
                raise _Unreadable("the model's schema has properties that are no object")
            forms[id(schema)] = schema
            waiting += [part for key in _EACH for part in as_list(schema.get(key))]
            waiting += [schema[key] for key in _ONE if key in schema]
            waiting += as_object(schema.get("dependentSchemas")).values()
            waiting += [self._referred(schema[key]) for key in _REFERENCES if key in schema]
        return list(forms.values())

    def _referred(self, reference: Json) -> Json:
        target = target_of(reference, self._document) if isinstance(reference, str) else None
        if target is None:
            raise _Unreadable(
                f"the model's schema refers to {quoted(clip(str(reference), 80))}, which it lacks"
            )
        return target

    def _of_name(self, forms: list[dict[str, Json]], name: str) -> tuple[Json, ...] | None:
        """Return the schemas of a property, None for one that is not documented."""
        self._spend(len(forms))
        named = [form["properties"] for form in forms if name in as_object(form.get("properties"))]
        known = [as_object(properties)[name] for properties in named]
        written = [schema for schema in known if not self._only_in_replies(schema)]
        if known:
            return tuple(written) or None
        known += self._of_pattern(forms, name)
        known = known or [form[key] for form in forms for key in _MAPS if _is_map(form.get(key))]
        return tuple(known) or None

    def _of_pattern(self, forms: list[dict[str, Json]], name: str) -> Iterator[Json]:
        from modellix_cli.models.safe_pattern import MAX_MATCHED, safe_pattern

        for form in forms:
            for pattern, schema in as_object(form.get("patternProperties")).items():
                self._spend(20 + len(name) ** 2 // 100)  # some take milliseconds
                matcher = safe_pattern(pattern)
                if matcher is None or len(name) > MAX_MATCHED:
                    shown = quoted(clip(pattern, 80))
                    self.doubt = f"names by the pattern {shown} could take too long to look up"
                    yield True
                elif matcher.search(name):
                    yield schema

    def _named(self, forms: list[dict[str, Json]]) -> Iterator[str]:
        """Yield the names of properties that a request may have."""
        for form in forms:
            for name, schema in as_object(form.get("properties")).items():
                self._spend()
                if not self._only_in_replies(schema):
                    yield name

    def _only_in_replies(self, schema: Json) -> bool:
        """Whether a property is in replies only; what stands beside a reference counts first."""
        seen: list[int] = []
        answer = False
        while isinstance(schema, dict) and id(schema) not in seen:
            if id(schema) in self._replies:
                answer = self._replies[id(schema)]
                break
            seen.append(id(schema))
            self._spend()
            if "readOnly" in schema or "$ref" not in schema or len(seen) > _MAX_HOPS:
                answer = schema.get("readOnly") is True
                break
            schema = self._referred(schema["$ref"])
        self._replies |= dict.fromkeys(seen, answer)
        return answer


def _names_any(forms: list[dict[str, Json]]) -> bool:
    """Whether a name of an object is documented at all."""
    return any(
        as_object(form.get("properties"))
        or as_object(form.get("patternProperties"))
        or any(_is_map(form.get(key)) for key in _MAPS)
        for form in forms
    )


def _is_map(schema: Json) -> bool:
    """Whether a schema of all other properties says what they are."""
    return isinstance(schema, dict) and bool(schema)


def _of_entry(forms: list[dict[str, Json]], number: int) -> Iterator[Json]:
    """Yield the schemas of one entry of an array; older documents write a list as `items`."""
    for form in forms:
        items = form.get("items")
        first = as_list(form.get("prefixItems")) or as_list(items)
        if number < len(first):
            yield first[number]
        elif not isinstance(items, list):
            yield items
        yield from (form[key] for key in _REST if key in form)
