"""The real ledger on a temporary file, for processes that are simulated."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from unittest import mock

from modellix_cli.clock import Clock
from modellix_cli.domain.account import Account
from modellix_cli.domain.money import Money
from modellix_cli.domain.on_paid import OnPaid
from modellix_cli.domain.submission_state import read_state
from modellix_cli.ledger.attempt import Attempt
from modellix_cli.ledger.batch_start import Start
from modellix_cli.ledger.batches import BatchStore
from modellix_cli.ledger.database import LedgerFile
from modellix_cli.ledger.records import BatchLine, Claim, LineKey, Outcome, Request
from modellix_cli.ledger.submissions import SubmissionStore
from modellix_cli.ledger.task_records import TaskReport
from modellix_cli.ledger.tasks import TaskStore
from tests.engine.simulator.ledger_api import FAILED, Processes, Row

ACCOUNT = Account("https://x", "default", "mark")
_TABLES = ("submissions", "batches", "batch_lines", "tasks", "durations", "bodies", "accounts")


class Keys:
    """The lines of a batch."""

    def __init__(self, lines: Sequence[LineKey]) -> None:
        self._lines = lines

    def keys(self) -> Iterator[LineKey]:
        return iter(self._lines)


class RealLedger:
    """SubmissionStore, BatchStore and TaskStore over one file."""

    def __init__(self, folder: Path, clock: Clock) -> None:
        self.processes = Processes()
        self.file = LedgerFile(folder, clock)
        self._submissions = SubmissionStore(self.file, ACCOUNT, keep_bodies=False)
        self._batches = BatchStore(self.file, ACCOUNT, FAILED)
        self._tasks = TaskStore(self.file, ACCOUNT)

    def clear(self) -> None:
        """Leave nothing of an earlier run."""
        for table in _TABLES:
            self.file.transact(lambda db, t=table: db.execute(f"DELETE FROM {t}"))  # type: ignore[misc]

    def begin(self, lines: Sequence[LineKey], digest: str, on_paid: OnPaid) -> Start:
        return self._batches.begin(
            Keys(lines), digest=digest, source="f", total=len(lines), on_paid=on_paid
        )

    def lines(self, batch: int) -> list[BatchLine]:
        return list(self._batches.lines(batch))

    def claim_lines(self, batch: int, requests: Sequence[Request]) -> list[Claim]:
        return self._submissions.claim_lines(batch, requests)

    def claim(self, request: Request, *, resume: bool, resend_unknown: bool) -> Claim:
        return self._submissions.claim(request, resume=resume, resend_unknown=resend_unknown)

    def record(self, number: int, outcome: Outcome) -> bool:
        return self._submissions.record(number, outcome)

    def attempt(self, number: int) -> Attempt | None:
        return self._submissions.attempt(number)

    def record_status(self, task_id: str, status: str, billed: Money | None = None) -> None:
        self._tasks.record_status(TaskReport(task_id, status, billed_cost=billed))

    def record_end(self, batch: int, line: BatchLine, task_id: str | None = None) -> None:
        self._batches.record_end(batch, line, task_id)

    def finish(self, batch: int, state: str) -> None:
        self._batches.finish(batch, state)

    def replaces(self, number: int) -> int | None:
        found = self.file.read(
            lambda db: db.execute(
                "SELECT replaces FROM submissions WHERE number = ?", (number,)
            ).fetchone()
        )
        return None if found[0] is None else int(found[0])

    def rows(self) -> list[Row]:
        found = self.file.read(
            lambda db: db.execute("SELECT number, state, task_id FROM submissions").fetchall()
        )
        return [Row(int(number), read_state(state), task_id) for number, state, task_id in found]


@contextmanager
def as_processes(processes: Processes) -> Iterator[None]:
    """Let the ledger's modules believe that the simulated process is the one that runs."""
    room = "modellix_cli.ledger"
    with (
        mock.patch(f"{room}.claims.this_process", lambda: processes.current),
        mock.patch(f"{room}.batch_start.this_process", lambda: processes.current),
        mock.patch(f"{room}.processes.is_alive", processes.is_alive),
    ):
        yield
