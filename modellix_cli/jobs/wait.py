"""Waiting for tasks: each on its own schedule, a slow answer delays nobody else.

Statuses that are not known to be final are polled on. A failure that may pass (network, 429,
5xx) is tolerated while the server was reachable at all; any other ends the wait for its task only.
"""

import heapq
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import partial
from itertools import count
from typing import Final, Protocol

from modellix_cli.api.documents import Task
from modellix_cli.clock import Clock
from modellix_cli.errors import ModellixError
from modellix_cli.jobs.pool import Done
from modellix_cli.jobs.progress import Progress

MAX_BACKOFF: Final = 10.0
_LAST_LOOK: Final = 1.0
"""Seconds a request that is under way at the deadline may still take."""
_FIRST_CONTACT_TRIES: Final = 4


@dataclass(frozen=True, slots=True)
class Schedule:
    """How to wait, in seconds. `interval` None backs off 1, 2, 4 … 10 s with jitter.

    `first` is the pause before the first look.
    """

    timeout: float
    interval: float | None = None
    first: float = 0.0
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
    """Waits for tasks. `look` asks for one task, once; `seen` is told of every answer."""

    def __init__(
        self,
        look: Callable[[str], Task],
        workers: Workers,
        schedule: Schedule,
        *,
        clock: Clock,
        progress: Progress,
        seen: Callable[[Task], None],
        reached: bool = False,
    ) -> None:
        self._look = look
        self._workers = workers
        self._schedule = schedule
        self._clock = clock
        self._progress = progress
        self._seen = seen
        self._reached = reached
        self._tries: dict[str, int] = {}
        self._hold_until = 0.0
        self._due: list[tuple[float, int, str]] = []
        self._order = count()
        self._deadline = 0.0

    def run(self, waited: Waited) -> None:
        """Fill `waited` until every task ended or the time is over; Ctrl-C leaves it as it is."""
        start = self._clock.monotonic()
        self._deadline = start + self._schedule.timeout
        self._progress.expect(waited.task_ids)
        first = min(start + self._schedule.first, self._deadline)
        for task_id in waited.task_ids:
            self._plan(task_id, first)
        under_way = 0
        while self._due or under_way:
            now = self._clock.monotonic()
            while self._due and under_way < self._schedule.concurrency and self._ready(now):
                task_id = heapq.heappop(self._due)[2]
                self._workers.start(task_id, partial(self._look, task_id))
                under_way += 1
            if now >= self._deadline + (_LAST_LOOK if under_way else 0.0):
                return
            done = self._workers.next(self._pause(now, under_way))
            if done is not None:
                under_way -= 1
                self._handle(waited, done)

    def _ready(self, now: float) -> bool:
        return max(self._due[0][0], min(self._hold_until, self._deadline)) <= now

    def _pause(self, now: float, under_way: int) -> float:
        moments = [self._deadline + _LAST_LOOK if under_way else self._deadline]
        if self._due and under_way < self._schedule.concurrency:
            moments.append(max(self._due[0][0], min(self._hold_until, self._deadline)))
        return max(0.0, min(moments) - now)

    def _plan(self, task_id: str, moment: float) -> None:
        heapq.heappush(self._due, (moment, next(self._order), task_id))

    def _handle(self, waited: Waited, done: Done[str, Task]) -> None:
        task_id, error = done.key, done.error
        if isinstance(error, ModellixError):
            if not self._tolerate(waited, task_id, error):
                error.task_id = task_id
                waited.errors[task_id] = error
                self._progress.failed(task_id, error.message)
                return
        elif error is not None:
            raise error
        elif done.result is not None:
            task = done.result
            self._reached = True
            waited.tasks[task_id] = task
            waited.troubles.pop(task_id, None)
            self._seen(task)
            self._progress.task(task_id, task.status, finished=task.finished)
            if task.finished:
                return
        now = self._clock.monotonic()
        if now < self._deadline:
            self._plan(task_id, min(now + self._delay(task_id), self._deadline))

    def _tolerate(self, waited: Waited, task_id: str, error: ModellixError) -> bool:
        tries = self._tries.get(task_id, 0) + 1
        if not error.retryable or (not self._reached and tries >= _FIRST_CONTACT_TRIES):
            return False
        self._reached = self._reached or error.status is not None
        waited.troubles[task_id] = error
        if error.wait_seconds is not None:
            self._hold_until = self._clock.monotonic() + error.wait_seconds
        self._progress.trouble(task_id, error.message)
        return True

    def _delay(self, task_id: str) -> float:
        tries = self._tries[task_id] = self._tries.get(task_id, 0) + 1
        if self._schedule.interval is not None:
            return self._schedule.interval
        backoff = min(float(2 ** min(tries - 1, 10)), MAX_BACKOFF)
        return backoff + self._clock.jitter(backoff / 10)


def new_waited(task_ids: Iterable[str]) -> Waited:
    """Return an empty record for `task_ids`; duplicates are merged."""
    return Waited(list(dict.fromkeys(task_ids)))
