"""Where results are saved, and under which names, where no option says so."""

from collections.abc import Collection
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final, TypeVar

from modellix_cli.context.session import Session
from modellix_cli.options.saving import Saving

if TYPE_CHECKING:
    from modellix_cli.project.values import Preset

S = TypeVar("S", bound=Saving)

_NAMES: Final = ("output_dir", "name_template")


def with_saving_settings(
    session: Session, saving: S, given: Collection[str], preset: "Preset | None" = None
) -> S:
    """Return how to save: what options leave open comes from a preset, a variable, a file.

    `given` are the names of the options that were given. Raises the usage error and
    `PROJECT_UNUSABLE`.
    """
    defaults = session.settings.defaults
    changes: dict[str, Any] = {}
    for name in _NAMES:
        if name in given:
            continue
        value = None if preset is None else getattr(preset, name)
        if value is None:
            chosen = getattr(defaults, name)
            value = None if chosen is None else chosen.value
        if value is not None:
            changes[name] = value
    return replace(saving, **changes)
