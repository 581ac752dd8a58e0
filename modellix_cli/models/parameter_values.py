"""What a text on the command line becomes, by the type that the schema wants."""

import re
from collections.abc import Iterable
from typing import Final

from modellix_cli.domain.jsontext import Json, loads
from modellix_cli.inputs.parameter_keys import Path
from modellix_cli.inputs.parameters import JsonText, Text
from modellix_cli.models.parameters import Parameter, by_path

_INTEGER: Final = re.compile(r"-?(?:0|[1-9][0-9]*)")
_NUMBER: Final = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?")
_BOOLEANS: Final = {"true": True, "false": False}


def convert(parameter: Parameter, text: str) -> Json:
    """Return the JSON value that a text stands for; the text itself where that is not certain.

    Where a text may be the value it stays one, such as `007` or `true`. An array gets it as its
    only entry. Numbers keep every digit. Whether the value is allowed is not checked here.
    """
    if parameter.takes_text:
        return text
    if "array" in parameter.types:
        return [_of_types(parameter.items, text)]
    return _of_types(parameter.types, text)


def typed_value(parameters: Iterable[Parameter], path: Path, value: Text | JsonText) -> Json:
    """Return what a change sets at `path`: JSON as it is, a text as the schema wants it."""
    if isinstance(value, JsonText):
        return value.value
    entry = not isinstance(path[-1], str)
    parameter = by_path(parameters, path[:-1] if entry else path)
    if parameter is None:
        return value.text
    return _of_types(parameter.items, value.text) if entry else convert(parameter, value.text)


def _of_types(types: tuple[str, ...], text: str) -> Json:
    if "string" in types:
        return text
    if "boolean" in types and text.lower() in _BOOLEANS:
        return _BOOLEANS[text.lower()]
    if "number" in types and _NUMBER.fullmatch(text):
        return loads(text)
    return loads(text) if "integer" in types and _INTEGER.fullmatch(text) else text
