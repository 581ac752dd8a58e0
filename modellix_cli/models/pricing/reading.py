"""How much a body asks for: counts, seconds and characters, wherever it says so.

Own parameters of an object multiply (`n` and `batch_size`), lengths add up, entries of a list add
up. So a body that says one thing twice counts as more, never as less.
"""

from decimal import Decimal
from typing import Final

from modellix_cli.domain.jsontext import Json
from modellix_cli.domain.text import clip, one_line
from modellix_cli.models.pricing.amounts import count_of, number_of, seconds_of
from modellix_cli.models.pricing.asked import Asked, widest
from modellix_cli.models.pricing.declared import Declared
from modellix_cli.models.pricing.hidden import embedded, flags, is_address, looks_numeric
from modellix_cli.models.pricing.names import (
    Meaning,
    is_plain_list,
    is_plural,
    meaning_of,
    unit_of_length,
)

_ONE: Final = Decimal(1)
_NOTHING: Final = Decimal(0)
_MAX_DEPTH: Final = 60
_MAX_DEFAULT_DEPTH: Final = 6
_MAX_VALUES: Final = 50_000
_MAX_DEFAULTS: Final = 1000
_MAX_PATH: Final = 60
_MAX_REASONS: Final = 20
_MAX_FPS: Final = 240
_MAX_LENGTHS: Final = 50
_LONG_TEXT: Final = 100
_SCHEMA_TOO_LARGE: Final = "the model's schema is too large to be read whole"
_BODY_TOO_LARGE: Final = "the body is too large to be read whole"
_SWITCHED_OFF: Final = ("disabled", "disable", "off", "none", "false", "no")


class Reading:
    """What one body asks for, read once.

    `asked` are counts and lengths, `fps` the slowest rate told, `characters` the code points of
    all texts. `unpriced` says what cannot be priced, `notes` what was taken for granted;
    `has_count` and `lengths` tell whether a count, and which lengths, were told.
    """

    def __init__(self, body: dict[str, Json], declared: Declared, *, by_text: bool = False) -> None:
        """Read a body. `by_text`: the price goes by characters, so that lists of them add up."""
        self.characters = 0
        self.has_text = False
        self.texts_elsewhere: list[str] = []
        self.fps: Decimal | None = None
        self.has_count = False
        self.lengths: list[str] = []
        self.unpriced: list[str] = []
        self.unclear: list[str] = []
        self.notes: list[str] = []
        self._left = _MAX_VALUES
        self._defaults_left = _MAX_DEFAULTS
        self._switches: list[str] = []
        self._has_limit = False
        self._by_text = by_text
        self._one_result = _makes_one(declared)
        self._one_at_a_time = _is_switched_off(body, declared)
        self.asked = self._object(body, declared, "", 0)
        if not self._has_limit:
            self.unpriced += [f"{name} lets the model choose how many" for name in self._switches]

    def _object(self, body: dict[str, Json], declared: Declared, path: str, depth: int) -> Asked:
        found = Asked()
        if declared.is_cut:
            self._refuse(_SCHEMA_TOO_LARGE)
        for name, value in body.items():
            child = declared.child(name)
            if value is not None:  # null leaves it out
                found = found.within(self._value(name, value, child, _joined(path, name), depth))
        if depth <= _MAX_DEFAULT_DEPTH:
            left_out = (name for name in declared.names() if body.get(name) is None)
            for name in left_out:
                child = declared.child(name)
                found = found.within(self._left_out(name, child, _joined(path, name), depth))
        return found

    def _left_out(self, name: str, declared: Declared, path: str, depth: int) -> Asked:
        """Return what the model takes for a parameter that the body leaves out."""
        self._defaults_left -= 1
        if self._defaults_left < 0:
            self._refuse(_SCHEMA_TOO_LARGE)
            return Asked()
        meaning = _meaning(name, declared)
        defaults = declared.defaults()
        if self._one_at_a_time and meaning is Meaning.COUNT and _is_limit(name):
            return Asked()
        if not defaults:
            if meaning is Meaning.LENGTH:
                return self._longest_allowed(name, declared, path)
            return self._object({}, declared, path, depth + 1)
        each = [self._value(name, value, declared, path, depth) for value in defaults]
        if meaning in (Meaning.COUNT, Meaning.LENGTH, Meaning.FRAMES):
            self.notes.append(f"{path} is {_written(defaults[0])} by default")
        return widest(each)

    def _longest_allowed(self, name: str, declared: Declared, path: str) -> Asked:
        unit = unit_of_length(name)
        allowed = [seconds_of(value, unit) for value in declared.largest()]
        known = [one for one in allowed if one is not None]
        if not known:
            return Asked()
        self.lengths.append(path)
        self.notes.append(f"{path} is not given: the longest that is allowed")
        return Asked(seconds=max(known))

    def _value(self, name: str, value: Json, declared: Declared, path: str, depth: int) -> Asked:
        self._left -= 1
        if self._left < 0 or depth > _MAX_DEPTH:
            self._refuse(_BODY_TOO_LARGE)
            return Asked()
        meaning = _meaning(name, declared)
        if meaning is Meaning.COUNT:
            return self._count(value, path)
        if meaning is Meaning.LENGTH:
            return self._length(name, value, path)
        if isinstance(value, dict):
            return self._object(value, declared, path, depth + 1)
        if isinstance(value, list) and not is_plain_list(name):
            return self._list(name, value, declared, path, depth + 1)
        if isinstance(value, str):
            self._text(meaning, value, path)
            return self._string(name, meaning, value, declared, path, depth)
        return self._number(meaning, value, path)

    def _number(self, meaning: Meaning, value: Json, path: str) -> Asked:
        if meaning is Meaning.SWITCH and value is True:
            self._switches.append(path)
        if isinstance(value, (bool, list)):
            return Asked()
        if meaning is Meaning.OUTPUTS:
            return self._count(value, path)
        if meaning in (Meaning.FRAMES, Meaning.FPS):
            return self._frames(meaning, value, path)
        if meaning is Meaning.UNCLEAR or (meaning is Meaning.TEXT and is_plural(path)):
            self.unclear.append(path)
        return Asked()

    def _string(
        self, name: str, meaning: Meaning, text: str, declared: Declared, path: str, depth: int
    ) -> Asked:
        """Read what a string hides: a number, JSON, or flags such as `--duration 10`."""
        if meaning is Meaning.SWITCH and text.strip().lower() not in _SWITCHED_OFF:
            self._switches.append(path)
        if meaning is Meaning.FRAMES or meaning is Meaning.FPS:
            return self._frames(meaning, text, path)
        if meaning is not Meaning.TEXT and looks_numeric(text):
            return self._number(meaning, text, path)
        if meaning is Meaning.TEXT:
            found = Asked()
            for flag, value in flags(text):
                shown = _joined(path, f"--{flag}")
                found = found.within(self._value(flag, value, Declared(), shown, depth + 1))
            if name not in ("input", "inputs", "content", "body"):
                return found
        inner = embedded(text)
        return Asked() if inner is None else self._value(name, inner, declared, path, depth + 1)

    def _count(self, value: Json, path: str) -> Asked:
        number = count_of(value)
        if number is None:
            self._refuse(f"{path} is not a usable count")
            return Asked()
        self.has_count = True
        at_most = _is_limit(path.rsplit(".", 1)[-1])
        self._has_limit = self._has_limit or at_most
        return Asked(count=number, fewest=_ONE if at_most else number)

    def _length(self, name: str, value: Json, path: str) -> Asked:
        unit = unit_of_length(name)
        values = value if isinstance(value, list) and len(value) <= _MAX_LENGTHS else [value]
        read = [seconds_of(one, unit) for one in values]
        known = [one for one in read if one is not None]
        self.lengths.append(path)
        if not known or len(known) < len(read):
            self._refuse(f"{path} is not a usable length")
            return Asked()
        seconds = sum(known, start=_NOTHING)
        return Asked(seconds=seconds, shortest=seconds)

    def _frames(self, meaning: Meaning, value: Json, path: str) -> Asked:
        number = count_of(value) if meaning is Meaning.FRAMES else number_of(value)
        if number is None or (meaning is Meaning.FPS and number > _MAX_FPS):
            self.unclear.append(path)
            return Asked()
        if meaning is Meaning.FRAMES:
            self.lengths.append(path)
            return Asked(frames=number)
        self.fps = number if self.fps is None else min(self.fps, number)
        return Asked()

    def _list(
        self, name: str, values: list[Json], declared: Declared, path: str, depth: int
    ) -> Asked:
        """Return what the entries of a list ask for together; numbers are no inputs."""
        inputs = [value for value in values if isinstance(value, (dict, list, str))]
        if not inputs:
            return Asked()
        items, entries = declared.items(), []
        for number, value in enumerate(inputs):
            entries.append(self._entry(name, value, items, f"{path}[{number}]", depth))
            if self._left < 0:
                break
        found = entries[0]
        for entry in entries[1:]:
            found = found.beside(entry)
        if all(entry.seconds for entry in entries):  # shots of one clip: their lengths add up
            most = max(entry.count for entry in entries)
            return Asked(most, _ONE, found.seconds, found.shortest, found.frames)
        if self._by_text:
            most = max(entry.count for entry in entries)
            return Asked(most, _ONE, found.seconds, found.shortest, found.frames)
        is_text = meaning_of(name) is Meaning.TEXT
        if self._one_result and not is_text and all(entry.count == 1 for entry in entries):
            return Asked(_ONE, _ONE, found.seconds, found.shortest, found.frames)
        if len(entries) > 1:
            self.notes.append(f"{path}: {len(entries)} entries, each counted")
        fewest = found.fewest if is_text else _ONE
        return Asked(found.count, fewest, found.seconds, found.shortest, found.frames)

    def _entry(self, name: str, value: Json, items: Declared, path: str, depth: int) -> Asked:
        if isinstance(value, dict):
            self._left -= 1
            if self._left < 0 or depth > _MAX_DEPTH:
                self._refuse(_BODY_TOO_LARGE)
                return Asked()
            return self._object(value, items, path, depth + 1)
        return self._value(name, value, items, path, depth)

    def _text(self, meaning: Meaning, text: str, path: str) -> None:
        if is_address(text):
            if meaning is Meaning.TEXT:
                self.texts_elsewhere.append(path)
        elif meaning is Meaning.TEXT or len(text) > _LONG_TEXT:
            self.characters += len(text)
            self.has_text = self.has_text or bool(text)

    def _refuse(self, reason: str) -> None:
        if reason not in self.unpriced and len(self.unpriced) < _MAX_REASONS:
            self.unpriced.append(reason)


def _makes_one(declared: Declared) -> bool:
    """Whether lists of inputs go into one result: the schema counts results, or has one prompt."""
    meanings = (_meaning(name, declared.child(name)) for name in declared.names())
    return any(one is Meaning.COUNT for one in meanings) or "prompt" in declared.names()


def _meaning(name: str, declared: Declared) -> Meaning:
    return meaning_of(name, declared.description if declared.is_numeric else "")


def _is_limit(name: str) -> bool:
    return name.lower().startswith("max")


def _is_switched_off(body: dict[str, Json], declared: Declared) -> bool:
    """Whether the body, or the schema's default, says that the model makes one image at a time."""
    for name in ("sequential_image_generation", "sequentialImageGeneration"):
        told = (body[name],) if body.get(name) is not None else declared.child(name).defaults()
        if told:
            return all(str(value).lower() in _SWITCHED_OFF for value in told if _is_word(value))
    return False


def _is_word(value: Json) -> bool:
    return isinstance(value, (str, bool))


def _joined(path: str, name: str) -> str:
    """Return the place of a parameter for people: `parameters.n`, one safe line, clipped."""
    return clip(one_line(f"{path}.{name}" if path else name), _MAX_PATH)


def _written(value: Json) -> str:
    number = number_of(value)
    return clip(one_line(value), 20) if isinstance(value, str) else f"{number or 'set'}"
