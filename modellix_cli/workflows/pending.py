"""`task download --pending`: save all that this machine knows of and has not saved yet."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from modellix_cli.api.documents import FAILED, RESULT_LIFETIME
from modellix_cli.commands._framework.options import SaveOptions
from modellix_cli.context.session import Session
from modellix_cli.domain.errors import ErrorCode, ModellixError, interrupted
from modellix_cli.domain.text import count
from modellix_cli.downloads.downloader import Downloader, Saved, task_failed
from modellix_cli.workflows.results import EXPIRED, fill, open_downloader, remember, tell_saved

if TYPE_CHECKING:
    from modellix_cli.api.client import Client


@dataclass(slots=True)
class Collected:
    """What became of the tasks, in the order in which they expire; complete at any moment."""

    saved: dict[str, Saved] = field(default_factory=dict)
    running: list[str] = field(default_factory=list)

    @property
    def errors(self) -> list[ModellixError]:
        """Everything that went wrong."""
        return [error for saved in self.saved.values() for error in saved.errors]


def save_pending(session: Session, api_key: str | None, options: SaveOptions) -> Collected:
    """Save the results of every task of this account that may still be had, soonest to end first.

    One failure stops no other, but for a refused key. Ctrl-C names what was saved.
    """
    collected = Collected()
    task_ids = pending(session)
    if not task_ids:
        session.out.note("Nothing to save: all results of the last 24 hours are saved or gone.")
        return collected
    client = session.client(api_key)
    downloader = open_downloader(session, options, client.task)
    try:
        for task_id in task_ids:
            collect(session, client, downloader, task_id, collected)
    except KeyboardInterrupt as stop:
        tell_saved(session, collected.saved.values())
        files = sum(len(saved.files) for saved in collected.saved.values())
        raise interrupted(
            stop,
            f"Interrupted; {count(files, 'file')} saved.",
            resume=session.command_line("task download --pending", save_to=session.save_to),
        ) from stop
    return collected


def pending(session: Session) -> list[str]:
    """Return the ids of the tasks whose results may still be had and are not saved."""
    since = session.runtime.clock.now() - RESULT_LIFETIME
    known = session.journal.unsaved(since)
    return [
        task_id for task_id, status in known if (status or "").lower() not in {*FAILED, EXPIRED}
    ]


def collect(
    session: Session, client: "Client", downloader: Downloader, task_id: str, collected: Collected
) -> None:
    """Ask for one task, once, and save what it made if it has succeeded."""
    try:
        task = client.task(task_id)
    except ModellixError as error:
        if error.code is ErrorCode.UNAUTHORIZED and collected == Collected():
            raise  # the key is refused for every task
        collected.saved[task_id] = failed = Saved(downloader.folder)
        message = f"Task {task_id}: {error.message}"
        failed.fail(error.copy_with(task_id=task_id, message=message))
        return
    remember(session, task)
    if task.failed:
        session.out.alert(f"Left out: {task_failed(task).message}")
    elif not task.succeeded:
        collected.running.append(task_id)
    else:
        collected.saved[task_id] = saved = Saved(downloader.folder)
        if task.resources:
            fill(session, downloader, task, saved)
        else:
            session.out.alert(f"Task {task_id} made nothing that could be saved.")
            session.journal.saved(task_id)
        saved.explain(lambda failure: _naming(failure, task_id))


def _naming(failure: ModellixError, task_id: str) -> ModellixError:
    if task_id in failure.message:
        return failure
    return failure.copy_with(message=f"Task {task_id}: {failure.message}")
