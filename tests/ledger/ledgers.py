"""What the tests of the ledger share: requests, stores, and other processes with the same file."""

import multiprocessing
import sqlite3
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from modellix_cli.domain.account import Account, account_of
from modellix_cli.domain.identity import identity_of
from modellix_cli.domain.on_paid import OnPaid
from modellix_cli.domain.submission_state import SubmissionState
from modellix_cli.domain.values import parse_slug
from modellix_cli.ledger.batch_start import Start
from modellix_cli.ledger.batches import BatchStore
from modellix_cli.ledger.database import LedgerFile
from modellix_cli.ledger.marks import LedgerMarks
from modellix_cli.ledger.records import Claimed, LineKey, Outcome, Request, StartedBatch
from modellix_cli.ledger.submissions import SubmissionStore
from modellix_cli.ledger.tasks import TaskStore
from tests.support import FakeClock

API = "https://api.modellix.ai"
SANDBOX = "https://api.sandbox.invalid"
FAILED = frozenset({"failed", "canceled"})
HERE = account_of(API, "default", "mk-one-0123456789")
OTHER = account_of(API, "work", "mk-two-0123456789")

ACCEPTED = SubmissionState.ACCEPTED
REJECTED = SubmissionState.REJECTED
UNKNOWN = SubmissionState.UNKNOWN
INTENT = SubmissionState.INTENT


def request(body: str = '{"prompt": "a cat"}', slug: str = "a/b", **other: Any) -> Request:
    identity = identity_of(API, parse_slug(slug), body.encode())
    return Request(identity, slug, body.encode(), **other)


@dataclass
class Lines:
    """Lines of a batch: bodies, each with an id and a request key where they are given."""

    bodies: list[str]
    ids: dict[int, str] | None = None
    request_keys: dict[int, str] | None = None

    def keys(self) -> Iterable[LineKey]:
        for line, body in enumerate(self.bodies, 1):
            name = (self.ids or {}).get(line)
            key = (self.request_keys or {}).get(line)
            yield LineKey(line, name, "a/b", request(body).identity, body.encode(), key)

    def request(self, line: int, **other: Any) -> Request:
        name = (self.ids or {}).get(line)
        key = (self.request_keys or {}).get(line)
        return request(self.bodies[line - 1], line=line, line_id=name, request_key=key, **other)


def bodies(*prompts: str) -> list[str]:
    return [f'{{"prompt": "{prompt}"}}' for prompt in prompts]


class Ledger:
    """The ledger as one process with one account sees it."""

    def __init__(
        self,
        folder: Path,
        clock: FakeClock | None = None,
        account: Account = HERE,
        patience: float = 5.0,
    ) -> None:
        self.clock = clock or FakeClock()
        self.account = account
        self.file = LedgerFile(folder, self.clock, patience)
        self.path = self.file.path
        self.submissions = SubmissionStore(self.file, account)
        self.batches = BatchStore(self.file, account, FAILED)
        self.tasks = TaskStore(self.file, account)
        self.marks = LedgerMarks(self.file)

    def close(self) -> None:
        self.file.close()

    def claim(self, wanted: Request | None = None, **words: bool) -> Any:
        words = {"resume": False, "resend_unknown": False} | words
        return self.submissions.claim(wanted or request(), **words)

    def sent(
        self,
        wanted: Request | None = None,
        state: SubmissionState = ACCEPTED,
        task_id: str | None = None,
        **words: bool,
    ) -> int:
        """Claim a single request, which must be free, and record its outcome."""
        claimed = self.claim(wanted, **words)
        assert isinstance(claimed, Claimed), claimed
        self.record(claimed.number, state, task_id)
        return claimed.number

    def record(self, number: int, state: SubmissionState, task_id: str | None = None) -> bool:
        if state is ACCEPTED:
            task_id = task_id or f"task-{number}"
        return self.submissions.record(number, Outcome(state, task_id))

    def begin(
        self, lines: Lines, on_paid: OnPaid = OnPaid.REFUSE, digest: str = "d1", **other: Any
    ) -> Start:
        return self.batches.begin(
            lines,
            digest=digest,
            source="t.jsonl",
            total=len(lines.bodies),
            on_paid=on_paid,
            **other,
        )

    def begun(
        self, lines: Lines, on_paid: OnPaid = OnPaid.REFUSE, digest: str = "d1"
    ) -> StartedBatch:
        started = self.begin(lines, on_paid, digest)
        assert isinstance(started, StartedBatch), started
        return started

    def run(
        self,
        lines: Lines,
        on_paid: OnPaid = OnPaid.REFUSE,
        digest: str = "d1",
        state: SubmissionState = ACCEPTED,
    ) -> int:
        """Run a whole batch; return how many lines were sent."""
        number = self.begun(lines, on_paid, digest).batch.number
        sent = 0
        for line in self.batches.lines(number):
            if line.attempt is None:
                claim = self.claim_line(number, lines, line.line)
                if isinstance(claim, Claimed):
                    self.record(claim.number, state)
                    sent += 1
        self.batches.finish(number, "done" if state is ACCEPTED else "stopped")
        return sent

    def claim_line(self, batch: int, lines: Lines, line: int, **other: Any) -> Any:
        return self.submissions.claim_lines(batch, [lines.request(line, **other)])[0]

    def attempts(self, batch: int) -> list[int | None]:
        return [line.attempt.number if line.attempt else None for line in self.batches.lines(batch)]

    def sql(self, statement: str, *values: Any) -> list[tuple[Any, ...]]:
        """Change or read the file behind the program's back."""
        return sql(self.path, statement, *values)


def sql(path: Path, statement: str, *values: Any) -> list[tuple[Any, ...]]:
    db = sqlite3.connect(path, isolation_level=None)
    try:
        return db.execute(statement, values).fetchall()
    finally:
        db.close()


def end_process(ledger: Ledger, number: int) -> None:
    """Make an attempt that of a process of this machine that is dead."""
    ledger.sql(
        "UPDATE submissions SET pid = 2147483646, process_started = 1 WHERE number = ?", number
    )


def in_processes(work: Callable[..., Any], arguments: list[tuple[Any, ...]]) -> list[Any]:
    """Run `work` in a process for each tuple of arguments, all at once; return the results.

    None ends before all are done.
    """
    context = multiprocessing.get_context("fork")
    gate = context.Barrier(len(arguments))
    queue = context.SimpleQueue()

    def go(index: int, given: tuple[Any, ...]) -> None:
        gate.wait()
        try:
            queue.put((index, work(*given)))
        except BaseException as error:
            queue.put((index, repr(error)))
        gate.wait()

    processes = [context.Process(target=go, args=item) for item in enumerate(arguments)]
    for process in processes:
        process.start()
    results = dict(queue.get() for _ in processes)
    for process in processes:
        process.join()
    return [results[index] for index in range(len(arguments))]
