"""Lines whose request was sent before: an earlier attempt answers for them, or is repeated."""

from typing import Final

from modellix_cli.domain.errors import ErrorCode, ModellixError
from modellix_cli.domain.submission_state import SubmissionState
from modellix_cli.engine.core import events
from modellix_cli.engine.core.config import EngineConfig, Follow
from modellix_cli.engine.core.ends import Ends
from modellix_cli.engine.core.following import Following
from modellix_cli.engine.core.lines import Active, Known
from modellix_cli.engine.core.outbox import Outbox
from modellix_cli.engine.core.submit_queue import SubmitQueue
from modellix_cli.engine.core.watching import Watching

_STILL_UNKNOWN: Final = "An earlier submission of this request is of unknown outcome."
SENT_ELSEWHERE: Final = "Interrupted while another process was sending this request."
STILL_SENT_ELSEWHERE: Final = "Another process is still sending this request."
"""Why nothing is known of a line that this run did not send."""
_NOT_FOUND: Final = (
    "Another process was sending this request, and the ledger holds no record of it any more."
)


class EarlierAttempts:
    """Goes on with what earlier runs, or other processes, did about lines."""

    def __init__(
        self,
        config: EngineConfig,
        out: Outbox,
        queue: SubmitQueue,
        following: Following,
        ends: Ends,
    ) -> None:
        self._config = config
        self._queue = queue
        self._following = following
        self._ends = ends
        self._watching = Watching(out)
        self._interrupted = False

    def __len__(self) -> int:
        """How many lines wait for the attempt of another process."""
        return len(self._watching)

    def go_on(self, line: Active, known: Known, now: float) -> None:
        """Go on with an attempt that answers for a line, or send it by the user's word."""
        line.number, line.task_id, line.reused = known.number, known.task_id, True
        line.ours, line.others = known.ours, known.others
        # an age below 0 comes from a clock that was wrong
        line.since = now - known.age if known.age is not None and known.age >= 0 else None
        if known.in_flight:
            if self._interrupted:
                self._ends.doubtful(line, SENT_ELSEWHERE)
            else:
                self._watching.add(line, now, now + self._config.timeout)
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
            self._queue.add(line)
        elif known.state is SubmissionState.UNKNOWN:
            self._unknown(line, known, now)
        else:
            self._following.tell_others(line)
            self._go_on_with_task(line, known, now)

    def _go_on_with_task(self, line: Active, known: Known, now: float) -> None:
        if known.is_over(saves=self._config.save):
            self._ends.known(line, known)
        elif known.failed and self._config.follow is Follow.NOT:
            self._ends.failed(line, known)
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

    def pump(self, now: float) -> float | None:
        """Ask how the attempts of other processes stand; return when to ask next.

        As with tasks, no longer than the run waits.
        """
        for line in self._watching.overdue(now):
            self._ends.doubtful(line, STILL_SENT_ELSEWHERE)
        return self._watching.pump(now)

    def seen(self, event: events.AttemptSeen, now: float) -> None:
        """Take how another process's attempt stands."""
        line, known = self._watching.seen(event), event.known
        if line is None:
            return
        if known is None:  # it may have been sent all the same
            self._ends.doubtful(line, _NOT_FOUND)
        elif known.state is SubmissionState.REJECTED:
            line.number, line.task_id, line.reused, line.since = 0, None, False, None
            self._queue.add(line)
        else:
            self.go_on(line, known, now)

    def interrupt(self) -> None:
        """Wait for no attempt of another process any more."""
        self._interrupted = True
        for line in self._watching.drop():
            self._ends.doubtful(line, SENT_ELSEWHERE)
