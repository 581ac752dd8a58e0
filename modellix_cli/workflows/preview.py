"""Files drawn in the terminal: which, and where on it."""

from collections.abc import Iterator, Sequence
from importlib.util import find_spec
from pathlib import Path

from modellix_cli.context.session import Session
from modellix_cli.domain.errors import ErrorCode, ModellixError, usage
from modellix_cli.output import terminal
from modellix_cli.output.links import FileLink
from modellix_cli.output.preview import graphics
from modellix_cli.output.preview.decoder import find_decoder
from modellix_cli.output.preview.graphics import Place
from modellix_cli.output.preview.picture import CannotShow
from modellix_cli.output.preview.show import preview
from modellix_cli.output.sink import Output

INSTALL = "pip install 'modellix-cli[preview]'"
_WIDEST = 80
_LINES_LEFT = 6
"""Rows of the terminal that a picture leaves to what is written around it."""


def check_terminal(session: Session, what: str) -> None:
    """Raise the usage error where pictures cannot be drawn: in pipes, CI and plain terminals."""
    if not terminal.can_animate(session.runtime.stdout, session.runtime.env):
        raise usage(f"{what} needs a terminal: stdout is none here, or one that cannot draw.")
    if session.out.mode is not Output.HUMAN:
        raise usage(f"{what} draws for people: leave --json, --quiet and --output out.")


def find_place(session: Session, width: int | None, *, ask: bool) -> Place:
    """Return where pictures go: at most 80 columns unless `width` says otherwise, and no higher
    than the terminal. `ask` allows to ask the terminal what the environment does not say.
    """
    runtime = session.runtime
    columns = terminal.columns(runtime.stdout, runtime.env)
    rows = terminal.rows(runtime.stdout, runtime.env)
    stdin = runtime.stdin if ask else None
    shows, cell = graphics.find_graphics(stdin, runtime.stdout, runtime.env)
    return Place(
        graphics=shows,
        columns=max(1, min(width or _WIDEST, columns - 1)),
        rows=max(1, rows - _LINES_LEFT),
        cell=cell,
        colors=graphics.colors_of(runtime.env, allowed=session.out.is_colored),
    )


def preview_files(session: Session, files: Sequence[Path], width: int | None) -> None:
    """Draw files under their names. Raises `NO_PREVIEW` for the first that cannot be drawn.

    The others are drawn all the same.
    """
    place = find_place(session, width, ask=True)
    failure: ModellixError | None = None
    for path in files:
        session.out.parts(FileLink(path.name, "", str(path)))
        try:
            session.out.drawing(drawn(session, path, place))
        except CannotShow as reason:
            failure = failure or _no_preview(path, str(reason))
            session.out.line(f"({reason})")
    if failure is not None:
        raise failure


def drawn(session: Session, path: Path, place: Place) -> str:
    """Return what the terminal is to show of a file. Raises `CannotShow`, with the reason."""
    try:
        return preview(path, place, find_decoder(session.runtime.env))
    except ImportError:
        raise CannotShow(f"Pictures need an optional package. Install it: {INSTALL}") from None


def _no_preview(path: Path, reason: str) -> ModellixError:
    hint = f"Install it: {INSTALL}" if not has_pillow() else None
    return ModellixError(ErrorCode.NO_PREVIEW, f"{path}: {reason}", hint=hint)


def find_files(session: Session, text: str) -> list[Path]:
    """Return the file that the user named, or those that were saved of a task and are there.

    A file comes before a task of the same name. Raises `NOT_FOUND` where nothing is saved.
    """
    path = session.settings.path(text)
    if path.is_file():
        return [path]
    task_id = session.task_id(text)
    files = list(_saved(session, task_id))
    if not files:
        save = session.commands.line("task download", task_id)
        raise ModellixError(
            ErrorCode.NOT_FOUND,
            f"There is no file {text}, and no saved result of a task of this id on this machine.",
            hint=f"Save the results of a task first: {save}",
        )
    return files


def _saved(session: Session, task_id: str) -> Iterator[Path]:
    """Yield of each result the file that was saved last and is still there."""
    newest: dict[int, Path] = {}
    for file in session.stores.files.of_task(task_id):
        if Path(file.path).is_file():
            newest[file.position] = Path(file.path)
    yield from newest.values()


def has_pillow() -> bool:
    """Whether the optional package for pictures is there."""
    return find_spec("PIL") is not None
