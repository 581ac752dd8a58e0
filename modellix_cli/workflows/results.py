"""How commands end that are about tasks: until when results are kept, and every failure told."""

import math
import os
from collections.abc import Sequence

from modellix_cli.clock import clock_time
from modellix_cli.context.session import Session
from modellix_cli.domain.errors import ModellixError
from modellix_cli.domain.exit_status import worst
from modellix_cli.domain.task import Submission, Task, is_end
from modellix_cli.domain.text import count, duration
from modellix_cli.engine.task_book import TaskBook
from modellix_cli.output.sink import Output
from modellix_cli.output.summaries import LocalInfo, ShownFile


def record_status(session: Session, task: Task) -> None:
    """Record what the server said about a task; a ledger that fails is warned of."""
    try:
        book = TaskBook(session.stores.tasks, session.stores.files, session.runtime.clock)
        book.record_status(task)
    except ModellixError as error:
        warn_unrecorded(session, error, [task.task_id])


def warn_unrecorded(session: Session, error: ModellixError, task_ids: Sequence[str]) -> None:
    """Say that the ledger does not know what became of tasks, why, and how it may learn that."""
    named = task_ids[0] if len(task_ids) == 1 else count(len(task_ids), "task")
    line = session.commands.line("task wait", *task_ids)
    session.out.warn(
        f"Not recorded: what became of {named}. {error.message} Once the ledger can be used, "
        f"record it with: {line}"
    )


def local_info(session: Session, task_id: str) -> LocalInfo:
    """Return what this machine knows of a task, for people; nothing where only programs read."""
    return find_local_info(session, task_id) if session.out.mode is Output.HUMAN else LocalInfo()


def find_local_info(session: Session, task_id: str) -> LocalInfo:
    """Return what this machine knows of a task, and the files of it that are still there."""
    try:
        known = session.stores.tasks.known_task(task_id)
        kept = session.stores.files.of_task(task_id)
    except ModellixError:
        return LocalInfo()  # tasks can be shown without a ledger
    newest = {f.position: ShownFile(f.path, f.size, f.type, f.position) for f in kept}
    files = tuple(file for file in newest.values() if os.path.exists(file.path))  # noqa: PTH110
    if known is None:
        return LocalInfo(files=files)
    return LocalInfo(known.slug, max(0.0, session.runtime.clock.now() - known.created_at), files)


def tell_how_to_wait(session: Session, task: Task | Submission) -> None:
    """Tell people the command that waits for a task which may still run."""
    if session.out.mode is Output.HUMAN and not is_end(task.status):
        waiting = session.commands.line("task wait", task.task_id)
        session.out.note(f"Wait for it with: {waiting}")


def tell_expiry(session: Session, tasks: Sequence[Task]) -> None:
    """Say until when results that are not saved here can be, and with which command."""
    if session.out.mode is Output.QUIET or session.out.silent:
        return
    kept = [task for task in tasks if task.succeeded and task.resources]
    kept = [task for task in kept if not find_local_info(session, task.task_id).has_all_of(task)]
    if not kept:
        return
    pending = len(kept) > 1
    command = session.commands.line(
        "task download",
        *([] if pending else [kept[0].task_id]),
        options=["--pending"] if pending else [],
    )
    ends = [end for task in kept if (end := task.kept_until) is not None]
    left = min(ends, default=math.inf) - session.runtime.clock.now()
    if left <= 0:
        session.out.warn(f"The results expired on {clock_time(min(ends))}; they may be gone.")
        return
    until = f"until {clock_time(min(ends))} (for {duration(left)})" if ends else "for 7 days"
    words = (f"Results are kept {until}.", f"Save them with: {command}")
    if session.out.mode is Output.HUMAN:
        for line in words:
            session.out.note(line)
    else:
        session.out.note(" ".join(words))


def report_errors(session: Session, errors: Sequence[ModellixError]) -> int:
    """Tell every error but leave stdout alone; return the status to exit with."""
    session.out.envelope = False
    for error in errors:
        session.out.error(session.explain(error))
    return worst(error.exit_status for error in errors)
