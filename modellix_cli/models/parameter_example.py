"""An example of what a model can be given, made from its parameters."""

from collections.abc import Sequence
from typing import Final

from modellix_cli.domain.jsontext import Json, dumps
from modellix_cli.domain.text import is_shell_safe
from modellix_cli.models.parameters import Parameter

_MOST: Final = 6
_LONGEST: Final = 40
_FILES: Final = {"image": "@photo.png", "video": "@clip.mp4", "audio": "@speech.mp3"}
_MAIN_TEXTS: Final = {"text": "Good morning!", "url": "https://example.com/speech.mp3"}


def example_text(main: Parameter) -> str:
    """Return a text for the parameter that is given as a plain argument."""
    return _MAIN_TEXTS.get(str(main.path[-1]), "a cat")


def example_settings(parameters: Sequence[Parameter], main: Parameter | None) -> list[str]:
    """Return values of `-p` for what is required beside the main text, else for one choice.

    At most six; a parameter whose name would need quoting by more than its brackets is left out.
    """
    others = [one for one in parameters if one != main and _is_plain(one)]
    required = [one for one in others if one.required and None not in one.path]
    if required:
        return [_setting(one) for one in required[:_MOST]]
    chosen = next((one for one in others if one.allowed), None)
    chosen = chosen or next((one for one in others if one.default is not None), None)
    return [_setting(chosen)] if chosen else []


def _is_plain(parameter: Parameter) -> bool:
    return is_shell_safe(parameter.name.replace("[]", "")) and len(parameter.name) <= _LONGEST


def _setting(parameter: Parameter) -> str:
    value = _sample(parameter)
    if isinstance(value, (dict, list)):
        return f"{parameter.name}:={dumps(value, indent=None)}"
    entry = "[]" if "array" in parameter.types else ""
    text = value if isinstance(value, str) else dumps(value)
    return f"{parameter.name}{entry}={text}"


def _sample(parameter: Parameter) -> Json:
    """Return a value that the schema allows, as far as it tells."""
    if parameter.media:
        return _FILES.get(parameter.media, "https://example.com/file")
    others = [value for value in parameter.allowed if value != parameter.default]
    for value in (*others, *parameter.allowed, parameter.default):
        if value is not None and _is_short(value):
            return value
    if parameter.types == ("object",):
        return {}
    kinds = parameter.items if "array" in parameter.types else parameter.types
    if "boolean" in kinds:
        return True
    if "integer" in kinds or "number" in kinds:
        return max(1, parameter.minimum or 1)
    return "TEXT"


def _is_short(value: Json) -> bool:
    text = value if isinstance(value, str) else dumps(value, indent=None)
    return is_shell_safe(text) and not text.startswith("@")
