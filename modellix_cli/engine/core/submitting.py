"""Paid requests on their way to the server: each claimed on disk first, and sent once."""

from collections import deque
from typing import Final

from modellix_cli.domain.errors import ErrorCode, ModellixError
from modellix_cli.domain.submission_state import SubmissionState
from modellix_cli.engine.core import effects, events
from modellix_cli.engine.core.config import EngineConfig
from modellix_cli.engine.core.following import Following
from modellix_cli.engine.core.lines import Active, Known, Line
from modellix_cli.engine.core.outbox import Outbox
from modellix_cli.engine.core.paid_retry import Again, PaidRetryPolicy
from modellix_cli.engine.notices import SubmitRetried, Waiting

_AFTER_UNKNOWN: Final = "Skipped after an earlier paid submission returned an unknown outcome."
_NOT_SENT: Final = "Interrupted before it was sent."
_CUT_SHORT: Final = (
    "Interrupted while the submission was under way: its outcome is unknown, "
    "a task may have been created."
)
_STILL_UNKNOWN: Final = "An earlier submission of this request is of unknown outcome."
_SENT_ELSEWHERE: Final = "Interrupted while another process was sending this request."
_NOT_FOUND: Final = (
    "Another process was sending this request, and the ledger holds no record of it any more."
)
_NEEDS_MISSING: Final = "Skipped: a line whose result it uses has none."
_WATCH_EVERY: Final = 0.5
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
        self._blocked: dict[int, Active] = {}
        self._preparing: dict[int, Active] = {}
        self._asking: dict[int, Active] = {}
        self._allowed: list[Active] = []
        self._held: list[Active] = []
        self._recording: dict[int, Active] = {}
        self._posting: dict[int, Active] = {}
        self._watching: dict[int, tuple[Active, float]] = {}
        self._given_up: dict[int, Active] = {}
        self._taken = 0
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
        return bool(self._queue or self._blocked)

    @property
    def is_empty(self) -> bool:
        """Whether no line is left here."""
        busy = self._queue or self._blocked or self._preparing or self._asking or self._allowed
        return not (busy or self._recording or self._posting or self._watching)

    @property
    def has_room(self) -> bool:
        """Whether more lines may be brought."""
        return self.why_stopped is not None or (
            len(self._queue) + len(self._blocked) < self._config.concurrency
            and len(self._watching) < self._config.most_followed
        )

    def take(self, line: Line, now: float) -> None:
        """Take a line: to be sent, or to go on with what earlier runs did."""
        active = Active(line)
        self._taken = max(self._taken, line.ref)
        if line.known is None or line.known.state is SubmissionState.REJECTED:
            if line.known is not None:
                active.number = line.known.number
            self._enqueue(active)
        else:
            self._go_on(active, line.known, now)

    def _go_on(self, line: Active, known: Known, now: float) -> None:
        """Go on with an attempt that answers for a line, or send it by the user's word."""
        line.number, line.task_id, line.reused = known.number, known.task_id, True
        line.ours = known.ours
        # an age below 0 comes from a clock that was wrong
        line.since = now - known.age if known.age is not None and known.age >= 0 else None
        if known.in_flight:
            if self._interrupted:
                self._emit_doubt(line, _SENT_ELSEWHERE)
            else:
                self._watching[line.ref] = (line, now)
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
            if known.state is SubmissionState.UNKNOWN:
                line.resends, line.doubt = known.number, known.detail or _STILL_UNKNOWN
            else:
                line.retries = known.number
            self._enqueue(line)
        elif known.state is SubmissionState.UNKNOWN:
            self._unknown(line, known, now)
        elif (known.status is not None and (known.detail or known.files is not None)) or (
            known.status is not None and not self._config.save
        ):
            self._emit_known(line, known)
        else:
            self._following.accept(line, now, just_submitted=False)

    def _emit_known(self, line: Active, known: Known) -> None:
        self._out.emit(
            line.outcome(
                SubmissionState.ACCEPTED,
                status=known.status,
                detail=known.detail,
                urls=known.urls,
                files=known.files,
            )
        )

    def _unknown(self, line: Active, known: Known, now: float) -> None:
        error = ModellixError(
            ErrorCode.SUBMISSION_UNKNOWN,
            f"{known.detail or _STILL_UNKNOWN}",
            task_id=known.task_id,
        )
        if known.task_id is not None:
            self._following.confirm(line, error, now)
            return
        self._out.emit(
            line.outcome(
                SubmissionState.UNKNOWN, detail=error.message, error=error, needs_resume=True
            )
        )

    def _enqueue(self, line: Active) -> None:
        if self.why_stopped is not None:
            self._skip(line)
        else:
            self._queue.append(line)

    def _skip(self, line: Active, why: str | None = None) -> None:
        known = line.line.known
        before = known.detail if known and known.state is SubmissionState.REJECTED else None
        detail = why or self.why_stopped or _NOT_SENT
        if line.doubt is not None:
            self._emit_doubt(line, f"{line.doubt} {detail}")
            return
        refused = f" It was refused before: {before}" if before else ""
        self._out.emit(line.outcome(None, detail=detail + refused, needs_resume=True))

    def _emit_doubt(self, line: Active, detail: str, error: ModellixError | None = None) -> None:
        """Emit a line whose earlier attempt stays of unknown outcome."""
        self._out.emit(
            line.outcome(
                SubmissionState.UNKNOWN,
                detail=detail,
                error=error or ModellixError(ErrorCode.SUBMISSION_UNKNOWN, detail),
                needs_resume=True,
            )
        )

    def pump(self, now: float) -> float | None:
        """Move on the lines for which there is room; return when to try again."""
        moments = [self._watch(now)]
        self._unblock()
        while self._queue and self._busy < self._config.concurrency and self.why_stopped is None:
            if self._following.is_full:
                break
            if self._held_until > now:
                moments.append(self._held_until)
                break
            self._advance(self._queue.popleft())
        return min((moment for moment in moments if moment is not None), default=None)

    @property
    def _busy(self) -> int:
        """How many lines take room: on their way to the server, or about to be."""
        asked = len(self._asking) + len(self._allowed) + len(self._held)
        return asked + len(self._preparing) + len(self._recording) + len(self._posting)

    def _advance(self, line: Active) -> None:
        """Start what a line needs next."""
        needs = line.line.needs
        if any(not self._out.usable(ref) and self._has_no_result(ref, line) for ref in needs):
            self._skip(line, _NEEDS_MISSING)
        elif any(not self._out.ended(ref) for ref in needs):
            self._blocked[line.ref] = line
        elif line.line.prepare and not line.prepared:
            self._preparing[line.ref] = line
            self._out.add(effects.Prepare(line.ref))
        elif line.line.reserve and not line.reserved:
            self._preparing[line.ref] = line
            self._out.add(effects.Reserve(line.ref))
        else:
            self._asking[line.ref] = line
            self._out.add(effects.AskSubmit(line.ref))

    def _has_no_result(self, need: int, line: Active) -> bool:
        """Whether a line that another one needs ended without a result, or does not come before."""
        return self._out.ended(need) or need >= line.ref or need > self._taken

    def _unblock(self) -> None:
        for ref, line in list(self._blocked.items()):
            if all(self._out.ended(need) for need in line.line.needs):
                del self._blocked[ref]
                self._queue.append(line)

    def _watch(self, now: float) -> float | None:
        """Ask how the attempts of other processes stand, every now and then."""
        for ref, (line, due) in self._watching.items():
            if due <= now:
                self._watching[ref] = (line, now + _WATCH_EVERY)
                self._out.add(effects.WatchAttempt(ref, line.number))
        return min((due for _, due in self._watching.values()), default=None)

    def server_answered(self) -> None:
        """Take the news that the server answers other requests."""
        self._retry.reached()

    def attempt_seen(self, event: events.AttemptSeen, now: float) -> None:
        """Take how another process's attempt stands."""
        if event.ref not in self._watching:
            return
        line, _due = self._watching[event.ref]
        known = event.known
        if known is not None and known.in_flight:
            return
        del self._watching[event.ref]
        if known is None:  # it may have been sent all the same
            self._emit_doubt(line, _NOT_FOUND)
        elif known.state is SubmissionState.REJECTED:
            line.number, line.task_id, line.reused, line.since = 0, None, False, None
            self._enqueue(line)
        else:
            self._go_on(line, known, now)

    def prepared(self, ref: int, error: ModellixError | None, *, reserved: bool) -> None:
        """Take that a line is ready for its next step, or why it will not be sent."""
        line = self._preparing.pop(ref, None)
        if line is None:
            return
        if error is not None and line.doubt is not None:
            self._emit_doubt(line, f"{line.doubt} {error.message}", error)
            return
        if error is not None:
            self._out.emit(line.outcome(None, detail=error.message, error=error, needs_resume=True))
            return
        line.prepared = True
        line.reserved = line.reserved or reserved
        if self.why_stopped is not None:
            self._skip(line)
        else:
            self._queue.appendleft(line)

    def allowed(self, ref: int) -> None:
        """Take leave to send a line; once all that were asked for are answered, record them."""
        self._allowed.append(self._asking.pop(ref))
        self._record_when_all_answered()

    def held(self, event: events.SubmitHeld, now: float) -> None:
        """Take the news that a line may not leave yet."""
        self._held.append(self._asking.pop(event.ref))
        self.waiting = Waiting(event.seconds, event.slots_full)
        if event.seconds > self._config.patience:
            self._stop_for(event.seconds)
        self._held_until = max(self._held_until, now + max(event.seconds, _SHORTEST_HOLD))
        if event.slots_full:
            self._retry.waited_for_room()
            self._following.watch_for_room(now)
        self._record_when_all_answered()

    def _record_when_all_answered(self) -> None:
        if self._asking:
            return
        self._queue.extendleft(reversed(self._held))
        self._held.clear()
        if self.why_stopped is not None:
            self._skip_queue()
        leaving, self._allowed = self._allowed, []
        if self.why_stopped is not None:
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

    def recorded(self, claims: "dict[int, int | Known]", now: float) -> None:
        """Take the claims of requests: those that are ours leave, unless the run was stopped."""
        for ref, claim in claims.items():
            line = self._recording.pop(ref)
            if isinstance(claim, Known):
                self._out.add(effects.ReturnLeave(ref))
                self._go_on(line, claim, now)
                continue
            line.number = claim
            if self.why_stopped is not None:
                rejected = SubmissionState.REJECTED
                self._out.add(effects.RecordOutcome(claim, rejected, detail=_NOT_SENT))
                self._out.add(effects.ReturnLeave(ref))
                self._skip(line, _NOT_SENT)
                continue
            line.tries += 1
            self._posting[ref] = line
            self._out.add(effects.Post(ref, claim))

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
            line.doubt = None
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
            accepted = SubmissionState.ACCEPTED
            self._out.add(effects.RecordOutcome(line.number, accepted, event.task_id))
            return
        error, unknown = event.error, event.error.code is ErrorCode.SUBMISSION_UNKNOWN
        state = SubmissionState.UNKNOWN if unknown else SubmissionState.REJECTED
        self._out.add(effects.RecordOutcome(line.number, state, error.task_id, error.message))

    def _replied_unknown(self, line: Active, error: ModellixError, now: float) -> None:
        if not self._config.continue_on_unknown:
            self.stop(_AFTER_UNKNOWN, None)
        if error.task_id is not None:
            line.task_id = error.task_id
            self._following.confirm(line, error, now)
            return
        self._out.emit(
            line.outcome(
                SubmissionState.UNKNOWN, detail=error.message, error=error, needs_resume=True
            )
        )

    def _refused(self, line: Active, error: ModellixError, now: float) -> None:
        decision = self._retry.refused(error, line.tries, now)
        if isinstance(decision, Again) and self.why_stopped is None:
            self._held_until = max(self._held_until, now + decision.pause)
            if decision.pause:
                self._out.tell(SubmitRetried(error.message, decision.pause))
            self._queue.append(line)
            return
        if line.tries > 1:
            error = error.copy_with(message=f"{error.message} Tried {line.tries} times.")
        if line.doubt is not None:
            self._emit_doubt(line, f"{line.doubt} Sent again: {error.message}", error)
        else:
            self._out.emit(
                line.outcome(
                    SubmissionState.REJECTED,
                    detail=error.message,
                    error=error,
                    needs_resume=True,
                )
            )
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
        for line in (*self._queue, *self._blocked.values()):
            self._skip(line)
        self._queue.clear()
        self._blocked.clear()

    def interrupt(self) -> None:
        """Wait for no attempt of another process any more."""
        self._interrupted = True
        for line, _due in self._watching.values():
            self._emit_doubt(line, _SENT_ELSEWHERE)
        self._watching.clear()

    def grace_over(self) -> None:
        """Tell of what is still under way what is known: nothing."""
        for line in self._preparing.values():
            self._skip(line, _NOT_SENT)
        self._preparing.clear()
        for line in self._posting.values():
            error = ModellixError(ErrorCode.SUBMISSION_UNKNOWN, _CUT_SHORT)
            self._out.emit(
                line.outcome(
                    SubmissionState.UNKNOWN, detail=_CUT_SHORT, error=error, needs_resume=True
                )
            )
        self._given_up |= self._posting
        self._posting.clear()
