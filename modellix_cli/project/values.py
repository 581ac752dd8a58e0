"""What a file of settings says, as values; each knows where it stands."""

from collections.abc import Mapping
from dataclasses import field
from typing import Final, Generic, TypeVar

from modellix_cli.domain.budget import Budget
from modellix_cli.domain.frozen import frozen
from modellix_cli.domain.jsontext import Json
from modellix_cli.domain.values import Slug

T = TypeVar("T")

PROMPT_FIELD: Final = "{prompt}"
"""What a preset's prompt has where the words of the user go."""


@frozen
class Given(Generic[T]):
    """A setting, and where it stands: `/home/me/film/modellix.toml:3`."""

    value: T
    where: str


@frozen
class Parameters:
    """Parameters that lie beneath what the user gives.

    `where` is what errors call them, `places` where each stands.
    """

    values: Mapping[str, Json]
    where: str
    places: Mapping[str, str] = field(default_factory=dict)


@frozen
class Preset:
    """What `model run @NAME` stands for. What is None is left to the other settings.

    `output_dir` is an absolute path; `places` say where each parameter stands.
    """

    name: str
    where: str
    model: Slug | None = None
    prompt: str | None = None
    parameters: Mapping[str, Json] = field(default_factory=dict)
    output_dir: str | None = None
    name_template: str | None = None
    places: Mapping[str, str] = field(default_factory=dict)

    @property
    def needs_prompt(self) -> bool:
        """Whether its prompt has a place for the words of the user."""
        return self.prompt is not None and PROMPT_FIELD in self.prompt


@frozen
class SettingsFile:
    """All that a file of settings says. `parameters` are by the model's `provider/model`."""

    model: Given[Slug] | None = None
    output: Given[str] | None = None
    output_dir: Given[str] | None = None
    name_template: Given[str] | None = None
    budget: Given[Budget] | None = None
    parameters: Mapping[str, Parameters] = field(default_factory=dict)
    presets: Mapping[str, Preset] = field(default_factory=dict)
