"""Paid requests on their way to the server: each claimed on disk first, and sent once."""

from collections import deque
from typing import Final

from modellix_cli.domain.errors import ErrorCode, ModellixError
from modellix_cli.domain.submission_state import NOT_SENT, SubmissionState
from modellix_cli.engine.core import effects, events
from modellix_cli.engine.core.config import EngineConfig
from modellix_cli.engine.core.ends import Ends
from modellix_cli.engine.core.following import Following
from modellix_cli.engine.core.leaving import Leaving
from modellix_cli.engine.core.lines import Active, Answer, Known, Line
from modellix_cli.engine.core.needs import Needs
from modellix_cli.engine.core.outbox import Outbox
from modellix_cli.engine.core.paid_retry import Again, PaidRetryPolicy
from modellix_cli.engine.core.watching import Watching
from modellix_cli.engine.notices import Sending, SubmitRetried, Waiting

_AFTER_UNKNOWN: Final = "Skipped after an earlier paid submission returned an unknown outcome."
_CUT_SHORT: Final = (
    "Interrupted while the submission was under way: its outcome is unknown, "
    "a task may have been created."
)
_STILL_UNKNOWN: Final = "An earlier submission of this request is of unknown outcome."
_SENT_ELSEWHERE: Final = "Interrupted while another process was sending this request."
_NOT_FOUND: Final = (
    "Another process was sending this request, and the ledger holds no record of it any more."
)
_NOT_RECORDED: Final = "Skipped: what became of it could not be recorded."
_NEEDS_MISSING: Final = "Skipped: it uses the result of line {}, which has none."
_SHORTEST_HOLD: Final = 0.01


class Submitting:
    """The lines that are to be sent. `stopped_by` is the failure that let no more be sent."""

    def __init__(
        self, config: EngineConfig, out: Outbox, following: Following, retry: PaidRetryPolicy
    ) -> None:
        self._config = config
        self._out = out
        self._following = following
        self._retry = retry
        self._queue: deque[Active] = deque()
        self._needs = Needs(out)
        self._preparing: dict[int, Active] = {}
        self._leaving = Leaving(out)
        self._recording: dict[int, Active] = {}
        self._posting: dict[int, Active] = {}
        self._watching = Watching(out)
        self._ends = Ends(out)
        self._given_up: dict[int, Active] = {}
        self._interrupted = False
        self._held_until = 0.0
        self.waiting: Waiting | None = None
        """What the next line waits for, None if it hardly waits."""
        self.why_stopped: str | None = None
        self.stopped_by: ModellixError | None = None

    @property
    def in_flight(self) -> bool:
        """Whether a request may be under way to the server."""
        return bool(self._posting)

    @property
    def lines_wait(self) -> bool:
        """Whether a line waits for its turn."""
        return bool(self._queue) or len(self._needs) > 0

    @property
    def is_empty(self) -> bool:
        """Whether no line is left here."""
        return not (self._busy or self.lines_wait or len(self._watching))

    @property
    def has_room(self) -> bool:
        """Whether more lines may be brought."""
        most = self._config.most_followed
        return self.why_stopped is not None or (
            len(self._queue) < self._config.concurrency
            and len(self._needs) < most
            and len(self._watching) < most
        )

    def take(self, line: Line, now: float) -> None:
        """Take a line: to be sent, or to go on with what earlier runs did."""
        active = Active(line)
        self._needs.taken(line.ref)
        if line.known is None or line.known.state is SubmissionState.REJECTED:
            if line.known is not None:
                active.number = line.known.number
            self._enqueue(active)
        else:
            self._go_on(active, line.known, now)

    def _go_on(self, line: Active, known: Known, now: float) -> None:
        """Go on with an attempt that answers for a line, or send it by the user's word."""
        line.number, line.task_id, line.reused = known.number, known.task_id, True
        line.ours, line.others = known.ours, known.others
        # an age below 0 comes from a clock that was wrong
        line.since = now - known.age if known.age is not None and known.age >= 0 else None
        if known.in_flight:
            if self._interrupted:
                self._ends.doubtful(line, _SENT_ELSEWHERE)
            else:
                self._watching.add(line, now)
            return
        # the user's word is good for one attempt
        may_send = (
            line.resends is None
            and line.retries is None
            and known.state.may_send(
                resend_unknown=line.line.resend,
                retry_failed=line.line.retry_failed,
                task_failed=known.failed,
            )
        )
        if may_send:
            line.number, line.task_id, line.reused, line.since = 0, None, False, None
            line.others = ()
            if known.state is SubmissionState.UNKNOWN:
                line.resends, line.doubt = known.number, known.detail or _STILL_UNKNOWN
            else:
                line.retries = known.number
            self._enqueue(line)
        elif known.state is SubmissionState.UNKNOWN:
            self._unknown(line, known, now)
        else:
            self._following.tell_others(line)
            self._go_on_with_task(line, known, now)

    def _go_on_with_task(self, line: Active, known: Known, now: float) -> None:
        if (known.status is not None and (known.detail or known.files is not None)) or (
            known.status is not None and not self._config.save
        ):
            self._ends.known(line, known)
        else:
            self._following.accept(line, now, just_submitted=False)

    def _unknown(self, line: Active, known: Known, now: float) -> None:
        detail = known.detail or _STILL_UNKNOWN
        error = ModellixError(
            ErrorCode.SUBMISSION_UNKNOWN, detail, task_id=known.task_id, other_tasks=known.others
        )
        if known.task_id is not None:
            self._following.confirm(line, error, now)
        else:
            self._ends.doubtful(line, detail, error)

    def _enqueue(self, line: Active) -> None:
        if self.why_stopped is not None:
            self._skip(line)
        else:
            self._queue.append(line)

    def _skip(self, line: Active, why: str | None = None) -> None:
        error = self.stopped_by if why is None else None
        self._ends.skipped(line, why or self.why_stopped or NOT_SENT, error)

    def pump(self, now: float) -> float | None:
        """Move on the lines for which there is room; return when to try again."""
        moments = [self._watching.pump(now)]
        careful = not self._config.continue_on_unknown
        if careful and self._following.left_unknown:
            self.stop(_AFTER_UNKNOWN, None)
        self._queue += self._needs.freed()
        while self._queue and self._busy < self._config.concurrency and self.why_stopped is None:
            if self._following.is_full or (careful and self._following.in_doubt):
                break
            if self._held_until > now:
                moments.append(self._held_until)
                break
            self._advance(self._queue.popleft())
        return min((moment for moment in moments if moment is not None), default=None)

    @property
    def _busy(self) -> int:
        """How many lines take room: on their way to the server, or about to be."""
        sent = len(self._recording) + len(self._posting)
        return len(self._preparing) + len(self._leaving) + sent

    def _advance(self, line: Active) -> None:
        """Start what a line needs next."""
        missing = self._needs.never_met(line)
        if missing is not None:
            self._skip(line, _NEEDS_MISSING.format(missing))
        elif self._needs.block(line):
            return
        elif line.line.prepare and not line.prepared:
            self._preparing[line.ref] = line
            self._out.add(effects.Prepare(line.ref))
        else:
            self._leaving.ask(line)

    def server_answered(self) -> None:
        """Take the news that the server answers other requests."""
        self._retry.reached()

    def attempt_seen(self, event: events.AttemptSeen, now: float) -> None:
        """Take how another process's attempt stands."""
        line, known = self._watching.seen(event), event.known
        if line is None:
            return
        if known is None:  # it may have been sent all the same
            self._ends.doubtful(line, _NOT_FOUND)
        elif known.state is SubmissionState.REJECTED:
            line.number, line.task_id, line.reused, line.since = 0, None, False, None
            self._enqueue(line)
        else:
            self._go_on(line, known, now)

    def prepared(self, ref: int, error: ModellixError | None) -> None:
        """Take that a line is ready for its next step, or why it will not be sent."""
        line = self._preparing.pop(ref, None)
        if line is None:
            return
        if error is not None:
            self._ends.not_ready(line, error)
            return
        line.prepared = True
        if self.why_stopped is not None:
            self._skip(line)
        else:
            self._queue.appendleft(line)

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
        self._held_until = max(self._held_until, now + max(event.seconds, _SHORTEST_HOLD))
        if event.slots_full:
            self._retry.waited_for_room()
            self._following.watch_for_room(now)
        self._record_when_all_answered()

    def _record_when_all_answered(self) -> None:
        answered = self._leaving.answered()
        if answered is None:
            return
        leaving, held = answered
        self._queue.extendleft(reversed(held))
        if self.why_stopped is not None:
            self._skip_queue()
            for line in leaving:
                self._out.add(effects.ReturnLeave(line.ref))
                self._skip(line)
            return
        if not leaving:
            return
        self.waiting = None
        self._recording |= {line.ref: line for line in leaving}
        intents = tuple(
            effects.Intent(line.ref, line.number or None, line.resends, line.retries)
            for line in leaving
        )
        self._out.add(effects.RecordIntents(intents))

    def recorded(self, claims: dict[int, Answer], now: float) -> None:
        """Take the claims of requests: those that are ours leave, unless the run was stopped.

        The first that a limit of cost does not allow stops the run.
        """
        too_dear: list[tuple[Active, ModellixError]] = []
        for ref, claim in claims.items():
            line = self._recording.pop(ref)
            if isinstance(claim, ModellixError):
                too_dear.append((line, claim))
                continue
            if isinstance(claim, Known):
                self._out.add(effects.ReturnLeave(ref))
                if line.tries and claim.number == line.number:
                    # it was refused, and that is not on disk: there is no other to wait for
                    rejected = SubmissionState.REJECTED
                    self._out.add(effects.RecordOutcome(claim.number, rejected, None, line.refusal))
                    self._skip(line, _NOT_RECORDED)
                    continue
                self._go_on(line, claim, now)
                continue
            line.number = claim
            if self.why_stopped is not None:
                rejected = SubmissionState.REJECTED
                self._out.add(effects.RecordOutcome(claim, rejected, detail=NOT_SENT))
                self._out.add(effects.ReturnLeave(ref))
                self._skip(line, NOT_SENT)
                continue
            line.tries += 1
            self._posting[ref] = line
            self._out.tell(Sending(ref, line.line.slug))
            self._out.add(effects.Post(ref, claim))
        for line, error in too_dear:  # when those that are allowed have left
            self._out.add(effects.ReturnLeave(line.ref))
            self._ends.not_ready(line, error)
            self.stop(f"Skipped: {error.message}", error)

    def not_recorded(self, event: events.NotRecorded) -> None:
        """Stop, as what cannot be recorded must not be sent."""
        self.stop(f"Skipped: {event.error.message}", event.error)
        for ref in event.refs:
            line = self._recording.pop(ref)
            self._out.add(effects.ReturnLeave(ref))
            self._skip(line)

    def replied(self, event: events.Replied, now: float) -> None:
        """Take the outcome of a POST."""
        line = self._posting.pop(event.ref, None)
        if line is None:  # it took longer than the run lasted
            self._record_reply(self._given_up.pop(event.ref), event)
            return
        self._record_reply(line, event)
        if event.task_id is not None:
            line.task_id, line.submission, line.since = event.task_id, event.submission, now
            line.doubt, line.others = None, _others(event)
            self._following.tell_others(line)
            self._retry.succeeded()
            self._following.accept(line, now, just_submitted=True)
            return
        assert event.error is not None
        if event.error.code is ErrorCode.SUBMISSION_UNKNOWN:
            self._replied_unknown(line, event.error, now)
        else:
            self._refused(line, event.error, now)

    def _record_reply(self, line: Active, event: events.Replied) -> None:
        """Ask once more for what could not be recorded when it came."""
        if event.recorded:
            return
        if event.error is None:
            record = effects.RecordOutcome.accepted(line.number, event.task_id, _others(event))
        else:
            record = effects.RecordOutcome.failed(line.number, event.error)
        self._out.add(record)

    def _replied_unknown(self, line: Active, error: ModellixError, now: float) -> None:
        if error.task_id is not None:  # it may be found: then the outcome is known
            line.task_id = error.task_id
            self._following.confirm(line, error, now)
            return
        self._ends.doubtful(line, error.message, error)
        if not self._config.continue_on_unknown:
            self.stop(_AFTER_UNKNOWN, None)

    def _refused(self, line: Active, error: ModellixError, now: float) -> None:
        decision = self._retry.refused(error, line.tries, now)
        if isinstance(decision, Again) and self.why_stopped is None:
            self._held_until = max(self._held_until, now + decision.pause)
            self._out.tell(SubmitRetried(error.message, decision.pause, line.ref))
            line.refusal = error.message
            self._queue.append(line)  # behind the others, as limits may be those of its model
            return
        self._ends.rejected(line, error)
        if not isinstance(decision, Again) and decision.stop:
            self.stop(f"Skipped: {error.message}", error)

    def _stop_for(self, wait: float) -> None:
        """Stop because no request may leave for longer than the user is ready to wait."""
        message = f"Rate limit reached; the next request may be sent in {round(wait)}s."
        error = ModellixError(
            ErrorCode.RATE_LIMITED,
            message,
            hint="Run the same command again then, or wait longer with --max-retry-wait.",
            retry_after=wait,
        )
        self.stop(f"Skipped: {message}", error)

    def stop(self, why: str, error: ModellixError | None) -> None:
        """Send no more lines; `why` is what those that are left out say."""
        if self.why_stopped is not None:
            return
        self.why_stopped, self.stopped_by = why, error
        self._skip_queue()

    def _skip_queue(self) -> None:
        for line in (*self._queue, *self._needs.drop()):
            self._skip(line)
        self._queue.clear()

    def interrupt(self) -> None:
        """Wait for no attempt of another process any more."""
        self._interrupted = True
        for line in self._watching.drop():
            self._ends.doubtful(line, _SENT_ELSEWHERE)

    def grace_over(self) -> None:
        """Tell of what is still under way what is known: nothing."""
        for line in self._preparing.values():
            self._skip(line, NOT_SENT)
        self._preparing.clear()
        for line in self._posting.values():
            self._ends.doubtful(line, _CUT_SHORT)
        self._given_up |= self._posting
        self._posting.clear()


def _others(event: events.Replied) -> tuple[str, ...]:
    """Return the tasks that a reply named besides the one that it said was created."""
    return () if event.submission is None else event.submission.others
