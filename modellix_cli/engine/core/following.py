"""Tasks on their way to their end, and their results on the way to the disk."""

from collections import deque
from dataclasses import replace
from itertools import chain
from random import Random
from typing import Final

from modellix_cli.domain.errors import ModellixError
from modellix_cli.domain.submission_state import SubmissionState
from modellix_cli.domain.task import Task, also_named
from modellix_cli.domain.text import clip, one_line
from modellix_cli.engine.core import effects, events
from modellix_cli.engine.core.config import EngineConfig, Follow
from modellix_cli.engine.core.durations import DurationEstimator
from modellix_cli.engine.core.lines import Active, LineOutcome
from modellix_cli.engine.core.outbox import Outbox
from modellix_cli.engine.core.poll_schedule import PolledTask, PollScheduler
from modellix_cli.engine.notices import OtherTasks, PollTrouble, TaskAwaited, TaskLeft
from modellix_cli.engine.notices import TaskPolled as PolledNotice

TIMED_OUT: Final = "timeout"
INTERRUPTED: Final = "interrupted"
LOST: Final = "lost"
"""Why a task has no final status: its time was over, the run was stopped, polling failed."""
RUN_INTERRUPTED: Final = "Skipped: the run was interrupted."
"""What lines say that were not sent because a signal came."""
_LONGEST_REASON: Final = 500
_REMEMBERED: Final = 1000


class Following:
    """The tasks that run, by id, with the lines that wait for them."""

    def __init__(
        self, config: EngineConfig, out: Outbox, estimator: DurationEstimator, random: Random
    ) -> None:
        self._config = config
        self._out = out
        self._estimator = estimator
        self._polls = PollScheduler(estimator, random, interval=config.interval, reached=False)
        self._waiting: dict[str, list[Active]] = {}
        self._unwatched: deque[PolledTask] = deque(maxlen=_REMEMBERED)
        self._asking: set[str] = set()
        self._polling: set[str] = set()
        self._to_save: deque[tuple[LineOutcome, Task]] = deque()
        self._saving: dict[int, LineOutcome] = {}
        self._interrupted = False
        self._in_doubt: set[int] = set()
        self.left_unknown = False
        """Whether a task that a reply of this run named was not found."""

    @property
    def running(self) -> int:
        """How many tasks are followed."""
        return len(self._waiting)

    @property
    def is_full(self) -> bool:
        """Whether so many tasks are followed that more would only take memory."""
        return len(self._waiting) + len(self._to_save) >= self._config.most_followed

    @property
    def is_empty(self) -> bool:
        """Whether nothing is left to follow or save."""
        return not (self._waiting or self._to_save or self._saving)

    def accept(self, line: Active, now: float, *, just_submitted: bool) -> None:
        """Take a line whose task exists; it is followed, or emitted as it is."""
        assert line.task_id is not None
        if self._interrupted and self._config.follow is not Follow.NOT:
            self._out.emit(self._unfinished(line, INTERRUPTED))
        elif self._config.follow is Follow.NOT and line.confirming is None:
            deadline = now + self._config.timeout
            task = PolledTask(line.task_id, deadline, line.line.slug, line.since, ours=line.ours)
            self._unwatched.append(task)
            self._out.emit(line.outcome(SubmissionState.ACCEPTED))
        else:
            self._follow(line, now, just_submitted=just_submitted)

    @property
    def in_doubt(self) -> bool:
        """Whether a task is being looked for that a reply of this run named."""
        return bool(self._in_doubt)

    def confirm(self, line: Active, error: ModellixError, now: float) -> None:
        """Look for a task whose id was named by a reply that did not say that it was created."""
        line.confirming = error
        if line.tries:
            self._in_doubt.add(line.ref)
        if self._interrupted:
            self._out.emit(self._unconfirmed(line, error))
        else:
            self._follow(line, now, just_submitted=False)

    def _follow(self, line: Active, now: float, *, just_submitted: bool) -> None:
        assert line.task_id is not None
        waiting = self._waiting.setdefault(line.task_id, [])
        waiting.append(line)
        slug = line.line.slug or None
        deadline = now + self._config.timeout
        task = PolledTask(line.task_id, deadline, slug, line.since, ours=line.ours)
        self._polls.add(task, now, just_submitted=just_submitted)
        if len(waiting) == 1 and line.confirming is None:
            age = None if line.since is None else now - line.since
            usual = self._estimator.usual(slug) if slug else None
            facts = (line.task_id, line.line.slug, age, usual, line.reused)
            self._out.tell(TaskAwaited(*facts, ref=line.ref))

    def watch_for_room(self, now: float) -> None:
        """Poll tasks that nobody waits for too: somebody has to notice when one ends."""
        while self._unwatched:
            self._polls.add(self._unwatched.popleft(), now, just_submitted=True)

    def delivered(self, task_id: str, now: float) -> None:
        """Take the news, from elsewhere, that a task ended."""
        self._polls.poll_now(task_id, now)

    def pump(self, now: float, *, lines_wait: bool) -> float | None:
        """Start the polls and downloads for which there is room; return when the next is due."""
        self._save_next()
        busy = len(self._asking) + len(self._polling)
        while (moment := self._polls.next_moment()) is not None and busy < self._config.polls:
            if not self._waiting and not lines_wait:
                return None  # it would only make room for lines that are not there
            if len(self._to_save) >= self._config.most_to_save:
                return None
            if moment > now:
                return self._held(moment, now) if self._polls.held_until > now else moment
            task_id = self._polls.pop(now)
            self._asking.add(task_id)
            self._out.add(effects.AskPoll(task_id))
            busy += 1
        return None

    def _held(self, moment: float, now: float) -> float:
        """Let go of tasks whose time is over while no poll may leave; return when to go on."""
        for task_id in list(self._waiting):
            task = self._polls.get(task_id)
            if task is None or task_id in self._polling or task_id in self._asking:
                continue
            if self._polls.has_time(task, now):
                return min(moment, task.deadline) if task.deadline > now else moment
            self._timed_out(task_id)
        return moment

    def allowed(self, task_id: str) -> None:
        """Take leave to poll a task."""
        self._asking.discard(task_id)
        if self._polls.get(task_id) is None:
            return
        self._polling.add(task_id)
        self._out.add(effects.Poll(task_id))

    def held(self, task_id: str, seconds: float, now: float) -> None:
        """Take the news that no poll may leave."""
        self._asking.discard(task_id)
        self._polls.postpone(task_id, seconds, now)

    def polled(self, task: Task, now: float) -> None:
        """Take what the server told of a task."""
        task_id, status = task.task_id, task.status.lower()
        self._polling.discard(task_id)
        polled = self._polls.get(task_id)
        if polled is None:  # its time was over, or the run was stopped
            return
        self._out.tell(PolledNotice(task_id, status, task.finished))
        for line in self._waiting.get(task_id, ()):
            self._confirmed(line)
        if task.finished:
            self._ended(polled, task, now)
        elif self._config.follow is Follow.TO_THE_END and task_id in self._waiting:
            if not self._polls.still_running(task_id, now):
                self._timed_out(task_id)
        elif task_id in self._waiting:
            self._polls.remove(task_id)
            for line in self._waiting.pop(task_id):
                self._out.emit(
                    replace(
                        line.outcome(
                            SubmissionState.ACCEPTED,
                            needs_resume=self._config.follow is not Follow.NOT,
                        ),
                        status=status,
                        billed=task.billed,
                        task=task,
                    )
                )
        elif not self._polls.still_running(task_id, now):
            self._polls.remove(task_id)

    def _confirmed(self, line: Active) -> None:
        if line.confirming is None:
            return
        line.others, line.confirming = line.confirming.other_tasks, None
        self._in_doubt.discard(line.ref)
        accepted, told = SubmissionState.ACCEPTED, also_named(line.others)
        self._out.add(effects.RecordOutcome(line.number, accepted, line.task_id, told, line.others))
        self.tell_others(line)

    def tell_others(self, line: Active) -> None:
        """Tell of the tasks that a reply named besides the one that answers for a line."""
        if line.others:
            self._out.tell(OtherTasks(str(line.task_id), line.others))

    def _ended(self, polled: PolledTask, task: Task, now: float) -> None:
        seconds = self._polls.ended(task.task_id, now, succeeded=task.succeeded, told=task.seconds)
        if seconds is not None and polled.slug is not None and polled.since is not None:
            self._out.add(effects.RecordDuration(polled.slug, now - polled.since, seconds))
        status = task.status.lower()
        for line in self._waiting.pop(task.task_id, ()):
            ended = line.outcome(SubmissionState.ACCEPTED)
            outcome = replace(ended, status=status, urls=task.urls, billed=task.billed, task=task)
            if task.succeeded and self._config.save:
                self._to_save.append((outcome, task))
            elif task.succeeded:
                self._record(outcome)
            else:
                reason = f" {clip(one_line(task.reason), _LONGEST_REASON)}" if task.reason else ""
                detail = f"Task reached terminal status {status}.{reason}"
                self._record(replace(outcome, detail=detail))

    def poll_failed(self, task_id: str, error: ModellixError, now: float) -> None:
        """Take a poll that failed."""
        self._polling.discard(task_id)
        if self._polls.get(task_id) is None:
            return
        if not self._polls.failed(task_id, error, now):
            self._lost(task_id, error)
            return
        self._out.tell(PollTrouble(task_id, error.message))
        task = self._polls.get(task_id)
        if task is not None and task.over:
            self._timed_out(task_id)

    def _timed_out(self, task_id: str) -> None:
        self._polls.remove(task_id)
        for line in self._waiting.pop(task_id, ()):
            self._out.emit(self._unfinished(line, TIMED_OUT))

    def _lost(self, task_id: str, error: ModellixError) -> None:
        """Emit a task that cannot be polled; it stays accepted, and can be followed later."""
        waiting = self._waiting.pop(task_id, ())
        if waiting:
            self._out.tell(TaskLeft(task_id, error.message))
        for line in waiting:
            if line.confirming is not None:
                self._out.emit(self._unconfirmed(line, line.confirming))
            else:
                outcome = self._unfinished(line, LOST)
                detail = f"Status polling failed: {error.message}"
                self._out.emit(replace(outcome, detail=detail, error=error))

    def _unfinished(self, line: Active, why: str) -> LineOutcome:
        if line.confirming is not None:
            return self._unconfirmed(line, line.confirming)
        return replace(line.outcome(SubmissionState.ACCEPTED, needs_resume=True), waiting=why)

    def _unconfirmed(self, line: Active, error: ModellixError) -> LineOutcome:
        self.left_unknown = self.left_unknown or line.ref in self._in_doubt
        self._in_doubt.discard(line.ref)
        return line.outcome(
            SubmissionState.UNKNOWN, detail=error.message, error=error, needs_resume=True
        )

    def _save_next(self) -> None:
        while self._to_save and len(self._saving) < self._config.saves:
            outcome, task = self._to_save.popleft()
            self._saving[outcome.ref] = outcome
            self._out.add(effects.Save(outcome.ref, outcome.name, outcome.slug, task))

    def saved(self, event: events.Saved) -> None:
        """Take the end of a download; what failed is left to the next run, if it can do more."""
        outcome = self._saving.pop(event.ref, None)
        if outcome is None:  # the run was stopped
            return
        outcome = replace(outcome, files=event.files, saved=event.saved)
        if not event.errors:
            self._record(outcome)
            return
        first = event.errors[0]
        outcome = replace(
            outcome,
            detail=f"{first.message} {first.hint}".rstrip(),
            error=first,
            needs_resume=not event.final,
        )
        if event.final:
            self._record(outcome)
        else:
            unsaved = replace(outcome, files=None, detail=None, error=None)
            self._out.add(effects.RecordEnd(unsaved))
            self._out.emit(outcome)

    def _record(self, outcome: LineOutcome) -> None:
        self._out.add(effects.RecordEnd(outcome))
        self._out.emit(outcome)

    def interrupt(self) -> None:
        """Follow nothing any more; lines that wait are emitted as unfinished."""
        self._interrupted = True
        self._out.add(effects.StopSaving())
        for line in chain(*self._waiting.values()):
            self._out.emit(self._unfinished(line, INTERRUPTED))
        saving = [outcome for outcome, _ in self._to_save]
        for outcome in (*self._saving.values(), *saving):
            self._out.emit(replace(outcome, waiting=INTERRUPTED, needs_resume=True))
        for task_id in self._waiting:
            self._polls.remove(task_id)
        self._waiting.clear()
        self._to_save.clear()
        self._saving.clear()
