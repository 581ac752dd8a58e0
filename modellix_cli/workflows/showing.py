"""Saved results looked at once a command has saved them: drawn, or opened in a viewer."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from modellix_cli.context.session import Session
from modellix_cli.domain.errors import ModellixError, usage
from modellix_cli.domain.text import count
from modellix_cli.options.showing import Preview, Showing
from modellix_cli.output import terminal
from modellix_cli.output.preview.graphics import known_graphics
from modellix_cli.output.preview.picture import CannotShow
from modellix_cli.output.sink import Output
from modellix_cli.workflows.preview import (
    INSTALL,
    check_terminal,
    drawn,
    find_place,
    has_pillow,
)
from modellix_cli.workflows.viewer import System, show_file

_MOST: Final = 4
"""Results of one task that are drawn."""


def check_showing(session: Session, showing: Showing) -> None:
    """Refuse what could not be shown anyway, before anything is paid for."""
    if showing.preview is Preview.ON:
        check_terminal(session, "--preview on")
        if not has_pillow():
            raise usage("Pictures need an optional package.", hint=f"Install it: {INSTALL}")


def show_saved(session: Session, files: Sequence[Path], showing: Showing) -> None:
    """Draw and open saved files, as far as it is wanted; what cannot be shown is told."""
    if files and _draws(session, showing.preview):
        _draw(session, files, told=showing.preview is Preview.ON)
    if showing.open_:
        open_first(session, files)


def _draws(session: Session, wanted: Preview) -> bool:
    """Whether results are drawn: by itself only where the environment tells of a terminal that
    shows pictures, and the optional package is there.
    """
    env = session.runtime.env
    if wanted is Preview.OFF or session.out.mode is not Output.HUMAN:
        return False
    if not terminal.can_animate(session.runtime.stdout, env):
        return False
    return wanted is Preview.ON or (known_graphics(env) is not None and has_pillow())


def _draw(session: Session, files: Sequence[Path], *, told: bool) -> None:
    place = find_place(session, None, ask=told)
    for path in files[:_MOST]:
        try:
            session.out.drawing(drawn(session, path, place))
        except CannotShow as reason:
            if told:
                session.out.note(f"No preview of {path.name}: {reason}")
    if len(files) > _MOST:
        session.out.note(f"{count(len(files) - _MOST, 'more file')} not drawn: see task preview.")


def open_first(session: Session, files: Sequence[Path]) -> None:
    """Open the first of saved files in the system's viewer; without one that is told."""
    if not files:
        return
    try:
        show_file(files[0], System(sys.platform, session.runtime.env))
    except ModellixError as error:
        session.out.note(f"{files[0].name} was not opened: {error.message}")
