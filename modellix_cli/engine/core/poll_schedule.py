"""Which running task to poll, and when; which failures of a poll are tolerated.

Times are the driver's monotonic seconds.
"""

import heapq
from dataclasses import dataclass
from itertools import count
from random import Random
from typing import Final

from modellix_cli.domain.errors import ErrorCode, ModellixError
from modellix_cli.engine.core.durations import DurationEstimator

FIRST_CONTACT_TRIES: Final = 4
FOREIGN_TRIES: Final = 5
"""Replies in a row that are not about the task, after which it is given up for now."""
_SLEPT: Final = 3.0
"""Seconds past a deadline that no schedule explains: the machine slept."""
_AFTER_SLEEP: Final = 10.0
"""Seconds that a task still has after it, once polls may leave: networks come back slowly."""
_MOST_FORGIVEN: Final = 3
"""A server that answers very late looks like a sleep, too."""
_SHORT_HOLD: Final = 1.0
_LONGEST_HOLD: Final = 120.0
_PASSING: Final = frozenset(
    {ErrorCode.NETWORK, ErrorCode.RATE_LIMITED, ErrorCode.SERVICE_UNAVAILABLE}
)


@dataclass(slots=True)
class PolledTask:
    """A task to poll until `deadline`.

    `since` is when it was submitted and `slug` its model, None if not known; `ours` that it was
    submitted from this machine; `running_at` how old it was when it was last seen running; `due`
    the time of the planned poll, `asked` that of the last one, `over` that none is planned any
    more. `news` says that its end was told while a poll was under way.
    """

    task_id: str
    deadline: float
    slug: str | None = None
    since: float | None = None
    ours: bool = False
    running_at: float = 0.0
    due: float = 0.0
    over: bool = False
    polls: int = 0
    tries: int = 0
    foreign: int = 0
    asked: float = float("-inf")
    forgiven: int = 0
    news: bool = False


class PollScheduler:
    """Plans polls; `interval` is a fixed pause in seconds, None follows what tasks usually take.

    `reached` says that the server is known to be there: then passing failures are tolerated for
    as long as a task has time.
    """

    def __init__(
        self,
        estimator: DurationEstimator,
        random: Random,
        *,
        interval: float | None,
        reached: bool,
    ) -> None:
        self._estimator = estimator
        self._random = random
        self._interval = interval
        self._reached = reached
        self._tasks: dict[str, PolledTask] = {}
        self._due: list[tuple[float, int, str]] = []
        self._order = count()
        self.held_until = 0.0
        """Until when the server asked for no polls."""

    def add(self, task: PolledTask, now: float, *, just_submitted: bool) -> None:
        """Plan the first poll: at once where the task may have ended, else when it may have.

        A task that is known already keeps its schedule, and the later deadline.
        """
        self._reached = self._reached or just_submitted
        known = self._tasks.get(task.task_id)
        if known is not None:
            known.deadline = max(known.deadline, task.deadline)
            return
        self._tasks[task.task_id] = task
        at_once = not just_submitted and self._may_have_ended(task, now)
        self._plan(task, now if at_once else now + self._pause(task, now), now)

    def _may_have_ended(self, task: PolledTask, now: float) -> bool:
        if task.since is None or task.slug is None:
            return True
        return self._estimator.may_have_ended(task.slug, now - task.since)

    def poll_now(self, task_id: str, now: float) -> None:
        """Poll a task at once that is said to have ended."""
        task = self._tasks.get(task_id)
        if task is None:
            return
        if task.due < 0:
            task.news = True
        elif task.due > now:
            self._plan(task, now, now)

    def next_moment(self) -> float | None:
        """Return the time of the next poll, None if none is planned."""
        while self._due and not self._is_planned(self._due[0]):
            heapq.heappop(self._due)
        return max(self._due[0][0], self.held_until) if self._due else None

    def _is_planned(self, entry: tuple[float, int, str]) -> bool:
        task = self._tasks.get(entry[2])
        return task is not None and task.due == entry[0]

    def pop(self, now: float) -> str:
        """Return the task to poll next, which is not planned any more."""
        task_id = heapq.heappop(self._due)[2]
        task = self._tasks[task_id]
        task.due, task.asked, task.news = -1.0, now, False
        return task_id

    def postpone(self, task_id: str, seconds: float, now: float) -> None:
        """Poll a task later, as requests are short; the others wait for theirs behind it."""
        self.held_until = max(self.held_until, now + seconds)
        task = self._tasks.get(task_id)
        if task is not None:
            self._push(task, now)

    def get(self, task_id: str) -> PolledTask | None:
        """Return what is known of a task, None if it is not polled, or not any more."""
        return self._tasks.get(task_id)

    def remove(self, task_id: str) -> None:
        """Poll a task no more."""
        self._tasks.pop(task_id, None)

    def still_running(self, task_id: str, now: float) -> bool:
        """Take the news that a task has not ended; return whether another poll is planned."""
        task = self._answered(task_id)
        if task.since is not None:
            task.running_at = now - task.since
        self._plan(task, now if task.news else now + self._pause(task, now), now)
        return not task.over

    def ended(
        self, task_id: str, now: float, *, succeeded: bool, told: float | None
    ) -> float | None:
        """Take the news that a task ended; return how long it ran, in seconds, if that tells."""
        task = self._answered(task_id)
        self.remove(task_id)
        if task.since is None or task.slug is None or not succeeded:
            return None
        return self._estimator.ended(
            task.slug, task.since, running_at=task.running_at, seen_at=now - task.since, told=told
        )

    def _answered(self, task_id: str) -> PolledTask:
        self._reached = True
        task = self._tasks[task_id]
        task.tries = task.foreign = 0
        task.polls += 1
        return task

    def failed(self, task_id: str, error: ModellixError, now: float) -> bool:
        """Take a failure; return whether it is tolerated. Another poll is planned unless `over`.

        No single one ends the wait for a task that was submitted from this machine.
        """
        task = self._tasks[task_id]
        task.tries += 1
        if not self._is_tolerated(task, error):
            self.remove(task_id)
            return False
        self._reached = self._reached or error.status is not None
        task.polls += 1
        if error.retry_after is not None:
            self.held_until = max(self.held_until, now + error.retry_after)
        self.forgive_sleep(task, now)
        self._plan(task, now + self._backoff(task), now)
        return True

    def has_time(self, task: PolledTask, now: float) -> bool:
        """Whether a task that may not be polled just now is still waited for."""
        if task.deadline > now:
            return True
        soon = now < task.deadline + _SLEPT and self.held_until <= now + _SHORT_HOLD
        return soon or self.forgive_sleep(task, now)

    def forgive_sleep(self, task: PolledTask, now: float) -> bool:
        """Give a task a little more time, a few times, if its deadline went by unseen."""
        if task.forgiven >= _MOST_FORGIVEN or now - task.deadline <= _SLEPT:
            return False
        held = self.held_until if self.held_until - now <= _LONGEST_HOLD else now
        task.forgiven += 1
        task.deadline = max(now, held) + _AFTER_SLEEP
        return True

    def _is_tolerated(self, task: PolledTask, error: ModellixError) -> bool:
        """Whether a failure may pass, or may come from elsewhere than the API."""
        if error.code in _PASSING:
            return self._reached or task.tries < FIRST_CONTACT_TRIES or error.status is not None
        task.foreign += 1
        foreign = task.ours or error.code is ErrorCode.BAD_REPLY
        return foreign and task.foreign < FOREIGN_TRIES

    def _pause(self, task: PolledTask, now: float) -> float:
        if self._interval is not None:
            return self._interval
        elapsed = None if task.since is None else now - task.since
        return self._estimator.pause(task.slug, elapsed, max(0, task.polls - 1))

    def _backoff(self, task: PolledTask) -> float:
        return max(self._interval or 0.0, self._estimator.pause(None, None, task.tries - 1))

    def _plan(self, task: PolledTask, moment: float, now: float) -> None:
        """Plan a poll; the last one leaves at the deadline, or after it where that went by."""
        task.over = now >= task.deadline and task.asked >= task.deadline
        if task.over:
            return
        task.due = min(moment, max(task.deadline, now))
        self._push(task, now)

    def _push(self, task: PolledTask, now: float) -> None:
        if task.due < 0:
            task.due = now
        heapq.heappush(self._due, (task.due, next(self._order), task.task_id))
