"""`task download`: the engine entered where a task may have ended already."""

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from math import inf
from typing import TYPE_CHECKING, Final

from modellix_cli.context.session import Session
from modellix_cli.domain.errors import ErrorCode, ModellixError, interrupted
from modellix_cli.domain.frozen import frozen
from modellix_cli.domain.text import count
from modellix_cli.engine.core.config import EngineConfig, Follow
from modellix_cli.ledger.file_lock import only_one
from modellix_cli.options.saving import DownloadSaving
from modellix_cli.workflows.pending import pending_tasks
from modellix_cli.workflows.saving import open_downloader, open_saver, tell_saved
from modellix_cli.workflows.wait import Waited, follow_tasks

if TYPE_CHECKING:
    from pathlib import Path

    from modellix_cli.domain.saved import Saved
    from modellix_cli.domain.task import Task
    from modellix_cli.engine.core.lines import LineOutcome

_LOCK_STEP: Final = 0.1


@frozen
class Downloaded:
    """What was saved of one task; `task` is what the server said of it."""

    task_id: str
    saved: "Saved"
    task: "Task | None" = None


@frozen
class Collected:
    """What became of many tasks, in the order in which they expire; `saved` has failures too."""

    saved: "dict[str, Saved]"
    running: list[str]
    errors: list[ModellixError]


def download_task(
    session: Session, api_key: str | None, options: DownloadSaving, task_id: str
) -> Downloaded:
    """Save what one task made. Raises why there is nothing to save, or the one failure of all."""
    waited = _save(session, api_key, options, [task_id])
    outcome = waited.outcomes[task_id]
    if outcome.saved is None and outcome.error is not None:
        raise outcome.error.copy_with(task_id=task_id)
    if waited.stop is not None and outcome.saved is None:
        raise _interrupted(session, waited, f" of task {task_id}", [task_id])
    saved = outcome.saved
    if saved is None:
        raise _why_nothing(outcome, task_id, options.max_resources)
    if saved.errors and not saved.files and len(saved.errors) == 1:
        raise saved.errors[0]
    return Downloaded(task_id, saved, outcome.task)


def _why_nothing(outcome: "LineOutcome", task_id: str, max_resources: int) -> ModellixError:
    """Return why nothing of a task could be saved."""
    from modellix_cli.downloads.downloader import check_downloadable

    if outcome.error is not None:
        return outcome.error.copy_with(task_id=task_id)
    if outcome.task is not None:
        try:
            check_downloadable(outcome.task, max_resources)
        except ModellixError as error:
            return error
    return ModellixError(
        ErrorCode.TASK_NOT_FINISHED, f"Task {task_id} could not be polled in time."
    )


def download_pending(
    session: Session, api_key: str | None, options: DownloadSaving
) -> Collected | None:
    """Save the results of every task of this account that may still be had; None for none.

    Of several such commands at once one saves, and the others wait for it. Each task is polled
    once, the first to expire first; one failure stops no other, but for a refused
    key. Where there is nothing to save no key is needed.
    """
    try:
        session.connections.find_and_keep_key(api_key)
    except ModellixError as error:
        if error.code is ErrorCode.MISSING_API_KEY and not pending_tasks(session):
            return None
        raise
    if not pending_tasks(session):
        return None
    with _only_pending(session):
        task_ids = pending_tasks(session)
        if not task_ids:  # another command has saved them meanwhile
            return None
        waited = _save(session, api_key, options, task_ids)
    if waited.stop is not None:
        raise _interrupted(session, waited, "", task_ids)
    if waited.refused is not None:
        raise waited.refused
    return _collected(session, waited, session.settings.path(options.output_dir))


@contextmanager
def _only_pending(session: Session) -> Iterator[None]:
    """Let one `--pending` at a time save, so that no result is saved twice; wait for another.

    A process that ends, however it does, gives way to the next.
    """
    place = session.stores.ledger_file.path.with_name("pending")
    with ExitStack() as held:
        try:
            held.enter_context(only_one(place, 0.0))
        except OSError:  # where there can be no lock, it is as if there was no other
            pass
        except sqlite3.OperationalError:
            session.out.note("Another command saves the pending results. Waiting for it to end.")
            held.enter_context(only_one(place, inf, _LOCK_STEP))
        yield


def _save(
    session: Session, api_key: str | None, options: DownloadSaving, task_ids: Sequence[str]
) -> Waited:
    client = session.connections.client(api_key)
    folder = session.settings.path(options.output_dir)
    made = not folder.exists()
    downloader = open_downloader(session, options, client)
    saver = open_saver(session, downloader, options, keep=False)
    assert saver is not None
    config = EngineConfig(
        follow=Follow.ONCE,
        save=True,
        timeout=session.settings.patience,
        patience=session.settings.patience,
        saves=1 if len(task_ids) == 1 else 4,
    )
    waited = follow_tasks(session, client, task_ids, config, saver)
    if waited.stop is not None or waited.refused is not None:
        saver.settle()
        tell_saved(session, saver.saved)
    if made and not any(saved.files for saved in saver.saved):
        with suppress(OSError):  # somebody else put something there
            folder.rmdir()
    return waited


def _collected(session: Session, waited: Waited, folder: "Path") -> Collected:
    from modellix_cli.domain.saved import Saved
    from modellix_cli.downloads.downloader import task_failed

    collected = Collected({}, [], [])
    for task_id in waited.task_ids:
        outcome = waited.outcomes[task_id]
        if outcome.saved is not None:
            _add_saved(session, collected, task_id, outcome.saved)
        elif outcome.error is not None:
            error = _naming(outcome.error, task_id)
            collected.errors.append(error)
            collected.saved[task_id] = Saved(folder)
            collected.saved[task_id].fail(error)
        elif outcome.task is not None and outcome.task.failed:
            session.out.alert(f"Left out: {task_failed(outcome.task).message}")
        else:
            collected.running.append(task_id)
    return collected


def _add_saved(session: Session, collected: Collected, task_id: str, saved: "Saved") -> None:
    codes = {error.code for error in saved.errors}
    if codes == {ErrorCode.NO_RESOURCES}:
        session.out.alert(f"Task {task_id} made nothing that could be saved.")
        saved.failures.clear()
        collected.saved[task_id] = saved
        return
    collected.saved[task_id] = saved
    for position, failure in saved.failures.items():
        saved.failures[position] = _naming(failure, task_id)
    collected.errors.extend(saved.errors)


def _naming(failure: ModellixError, task_id: str) -> ModellixError:
    if task_id in failure.message:
        return failure.copy_with(task_id=task_id)
    return failure.copy_with(message=f"Task {task_id}: {failure.message}", task_id=task_id)


def _interrupted(
    session: Session, waited: Waited, of_what: str, task_ids: Sequence[str]
) -> ModellixError:
    assert waited.stop is not None
    saved = [o.saved for o in waited.outcomes.values() if o.saved is not None]
    files = sum(len(some.files) for some in saved)
    single = len(task_ids) == 1 and bool(of_what)
    command = "task download" if single else "task download --pending"
    names = task_ids if single else ()
    return interrupted(
        waited.stop,
        f"Interrupted; {count(files, 'file')}{of_what} saved.",
        task_id=task_ids[0] if single else None,
        resume=session.commands.line(command, *names, options=session.saving),
    )
