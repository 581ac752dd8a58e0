"""The engine: from requests to files, as a deterministic machine without clock or I/O.

`step` takes what happened and returns what to do. The invariants that hold after every step, for
any order of events, are asserted by the simulator (tests/engine/simulator).
"""

from random import Random

from modellix_cli.domain.errors import ModellixError
from modellix_cli.engine.core import effects, events
from modellix_cli.engine.core.config import EngineConfig
from modellix_cli.engine.core.durations import DurationEstimator
from modellix_cli.engine.core.effects import Effect
from modellix_cli.engine.core.events import Event
from modellix_cli.engine.core.following import Following
from modellix_cli.engine.core.outbox import Outbox
from modellix_cli.engine.core.paid_retry import PaidRetryPolicy
from modellix_cli.engine.core.submitting import Submitting
from modellix_cli.engine.notices import Counts, Stopped


class Engine:
    """One run of work. Moments are the driver's monotonic seconds; `seed` makes the jitter."""

    def __init__(self, config: EngineConfig, seed: int) -> None:
        random = Random(seed)
        self._config = config
        self._out = Outbox()
        self._estimator = DurationEstimator(random)
        self._following = Following(config, self._out, self._estimator, random)
        self._retry = PaidRetryPolicy(
            random,
            patience=config.patience,
            task_timeout=config.timeout if config.outwait_tasks else 0.0,
            tries=config.tries,
        )
        self._submitting = Submitting(config, self._out, self._following, self._retry)
        self._more = True
        self._fetching = False
        self._stopped = False
        self._told_stop = False
        self._counts: Counts | None = None
        self._finished = False

    @property
    def stopped_by(self) -> ModellixError | None:
        """The failure that let no more lines be sent, None if there was none."""
        return self._submitting.queue.stopped_by

    @property
    def in_flight(self) -> bool:
        """Whether a paid request may be under way."""
        return self._submitting.posting.in_flight

    @property
    def finished(self) -> bool:
        """Whether every line has its end."""
        return self._finished

    def usual_duration(self, slug: str) -> float | None:
        """Return the longest that the last tasks of a model took, in seconds, if that is known."""
        return self._estimator.usual(slug)

    def step(self, event: Event, now: float) -> list[Effect]:
        """Take an event and return the effects that follow from it, in their order."""
        self._handle(event, now)
        self._pump(now)
        return self._out.take()

    def _handle(self, event: Event, now: float) -> None:
        submitting, following = self._submitting, self._following
        match event:
            case events.Work():
                self._take(event, now)
            case events.Prepared():
                submitting.prepared(event.ref, event.error)
            case events.SubmitAllowed():
                submitting.allowed(event.ref)
            case events.SubmitHeld():
                submitting.held(event, now)
            case events.Recorded():
                submitting.posting.recorded(event.claims, now)
            case events.NotRecorded():
                submitting.posting.not_recorded(event)
            case events.Replied():
                submitting.posting.replied(event, now)
            case events.AttemptSeen():
                submitting.earlier.seen(event, now)
            case events.PollAllowed():
                following.allowed(event.task_id)
            case events.PollHeld():
                following.held(event.task_id, event.seconds, now)
            case events.Polled():
                self._retry.reached()
                following.polled(event.task, now)
            case events.PollFailed():
                following.poll_failed(event.task_id, event.error, now)
            case events.Delivered():
                following.delivered(event.task_id, now)
            case events.Saved():
                following.saved(event)
            case events.LedgerLost():
                self._told_stop |= not (self._more or submitting.lines_left)
                submitting.queue.stop(f"Skipped: {event.error.message}", event.error)
            case events.Stop():
                self._stop(event)
            case events.GraceOver():
                submitting.grace_over()
            case events.Woke():
                pass

    def _take(self, event: events.Work, now: float) -> None:
        self._fetching, self._more = False, event.more
        for slug, seconds in event.durations.items():
            self._estimator.learn(slug, seconds)
        for line in event.lines:
            self._submitting.take(line, now)

    def _stop(self, event: events.Stop) -> None:
        self._submitting.queue.stop(event.why, event.error)
        if not event.follow and not self._stopped:
            self._stopped = True
            self._submitting.earlier.interrupt()
            self._following.interrupt()

    def _pump(self, now: float) -> None:
        """Start whatever may start, ask for more lines, and say when to be woken."""
        if self._finished:
            return
        while True:
            ended = self._out.emitted
            submit_at = self._submitting.pump(now)
            poll_at = self._following.pump(now, lines_wait=self._submitting.queue.lines_wait)
            if self._out.emitted == ended:  # else lines that waited for these may start
                break
        self._fetch()
        self._tell()
        moments = [moment for moment in (submit_at, poll_at) if moment is not None]
        if self._is_done():
            self._finished = True
            self._out.add(effects.Finish())
        elif moments:
            self._out.add(effects.WakeAt(min(moments)))

    def _fetch(self) -> None:
        if not self._more or self._fetching:
            return
        if self._submitting.has_room and not self._following.is_full:
            self._fetching = True
            stopped = self._submitting.queue.why_stopped
            at_most = 500 if stopped else max(1, self._config.concurrency)
            self._out.add(effects.FetchWork(at_most))

    def _is_done(self) -> bool:
        nothing_left = self._submitting.is_empty and self._following.is_empty
        return nothing_left and not self._more and not self._fetching

    def _tell(self) -> None:
        running, why = self._following.running, self.stopped_by
        if why is not None and running and not self._told_stop:
            self._told_stop = True  # it may be long until the result says so
            self._out.tell(Stopped(why.message, running))
        counts = Counts(self._out.emitted, running, self._out.failed, self._submitting.waiting)
        if counts != self._counts:
            self._counts = counts
            self._out.tell(counts)
