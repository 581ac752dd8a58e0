"""What commands do with finished tasks: remember them, save their files, say how they ended."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from modellix_cli.api.documents import RESULT_LIFETIME, Task
from modellix_cli.clock import clock_time
from modellix_cli.commands.options import SaveOptions
from modellix_cli.commands.session import Session
from modellix_cli.errors import Code, ModellixError, interrupted
from modellix_cli.output.sink import Output
from modellix_cli.text import count, duration

if TYPE_CHECKING:
    from modellix_cli.jobs.download import Downloader, Saved


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
    from modellix_cli.api.media import MediaFetcher, MediaPolicy
    from modellix_cli.jobs.download import Downloader, Limits
    from modellix_cli.local.files import prepare_folder

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
    from modellix_cli.jobs.download import Saved

    saved = Saved(downloader.folder)
    again = session.command_line("task download", task.task_id, save_to=session.save_to)
    try:
        with session.progress() as progress:
            downloader.save(task, saved, progress)
    except KeyboardInterrupt as stop:
        for file in saved.files:
            session.out.note(f"Saved: {file.path}")
        raise interrupted(
            stop,
            f"Interrupted; {count(len(saved.files), 'file')} of task {task.task_id} saved.",
            task_id=task.task_id,
            resume=again,
        ) from stop
    except ModellixError as error:
        saved.fail(error)
    if not saved.errors:
        session.journal.saved(task.task_id)
    for failure in saved.errors:
        failure.task_id = task.task_id
        if failure.code is not Code.RESULT_EXPIRED:
            failure.resume = again
    return saved


def report_errors(session: Session, errors: Sequence[ModellixError]) -> int:
    """Tell every error but leave stdout alone; return the status to exit with."""
    session.out.envelope = False
    for error in errors:
        session.out.error(error)
    statuses = {error.exit for error in errors}
    return statuses.pop() if len(statuses) == 1 else 1
