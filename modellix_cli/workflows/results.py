"""What commands do with finished tasks: remember them, save their files, say how they ended."""

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Final

from modellix_cli.api.documents import RESULT_LIFETIME, Task
from modellix_cli.clock import clock_time
from modellix_cli.commands._framework.options import SaveOptions
from modellix_cli.context.session import Session
from modellix_cli.domain.errors import ErrorCode, ModellixError, interrupted
from modellix_cli.domain.text import count, duration
from modellix_cli.output.sink import Output

if TYPE_CHECKING:
    from modellix_cli.downloads.downloader import Downloader, Saved

EXPIRED: Final = "expired"
"""The status in the journal of a task that succeeded, and of whose results none is left to save."""


def remember(session: Session, task: Task) -> None:
    """Record in the journal what the server said about a task."""
    session.journal.saw(task.task_id, task.status, task.ended_at)


def tell_expiry(session: Session, tasks: Sequence[Task]) -> None:
    """Warn until when results can be saved, and with which command."""
    kept = [task for task in tasks if task.succeeded and task.resources]
    if not kept or session.out.mode is Output.QUIET:
        return
    command = session.command_line("task download", kept[0].task_id)
    ends = [task.ended_at for task in kept if task.ended_at is not None]
    if not ends:
        session.out.note(f"Results are kept for 24 hours. Save them with: {command}")
        return
    until = min(ends) + RESULT_LIFETIME
    left = until - session.runtime.clock.now()
    if left <= 0:
        session.out.warn(f"The results expired at {clock_time(until)}; they may be gone.")
    else:
        session.out.note(
            f"Results are kept until {clock_time(until)} (for {duration(left)}). "
            f"Save them with: {command}"
        )


def open_downloader(
    session: Session,
    options: SaveOptions,
    reread: Callable[[str], Task] | None = None,
) -> "Downloader":
    """Prepare saving: the folder is made and known to be writable before anything is paid.

    `reread` asks for a task anew where its results have moved.
    """
    from modellix_cli.downloads.downloader import Downloader, Limits
    from modellix_cli.downloads.fetcher import MediaFetcher, MediaPolicy
    from modellix_cli.downloads.files import prepare_folder

    folder = session.path(options.output_dir)
    prepare_folder(folder)
    policy = MediaPolicy(options.allow_insecure_http, options.allow_private_network)
    fetcher = MediaFetcher(policy, session.sandbox_app)
    session.at_end(fetcher.close)
    return Downloader(
        fetcher,
        folder,
        Limits(
            options.max_bytes,
            options.max_total_bytes,
            options.max_resources,
            options.file_timeout,
            options.parallel,
        ),
        overwrite=options.overwrite,
        clock=session.runtime.clock,
        notice=session.retry_notice,
        reread=reread,
    )


def save(session: Session, downloader: "Downloader", task: Task) -> "Saved":
    """Save what a task made. Failures of single files are in the result; Ctrl-C tells the rest."""
    from modellix_cli.downloads.downloader import Saved

    saved = Saved(downloader.folder)
    try:
        fill(session, downloader, task, saved)
    except KeyboardInterrupt as stop:
        tell_saved(session, [saved])
        raise interrupted(
            stop,
            f"Interrupted; {count(len(saved.files), 'file')} of task {task.task_id} saved.",
            task_id=task.task_id,
            resume=_again(session, task),
        ) from stop
    return saved


def fill(session: Session, downloader: "Downloader", task: Task, saved: "Saved") -> None:
    """Save what a task made into `saved`, and record it if all of it is on disk, or gone."""
    try:
        with session.progress() as progress:
            downloader.save(task, saved, progress)
    except ModellixError as error:
        saved.fail(error)
    if not saved.errors:
        session.journal.saved(task.task_id)
    elif all(error.code is ErrorCode.RESULT_EXPIRED for error in saved.errors):
        session.journal.saw(task.task_id, EXPIRED, task.ended_at)
    saved.explain(
        lambda failure: failure.copy_with(
            task_id=task.task_id,
            resume=None if failure.code is ErrorCode.RESULT_EXPIRED else _again(session, task),
        )
    )


def tell_saved(session: Session, outcomes: Iterable["Saved"]) -> None:
    """Name on stderr what is on disk, for a command that cannot show it any more."""
    for saved in outcomes:
        for file in saved.files:
            session.out.alert(f"Saved: {file.path}")


def _again(session: Session, task: Task) -> str:
    return session.command_line("task download", task.task_id, save_to=session.save_to)


def report_errors(session: Session, errors: Sequence[ModellixError]) -> int:
    """Tell every error but leave stdout alone; return the status to exit with."""
    session.out.envelope = False
    for error in errors:
        session.out.error(session.explain(error))
    statuses = {error.exit_status for error in errors}
    return statuses.pop() if len(statuses) == 1 else 1
