"""From the tables of a file of settings to values: what may be in them, and what not."""

import re
from collections.abc import Callable, Iterable, Mapping
from difflib import get_close_matches
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Final, TypeVar

from modellix_cli.domain.budget import DEFAULT_PERIOD, LONGEST_PERIOD, Budget
from modellix_cli.domain.errors import ErrorCode, ModellixError
from modellix_cli.domain.jsontext import MAX_DEPTH, Json, Number, deeper_than
from modellix_cli.domain.money import Money
from modellix_cli.domain.text import one_line, quoted
from modellix_cli.domain.values import format_duration, parse_duration, parse_slug
from modellix_cli.downloads.name_template import parse_name_template
from modellix_cli.project.lines import KeyPath
from modellix_cli.project.refused import advice_against
from modellix_cli.project.values import (
    Given,
    Parameters,
    Preset,
    SettingsFile,
)

T = TypeVar("T")
Table = Mapping[str, Json]

OUTPUTS: Final = ("human", "json")
PRESET_NAME: Final = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9_.-]{0,63}")

_SIMPLE: Final = ("model", "output", "output_dir", "name_template")
_TOP: Final = (*_SIMPLE, "budget", "models", "presets")
_PRESET: Final = ("model", "prompt", "output_dir", "name_template", "parameters")
_EXAMPLES: Final = {
    "model": 'For example: model = "bytedance/seedream-4.5-t2i"',
    "output": 'For example: output = "json"',
    "output_dir": 'For example: output_dir = "pictures"',
    "name_template": 'For example: name_template = "{prompt}-{short_id}.{ext}"',
    "prompt": 'For example: prompt = "A wide banner for {prompt}"',
    "period": f'For example: period = "24h". At most {format_duration(LONGEST_PERIOD)}.',
}
_KINDS: Final = {dict: "a table", list: "an array", str: "a text", bool: "true or false"}


def unusable(where: str, message: str, hint: str | None = None) -> ModellixError:
    """Return the error for a file of settings; `where` is its path, with the line if known."""
    return ModellixError(ErrorCode.PROJECT_UNUSABLE, f"{where}: {message}", hint=hint)


class TableReader:
    """Reads the tables of one file in `folder`. `where` tells the place of a key.

    A project's file must keep to its folder; `own` is the user's file of a profile.
    """

    def __init__(self, folder: Path, where: Callable[[KeyPath], str], *, own: bool) -> None:
        self._folder = folder
        self._where = where
        self._own = own

    def settings(self, data: Table) -> SettingsFile:
        """Return what the file says. Raises `PROJECT_UNUSABLE` for what is wrong in it."""
        self._only(data, (), _TOP)
        models = self._table(data, ("models",))
        presets = self._table(data, ("presets",))
        return SettingsFile(
            model=self._given(data, "model", lambda place, text: parse_slug(text)),
            output=self._given(data, "output", self._output),
            output_dir=self._given(data, "output_dir", self._output_dir),
            name_template=self._given(data, "name_template", self._name_template),
            budget=self._budget(data),
            parameters=dict(self._model(models, name) for name in models),
            presets={name: self._preset(presets, name) for name in presets},
        )

    def _given(self, data: Table, key: str, read: Callable[[KeyPath, str], T]) -> Given[T] | None:
        value = self._optional(data, (key,), read)
        return None if value is None else Given(value, self._where((key,)))

    def _optional(
        self, table: Table, place: KeyPath, read: Callable[[KeyPath, str], T]
    ) -> T | None:
        """Return what the text at `place` means, None where there is none."""
        key = place[-1]
        if key not in table:
            return None
        text = table[key]
        if not isinstance(text, str) or not text.strip() or "\0" in text:
            message = f"{key} must be a text in quotes, and not empty."
            raise self._wrong(place, message, _EXAMPLES[key])
        try:
            return read(place, text)
        except ModellixError as error:
            if error.code is ErrorCode.PROJECT_UNUSABLE:
                raise
            raise self._wrong(place, f"{key}: {error.message}", hint=error.hint) from error

    def _output(self, place: KeyPath, text: str) -> str:
        if text not in OUTPUTS:
            raise self._wrong(place, f"output = {quoted(text)} is not one of: human, json.")
        return text

    def _name_template(self, place: KeyPath, text: str) -> str:
        parse_name_template(text)
        return text

    def _output_dir(self, place: KeyPath, text: str) -> str:
        """Return a folder as an absolute path; a project's is below the folder of the project."""
        if self._own:
            path = _home_expanded(text)
            if path.is_absolute():
                return str(path)
            raise self._wrong(place, f"output_dir = {quoted(text)} must be an absolute path.")
        parts = [*PurePosixPath(text).parts, *PureWindowsPath(text).parts]
        anchored = PureWindowsPath(text).anchor or PurePosixPath(text).anchor or text[0] == "~"
        if anchored or any(part.startswith(".") and part != "." for part in parts):
            raise self._wrong(
                place,
                f"output_dir = {quoted(text)} must be a folder inside the project.",
                hint="Write it relative to the file's folder, without .. or hidden folders. For "
                "another folder use --output-dir or MODELLIX_OUTPUT_DIR.",
            )
        folder = self._folder / text
        if not _is_inside(folder, self._folder):
            raise self._wrong(
                place,
                f"output_dir = {quoted(text)} is a link that leads out of the project.",
                hint="For a folder outside use --output-dir or MODELLIX_OUTPUT_DIR.",
            )
        return str(folder)

    def _budget(self, data: Table) -> Given[Budget] | None:
        place = ("budget",)
        if "budget" not in data:
            return None
        if self._own:
            raise self._wrong(
                place,
                "a profile has no budget here, as a project's would take its place.",
                hint="Set MODELLIX_BUDGET, which no project can change.",
            )
        budget = self._table(data, place)
        self._only(budget, place, ("limit", "period"))
        limit = _amount(budget.get("limit"))
        if limit is None:
            raise self._wrong(
                (*place, "limit"),
                "budget.limit is not an amount of US dollars.",
                hint='For example: limit = "25.00"',
            )
        period = self._optional(
            budget,
            (*place, "period"),
            lambda _, text: parse_duration(
                text, "budget.period", LONGEST_PERIOD, _EXAMPLES["period"]
            ),
        )
        where = self._where((*place, "limit"))
        return Given(Budget(limit, period or DEFAULT_PERIOD, f"budget.limit in {where}"), where)

    def _model(self, models: Table, name: str) -> tuple[str, Parameters]:
        """Return the parameters of a model, by its `provider/model`."""
        place = ("models", name)
        try:
            slug = parse_slug(name)
        except ModellixError as error:
            raise self._wrong(place, error.message, hint=error.hint) from error
        table = self._table(models, place)
        self._only(table, place, ("parameters",))
        inner = (*place, "parameters")
        values = self._parameters(table, inner)
        return slug.name, Parameters(values, self._where(inner), self._places(values, inner))

    def _preset(self, presets: Table, name: str) -> Preset:
        place = ("presets", name)
        if not PRESET_NAME.fullmatch(name):
            raise self._wrong(
                place, f"{quoted(name)} is no name for a preset. Use letters, digits, - _ and dots."
            )
        table = self._table(presets, place)
        self._only(table, place, _PRESET)
        inner = (*place, "parameters")
        parameters = self._parameters(table, inner)
        return Preset(
            name,
            self._where(place),
            self._optional(table, (*place, "model"), lambda _, text: parse_slug(text)),
            self._optional(table, (*place, "prompt"), lambda _, text: text),
            parameters,
            self._optional(table, (*place, "output_dir"), self._output_dir),
            self._optional(table, (*place, "name_template"), self._name_template),
            self._places(parameters, inner),
        )

    def _places(self, values: Table, inner: KeyPath) -> dict[str, str]:
        return {key: self._where((*inner, key)) for key in values}

    def _parameters(self, table: Table, place: KeyPath) -> dict[str, Json]:
        values = self._table(table, place)
        if deeper_than(values, MAX_DEPTH):
            raise self._wrong(place, f"parameters are nested over {MAX_DEPTH} levels deep.")
        return {key: self._json(value, (*place, key)) for key, value in values.items()}

    def _json(self, value: object, place: KeyPath) -> Json:
        """Return a value for a body. Texts that begin with @ are not looked up, see below."""
        if isinstance(value, dict):
            return {key: self._json(inner, (*place, key)) for key, inner in value.items()}
        if isinstance(value, list):
            return [self._json(inner, place) for inner in value]
        if isinstance(value, str):
            return self._text(value, place)
        if isinstance(value, (bool, int, Number)):
            return value
        raise self._wrong(
            place,
            f"{one_line(place[-1])} is no value that JSON knows.",
            hint="Write dates and times as texts, in quotes.",
        )

    def _text(self, text: str, place: KeyPath) -> str:
        """Return a text, `@@` as one `@`. One `@` would upload a file of whoever runs this."""
        if not text.startswith("@"):
            return text
        if text.startswith("@@"):
            return text[1:]
        key = one_line(place[-1])
        raise self._wrong(
            place,
            f"{key} = {quoted(text)}: a file of settings cannot name files or results to send.",
            hint=f"Give it on the command line: -p {key}={one_line(text)}. For a text that begins "
            "with @, write two.",
        )

    def _table(self, table: Table, place: KeyPath) -> dict[str, Json]:
        """Return the table at `place`, an empty one where there is none."""
        value = table.get(place[-1], {})
        if isinstance(value, dict):
            return value
        kind = _KINDS.get(type(value), "a number")
        header = ".".join(f'"{part}"' if "/" in part else part for part in place)
        raise self._wrong(
            place,
            f"{one_line(place[-1])} must be a table, not {kind}.",
            hint=f"Write [{one_line(header)}] on a line of its own, and its keys below.",
        )

    def _only(self, table: Table, place: KeyPath, known: Iterable[str]) -> None:
        """Refuse keys that are not known, and first those that a file must not have."""
        for key in table:
            advice = None if key in known else advice_against(key)
            if advice is not None:
                raise self._wrong(
                    (*place, key), f"{quoted(key)} is not allowed in this file.", hint=advice
                )
        for key in table:
            if key not in known:
                raise self._unknown(key, place, known)

    def _unknown(self, key: str, place: KeyPath, known: Iterable[str]) -> ModellixError:
        near = get_close_matches(key.lower().replace("-", "_"), known, n=1, cutoff=0.6)
        table = f" in [{one_line('.'.join(place))}]" if place else ""
        hint = None
        if near:
            meant = f" Did you mean {near[0]}?"
        elif place and key in _SIMPLE:
            meant = ""
            hint = f"Move {key} to the top of the file, before the first line with [ ]."
        elif not place and key == "parameters":
            meant = ""
            hint = 'Parameters are those of a model: [models."provider/model".parameters]'
        else:
            meant = f" Known are: {', '.join(known)}."
        return self._wrong((*place, key), f"unknown key {quoted(key)}{table}.{meant}", hint=hint)

    def _wrong(self, place: KeyPath, message: str, hint: str | None = None) -> ModellixError:
        return unusable(self._where(place), message, hint)


def _amount(value: object) -> Money | None:
    if isinstance(value, Number):
        return Money.parse(value.text)
    if isinstance(value, bool) or not isinstance(value, (int, str)):
        return None
    return Money.parse(str(value))


def _home_expanded(text: str) -> Path:
    try:
        return Path(text).expanduser()
    except RuntimeError:  # there is no such user
        return Path(text)


def _is_inside(path: Path, folder: Path) -> bool:
    """Whether a path is in a folder, wherever links lead."""
    try:
        return path.resolve().is_relative_to(folder.resolve())
    except (OSError, RuntimeError):  # links that lead to each other
        return False
