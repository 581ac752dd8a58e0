"""`project show` and `project init`: what is in force here, and a file to start from."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Final

from modellix_cli.context.defaults import FILE_NAME, Chosen, Source
from modellix_cli.context.session import Session
from modellix_cli.domain.errors import ErrorCode, ModellixError, usage
from modellix_cli.domain.jsontext import Json
from modellix_cli.domain.values import Slug, format_duration
from modellix_cli.output.project import InForce, ShownSetting

if TYPE_CHECKING:
    from modellix_cli.context.defaults import Defaults
    from modellix_cli.project.values import Preset

_PAYING: Final = ("model run", "model batch", "task rerun")
_SAVING: Final = ("model run --wait", "model batch --wait", "task download")
_USED_BY: Final = {
    "profile": ("every command",),
    "model": ("model run", "lines of model batch without a model"),
    "output": ("every command",),
    "output_dir": _SAVING,
    "name_template": _SAVING,
    "budget": _PAYING,
}
_IN_REQUESTS: Final = ("model run",)


def settings_in_force(session: Session) -> InForce:
    """Return every setting with its source. Raises `PROJECT_UNUSABLE` and the usage error."""
    defaults = session.settings.defaults
    settings = (*_simple(session), *_parameters(defaults), *_presets(defaults))
    return InForce(defaults.project_path, defaults.profile_path, settings)


def _simple(session: Session) -> Iterator[ShownSetting]:
    defaults = session.settings.defaults
    profile = session.settings.profile
    sources: dict[str, Chosen[str]] = {
        "flag": Chosen(profile.name, "option", "--profile"),
        "environment": Chosen(profile.name, "variable", "MODELLIX_PROFILE"),
        "config": Chosen(profile.name, "profile", "config.json"),
    }
    yield _shown("profile", sources.get(profile.source), profile.name)
    yield _shown("model", defaults.model, None)
    yield _shown("output", _output_option(session) or defaults.output, None)
    yield _shown("output_dir", defaults.output_dir, None)
    yield _shown("name_template", defaults.name_template, None)
    yield _budget(session)


def _shown(name: str, chosen: Chosen[str] | Chosen[Slug] | None, default: Json) -> ShownSetting:
    if chosen is None:
        return ShownSetting(name, default, "default", "", _USED_BY[name])
    return ShownSetting(name, str(chosen.value), chosen.source, chosen.where, _USED_BY[name])


def _output_option(session: Session) -> Chosen[str] | None:
    chosen = session.globals
    if chosen.quiet:
        return Chosen("quiet", "option", "--quiet")
    if chosen.json:
        return Chosen("json", "option", "--json")
    return Chosen(chosen.output, "option", "--output") if chosen.output else None


def _budget(session: Session) -> ShownSetting:
    budget, chosen = session.settings.budget, session.settings.defaults.file_budget
    if budget is None:
        return ShownSetting("budget", None, "default", "", _PAYING)
    value = {"limit": str(budget.limit), "period": format_duration(budget.period)}
    if chosen is not None and budget is chosen.value:
        return ShownSetting("budget", value, chosen.source, chosen.where, _PAYING)
    return ShownSetting("budget", value, "variable", budget.source, _PAYING)


def _parameters(defaults: "Defaults") -> Iterator[ShownSetting]:
    """Yield what files set for models; of two files that set the same, the stronger one."""
    found: dict[str, ShownSetting] = {}
    for source, file in reversed(defaults.files):
        for slug, parameters in file.parameters.items():
            for key, value in parameters.values.items():
                name = f"models.{slug}.{key}"
                place = parameters.places[key]
                found[name] = ShownSetting(name, value, source, place, _IN_REQUESTS)
    yield from found.values()


def _presets(defaults: "Defaults") -> Iterator[ShownSetting]:
    sources: dict[str, Source] = {}
    for source, file in reversed(defaults.files):
        sources |= dict.fromkeys(file.presets, source)
    for name, preset in defaults.presets.items():
        source = sources[name]
        yield ShownSetting(f"@{name}", _preset(preset), source, preset.where, _IN_REQUESTS)


def _preset(preset: "Preset") -> dict[str, Json]:
    facts: dict[str, Json] = {
        "model": None if preset.model is None else str(preset.model),
        "prompt": preset.prompt,
        "parameters": dict(preset.parameters) or None,
        "output_dir": preset.output_dir,
        "name_template": preset.name_template,
    }
    return {name: value for name, value in facts.items() if value is not None}


def write_starter(session: Session) -> Path:
    """Write the file to start from into the current folder, and return its path.

    Raises the usage error where there is one, `OUTPUT_UNWRITABLE` where it cannot be written.
    """
    from modellix_cli.project.starter import STARTER

    path = session.settings.path(FILE_NAME)
    try:
        with path.open("x", encoding="utf-8", newline="\n") as file:
            file.write(STARTER)
    except FileExistsError:
        raise _taken(path) from None
    except OSError as error:
        reason = error.strerror or str(error)
        raise ModellixError(
            ErrorCode.OUTPUT_UNWRITABLE, f"Cannot write {path}: {reason}."
        ) from error
    return path


def _taken(path: Path) -> ModellixError:
    """Return why no file can be made at a path that is taken."""
    from modellix_cli.project.read import leads_nowhere

    aside = "Remove or rename it, and run the command again."
    if os.path.isdir(path):  # noqa: PTH112 - raises nothing
        return usage(f"{path} is a folder, and settings are read from a file only.", aside)
    if leads_nowhere(path):
        return usage(f"{path} is a link that leads to no file.", aside)
    return usage(
        f"{path} exists, and stays as it is.",
        hint="See what is in force with: modellix-cli project show",
    )
