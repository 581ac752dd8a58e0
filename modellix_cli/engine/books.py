"""What the driver records, kept in the ledger; or nowhere, where there can be none."""

from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Protocol

from modellix_cli.clock import Clock
from modellix_cli.domain.errors import ModellixError
from modellix_cli.domain.submission_state import SubmissionState
from modellix_cli.domain.task import Task, has_failed
from modellix_cli.engine.core import effects
from modellix_cli.engine.core.lines import Answer, Known, LineOutcome
from modellix_cli.engine.notices import Notice, SameTask
from modellix_cli.engine.task_book import TaskBook
from modellix_cli.ledger.attempt import Attempt
from modellix_cli.ledger.files import FileStore
from modellix_cli.ledger.records import BatchLine, Claim, Claimed, Outcome, Request, TooDear
from modellix_cli.ledger.submissions import SubmissionStore
from modellix_cli.ledger.tasks import TaskStore


class Requests(Protocol):
    """Knows what each line asks, as the ledger keeps it."""

    def ledger_request(self, intent: effects.Intent) -> Request:
        """Return the request of a line that is about to be sent."""


class RunBook(TaskBook):
    """Records a single run; an earlier attempt answers for it as the user said."""

    def __init__(
        self,
        submissions: SubmissionStore,
        tasks: TaskStore,
        files: FileStore,
        clock: Clock,
        requests: Requests,
        clean: Callable[[str], str],
        *,
        resume: bool,
        resend_unknown: bool,
    ) -> None:
        super().__init__(tasks, files, clock)
        self._submissions = submissions
        self._requests = requests
        self._clean = clean
        self._resume = resume
        self._resend_unknown = resend_unknown

    def claim(self, intents: Sequence[effects.Intent]) -> dict[int, Answer]:
        """Claim the request."""
        claims: dict[int, Answer] = {}
        for intent in intents:
            request = self._requests.ledger_request(intent)
            claim = self._submissions.claim(
                request, resume=self._resume, resend_unknown=self._resend_unknown
            )
            claims[intent.ref] = self._answer(request, claim)
        return claims

    def _answer(self, request: Request, claim: Claim) -> Answer:
        """Return what a claim comes to; of one that a limit refused, the log tells."""
        if isinstance(claim, TooDear):
            with suppress(ModellixError):  # it is refused all the same
                self._submissions.record_refusal(request, self._clean(claim.error.message))
        return answer_of(claim, self._clock)

    def record(self, outcome: effects.RecordOutcome) -> Notice | None:
        """Record how an attempt ended; return that its task is that of another request too."""
        detail = None if outcome.detail is None else self._clean(outcome.detail)
        number, task_id = outcome.number, outcome.task_id
        ended = Outcome(outcome.state, task_id, detail, outcome.others, outcome.rejected_by)
        self._submissions.record(number, ended)
        if outcome.state is not SubmissionState.ACCEPTED or task_id is None:
            return None
        other = self._submissions.other_of_task(number)
        if other is None:
            return None
        own = self._submissions.attempt(number)
        line = None if own is None else own.line
        return SameTask(task_id, number, line, other.number, other.batch, other.line)

    def attempt(self, number: int) -> Known | None:
        """Return how an attempt stands."""
        attempt = self._submissions.attempt(number)
        return None if attempt is None else known_of(attempt, self._clock)


class UnrecordedBook:
    """For a single run on a machine where no ledger can be kept at all: nothing is recorded."""

    def claim(self, intents: Sequence[effects.Intent]) -> dict[int, Answer]:
        """Let everything leave."""
        return {intent.ref: 0 for intent in intents}

    def record(self, outcome: effects.RecordOutcome) -> Notice | None:
        """Record nothing."""
        return None

    def attempt(self, number: int) -> Known | None:
        """Nothing is known."""
        return None

    def record_status(self, task: Task) -> None:
        """Record nothing."""

    def record_end(self, outcome: LineOutcome) -> None:
        """Record nothing."""

    def record_duration(self, slug: str, age: float, seconds: float) -> None:
        """Record nothing."""


def known_of(attempt: Attempt, clock: Clock, line: BatchLine | None = None) -> Known:
    """Return what the core needs to know of an attempt, and of the batch line it answers for."""
    status = line.status if line is not None and line.status is not None else None
    return Known(
        number=attempt.number,
        state=attempt.state,
        task_id=attempt.task_id,
        detail=line.detail if line is not None and status is not None else attempt.detail,
        in_flight=attempt.in_flight,
        status=status,
        urls=line.urls if line is not None else (),
        files=line.files if line is not None else None,
        age=max(0.0, clock.now() - attempt.created_at),
        failed=has_failed(attempt.status) or has_failed(status),
        last_status=status or attempt.status,
        others=attempt.others,
        billed=attempt.billed,
    )


def answer_of(claim: Claim, clock: Clock) -> Answer:
    """Return what a claim comes to, as the core takes it."""
    if isinstance(claim, Claimed):
        return claim.number
    if isinstance(claim, TooDear):
        return claim.error
    return known_of(claim, clock)
