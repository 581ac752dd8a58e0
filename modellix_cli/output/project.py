"""How the settings of a project look in each output mode."""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from modellix_cli.domain.frozen import frozen
from modellix_cli.domain.jsontext import Json, dumps
from modellix_cli.domain.money import Money
from modellix_cli.output.sink import Output, Sink
from modellix_cli.output.summaries import Field, shown_path, write_fields

_NOT_SET: Final = "-"
_OF_MODELS: Final = "models."
_PRESET: Final = "@"


@frozen
class ShownSetting:
    """A setting: its value, None if it is not set, and what it comes from.

    `source` is option, variable, project, profile or default; `where` names the option or variable,
    or file and line, and is empty for a default. `used_by` are the commands that go by it.
    """

    name: str
    value: Json
    source: str
    where: str
    used_by: tuple[str, ...]


@frozen
class InForce:
    """The settings in force in a folder, and the files that they may come from."""

    project: Path | None
    profile: Path | None
    settings: tuple[ShownSetting, ...]


def in_force(sink: Sink, known: InForce) -> None:
    """Show settings, one a row; quiet prints the path of the project's file alone."""
    if sink.mode is Output.JSON:
        sink.json(
            {
                "ok": True,
                "project": _path(known.project),
                "profileSettings": _path(known.profile),
                "settings": [_facts(setting) for setting in known.settings],
            }
        )
        return
    if sink.mode is Output.QUIET:
        if known.project is not None:
            sink.line(str(known.project))
        return
    if sink.stdout_is_terminal:
        _for_people(sink, known.settings)
    else:
        for one in known.settings:
            sink.row(one.name, _words(one.value), _origin(one))
    if any(one.name == "model" and one.value is not None for one in known.settings):
        sink.note("The model is for model run, and for lines of model batch, that name none.")
    if known.project is None:
        sink.note("There is no modellix.toml here or in a folder above.")


def _for_people(sink: Sink, settings: Sequence[ShownSetting]) -> None:
    """Show settings as facts: what models get by model, then each preset with what it holds."""
    simple = [one for one in settings if not one.name.startswith((_OF_MODELS, _PRESET))]
    write_fields(sink, [_field(one.name, one) for one in simple])
    models: dict[str, list[Field]] = {}
    for one in settings:
        if one.name.startswith(_OF_MODELS):
            model, _, key = one.name.removeprefix(_OF_MODELS).rpartition(".")
            models.setdefault(model, []).append(_field(f"  {key}", one))
    for model, fields in models.items():
        sink.line("")
        sink.line(f"{model} gets:")
        write_fields(sink, fields)
    for one in settings:
        if one.name.startswith(_PRESET) and isinstance(one.value, dict):
            sink.line("")
            sink.parts((one.name, "1"), (f"  ({_place(one)})", "2"))
            write_fields(sink, _preset(one.value))


def _field(label: str, one: ShownSetting) -> Field:
    value = one.value
    if one.name == "budget" and isinstance(value, dict):
        amount = Money.parse(str(value["limit"]))
        value = None if amount is None else f"{amount.exact} in {value['period']}"
    return Field(label, _shown_path(one.name, value), "" if value is None else _place(one))


def _preset(preset: dict[str, Json]) -> list[Field]:
    parameters = preset.get("parameters")
    simple = {name: value for name, value in preset.items() if name != "parameters"}
    fields = [Field(f"  {name}", _shown_path(name, value)) for name, value in simple.items()]
    if isinstance(parameters, dict):
        fields += [Field(f"  -p {name}", _words(value)) for name, value in parameters.items()]
    return fields


def _shown_path(name: str, value: Json) -> str:
    return shown_path(_words(value)) if name == "output_dir" and value else _words(value)


def _place(one: ShownSetting) -> str:
    """Return what a setting comes from; a file is named as one would type it."""
    file, colon, line = _origin(one).rpartition(":")
    return f"{shown_path(file)}{colon}{line}" if colon else line


def written(sink: Sink, path: Path) -> None:
    """Show where a file to start from was written."""
    if sink.mode is Output.JSON:
        sink.json({"ok": True, "path": str(path)})
        return
    sink.line(str(path))
    if sink.mode is Output.HUMAN:
        sink.note("Nothing in it is in force yet. Edit it, then run: modellix-cli project show")


def _path(path: Path | None) -> str | None:
    return None if path is None else str(path)


def _facts(setting: ShownSetting) -> dict[str, Json]:
    """Return a setting with its file and line apart."""
    file, _, line = setting.where.rpartition(":")
    in_file = bool(file) and line.isdecimal()
    return {
        "name": setting.name,
        "value": setting.value,
        "source": setting.source,
        "from": setting.where or None,
        "file": file if in_file else None,
        "line": int(line) if in_file else None,
        "usedBy": list(setting.used_by),
    }


def _words(value: Json) -> str:
    if value is None:
        return _NOT_SET
    return value if isinstance(value, str) else dumps(value, indent=None)


def _origin(setting: ShownSetting) -> str:
    return setting.where or setting.source
