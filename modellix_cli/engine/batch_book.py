"""What the driver records of a batch, kept in the ledger."""

from collections.abc import Callable, Sequence

from modellix_cli.clock import Clock
from modellix_cli.engine.books import Requests, RunBook
from modellix_cli.engine.core import effects
from modellix_cli.engine.core.lines import Answer, LineOutcome
from modellix_cli.ledger.batches import BatchStore
from modellix_cli.ledger.files import FileStore
from modellix_cli.ledger.records import BatchLine
from modellix_cli.ledger.submissions import SubmissionStore
from modellix_cli.ledger.tasks import TaskStore


class BatchBook(RunBook):
    """Records the lines of a batch."""

    def __init__(
        self,
        batches: BatchStore,
        batch: int,
        submissions: SubmissionStore,
        tasks: TaskStore,
        files: FileStore,
        clock: Clock,
        requests: Requests,
        clean: Callable[[str], str],
    ) -> None:
        super().__init__(
            submissions,
            tasks,
            files,
            clock,
            requests,
            clean,
            resume=False,
            resend_unknown=False,
        )
        self._batches = batches
        self._batch = batch

    def claim(self, intents: Sequence[effects.Intent]) -> dict[int, Answer]:
        """Claim lines that are about to be sent."""
        requests = [self._requests.ledger_request(intent) for intent in intents]
        claims = self._submissions.claim_lines(self._batch, requests)
        return {
            intent.ref: self._answer(request, claim)
            for intent, request, claim in zip(intents, requests, claims, strict=True)
        }

    def record_end(self, outcome: LineOutcome) -> None:
        """Record how a line's task ended and what was saved of it."""
        super().record_end(outcome)
        detail = None if outcome.detail is None else self._clean(outcome.detail)
        self._batches.record_end(
            self._batch,
            BatchLine(
                outcome.ref,
                outcome.slug,
                outcome.name,
                None,
                outcome.status,
                detail,
                tuple(self._clean(url) for url in outcome.urls),
                outcome.files,
            ),
            outcome.task_id,
        )
