"""How the parameters of a model look in each output mode."""

from collections.abc import Sequence
from typing import Final

from modellix_cli.domain.jsontext import Json, JsonObject, dumps
from modellix_cli.domain.text import clip, one_line
from modellix_cli.models.parameters import Parameter
from modellix_cli.output.facts import ModelParameters
from modellix_cli.output.sink import Output, Sink

_HEADERS: Final = ("Name", "Type", "Default", "Description")
_WORDS: Final = {"string": "text", "boolean": "true or false"}
_NOT_TOLD: Final = "-"
_MAX_DEFAULT: Final = 24
_MAX_ALLOWED: Final = 160
_MAX_DESCRIPTION: Final = 240
_FACTS: Final = {
    "minimum": "minimum",
    "maximum": "maximum",
    "exclusive_minimum": "exclusiveMinimum",
    "exclusive_maximum": "exclusiveMaximum",
    "max_length": "maxLength",
    "max_items": "maxItems",
    "format": "format",
    "default": "default",
    "media": "media",
}


def parameters(sink: Sink, shown: ModelParameters, example: str) -> None:
    """Show what a model takes, and `example`, a command line that runs it.

    Required ones come first. In a pipe there is a line for each, of five cells separated by tabs.
    """
    ordered = sorted(shown.parameters, key=lambda one: not one.required)
    if sink.mode is Output.JSON:
        sink.json(_document(shown, ordered, example))
        return
    if sink.mode is Output.QUIET:
        for one in ordered:
            sink.line(one.name)
        return
    if not ordered:
        sink.note(
            f"{shown.slug} publishes no parameters. Try: modellix-cli model docs {shown.slug}"
        )
        return
    if sink.stdout_is_terminal:
        table(sink, ordered)
    else:
        for one in ordered:
            sink.row(one.name, _type(one), _default(one), _range(one) or _NOT_TOLD, _told(one))
    _advice(sink, shown, example)


def table(sink: Sink, shown: Sequence[Parameter]) -> None:
    """Show parameters as a table, required ones first, with an empty line below."""
    ordered = sorted(shown, key=lambda one: not one.required)
    sink.table(_HEADERS, [_cells(one) for one in ordered])
    sink.line("")


def _advice(sink: Sink, shown: ModelParameters, example: str) -> None:
    """Tell how to give them: below the table, in a pipe beside it."""
    say = sink.line if sink.stdout_is_terminal else sink.note
    if shown.main_text is not None:
        say(f"The main text is {shown.main_text.name}: give it behind the model.")
    if any(one.media for one in shown.parameters):
        say("Images, video and audio are given as a URL, or as @PATH to upload a file.")
    say(f"Example: {example}")


def _cells(one: Parameter) -> tuple[str, ...]:
    told, limits = _told(one), _range(one)
    if one.allowed:
        limits = f"One of: {limits}"
    elif limits:
        limits = f"{limits[0].upper()}{limits[1:]}."
    return (one.name, _type(one), _default(one), f"{told} {limits}".strip() or _NOT_TOLD)


def told_in_help(one: Parameter) -> tuple[str, str]:
    """Return a parameter's name and one line about it: type, default, allowed values, meaning."""
    name, kind, default, meaning = _cells(one)
    state = "required" if one.required else "" if default == _NOT_TOLD else f"default {default}"
    facts = ", ".join(filter(None, (kind, state)))
    return one_line(name), one_line(f"{facts}. {'' if meaning == _NOT_TOLD else meaning}".strip())


def _document(shown: ModelParameters, ordered: Sequence[Parameter], example: str) -> JsonObject:
    document: JsonObject = {
        "example": example,
        "exampleArgv": list(shown.example),
        "mainText": shown.main_text.name if shown.main_text else None,
        "ok": True,
        "parameters": [_record(one) for one in ordered],
        "slug": shown.slug,
    }
    return document if shown.age is None else document | {"cachedSeconds": round(shown.age)}


def _record(one: Parameter) -> JsonObject:
    """Return a parameter as JSON: what the schema does not tell is left out."""
    record: JsonObject = {"name": one.name, "type": _json_types(one.types)}
    record["required"] = one.required
    if one.allowed:
        record["allowed"] = list(one.allowed)
    if one.items:
        record["items"] = _json_types(one.items)
    if one.description:
        record["description"] = one.description
    facts = {name: getattr(one, field) for field, name in _FACTS.items()}
    return record | {name: value for name, value in facts.items() if value is not None}


def _json_types(types: tuple[str, ...]) -> Json:
    return types[0] if len(types) == 1 else list(types) or None


def _type(one: Parameter) -> str:
    if one.media:
        return f"{one.media} URL" if one.takes_text else f"{one.media} URLs"
    names = [_array(one) if name == "array" else _WORDS.get(name, name) for name in one.types]
    return " or ".join(names) or "any"


def _array(one: Parameter) -> str:
    entries = " or ".join(_WORDS.get(name, name) for name in one.items)
    return f"array of {entries}" if entries else "array"


def _default(one: Parameter) -> str:
    if one.required:
        return "(required)"
    return _NOT_TOLD if one.default is None else clip(_value(one.default), _MAX_DEFAULT)


def _range(one: Parameter) -> str:
    """Return what values are allowed: `1 to 4`, `16:9, 9:16`, `at most 500 characters`."""
    if one.allowed:
        return clip(", ".join(_value(value) for value in one.allowed), _MAX_ALLOWED)
    facts = [_bounds(one)]
    if one.max_length is not None:
        facts.append(f"at most {one.max_length} characters")
    if one.max_items is not None:
        facts.append(f"at most {one.max_items} entries")
    return ", ".join(filter(None, facts))


def _bounds(one: Parameter) -> str:
    if one.minimum is not None and one.maximum is not None:
        return f"{_value(one.minimum)} to {_value(one.maximum)}"
    bounds = {
        "at least": one.minimum,
        "over": one.exclusive_minimum,
        "at most": one.maximum,
        "below": one.exclusive_maximum,
    }
    told = {word: bound for word, bound in bounds.items() if bound is not None}
    return ", ".join(f"{word} {_value(bound)}" for word, bound in told.items())


def _told(one: Parameter) -> str:
    return clip(" ".join(one_line(one.description).split()), _MAX_DESCRIPTION)


def _value(value: Json) -> str:
    return value if isinstance(value, str) else dumps(value, indent=None)
