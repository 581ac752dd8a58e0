"""How the settings of a project look in each output mode."""

from pathlib import Path
from typing import Final

from modellix_cli.domain.frozen import frozen
from modellix_cli.domain.jsontext import Json, dumps
from modellix_cli.output.sink import Output, Sink

_NOT_SET: Final = "-"


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
    rows = [(one.name, _words(one.value), _origin(one)) for one in known.settings]
    if sink.stdout_is_terminal:
        sink.table(("setting", "value", "from"), rows)
    else:
        for row in rows:
            sink.row(*row)
    if any(one.name == "model" and one.value is not None for one in known.settings):
        sink.note("The model is for model run, and for lines of model batch, that name none.")
    if known.project is None:
        sink.note("There is no modellix.toml here or in a folder above.")


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
