"""What options leave open: what a variable, modellix.toml or the profile's settings say about it.

The first of them that says something counts; a table is in docs/project.md. Looking for the files
takes a few stat calls. They are read, and what reads them is loaded, only where they exist.
"""

import os
from collections.abc import Callable, Mapping
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Final, Generic, Literal, TypeVar

from modellix_cli.domain.errors import ModellixError, usage
from modellix_cli.domain.frozen import frozen
from modellix_cli.domain.text import quoted
from modellix_cli.domain.values import Slug, parse_slug
from modellix_cli.paths import config_dir, find_upwards

if TYPE_CHECKING:
    from modellix_cli.context.settings import Settings
    from modellix_cli.domain.budget import Budget
    from modellix_cli.project.values import (
        Given,
        Parameters,
        Preset,
        SettingsFile,
    )

T = TypeVar("T")

FILE_NAME: Final = "modellix.toml"
Source = Literal["option", "variable", "project", "profile", "default"]
"""What a setting comes from, the strongest first."""

PRESET_WORD: Final = r"@([A-Za-z0-9_-][A-Za-z0-9_.-]{0,63})"
"""How a preset is named on the command line."""
_OUTPUTS: Final = ("human", "json")


@frozen
class Chosen(Generic[T]):
    """The value of a setting; `where` names the variable, or file and line."""

    value: T
    source: Source
    where: str


class Defaults:
    """The settings of one run. What cannot be used raises the usage error or `PROJECT_UNUSABLE`."""

    def __init__(self, settings: "Settings") -> None:
        self._settings = settings
        self._env = settings.runtime.env

    @cached_property
    def project_path(self) -> Path | None:
        """The file of the project that the current folder is in, None if it is in none.

        `MODELLIX_PROJECT=0` switches it off.
        """
        if self._env.get("MODELLIX_PROJECT") and self._settings.switched_off("MODELLIX_PROJECT"):
            return None
        home = self._env.get("HOME")
        return find_upwards(FILE_NAME, self._settings.runtime.cwd, Path(home) if home else None)

    @cached_property
    def profile_path(self) -> Path | None:
        """The file of the profile's settings, None if there is none."""
        try:
            folder = config_dir(self._env) / "profiles"
        except ModellixError:  # no home folder; who needs one is told
            return None
        if not folder.is_dir():
            return None
        path = folder / f"{self._settings.profile.name}.toml"
        return path if os.path.lexists(path) else None

    @cached_property
    def files(self) -> "tuple[tuple[Source, SettingsFile], ...]":
        """The files there are, the strongest first."""
        project, profile = self.project_path, self.profile_path
        if project is None and profile is None:
            return ()
        from modellix_cli.project.read import read_settings

        found: list[tuple[Source, SettingsFile]] = []
        if project is not None:
            found.append(("project", read_settings(project, own=False)))
        if profile is not None:
            found.append(("profile", read_settings(profile, own=True)))
        return tuple(found)

    def check(self) -> None:
        """Raise what is wrong with a file, for who must not go on without it."""
        _ = self.files

    @property
    def model(self) -> Chosen[Slug] | None:
        """The model to run where none is named."""
        return self._variable("MODELLIX_MODEL", parse_slug) or self._in_file(
            lambda file: file.model
        )

    @property
    def output(self) -> Chosen[str] | None:
        """How results are written: human or json."""
        given = self._env.get("MODELLIX_OUTPUT", "").strip().lower()
        if given not in ("", *_OUTPUTS):
            raise usage(
                f"MODELLIX_OUTPUT={quoted(given)} is not one of: {', '.join(_OUTPUTS)}.",
                hint="Set it to one of them, or unset it.",
            )
        if given:
            return Chosen(given, "variable", "MODELLIX_OUTPUT")
        return self._in_file(lambda file: file.output)

    @property
    def output_dir(self) -> Chosen[str] | None:
        """The folder for results, where they are saved."""
        return self._variable("MODELLIX_OUTPUT_DIR", str) or self._in_file(
            lambda file: file.output_dir
        )

    @property
    def name_template(self) -> Chosen[str] | None:
        """The template of the names of saved files."""
        return self._variable("MODELLIX_NAME_TEMPLATE", _template) or self._in_file(
            lambda file: file.name_template
        )

    @property
    def file_budget(self) -> "Chosen[Budget] | None":
        """The budget of the project; a variable beats it."""
        return self._in_file(lambda file: file.budget)

    def parameters(self, slug: Slug) -> "tuple[Parameters, ...]":
        """Return the parameters that files set for a model, the weakest first."""
        found = (file.parameters.get(slug.name) for _, file in reversed(self.files))
        return tuple(one for one in found if one is not None)

    @property
    def presets(self) -> "Mapping[str, Preset]":
        """The presets by name; a project's takes the place of a profile's."""
        merged: dict[str, Preset] = {}
        for _, file in reversed(self.files):
            merged |= file.presets
        return merged

    def preset(self, name: str) -> "Preset":
        """Return a preset by its name, without the @. Raises the usage error."""
        presets = self.presets
        if name in presets:
            return presets[name]
        from difflib import get_close_matches

        near = get_close_matches(name, presets, n=1, cutoff=0.6)
        meant = f" Did you mean @{near[0]}?" if near else ""
        if self.project_path is None:
            raise usage(
                f"@{name} is a preset, and there is no {FILE_NAME} here or in a folder above.",
                hint="Create one with: modellix-cli project init",
            )
        raise usage(
            f"{self.project_path} has no preset {quoted(name)}.{meant}",
            hint="See the presets with: modellix-cli project show",
        )

    def _variable(self, name: str, read: Callable[[str], T]) -> Chosen[T] | None:
        given = self._env.get(name, "").strip()
        if not given:
            return None
        try:
            return Chosen(read(given), "variable", name)
        except ModellixError as error:
            raise usage(f"{name}={quoted(given)}: {error.message}", hint=error.hint) from error

    def _in_file(self, setting: "Callable[[SettingsFile], Given[T] | None]") -> Chosen[T] | None:
        for source, file in self.files:
            found = setting(file)
            if found is not None:
                return Chosen(found.value, source, found.where)
        return None


def _template(text: str) -> str:
    from modellix_cli.downloads.name_template import parse_name_template

    return parse_name_template(text).text
