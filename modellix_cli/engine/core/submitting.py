"""Lines on their way to being sent: taken, made ready, and let go as limits allow."""

from typing import Final

from modellix_cli.domain.errors import ErrorCode, ModellixError
from modellix_cli.domain.submission_state import NOT_SENT, SubmissionState
from modellix_cli.engine.core import effects, events
from modellix_cli.engine.core.config import EngineConfig
from modellix_cli.engine.core.earlier import EarlierAttempts
from modellix_cli.engine.core.ends import Ends
from modellix_cli.engine.core.following import Following
from modellix_cli.engine.core.leaving import Leaving
from modellix_cli.engine.core.lines import Active, Line
from modellix_cli.engine.core.outbox import Outbox
from modellix_cli.engine.core.paid_retry import TRY_THEN, PaidRetryPolicy, limit_reached
from modellix_cli.engine.core.posting import Posting
from modellix_cli.engine.core.submit_queue import SubmitQueue
from modellix_cli.engine.notices import Waiting

_SHORTEST_HOLD: Final = 0.01


class Submitting:
    """The lines that are to be sent.

    Each has its turn in `queue`, is claimed and sent by `posting`; `earlier` goes on with those
    that were sent before.
    """

    def __init__(
        self, config: EngineConfig, out: Outbox, following: Following, retry: PaidRetryPolicy
    ) -> None:
        self._config = config
        self._out = out
        self._following = following
        self._retry = retry
        self._ends = Ends(out)
        self.queue = SubmitQueue(out, self._ends)
        self.earlier = EarlierAttempts(config, out, self.queue, following, self._ends)
        self.posting = Posting(config, out, self.queue, self.earlier, following, retry, self._ends)
        self._preparing: dict[int, Active] = {}
        self._leaving = Leaving(out)
        self.waiting: Waiting | None = None
        """What the next line waits for, None if it hardly waits."""

    @property
    def is_empty(self) -> bool:
        """Whether no line is left here."""
        return not (self._busy or self.queue.lines_wait or len(self.earlier))

    @property
    def lines_left(self) -> bool:
        """Whether a line is here whose request has not left."""
        return bool(self._preparing or len(self._leaving) or self.queue.lines_wait)

    @property
    def has_room(self) -> bool:
        """Whether more lines may be brought."""
        most = self._config.most_followed
        return self.queue.why_stopped is not None or (
            len(self.queue) < self._config.concurrency
            and self.queue.blocked < most
            and len(self.earlier) < most
        )

    def take(self, line: Line, now: float) -> None:
        """Take a line: to be sent, or to go on with what earlier runs did."""
        active = Active(line)
        self.queue.announce(line.ref)
        if line.known is None or line.known.state is SubmissionState.REJECTED:
            if line.known is not None:
                active.number = line.known.number
            self.queue.add(active)
        else:
            self.earlier.go_on(active, line.known, now)

    def pump(self, now: float) -> float | None:
        """Move on the lines for which there is room; return when to try again."""
        queue = self.queue
        moments = [self.earlier.pump(now)]
        careful = not self._config.continue_on_unknown
        if careful and self._following.left_unknown:
            queue.stop_after_unknown()
        queue.free()
        while len(queue) and self._busy < self._config.concurrency:
            if self._following.is_full or (careful and self._following.in_doubt):
                break
            if queue.held_until > now:
                moments.append(queue.held_until)
                break
            line = queue.next_ready()
            if line is not None:
                self._advance(line)
        return min((moment for moment in moments if moment is not None), default=None)

    @property
    def _busy(self) -> int:
        """How many lines take room: on their way to the server, or about to be."""
        return len(self._preparing) + len(self._leaving) + len(self.posting)

    def _advance(self, line: Active) -> None:
        """Start what a line needs next."""
        if line.line.prepare and not line.prepared:
            self._preparing[line.ref] = line
            self._out.add(effects.Prepare(line.ref))
        else:
            self._leaving.ask(line)

    def prepared(self, ref: int, error: ModellixError | None) -> None:
        """Take that a line is ready for its next step, or why it will not be sent."""
        line = self._preparing.pop(ref, None)
        if line is None:
            return
        if error is not None:
            self._ends.not_ready(line, error)
            return
        line.prepared = True
        self.queue.add_first(line)

    def allowed(self, ref: int) -> None:
        """Take leave to send a line; once all that were asked for are answered, record them."""
        self._leaving.allowed(ref)
        self._record_when_all_answered()

    def held(self, event: events.SubmitHeld, now: float) -> None:
        """Take the news that a line may not leave yet."""
        self._leaving.held(event.ref)
        self.waiting = Waiting(event.seconds, event.slots_full)
        if event.seconds > self._config.patience:
            self._stop_for(event.seconds)
        self.queue.hold(now + max(event.seconds, _SHORTEST_HOLD))
        if event.slots_full:
            self._retry.waited_for_room()
            self._following.watch_for_room(now)
        self._record_when_all_answered()

    def _record_when_all_answered(self) -> None:
        answered = self._leaving.answered()
        if answered is None:
            return
        leaving, held = answered
        self.queue.put_back(held)
        if self.queue.why_stopped is not None:
            for line in leaving:
                self._out.add(effects.ReturnLeave(line.ref))
                self.queue.skip(line)
        elif leaving:
            self.waiting = None
            self.posting.claim(leaving)

    def _stop_for(self, wait: float) -> None:
        """Stop because no request may leave for longer than the user is ready to wait."""
        message = limit_reached(wait)
        error = ModellixError(ErrorCode.RATE_LIMITED, message, hint=TRY_THEN, retry_after=wait)
        self.queue.stop(f"Skipped: {message}", error)

    def grace_over(self) -> None:
        """Give up what is still made ready, and what is still under way."""
        for line in self._preparing.values():
            self.queue.skip(line, NOT_SENT)
        self._preparing.clear()
        self.posting.grace_over()
