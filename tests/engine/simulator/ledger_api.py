"""What the simulated processes use of a ledger; the real one and the model both have it."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

from modellix_cli.domain.money import Money
from modellix_cli.domain.on_paid import OnPaid
from modellix_cli.domain.submission_state import SubmissionState
from modellix_cli.ledger.attempt import Attempt
from modellix_cli.ledger.batch_start import Start
from modellix_cli.ledger.processes import Process
from modellix_cli.ledger.records import BatchLine, Claim, LineKey, Outcome, Request

FAILED = frozenset({"failed"})
"""Statuses of tasks that ended without a result."""


def has_failed(status: str | None) -> bool:
    return status in FAILED


@dataclass
class Processes:
    """Who uses the ledger just now, and who is alive."""

    current: Process = field(default_factory=lambda: Process("here", "boot", 0, 1))
    alive: set[int] = field(default_factory=lambda: {0})

    def switch(self, pid: int) -> None:
        if self.current.pid != pid:
            self.current = Process("here", "boot", pid, 1)

    def is_alive(self, owner: Process, lease_until: float, now: float) -> bool:
        return owner.pid in self.alive


@dataclass(frozen=True)
class Row:
    """An attempt as it lies in the ledger."""

    number: int
    state: SubmissionState
    task_id: str | None


class Ledger(Protocol):
    """The transactions of modellix_cli/ledger that a run needs."""

    processes: Processes

    def begin(self, lines: Sequence[LineKey], digest: str, on_paid: OnPaid) -> Start: ...

    def lines(self, batch: int) -> list[BatchLine]: ...

    def claim_lines(self, batch: int, requests: Sequence[Request]) -> list[Claim]: ...

    def claim(self, request: Request, *, resume: bool, resend_unknown: bool) -> Claim: ...

    def record(self, number: int, outcome: Outcome) -> bool: ...

    def attempt(self, number: int) -> Attempt | None: ...

    def record_status(self, task_id: str, status: str, billed: Money | None = None) -> None: ...

    def record_end(self, batch: int, line: BatchLine, task_id: str | None = None) -> None: ...

    def finish(self, batch: int, state: str) -> None: ...

    def replaces(self, number: int) -> int | None: ...

    def rows(self) -> list[Row]: ...
