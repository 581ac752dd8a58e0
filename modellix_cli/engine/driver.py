"""Carries out what the core asks for, on threads, and feeds back what happened.

One thread owns the core and never waits for the network. A paid request is sent and its outcome
recorded on a thread that Ctrl-C cannot reach.
"""

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Final

from modellix_cli.clock import Clock
from modellix_cli.domain.errors import ErrorCode, ModellixError
from modellix_cli.domain.submission_state import SubmissionState
from modellix_cli.engine.core import effects, events
from modellix_cli.engine.core.engine import Engine
from modellix_cli.engine.core.following import RUN_INTERRUPTED
from modellix_cli.engine.core.posting import record_of
from modellix_cli.engine.ports import Book, Observer, Saver, Source
from modellix_cli.engine.rate_governor import Governor, NoSlot, Ticket
from modellix_cli.engine.recorder import Recorder, Unrecorded
from modellix_cli.engine.worker_pool import Done, Pool

if TYPE_CHECKING:
    from modellix_cli.api.client import Client

GRACE: Final = 0.7
"""Seconds that requests under way still get after Ctrl-C; the whole exit stays under 1 s."""
_LONGEST_PAUSE: Final = 1.0

Job = tuple[effects.Effect, Callable[[], events.Event]]


class Driver:
    """Runs an engine to its end. `submit_anyway` sends a request that waited for room long enough.

    `patience` is how long that is, in seconds. `deliveries` returns the tasks that webhooks told
    of since it was last asked, without waiting; they are polled at once.
    """

    def __init__(
        self,
        engine: Engine,
        source: Source,
        book: Book,
        client: "Client",
        governor: Governor,
        observer: Observer,
        clock: Clock,
        *,
        saver: Saver | None = None,
        threads: int = 16,
        submit_anyway: bool = False,
        patience: float = 120.0,
        deliveries: Callable[[], Sequence[str]] | None = None,
    ) -> None:
        self._engine = engine
        self._source = source
        self._client = client
        self._governor = governor
        self._observer = observer
        self._clock = clock
        self._saver = saver
        self._submit_anyway = submit_anyway
        self._patience = patience
        self._deliveries = deliveries
        self._deliveries_at = float("-inf")
        self._workers: Pool[effects.Effect, events.Event] = Pool(threads, clock)
        self._events: deque[events.Event] = deque()
        self._tickets: dict[int, Ticket] = {}
        self._slugs: dict[int, str] = {}
        self._asked_since: dict[int, float] = {}
        self._recorder = Recorder(book, self._events)
        self._wake_at: float | None = None
        self._interrupted = False
        self._grace_until: float | None = None

    def interrupt(self) -> None:
        """End the run as soon as what is under way is known; also from a signal's handler."""
        self._interrupted = True
        self._workers.wake()

    @property
    def unrecorded(self) -> list[Unrecorded]:
        """The tasks that could not be recorded, not even in the end."""
        return self._recorder.unrecorded

    def run(self) -> None:
        """Work until every line has its end.

        What was not foreseen is raised once what is under way is recorded; a KeyboardInterrupt
        at once: the ledger knows what was sent.
        """
        try:
            self._events.append(events.Woke())
            while not self._engine.finished:
                self._step()
        except Exception:
            self._let_posts_end(10.0)
            raise
        finally:
            self._recorder.record_again()
            self._workers.close()
            self._tell_notices()

    def _step(self) -> None:
        self._heed_interrupt()
        if not self._events:
            self._wait(self._clock.monotonic())
        while self._events:
            self._heed_interrupt()
            event = self._events.popleft()
            for effect in self._engine.step(event, self._clock.monotonic()):
                self._carry_out(effect)
        self._tell_notices()

    def _heed_interrupt(self) -> None:
        """Stop before anything else is done: what is recorded but has not left does not leave."""
        if self._interrupted and self._grace_until is None:
            self._grace_until = self._clock.monotonic() + GRACE
            self._events.appendleft(events.Stop(RUN_INTERRUPTED))

    def _wait(self, now: float) -> None:
        """Wait for a worker, a moment that was asked for, or an interrupt."""
        moments = [now + _LONGEST_PAUSE]
        moments += [] if self._wake_at is None else [self._wake_at]
        moments += [] if self._grace_until is None else [self._grace_until]
        done = self._workers.next(max(0.0, min(moments) - now))
        while done is not None:
            self._events.append(self._result_of(done))
            done = self._workers.next(0.0) if len(self._events) < 100 else None
        now = self._clock.monotonic()
        if self._grace_until is not None and now >= self._grace_until:
            self._grace_until = float("inf")
            self._events.append(events.GraceOver())
        if self._wake_at is not None and now >= self._wake_at:
            self._wake_at = None
            self._events.append(events.Woke())
        self._hear_deliveries(now)

    def _hear_deliveries(self, now: float) -> None:
        """Take the news of webhooks that another process received, once in a while."""
        if self._deliveries is not None and now >= self._deliveries_at:
            self._deliveries_at = now + _LONGEST_PAUSE
            self._events.extend(events.Delivered(task_id) for task_id in self._deliveries())

    def _result_of(self, done: Done[effects.Effect, events.Event]) -> events.Event:
        """Return what a worker brought; a defect ends one line, not the others."""
        error = done.error
        if error is None:
            assert done.result is not None
            self._learn(done.result)
            return done.result
        if isinstance(error, Exception):
            what = f"Unexpected failure. {type(error).__name__}: {error}"
            failure = ModellixError(ErrorCode.INTERNAL, what)
            match done.key:
                case effects.Poll(task_id=task_id):
                    return events.PollFailed(task_id, failure)
                case effects.Save(ref=ref):
                    return events.Saved(ref, (), (failure,), final=False)
                case effects.Prepare(ref=ref):
                    return events.Prepared(ref, failure)
        raise error

    def _carry_out(self, effect: effects.Effect) -> None:
        match effect:
            case effects.FetchWork():
                self._fetch(effect)
            case effects.AskSubmit():
                self._events.append(self._ask_submit(effect.ref))
            case effects.AskPoll():
                wait = self._governor.ask()
                task_id = effect.task_id
                held = events.PollHeld(task_id, wait)
                self._events.append(held if wait else events.PollAllowed(task_id))
            case effects.ReturnLeave():
                self._return_leave(effect.ref)
            case effects.RecordIntents():
                self._events.append(self._recorder.claim(effect.intents))
            case effects.Post():
                self._workers.start(effect, partial(self._post, effect))
            case effects.Poll():
                self._workers.start(effect, partial(self._poll, effect.task_id))
            case effects.Save() if self._saver is not None:
                self._workers.start(effect, partial(self._saver.save, effect))
            case effects.StopSaving():
                if self._saver is not None:
                    self._saver.stop()
            case effects.Prepare():
                self._workers.start(effect, partial(self._prepare, effect.ref))
            case effects.WatchAttempt():
                self._events.append(self._recorder.watch(effect))
            case effects.Emit():
                stop = self._observer.emit(effect.outcome)
                if stop is not None:
                    self._events.append(stop)
            case effects.Tell():
                self._observer.tell(effect.notice)
            case effects.WakeAt():
                self._wake_at = effect.moment
            case _:
                self._recorder.carry_out(effect)

    def _fetch(self, effect: effects.FetchWork) -> None:
        try:
            work = self._source.fetch(effect.at_most)
        except ModellixError as error:  # what earlier runs did cannot be read any more
            self._events.append(events.LedgerLost(error))
            work = events.Work((), more=False)
        self._slugs |= {line.ref: line.slug for line in work.lines}
        self._events.append(work)

    def _ask_submit(self, ref: int) -> events.Event:
        now = self._clock.monotonic()
        patience = float("inf")
        if self._submit_anyway:
            waited = now - self._asked_since.setdefault(ref, now)
            patience = self._patience - waited
        leave = self._governor.ask_submit(whatever_runs=patience <= 0, patience=patience)
        if isinstance(leave, Ticket):
            self._tickets[ref] = leave
            return events.SubmitAllowed(ref)
        return events.SubmitHeld(ref, leave, slots_full=isinstance(leave, NoSlot))

    def _return_leave(self, ref: int) -> None:
        ticket = self._tickets.pop(ref, None)
        if ticket is not None:
            self._governor.failed(ticket, ModellixError(ErrorCode.INTERRUPTED, "Not sent."))

    def _post(self, effect: effects.Post) -> events.Event:
        """Send one paid request and record its outcome before anything else can fail."""
        request = self._source.request(effect.ref)
        try:
            posted = self._client.paid.post(request.slug, request.body, request.webhook)
            outcome, limits = posted.outcome, posted.limits
        except Exception as defect:  # noqa: BLE001 - it may have been sent all the same
            what = f"Unexpected failure. {type(defect).__name__}: {defect}"
            outcome, limits = ModellixError(ErrorCode.SUBMISSION_UNKNOWN, what), None
        if isinstance(outcome, ModellixError):
            reply = events.Replied(effect.ref, error=outcome)
        else:
            reply = events.Replied(effect.ref, outcome.task_id, submission=outcome)
        record = record_of(effect.number, reply)
        if not self._recorder.outcome(record):
            reply = replace(reply, recorded=False)
            if record.state is not SubmissionState.ACCEPTED and record.task_id is not None:
                self._recorder.keep(record)
        if limits is not None:
            self._governor.answered(limits)
        return reply

    def _tell_notices(self) -> None:
        for notice in self._recorder.take_notices():
            self._observer.tell(notice)

    def _poll(self, task_id: str) -> events.Event:
        polled = self._client.poll_task(task_id)
        if polled.limits is not None:
            self._governor.answered(polled.limits)
        if isinstance(polled.outcome, ModellixError):
            return events.PollFailed(task_id, polled.outcome)
        task = polled.outcome
        self._recorder.status(task)
        self._governor.saw(task)
        return events.Polled(task)

    def _prepare(self, ref: int) -> events.Event:
        return events.Prepared(ref, self._source.prepare(ref))

    def _learn(self, event: events.Event) -> None:
        """Let the governor know what became of a request that it let go."""
        if not isinstance(event, events.Replied):
            return
        ticket = self._tickets.pop(event.ref, None)
        slug = self._slugs.pop(event.ref, "")
        if ticket is None:
            return
        if event.task_id is not None:
            self._governor.accepted(ticket, event.task_id, self._engine.usual_duration(slug))
        elif event.error is not None:
            if event.error.code is not ErrorCode.SUBMISSION_UNKNOWN:
                self._slugs[event.ref] = slug  # it may be sent again
            self._governor.failed(ticket, event.error)

    def _let_posts_end(self, grace: float) -> None:
        """Give requests under way time to be recorded."""
        end = self._clock.monotonic() + grace
        while self._engine.in_flight and self._tickets:
            left = end - self._clock.monotonic()
            done = self._workers.next(left) if left > 0 else None
            if done is None:
                return
            if isinstance(done.result, events.Replied):
                self._tickets.pop(done.result.ref, None)
