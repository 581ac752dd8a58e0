"""What commands that wait share: one wait, and an end that says what is known and how to resume."""

from typing import TYPE_CHECKING

import typer

from modellix_cli.context.session import Session
from modellix_cli.domain.errors import ErrorCode, ModellixError, interrupted
from modellix_cli.domain.text import clip
from modellix_cli.domain.values import format_duration
from modellix_cli.downloads.downloader import task_failed
from modellix_cli.engine.poll_schedule import PollScheduler
from modellix_cli.engine.wait import Schedule, Waited, Waiter, new_waited
from modellix_cli.engine.worker_pool import Pool
from modellix_cli.output import render
from modellix_cli.workflows.results import report_errors

if TYPE_CHECKING:
    from modellix_cli.api.client import Client
    from modellix_cli.domain.task import Task


def wait_for(session: Session, client: "Client", waited: Waited, schedule: Schedule) -> None:
    """Wait until every task of `waited` ended or is in error.

    On time-out or Ctrl-C the finished results are shown, the command that resumes is named, and
    `TASK_WAIT_TIMEOUT` or `INTERRUPTED` ends the command.
    """
    run_waiter(session, client, waited, schedule, reached=False, show=True)
    if waited.unfinished:
        error = timed_out(session, waited, schedule)
        render.waited_partly(session.out, waited, error.as_dict())
        report_errors(session, [*waited.errors.values(), error])
        raise typer.Exit(error.exit_status)


def run_waiter(
    session: Session,
    client: "Client",
    waited: Waited,
    schedule: Schedule,
    *,
    reached: bool,
    show: bool,
) -> None:
    """Run the wait with its display. On Ctrl-C, `show` puts finished results on stdout first."""
    clock, governor = session.runtime.clock, session.governor
    workers: Pool[str, Task] = Pool(schedule.concurrency, clock)
    looks = PollScheduler(session.expectations, clock, interval=schedule.interval, reached=reached)

    def seen(task: "Task") -> None:
        session.journal.saw(task.task_id, task.status.lower(), task.ended_at)
        governor.saw(task)

    try:
        with session.progress() as progress:
            Waiter(
                lambda task_id: client.task(task_id, patient=False),
                workers,
                schedule,
                looks,
                clock=clock,
                progress=progress,
                ask=governor.ask,
                seen=seen,
            ).run(waited, session.journal.begun)
    except KeyboardInterrupt as stop:
        error = stopped(session, waited, stop)
        if show and waited.finished:
            render.waited_partly(session.out, waited, error.as_dict())
        raise error from stop
    finally:
        workers.close()


def stopped(session: Session, waited: Waited, stop: KeyboardInterrupt) -> ModellixError:
    """Return the error that ends a wait after Ctrl-C, with the command that resumes it."""
    rest = waited.unfinished
    what = f"Task {rest[0]} may" if len(rest) == 1 else f"{len(rest)} tasks may"
    return interrupted(
        stop,
        f"Interrupted. {what} still run.",
        task_id=rest[0] if len(rest) == 1 else None,
        resume=session.resume(*rest),
    )


def timed_out(session: Session, waited: Waited, schedule: Schedule) -> ModellixError:
    """Return the error for a wait whose time is over, with the last trouble that was met."""
    rest = waited.unfinished
    limit = format_duration(schedule.timeout)
    message = f"Timed out after {limit} while waiting for {len(rest)} unfinished task(s)."
    message += trouble_words(waited)
    return ModellixError(
        ErrorCode.TASK_WAIT_TIMEOUT,
        message,
        task_id=rest[0] if len(rest) == 1 else None,
        resume=session.resume(*rest),
    )


def trouble_words(waited: Waited) -> str:
    """Return a sentence about the last failure that was tolerated, or ""."""
    if not waited.troubles:
        return ""
    return f" The last failure: {clip(next(iter(waited.troubles.values())).message, 300)}"


def conclude(session: Session, waited: Waited) -> None:
    """End the command: with every failed task and every id in error told, if there are any."""
    failures = [task_failed(task) for task in waited.finished if task.failed]
    errors = [
        error.copy_with(message=f"Task {task_id}: {error.message}")
        for task_id, error in waited.errors.items()
    ]
    status = report_errors(session, [*failures, *errors])
    if failures or waited.errors:
        raise typer.Exit(status)


def wait_for_submitted(
    session: Session, client: "Client", task_id: str, schedule: Schedule
) -> "Task":
    """Wait for the task that was just submitted and return it, ended well or badly.

    Every other end names the task and the command that resumes.
    """
    waited = new_waited([task_id])
    run_waiter(session, client, waited, schedule, reached=True, show=False)
    if waited.unfinished:
        error = timed_out(session, waited, schedule)
        limit = format_duration(schedule.timeout)
        message = f"Task {task_id} did not end within {limit}; it may still be running."
        raise error.copy_with(message=message + trouble_words(waited))
    for error in waited.errors.values():
        message = f"Task {task_id} was submitted, but status polling failed: {error.message}"
        raise error.copy_with(message=message)
    return waited.finished[0]
