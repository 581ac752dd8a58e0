"""Following the tasks of a batch to their end, and saving what they made."""

from collections import deque
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from itertools import chain
from typing import Final

from modellix_cli.domain.errors import ErrorCode, ModellixError
from modellix_cli.domain.task import Task
from modellix_cli.domain.text import clip, one_line
from modellix_cli.downloads.downloader import Saved
from modellix_cli.engine.batch_means import Means, Orders, Start
from modellix_cli.engine.poll_schedule import PolledTask
from modellix_cli.ledger.batch_facts import Fate

LOOKERS: Final = 8
SAVERS: Final = 4
TIMED_OUT: Final = "timeout"
INTERRUPTED: Final = "interrupted"
"""Statuses of lines whose tasks may still run; no task has them."""
_REMEMBERED: Final = 1000
_LONGEST_URL: Final = 64 * 1024
_LONGEST_REASON: Final = 500
_MOST_FOLLOWED: Final = 1000
_MOST_TO_SAVE: Final = 20
"""Replies with results that wait for a download; they may be large, so no more are asked for."""
_FINAL: Final = frozenset({ErrorCode.RESULT_EXPIRED, ErrorCode.NO_RESOURCES})
"""Failures of a download that no further run can mend."""


class Following:
    """The tasks of batch number `batch` that run, and their results on the way to the disk.

    `start` runs looks and downloads on other threads; `emit` is given lines that have their end.
    """

    def __init__(
        self, batch: int, orders: Orders, means: Means, start: Start, emit: Callable[[Fate], None]
    ) -> None:
        self._batch = batch
        self._orders = orders
        self._means = means
        self._clock = means.clock
        self._start = start
        self._emit = emit
        self._running: dict[str, list[Fate]] = {}
        self._unwatched: deque[PolledTask] = deque(maxlen=_REMEMBERED)
        self._to_save: deque[tuple[Fate, Task]] = deque()
        self._saving: dict[int, Fate] = {}
        self._looking: set[str] = set()
        self._interrupted = False

    @property
    def running(self) -> int:
        """How many tasks are followed to their end."""
        return len(self._running)

    @property
    def full(self) -> bool:
        """Whether so many tasks are followed that more would only take memory."""
        return len(self._running) + len(self._to_save) >= _MOST_FOLLOWED

    def accepted(self, fate: Fate) -> None:
        """Take a line whose task was just created."""
        now = self._clock.monotonic()
        assert fate.task_id is not None
        if self._orders.wait:
            self._watch(fate, now)
            return
        deadline = now + self._orders.timeout
        self._unwatched.append(PolledTask(fate.task_id, deadline, fate.slug, now))
        self._emit(fate)

    def go_on(self, fate: Fate) -> None:
        """Take up a line that an earlier run submitted, or emit it as it is."""
        to_save = self._means.save is not None and fate.files is None and not fate.detail
        open_end = fate.state == "accepted" and (fate.status is None or to_save)
        if self._orders.wait and open_end:
            if self._interrupted:
                self._emit(replace(fate, status=INTERRUPTED, again=True))
            else:
                self._watch(fate, None)
            return
        if open_end and fate.task_id is not None:
            deadline = self._clock.monotonic() + self._orders.timeout
            self._unwatched.append(PolledTask(fate.task_id, deadline, fate.slug))
        self._emit(fate)

    def watch_all(self) -> None:
        """Look at tasks that nobody waits for too: somebody has to notice who makes room."""
        while self._unwatched:
            self._means.looks.watch(self._unwatched.popleft())

    def _watch(self, fate: Fate, since: float | None) -> None:
        assert fate.task_id is not None
        known = self._running.setdefault(fate.task_id, [])
        known.append(fate)
        if len(known) == 1:
            deadline = self._clock.monotonic() + self._orders.timeout
            self._means.looks.watch(PolledTask(fate.task_id, deadline, fate.slug, since))

    def look(self, *, lines_wait: bool) -> float | None:
        """Start the looks that are due; return when the next one is, None if none is wanted."""
        looks, now = self._means.looks, self._clock.monotonic()
        while (moment := looks.moment()) is not None and len(self._looking) < LOOKERS:
            if not self._running and not lines_wait:
                return None  # it would only make room for lines that are not there
            if len(self._to_save) >= _MOST_TO_SAVE:
                return None
            if moment > now:
                return self._held(moment - now, now) if looks.held_until > now else moment - now
            held = self._means.governor.ask()
            if held:
                return self._held(held, now)
            task_id = looks.pop()
            self._looking.add(task_id)
            self._start("look", (task_id,), partial(self._ask, task_id))
        return None

    def _held(self, pause: float, now: float) -> float:
        """Let go of tasks whose time is over while no look may leave; return when to go on.

        All have the same time from when they were taken up, so the first one's is over first.
        """
        before = len(self._running)
        while self._running:
            task_id = next(iter(self._running))
            watched = self._means.looks.known(task_id)
            if watched is None or task_id in self._looking:
                break
            if watched.deadline > now:
                return min(pause, watched.deadline - now)
            self._timed_out(task_id)
        return pause if self._running or not before else 0.0

    def _ask(self, task_id: str) -> Task:
        return self._means.client.task(task_id, patient=False)

    def looked(self, task: Task | None, error: ModellixError | None, task_id: str) -> None:
        """Take the outcome of a look."""
        self._looking.discard(task_id)
        looks = self._means.looks
        watched = looks.known(task_id)
        if task is not None:
            self._means.saw(task)
        if watched is None:  # two lines were given one id, and the other's look came first
            return
        if error is not None and not looks.failed(task_id, error):
            self._lost(task_id, error)
        elif task is not None and looks.answered(task):
            for fate in self._running.pop(task_id, ()):
                self._ended(fate, task)
        elif watched.over:
            self._timed_out(task_id)

    def _timed_out(self, task_id: str) -> None:
        self._means.looks.forget(task_id)
        for fate in self._running.pop(task_id, ()):
            self._emit(replace(fate, status=TIMED_OUT, again=True))

    def _lost(self, task_id: str, error: ModellixError) -> None:
        """Emit a task that cannot be looked at; it stays accepted, and can be followed up."""
        for fate in self._running.pop(task_id, ()):
            said = f"Status polling failed: {error.message}"
            self._emit(replace(fate, detail=said, again=True))

    def _ended(self, fate: Fate, task: Task) -> None:
        if task.succeeded and self._means.save is not None:
            self._to_save.append((fate, task))
            return
        detail = None
        if task.failed:
            reason = f" {clip(one_line(task.reason), _LONGEST_REASON)}" if task.reason else ""
            detail = f"Task reached terminal status {task.status}.{reason}"
        self._record(replace(fate, status=task.status, urls=_urls(task), detail=detail))

    def save(self) -> None:
        """Start the downloads for which there is room."""
        while self._to_save and len(self._saving) < SAVERS and self._means.save is not None:
            fate, task = self._to_save.popleft()
            self._saving[fate.index] = fate
            self._start("save", (fate, task), partial(self._means.save, fate, task))

    def saved(
        self, saved: Saved | None, error: ModellixError | None, fate: Fate, task: Task
    ) -> None:
        """Take the outcome of a download; what failed is left to the next run."""
        del self._saving[fate.index]
        errors = [error] if error else saved.errors if saved else []
        done = replace(fate, status=task.status, urls=_urls(task))
        files = tuple(file.as_dict() for file in saved.files) if saved else ()
        if not errors:
            self._record(replace(done, files=files))
            return
        detail = f"{errors[0].message} {errors[0].hint}".rstrip()
        if all(error.code in _FINAL for error in errors):
            self._record(replace(done, detail=detail, files=files))
        else:
            self._means.book.ended(self._batch, done)
            self._emit(replace(done, detail=detail, files=files, again=True))

    def _record(self, fate: Fate) -> None:
        self._means.book.ended(self._batch, fate)
        self._emit(fate)

    def interrupt(self) -> None:
        """Watch nothing any more."""
        self._interrupted = True

    def emit_the_rest(self) -> None:
        """Emit the lines whose tasks run or whose results are on their way."""
        to_save = (fate for fate, _ in self._to_save)
        for fate in chain(*self._running.values(), self._saving.values(), to_save):
            self._emit(replace(fate, status=INTERRUPTED, again=True))


def _urls(task: Task) -> tuple[str, ...]:
    """Return where a task's results are; the bytes of long `data:` URLs are cut off."""
    urls = (resource.url for resource in task.resources)
    return tuple(clip(url, _LONGEST_URL) for url in urls if url is not None)
