"""Following tasks that exist already: `task wait`, and the engine's part of downloading."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import typer

from modellix_cli.context.session import Session
from modellix_cli.domain.errors import ErrorCode, ModellixError, interrupted
from modellix_cli.domain.jsontext import JsonObject
from modellix_cli.domain.submission_state import SubmissionState
from modellix_cli.domain.task import Task
from modellix_cli.domain.text import clip
from modellix_cli.domain.wait_limit import WaitLimit, wait_limit
from modellix_cli.engine.core.config import EngineConfig, Follow
from modellix_cli.engine.core.events import Stop
from modellix_cli.engine.core.following import INTERRUPTED, TIMED_OUT
from modellix_cli.engine.core.lines import Known, Line, LineOutcome
from modellix_cli.engine.notices import Notice, PollTrouble, TaskPolled
from modellix_cli.engine.ports import ListSource
from modellix_cli.engine.progress import Progress
from modellix_cli.engine.task_book import TaskBook
from modellix_cli.models.pricing.values import json_amount
from modellix_cli.output.summaries import LocalInfo
from modellix_cli.workflows.results import local_info, report_errors, tell_expiry, warn_unrecorded
from modellix_cli.workflows.work import Collector, run_engine

if TYPE_CHECKING:
    from modellix_cli.api.client import Client
    from modellix_cli.workflows.saving import EngineSaver


@dataclass(slots=True)
class Waited:
    """What is known of the tasks, in the order in which they were asked for.

    `stop` is the signal that ended the wait, `trouble` the last failure that was tolerated.
    """

    task_ids: list[str]
    outcomes: dict[str, LineOutcome] = field(default_factory=dict)
    stop: KeyboardInterrupt | None = None
    trouble: str | None = None
    refused: ModellixError | None = None
    """The refusal of the key, where tasks are polled once: none of the others was polled then."""
    heard: dict[str, str] = field(default_factory=dict)
    """The last status that was heard of each task, ended or not."""
    files: dict[str, list[JsonObject]] = field(default_factory=dict)
    """What earlier commands saved of the tasks."""
    limit: WaitLimit = field(default_factory=lambda: WaitLimit(0.0))
    """How long they were waited for."""
    known: dict[str, LocalInfo] = field(default_factory=dict)
    """What this machine knows of the tasks, where people are shown it."""

    def status(self, task_id: str) -> str:
        """Return the last status known of a task, `unknown` if none was heard."""
        task = self.tasks.get(task_id)
        return task.status if task is not None else self.heard.get(task_id, "unknown")

    def entry(self, task_id: str) -> JsonObject:
        """Return what every JSON result says of a task: its status, saved files, what it cost."""
        files, task = self.files.get(task_id, []), self.tasks.get(task_id)
        entry: JsonObject = {"taskId": task_id, "status": self.status(task_id), "files": files}
        billed = None if task is None else json_amount(task.billed)
        return entry if billed is None else entry | {"billedUsd": billed}

    def local_info(self, task_id: str) -> LocalInfo:
        """Return what this machine knows of a task."""
        return self.known.get(task_id, LocalInfo())

    @property
    def finished(self) -> list[Task]:
        """The tasks that ended, well or badly."""
        known = (self.outcomes.get(task_id) for task_id in self.task_ids)
        return [o.task for o in known if o is not None and o.task is not None and o.task.finished]

    @property
    def tasks(self) -> dict[str, Task]:
        """Every task that was polled, as it was last seen."""
        return {i: o.task for i, o in self.outcomes.items() if o.task is not None}

    @property
    def errors(self) -> dict[str, ModellixError]:
        """Why a task is not followed any more, where it could not be polled."""
        return {
            i: o.error.copy_with(task_id=i)
            for i, o in self.outcomes.items()
            if o.error is not None and o.waiting is not None
        }

    @property
    def unfinished(self) -> list[str]:
        """The ids of tasks that may still run."""
        waiting = (TIMED_OUT, INTERRUPTED)
        return [i for i in self.task_ids if self.outcomes[i].waiting in waiting]


class TaskCollector(Collector):
    """Keeps the last trouble as well. `once`: each task is polled once."""

    def __init__(
        self, session: Session, progress: Progress, task_ids: Sequence[str], *, once: bool
    ) -> None:
        super().__init__(
            session, progress, lambda ref: _body(session, task_ids[ref - 1]), paying=False
        )
        self.once = once
        self.refused: ModellixError | None = None
        self.troubles: dict[str, str] = {}
        self.heard: dict[str, str] = {}

    def emit(self, outcome: LineOutcome) -> Stop | None:
        """Keep a task's end; a refused key ends a round over many tasks."""
        super().emit(outcome)
        error = outcome.error
        if not self.once or error is None or error.code is not ErrorCode.UNAUTHORIZED:
            return None
        self.refused = error.copy_with(task_id=outcome.task_id)
        return Stop(error.message)

    def tell(self, notice: Notice) -> None:
        """Show progress."""
        if isinstance(notice, PollTrouble):
            self.troubles[notice.task_id] = notice.message
        elif isinstance(notice, TaskPolled):
            self.troubles.pop(notice.task_id, None)
            self.heard[notice.task_id] = notice.status
        super().tell(notice)


def follow_tasks(
    session: Session,
    client: "Client",
    task_ids: Sequence[str],
    config: EngineConfig,
    saver: "EngineSaver | None" = None,
    *,
    chosen_timeout: float | None = None,
) -> Waited:
    """Follow tasks as `config` says; a signal ends it early and is told in the result.

    To their end they are followed for `chosen_timeout` seconds, else as long as such tasks take.
    """
    lines, durations = _lines(session, task_ids)
    limit = wait_limit(chosen_timeout, durations)
    if config.follow is Follow.TO_THE_END:
        config = replace(config, timeout=limit.seconds)
    book = TaskBook(session.stores.tasks, session.stores.files, session.runtime.clock)
    source = ListSource(lines, durations=durations)
    with session.deferred_signals() as signals, session.progress(saves=config.save) as progress:
        once = config.follow is Follow.ONCE
        collector = TaskCollector(session, progress, task_ids, once=once)
        engine = run_engine(session, client, config, source, book, collector, signals, saver=saver)
    if engine.stopped_by is not None:  # which is the ledger's failure, as nothing is sent here
        warn_unrecorded(session, engine.stopped_by, task_ids)
    outcomes = {task_ids[ref - 1]: outcome for ref, outcome in collector.outcomes.items()}
    trouble = next(iter(collector.troubles.values()), None)
    return Waited(
        list(task_ids),
        outcomes,
        signals.stop,
        trouble,
        collector.refused,
        collector.heard,
        {task_id: saved_before(session, task_id) for task_id in task_ids},
        limit,
        {task_id: local_info(session, task_id) for task_id in task_ids},
    )


def _body(session: Session, task_id: str) -> bytes | None:
    """Return the request of a task, where this machine sent it and keeps it."""
    try:
        known = session.stores.origins.of(session.settings.base_url, task_id)
    except ModellixError:
        return None
    return None if known is None else known.body


def saved_before(session: Session, task_id: str) -> list[JsonObject]:
    """Return the files that are known to have been saved of a task, as JSON shows files."""
    try:
        kept = session.stores.files.of_task(task_id)
    except ModellixError:
        return []
    files = []
    for file in kept:
        entry: JsonObject = {"bytes": file.size, "path": file.path}
        entry |= {"type": file.type} if file.type else {}
        files.append(entry | ({"url": file.url} if file.url else {}))
    return files


def _lines(
    session: Session, task_ids: Sequence[str]
) -> tuple[list[Line], dict[str, tuple[float, ...]]]:
    """Return a line for each task, with what the ledger knows of it."""
    now = session.runtime.clock.now()
    lines: list[Line] = []
    durations: dict[str, tuple[float, ...]] = {}
    tasks = session.stores.tasks
    for ref, task_id in enumerate(task_ids, 1):
        slug, age = "", None
        try:
            known = tasks.known_task(task_id)
            if known is not None:
                slug, age = known.slug, max(0.0, now - known.created_at)
                if slug not in durations:
                    durations[slug] = tuple(tasks.durations(slug))
        except ModellixError:
            known = None  # tasks can be polled without a ledger
        accepted = SubmissionState.ACCEPTED
        task = Known(0, accepted, task_id, age=age, ours=known is not None)
        lines.append(Line(ref, slug, known=task))
    return lines, durations


def stopped(session: Session, waited: Waited) -> ModellixError:
    """Return the error that ends a wait after Ctrl-C, with the command that resumes it."""
    assert waited.stop is not None
    rest = waited.unfinished
    what = f"Task {rest[0]} may" if len(rest) == 1 else f"{len(rest)} tasks may"
    return interrupted(
        waited.stop,
        f"Interrupted. {what} still be running.",
        task_id=rest[0] if len(rest) == 1 else None,
        resume=session.resume(*rest),
    )


def timed_out(session: Session, waited: Waited) -> ModellixError:
    """Return the error for a wait whose time is over, with the last trouble that was met."""
    rest = waited.unfinished
    limit = waited.limit.words
    message = f"Timed out after {limit} while waiting for {len(rest)} unfinished task(s)."
    if waited.trouble is not None:
        message += f" The last failure: {clip(waited.trouble, 300)}"
    return ModellixError(
        ErrorCode.TASK_WAIT_TIMEOUT,
        message,
        task_id=rest[0] if len(rest) == 1 else None,
        resume=session.resume(*rest),
    )


def conclude_wait(session: Session, waited: Waited) -> None:
    """Show what is known and end the command: every failed task and every error is told."""
    from modellix_cli.downloads.downloader import task_failed
    from modellix_cli.output import render

    ended: ModellixError | None = None
    if waited.stop is not None and waited.unfinished:
        ended = stopped(session, waited)
        if waited.finished:
            render.waited_partly(session.out, waited, ended.as_dict())
        raise ended
    if waited.unfinished:
        ended = timed_out(session, waited)
        render.waited_partly(session.out, waited, ended.as_dict())
        report_errors(session, [*waited.errors.values(), ended])
        raise typer.Exit(ended.exit_status)
    errors = [task_failed(task) for task in waited.finished if task.failed]
    errors += [
        error.copy_with(message=f"Task {task_id}: {error.message}", task_id=task_id)
        for task_id, error in waited.errors.items()
    ]
    if len(waited.task_ids) > 1:
        render.waited_many(session.out, waited, errors)
    else:
        for error in waited.errors.values():
            raise error
        render.waited_one(session.out, waited, errors)
    tell_expiry(session, waited.finished)
    if errors:
        raise typer.Exit(report_errors(session, errors))
