"""Waiting for tasks: each on its own schedule, a slow answer delays nobody else.

Statuses that are not known to be final are polled on. When to look, and which failures are
tolerated, is in looks.py.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import partial
from typing import Final, Protocol

from modellix_cli.clock import Clock
from modellix_cli.domain.errors import ModellixError
from modellix_cli.domain.task import Task
from modellix_cli.engine.poll_schedule import PolledTask, PollScheduler
from modellix_cli.engine.progress import Progress
from modellix_cli.engine.worker_pool import Done
from modellix_cli.ledger.journal import Begun

_LAST_LOOK: Final = 1.0
"""Seconds a request that is under way at the deadline may still take."""


@dataclass(frozen=True, slots=True)
class Schedule:
    """How to wait, in seconds. `interval` None looks when an end is likely."""

    timeout: float
    interval: float | None = None
    concurrency: int = 8


@dataclass(slots=True)
class Waited:
    """What is known of the tasks, in the order they were asked for; complete at any moment.

    `troubles` holds the last failure that was tolerated for a task.
    """

    task_ids: list[str]
    tasks: dict[str, Task] = field(default_factory=dict)
    errors: dict[str, ModellixError] = field(default_factory=dict)
    troubles: dict[str, ModellixError] = field(default_factory=dict)

    @property
    def finished(self) -> list[Task]:
        """The tasks that ended, well or badly."""
        return [self.tasks[i] for i in self.task_ids if i in self.tasks and self.tasks[i].finished]

    @property
    def unfinished(self) -> list[str]:
        """The ids of tasks that may still run."""
        return [i for i in self.task_ids if i not in self.errors and not self._ended(i)]

    def _ended(self, task_id: str) -> bool:
        task = self.tasks.get(task_id)
        return task is not None and task.finished


class Workers(Protocol):
    """What runs requests: `jobs.pool.Pool`, or an inline one in tests."""

    def start(self, key: str, work: Callable[[], Task]) -> None:
        """Begin a piece of work."""

    def next(self, timeout: float) -> Done[str, Task] | None:
        """Return a finished piece of work, waiting at most `timeout` seconds."""


class Waiter:
    """Waits for tasks. `look` asks for one task, once; `seen` is told of every answer.

    `ask` says how long the next request must still be held back, 0 lets it leave.
    """

    def __init__(
        self,
        look: Callable[[str], Task],
        workers: Workers,
        schedule: Schedule,
        looks: PollScheduler,
        *,
        clock: Clock,
        progress: Progress,
        ask: Callable[[], float],
        seen: Callable[[Task], None],
    ) -> None:
        self._look = look
        self._workers = workers
        self._schedule = schedule
        self._looks = looks
        self._clock = clock
        self._progress = progress
        self._ask = ask
        self._seen = seen
        self._deadline = 0.0

    def run(self, waited: Waited, begun: Callable[[str], Begun | None]) -> None:
        """Fill `waited` until every task ended or the time is over; Ctrl-C leaves it as it is.

        `begun` tells when and for which model a task was submitted, if that is known.
        """
        now = self._clock.monotonic()
        self._deadline = now + self._schedule.timeout
        self._progress.expect(waited.task_ids)
        for task_id in waited.task_ids:
            watched = PolledTask(task_id, deadline=self._deadline)
            if (known := begun(task_id)) is not None:
                watched.model = known.slug
                watched.since = now - max(0.0, self._clock.now() - known.created_at)
            self._looks.watch(watched)
        under_way = 0
        while self._looks.moment() is not None or under_way:
            now = self._clock.monotonic()
            under_way += self._start_due(now, self._schedule.concurrency - under_way)
            if now >= self._deadline + (_LAST_LOOK if under_way else 0.0):
                return
            done = self._workers.next(self._pause(now, under_way))
            if done is not None:
                under_way -= 1
                self._handle(waited, done)

    def _start_due(self, now: float, free: int) -> int:
        """Start the looks that are due, at most `free`; return how many that were."""
        started = 0
        while started < free and (moment := self._looks.moment()) is not None:
            if min(moment, self._deadline) > now:
                break
            task_id = self._looks.pop()
            held = self._ask()
            if held:
                self._looks.postpone(task_id, held)
                break
            self._workers.start(task_id, partial(self._look, task_id))
            started += 1
        return started

    def _pause(self, now: float, under_way: int) -> float:
        moments = [self._deadline + _LAST_LOOK if under_way else self._deadline]
        due = self._looks.moment()
        if due is not None and under_way < self._schedule.concurrency:
            moments.append(min(due, self._deadline))
        return max(0.0, min(moments) - now)

    def _handle(self, waited: Waited, done: Done[str, Task]) -> None:
        task_id, error = done.key, done.error
        if isinstance(error, ModellixError):
            if self._looks.failed(task_id, error):
                waited.troubles[task_id] = error
                self._progress.trouble(task_id, error.message)
                return
            waited.errors[task_id] = error.copy_with(task_id=task_id)
            self._progress.failed(task_id, error.message)
        elif error is not None:
            raise error
        elif done.result is not None:
            task = done.result
            waited.tasks[task_id] = task
            waited.troubles.pop(task_id, None)
            self._looks.answered(task)
            self._seen(task)
            self._progress.task(task_id, task.status, finished=task.finished)


def new_waited(task_ids: Iterable[str]) -> Waited:
    """Return an empty record for `task_ids`; duplicates are merged."""
    return Waited(list(dict.fromkeys(task_ids)))
