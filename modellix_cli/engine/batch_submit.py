"""Submitting the lines of a batch: each once, recorded before and after, refused ones again."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from itertools import chain
from typing import Final

from modellix_cli.api.documents import Submission
from modellix_cli.domain.errors import ErrorCode, ModellixError
from modellix_cli.domain.text import duration
from modellix_cli.engine.batch_means import Means, Orders, Start, Step
from modellix_cli.engine.batch_steps import drained, steps
from modellix_cli.engine.rate_governor import NoSlot, Ticket
from modellix_cli.inputs.batch_file import Line
from modellix_cli.ledger.batch_facts import Fate

_FIRST_CONTACT_TRIES: Final = 4
_MOST_REFUSALS: Final = 10
_LONGEST_BACKOFF: Final = 10.0
_WORTH_TELLING: Final = 1.5
_MOST_DOUBLINGS: Final = 10
_PASSING: Final = frozenset(
    {ErrorCode.RATE_LIMITED, ErrorCode.SERVICE_UNAVAILABLE, ErrorCode.NETWORK}
)
_HOPELESS: Final = frozenset({ErrorCode.UNAUTHORIZED, ErrorCode.PAYMENT_REQUIRED, ErrorCode.TLS})
"""Failures after which no other line can succeed either."""
_AFTER_UNKNOWN: Final = "Skipped after an earlier paid submission returned an unknown outcome."
_NOT_SENT: Final = "Interrupted before it was sent."
_CUT_SHORT: Final = (
    "Interrupted while the submission was under way: its outcome is unknown, "
    "a task may have been created."
)


class Submissions:
    """The lines of batch number `batch` on their way to the server.

    `start` runs a POST on another thread. `emit` is given lines that have their end, `accepted`
    those of which a task was created, `go_on` those that earlier runs submitted;
    `concurrency_limited` is called when a line waits for a running task to end. `full` says that
    no more lines may be taken up now, `interrupted` that what has not left yet must not leave.
    `stopped_by` is the failure that let no more lines start, None if there was none.
    """

    def __init__(
        self,
        batch: int,
        orders: Orders,
        means: Means,
        start: Start,
        *,
        emit: Callable[[Fate], None],
        accepted: Callable[[Fate], None],
        go_on: Callable[[Fate], None],
        concurrency_limited: Callable[[], None],
        full: Callable[[], bool],
        interrupted: Callable[[], bool],
    ) -> None:
        self._batch = batch
        self._owner = f"batch {batch} "
        self._orders = orders
        self._means = means
        self._clock = means.clock
        self._start = start
        self._emit = emit
        self._on_accepted = accepted
        self._go_on = go_on
        self._on_crowded = concurrency_limited
        self._full = full
        self._interrupted = interrupted
        self._steps: Iterator[Step] = iter(())
        self._again: deque[Step] = deque()
        self._flying: dict[int, Line] = {}
        self._refusals: dict[int, int] = {}
        self._doubted: set[int] = set()
        """Lines that are sent again though an earlier try may have created a task."""
        self._unrecorded: deque[Callable[[], bool]] = deque()
        self._hold_until = 0.0
        self._trouble_since: float | None = None
        self._crowded_since: float | None = None
        self._troubles = 0
        self._reached = False
        self._why_skipped = ""
        self.waits_for = ""
        """What the next line waits for, in words; "" if it hardly waits."""
        self.stopped_by: ModellixError | None = None

    def take(self, lines: Iterable[Line], fates: Iterable[Fate]) -> None:
        """Take the lines and what is known of them from earlier runs, both in their order."""
        self._means.governor.disown(self._owner)  # a run that was killed left its slots taken
        self._steps = steps(lines, fates, self._lost_track)

    @property
    def flying(self) -> bool:
        """Whether a submission is under way."""
        return bool(self._flying)

    @property
    def waiting(self) -> bool:
        """Whether a line waits for its turn."""
        return bool(self._again)

    def submit(self) -> float | None:
        """Start the submissions that may leave; return when to try again, None if none waits."""
        leaving: list[tuple[Line, Ticket]] = []
        pause: float | None = None
        while pause is None and (step := self._next_step(len(leaving))) is not None:
            leave = self._leave()
            if isinstance(leave, Ticket):
                leaving.append((step[0], leave))
                continue
            self._again.appendleft(step)
            if leave > self._orders.patience:
                self._stop_for(leave)
            else:
                pause = leave
        self.waits_for = _words(pause)
        if leaving and not self._send(leaving):
            return 0.0  # to tell the lines behind them
        return pause

    def _send(self, leaving: list[tuple[Line, Ticket]]) -> bool:
        """Record and start submissions; return whether they leave."""
        try:
            self._means.book.intend(self._batch, [line for line, _ in leaving])
        except ModellixError as error:  # what cannot be recorded must not be sent
            self.stop(error, f"Skipped: {error.message}")
            for line, ticket in leaving:
                self._means.governor.failed(ticket, error)
                self._emit(fate_of(line, "skipped", self._why_skipped))
            return False
        if self._interrupted():  # that took its time
            for line, ticket in leaving:
                self._means.book.settle(self._batch, line, "rejected", None, _NOT_SENT)
                self._means.governor.failed(ticket, ModellixError(ErrorCode.INTERRUPTED, _NOT_SENT))
                self._emit(fate_of(line, "skipped", _NOT_SENT))
            return False
        for line, ticket in leaving:
            self._flying[line.index] = line
            self._start("submit", (line, ticket), partial(self._post, line))
        return True

    def _next_step(self, leaving: int) -> Step | None:
        """Return the next line to submit; those that earlier runs submitted are followed up.

        When no more may start, what would have to be submitted is emitted as skipped.
        """
        if not self._why_skipped and len(self._flying) + leaving >= self._orders.concurrency:
            return None
        for step in chain(drained(self._again), self._steps):
            line, fate = step
            if self._full() and not self._interrupted():
                self._again.appendleft(step)
                return None
            resent = fate is not None and fate.state == "unknown" and self._orders.resend_unknown
            if fate is not None and fate.state != "rejected" and not resent:
                self._go_on(fate)
            elif not self._why_skipped:
                if resent:
                    self._doubted.add(line.index)
                return step
            else:
                refused = f" It was refused before: {fate.detail}" if fate and fate.detail else ""
                self._emit(fate_of(line, "skipped", self._why_skipped + refused))
        return None

    def _leave(self) -> Ticket | float:
        held = self._hold_until - self._clock.monotonic()
        if held > 0:
            return held
        leave = self._means.governor.ask_submit(owner=self._owner)
        if isinstance(leave, NoSlot):
            self._trouble_since = None  # it is not the service that makes it wait
            self._on_crowded()
        return leave

    def _stop_for(self, wait: float) -> None:
        """Stop because no request may leave for longer than the user is ready to wait."""
        message = f"The limits of this key are used up for {duration(wait)}."
        hint = "Resume the batch then, or allow the wait with --max-retry-wait."
        error = ModellixError(ErrorCode.RATE_LIMITED, message, hint=hint, retry_after=wait)
        self.stop(error, f"Skipped: {message}")

    def _lost_track(self, error: ModellixError) -> None:
        """Stop because what earlier runs did can be read no more: nothing may be sent twice."""
        self.stop(error, f"Skipped: {error.message}")

    def _post(self, line: Line) -> Submission:
        """Submit one line and record what became of it; on a thread that Ctrl-C cannot tear."""
        made: list[Submission] = []

        def send_and_record(send: Callable[[], Submission]) -> Submission:
            try:
                made.append(send())
            except ModellixError as error:
                self._settle(line, self._state_after(line, error), error.task_id, error.message)
                raise
            self._settle(line, "accepted", made[0].task_id, None)
            return made[0]

        try:
            return self._means.client.submit_once(line.slug, line.body, guard=send_and_record)
        except ModellixError:
            raise
        except Exception as error:
            if made:  # a defect after that takes nothing back
                return made[0]
            what = f"Unexpected failure. {type(error).__name__}: {error}"
            raise ModellixError(ErrorCode.SUBMISSION_UNKNOWN, what) from error

    def _settle(self, line: Line, state: str, task_id: str | None, detail: str | None) -> None:
        settle = partial(self._means.book.settle, self._batch, line, state, task_id, detail)
        # Only ids are kept for later: other lines may be tried again, and come out otherwise.
        if not settle() and task_id is not None:
            self._unrecorded.append(settle)
            self._means.warn(f"Task {task_id} was submitted; note its id, it is not recorded.")

    def record_the_rest(self) -> None:
        """Record the ids that could not be recorded when they came, if that is possible now."""
        while self._unrecorded and self._unrecorded[0]():
            self._unrecorded.popleft()

    def handle(
        self, done: Submission | None, error: ModellixError | None, line: Line, ticket: Ticket
    ) -> None:
        """Take the outcome of a POST, which is recorded already."""
        del self._flying[line.index]
        if done is not None:
            self._reached, self._troubles = True, 0
            self._trouble_since = self._crowded_since = None
            self._refusals.pop(line.index, None)
            usual = self._means.usual(str(line.slug))
            self._means.governor.accepted(ticket, done.task_id, usual)
            self._on_accepted(fate_of(line, "accepted", None, done.task_id))
        elif error is not None:
            self._not_accepted(line, ticket, error)

    def _not_accepted(self, line: Line, ticket: Ticket, error: ModellixError) -> None:
        self._means.governor.failed(ticket, error)
        self._reached = self._reached or error.status is not None
        fate = fate_of(line, self._state_after(line, error), error.message, error.task_id)
        if error.code in _PASSING and self._worth_another_try(line, error):
            self._again.append((line, fate))
            return
        self._emit(fate)
        if error.code in _HOPELESS:
            self.stop(error, f"Skipped: {error.message}")
        elif error.code is ErrorCode.SUBMISSION_UNKNOWN and not self._orders.continue_on_unknown:
            self.stop(error, _AFTER_UNKNOWN)

    def _worth_another_try(self, line: Line, error: ModellixError) -> bool:
        """Decide whether a line that was refused for a time is sent again, and hold back.

        A refusal because too many tasks run is no trouble while they may still end.
        """
        now = self._clock.monotonic()
        tries = self._refusals[line.index] = self._refusals.get(line.index, 0) + 1
        patience = self._orders.patience
        if error.concurrency_limited:
            self._crowded_since = now if self._crowded_since is None else self._crowded_since
            since, allowed = self._crowded_since, patience + self._orders.timeout
        else:
            self._trouble_since = now if self._trouble_since is None else self._trouble_since
            since, allowed = self._trouble_since, patience
        waits_too_long = (error.retry_after or 0.0) > patience
        lasts_too_long = now - since > allowed
        unreachable = not self._reached and tries >= _FIRST_CONTACT_TRIES
        if waits_too_long or lasts_too_long or unreachable:
            self.stop(error, f"Skipped: {error.message}")
            return False
        if error.code is not ErrorCode.RATE_LIMITED:  # of those the governor knows
            backoff = min(2.0**self._troubles, _LONGEST_BACKOFF)
            pause = backoff if error.retry_after is None else error.retry_after
            if now >= self._hold_until:  # several that fail at once are one trouble
                self._troubles = min(self._troubles + 1, _MOST_DOUBLINGS)
            hold = now + pause + self._clock.jitter(pause / 4)
            self._hold_until = max(self._hold_until, hold)
        return error.concurrency_limited or tries < _MOST_REFUSALS

    def _state_after(self, line: Line, error: ModellixError) -> str:
        """Return what is known of a line after a failure; an earlier doubt is not ended by it."""
        doubtful = error.code is ErrorCode.SUBMISSION_UNKNOWN or line.index in self._doubted
        return "unknown" if doubtful else "rejected"

    def stop(self, error: ModellixError | None, why: str) -> None:
        """Start no more lines; `why` is what those that are left out say."""
        if not self._why_skipped:
            self.stopped_by, self._why_skipped = error, why

    def emit_the_rest(self) -> None:
        """Emit every line that has no end: those under way, and those not started."""
        for line in self._flying.values():
            self._emit(fate_of(line, "unknown", _CUT_SHORT))
        self._next_step(0)


def fate_of(line: Line, state: str, detail: str | None, task_id: str | None = None) -> Fate:
    """Return what became of a line that was, or was not, submitted."""
    return Fate(line.index, str(line.slug), line.name, state, task_id, detail=detail)


def _words(pause: float | None) -> str:
    if isinstance(pause, NoSlot):
        return "waiting for a running task to end"
    return f"waiting {duration(pause)}" if pause and pause >= _WORTH_TELLING else ""
