"""Which running task to look at, and when: the schedule that waiting and batches share."""

import heapq
from dataclasses import dataclass
from itertools import count
from typing import Final

from modellix_cli.clock import Clock
from modellix_cli.domain.errors import ModellixError
from modellix_cli.domain.task import Task
from modellix_cli.engine.durations import DurationEstimator

FIRST_CONTACT_TRIES: Final = 4


@dataclass(slots=True)
class PolledTask:
    """A task to look at, until the monotonic time `deadline`.

    `since` is the one of its submission and `model` its slug, None if not known; `running_at` how
    old it was when it was last seen running; `due` the time of the planned look, `over` that none
    is planned any more.
    """

    task_id: str
    deadline: float
    model: str | None = None
    since: float | None = None
    running_at: float = 0.0
    due: float = 0.0
    over: bool = False
    looks: int = 0
    tries: int = 0
    trouble: ModellixError | None = None


class PollScheduler:
    """Plans looks at tasks; `interval` is a fixed pause in seconds, None follows expectations.

    A failure that may pass (network, 429, 5xx) is tolerated while the server was `reached` at
    all; any other ends the looks at that task only.
    """

    def __init__(
        self,
        expectations: DurationEstimator,
        clock: Clock,
        *,
        interval: float | None,
        reached: bool,
    ) -> None:
        self._expectations = expectations
        self._clock = clock
        self._interval = interval
        self._reached = reached
        self._watched: dict[str, PolledTask] = {}
        self._due: list[tuple[float, int, str]] = []
        self._order = count()
        self._hold_until = 0.0

    def watch(self, task: PolledTask) -> None:
        """Plan the first look: at once at a task of unknown age, else when it may have ended.

        A task that is watched already stays as it is.
        """
        if task.task_id in self._watched:
            return
        self._watched[task.task_id] = task
        now = self._clock.monotonic()
        self._plan(task, now if task.since is None else now + self._pause(task, now))

    def moment(self) -> float | None:
        """Return the monotonic time of the next look, None if none is planned."""
        while self._due and self._due[0][2] not in self._watched:  # it was forgotten meanwhile
            heapq.heappop(self._due)
        return max(self._due[0][0], self._hold_until) if self._due else None

    def pop(self) -> str:
        """Return the task to look at next, which is not planned any more."""
        return heapq.heappop(self._due)[2]

    def postpone(self, task_id: str, seconds: float) -> None:
        """Look at a task later, as requests are short; the others wait for theirs behind it."""
        now = self._clock.monotonic()
        watched = self._watched[task_id]
        if now < watched.deadline:
            self._hold_until = max(self._hold_until, now + seconds)
            heapq.heappush(self._due, (watched.due, next(self._order), task_id))

    @property
    def held_until(self) -> float:
        """The monotonic time until which the server asked for no looks."""
        return self._hold_until

    def known(self, task_id: str) -> PolledTask | None:
        """Return what is known of a task, None if it is not looked at, or not any more."""
        return self._watched.get(task_id)

    def forget(self, task_id: str) -> None:
        """Look at a task no more."""
        del self._watched[task_id]

    def answered(self, task: Task) -> bool:
        """Take an answer; return whether the task ended. Else the next look is planned."""
        self._reached = True
        watched = self._watched[task.task_id]
        watched.trouble, watched.tries = None, 0
        watched.looks += 1
        now = self._clock.monotonic()
        if task.finished:
            if watched.since is not None and watched.model is not None and task.succeeded:
                self._expectations.ended(
                    watched.model,
                    running_at=watched.running_at,
                    seen_at=now - watched.since,
                    told=task.seconds,
                )
            self.forget(task.task_id)
            return True
        if watched.since is not None:
            watched.running_at = now - watched.since
        self._plan(watched, now + self._pause(watched, now))
        return False

    def failed(self, task_id: str, error: ModellixError) -> bool:
        """Take a failure; return whether it is tolerated and another look planned."""
        watched = self._watched[task_id]
        watched.tries += 1
        given_up = not self._reached and watched.tries >= FIRST_CONTACT_TRIES
        if not error.retryable or given_up:
            self.forget(task_id)
            return False
        self._reached = self._reached or error.status is not None
        watched.trouble = error
        watched.looks += 1
        now = self._clock.monotonic()
        if error.retry_after is not None:
            self._hold_until = max(self._hold_until, now + error.retry_after)
        self._plan(watched, now + self._backoff(watched))
        return True

    def _pause(self, watched: PolledTask, now: float) -> float:
        if self._interval is not None:
            return self._interval if watched.looks or watched.since is not None else 0.0
        elapsed = None if watched.since is None else now - watched.since
        return self._expectations.pause(watched.model, elapsed, max(0, watched.looks - 1))

    def _backoff(self, watched: PolledTask) -> float:
        if self._interval is not None:
            return self._interval
        return self._expectations.pause(None, None, watched.tries - 1)

    def _plan(self, watched: PolledTask, moment: float) -> None:
        """Plan a look; the last one is at the deadline, none comes later."""
        watched.over = bool(watched.looks) and self._clock.monotonic() >= watched.deadline
        if not watched.over:
            when = watched.due = min(moment, watched.deadline)
            heapq.heappush(self._due, (when, next(self._order), watched.task_id))
