"""What a model's schema declares about a parameter; whatever it holds, reading it is bounded."""

from itertools import islice
from typing import Final

from modellix_cli.domain.frozen import frozen
from modellix_cli.domain.jsontext import Json

_PLACE: Final = ("post", "requestBody", "content", "application/json", "schema")
_BRANCHES: Final = ("allOf", "oneOf", "anyOf")
_MAX_FORMS: Final = 20
_MAX_NAMES: Final = 300
_MAX_HOPS: Final = 20


@frozen
class Declared:
    """A parameter's schema: all the `forms` it may take; none where nothing is declared."""

    forms: tuple[dict[str, Json], ...] = ()
    document: Json = None

    @classmethod
    def of(cls, schema: Json) -> "Declared":
        """Read the document that the service publishes for a model, or a JSON schema itself."""
        found = schema
        for key in _PLACE:
            found = found.get(key) if isinstance(found, dict) else None
        return cls(_forms([schema if found is None else found], schema), schema)

    @property
    def known(self) -> bool:
        """Whether any parameter is declared."""
        return bool(self.names())

    @property
    def description(self) -> str:
        """Return what is said about it, in words."""
        texts = (form.get(key) for form in self.forms for key in ("title", "description"))
        return ". ".join(text for text in texts if isinstance(text, str))

    @property
    def is_cut(self) -> bool:
        """Whether it is too large to be read whole."""
        inner = (form.get("properties") for form in self.forms)
        sizes = (len(one) for one in inner if isinstance(one, dict))
        return len(self.forms) >= _MAX_FORMS or any(size > _MAX_NAMES for size in sizes)

    @property
    def is_numeric(self) -> bool:
        """Whether its value may be a number, also one written as a string."""
        values = (*self.defaults(), *self.largest())
        kinds = [kind for form in self.forms for kind in _listed(form.get("type"), bare=True)]
        return "integer" in kinds or "number" in kinds or any(map(_has_digit, values))

    def names(self) -> tuple[str, ...]:
        """Return the names of the parameters in it, at most 300 of each form."""
        found: dict[str, None] = {}
        for form in self.forms:
            inner = form.get("properties")
            found |= dict.fromkeys(islice(inner if isinstance(inner, dict) else (), _MAX_NAMES))
        return tuple(found)

    def child(self, name: str) -> "Declared":
        """Return what is declared for a parameter in it."""
        holders = (form.get("properties") for form in self.forms)
        inner = [one[name] for one in holders if isinstance(one, dict) and name in one]
        return Declared(_forms(inner, self.document), self.document)

    def items(self) -> "Declared":
        """Return what is declared for the entries of a list."""
        inner = [form["items"] for form in self.forms if "items" in form]
        return Declared(_forms(inner, self.document), self.document)

    def defaults(self) -> tuple[Json, ...]:
        """Return what the service takes where it is left out; several where forms differ."""
        found = (form.get("default", form.get("const")) for form in self.forms)
        return tuple(value for value in found if value is not None)

    def largest(self) -> tuple[Json, ...]:
        """Return the values of which one is the largest allowed; none where there is no limit."""
        for form in self.forms:
            if isinstance(form.get("enum"), list):
                return tuple(form["enum"][:_MAX_NAMES])
            if form.get("maximum") is not None:
                return (form["maximum"],)
        return ()


def _forms(schemas: list[Json], document: Json) -> tuple[dict[str, Json], ...]:
    """Follow references within the document, and branches, to at most 20 forms."""
    found: list[dict[str, Json]] = []
    waiting = [(schema, 0) for schema in schemas[:_MAX_FORMS]]
    while waiting and len(found) < _MAX_FORMS:
        schema, hops = waiting.pop(0)
        if not isinstance(schema, dict) or hops > _MAX_HOPS:
            continue
        found.append(schema)
        inner = [one for key in _BRANCHES for one in _listed(schema.get(key))]
        if isinstance(schema.get("$ref"), str):
            inner.append(_referred(document, schema["$ref"]))
        waiting += [(one, hops + 1) for one in inner[:_MAX_FORMS]]
    return tuple(found)


def _listed(value: Json, *, bare: bool = False) -> list[Json]:
    if isinstance(value, list):
        return value
    return [value] if bare else []


def _has_digit(value: Json) -> bool:
    if isinstance(value, bool):
        return False
    return isinstance(value, (int, float)) or (isinstance(value, str) and value[:1].isdigit())


def _referred(document: Json, reference: str) -> Json:
    if reference == "#":
        return document
    if not reference.startswith("#/"):
        return None
    found = document
    for part in reference[2:].split("/")[:_MAX_HOPS]:
        key = part.replace("~1", "/").replace("~0", "~")
        found = found.get(key) if isinstance(found, dict) else None
    return found
