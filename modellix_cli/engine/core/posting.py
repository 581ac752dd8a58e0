"""Paid requests on their way to the server: each claimed on disk first, and sent once."""

from collections.abc import Sequence
from typing import Final

from modellix_cli.domain.errors import ErrorCode, ModellixError
from modellix_cli.domain.submission_state import NOT_SENT, RejectedBy, SubmissionState
from modellix_cli.domain.task import also_named
from modellix_cli.engine.core import effects, events
from modellix_cli.engine.core.config import EngineConfig
from modellix_cli.engine.core.earlier import EarlierAttempts
from modellix_cli.engine.core.ends import Ends
from modellix_cli.engine.core.following import Following
from modellix_cli.engine.core.lines import Active, Answer, Known
from modellix_cli.engine.core.outbox import Outbox
from modellix_cli.engine.core.paid_retry import Again, GiveUp, PaidRetryPolicy
from modellix_cli.engine.core.submit_queue import SubmitQueue
from modellix_cli.engine.notices import Sending, SubmitRetried

_CUT_SHORT: Final = (
    "Interrupted while the submission was under way: its outcome is unknown, "
    "a task may have been created."
)
_NOT_RECORDED: Final = "Skipped: what became of it could not be recorded."


class Posting:
    """The lines that are being claimed, and those whose request may be at the server."""

    def __init__(
        self,
        config: EngineConfig,
        out: Outbox,
        queue: SubmitQueue,
        earlier: EarlierAttempts,
        following: Following,
        retry: PaidRetryPolicy,
        ends: Ends,
    ) -> None:
        self._config = config
        self._out = out
        self._queue = queue
        self._earlier = earlier
        self._following = following
        self._retry = retry
        self._ends = ends
        self._recording: dict[int, Active] = {}
        self._posting: dict[int, Active] = {}
        self._given_up: dict[int, Active] = {}

    def __len__(self) -> int:
        return len(self._recording) + len(self._posting)

    @property
    def in_flight(self) -> bool:
        """Whether a request may be under way to the server."""
        return bool(self._posting)

    def claim(self, lines: Sequence[Active]) -> None:
        """Record that lines are about to be sent."""
        self._recording |= {line.ref: line for line in lines}
        intents = tuple(
            effects.Intent(line.ref, line.number or None, line.resends, line.retries)
            for line in lines
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
            elif isinstance(claim, Known):
                self._answered(line, claim, now)
            else:
                line.number = claim
                self._post(line)
        for line, error in too_dear:  # when those that are allowed have left
            self._out.add(effects.ReturnLeave(line.ref))
            self._ends.not_ready(line, error)
            self._queue.stop(f"Skipped: {error.message}", error)

    def _answered(self, line: Active, known: Known, now: float) -> None:
        """Take the attempt that answers for a line instead of a request of its own."""
        self._out.add(effects.ReturnLeave(line.ref))
        if line.tries and known.number == line.number:
            # it was refused, and that is not on disk: there is no other to wait for
            assert line.refusal is not None
            self._out.add(refusal_of(known.number, line.refusal))
            self._queue.skip(line, _NOT_RECORDED)
        else:
            self._earlier.go_on(line, known, now)

    def _post(self, line: Active) -> None:
        """Send a line that is claimed, unless the run was stopped meanwhile."""
        if self._queue.why_stopped is not None:
            rejected = SubmissionState.REJECTED
            self._out.add(
                effects.RecordOutcome(
                    line.number, rejected, detail=NOT_SENT, rejected_by=RejectedBy.INTERRUPT
                )
            )
            self._out.add(effects.ReturnLeave(line.ref))
            self._queue.skip(line, NOT_SENT)
            return
        line.tries += 1
        self._posting[line.ref] = line
        self._out.tell(Sending(line.ref, line.line.slug))
        self._out.add(effects.Post(line.ref, line.number))

    def not_recorded(self, event: events.NotRecorded) -> None:
        """Stop, as what cannot be recorded must not be sent."""
        self._queue.stop(f"Skipped: {event.error.message}", event.error)
        for ref in event.refs:
            line = self._recording.pop(ref)
            self._out.add(effects.ReturnLeave(ref))
            self._queue.skip(line)

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
        if not event.recorded:
            self._out.add(record_of(line.number, event))

    def _replied_unknown(self, line: Active, error: ModellixError, now: float) -> None:
        if error.task_id is not None:  # it may be found: then the outcome is known
            line.task_id = error.task_id
            self._following.confirm(line, error, now)
            return
        self._ends.doubtful(line, error.message, error)
        if not self._config.continue_on_unknown:
            self._queue.stop_after_unknown()

    def _refused(self, line: Active, error: ModellixError, now: float) -> None:
        decision = self._retry.refused(error, line.tries, now)
        if isinstance(decision, Again) and self._queue.why_stopped is None:
            self._queue.hold(now + decision.pause)
            self._out.tell(SubmitRetried(error.message, decision.pause, line.ref))
            line.refusal = error
            self._queue.add(line)  # behind the others, as limits may be those of its model
            return
        if isinstance(decision, GiveUp):
            error = self._retry.given_up(error)
        self._ends.rejected(line, error)
        if not isinstance(decision, Again) and decision.stop:
            self._queue.stop(f"Skipped: {error.message}", error)

    def grace_over(self) -> None:
        """Tell of what is still under way what is known: nothing."""
        for line in self._posting.values():
            self._ends.doubtful(line, _CUT_SHORT)
        self._given_up |= self._posting
        self._posting.clear()


def record_of(number: int, reply: events.Replied) -> effects.RecordOutcome:
    """Return what a reply says about an attempt: a task, a refusal, or that nobody knows."""
    error = reply.error
    if error is None:
        others, accepted = _others(reply), SubmissionState.ACCEPTED
        return effects.RecordOutcome(number, accepted, reply.task_id, also_named(others), others)
    if error.code is not ErrorCode.SUBMISSION_UNKNOWN:
        return refusal_of(number, error)
    unknown = SubmissionState.UNKNOWN
    return effects.RecordOutcome(number, unknown, error.task_id, error.message, error.other_tasks)


def refusal_of(number: int, error: ModellixError) -> effects.RecordOutcome:
    """Return that an attempt created nothing: a reply said so, or it could not be sent at all."""
    by, rejected = RejectedBy.SERVICE, SubmissionState.REJECTED
    if error.code in (ErrorCode.NETWORK, ErrorCode.TLS):
        by = RejectedBy.NETWORK
    return effects.RecordOutcome(
        number, rejected, error.task_id, error.message, error.other_tasks, by
    )


def _others(reply: events.Replied) -> tuple[str, ...]:
    """Return the tasks that a reply named besides the one that it said was created."""
    return () if reply.submission is None else reply.submission.others
