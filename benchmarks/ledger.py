"""How fast the ledger records: claims with outcomes, and the beginning of a large batch.

The baseline is what SQLite itself takes, in the same run, for as many rows written as durably.
"""

import sqlite3
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from modellix_cli.clock import Clock
from modellix_cli.domain.account import account_of
from modellix_cli.domain.identity import identity_of
from modellix_cli.domain.on_paid import OnPaid
from modellix_cli.domain.submission_state import SubmissionState
from modellix_cli.domain.values import Slug
from modellix_cli.ledger.batches import BatchStore
from modellix_cli.ledger.database import LedgerFile
from modellix_cli.ledger.records import Claimed, LineKey, Outcome, Request, StartedBatch
from modellix_cli.ledger.submissions import SubmissionStore

URL = "https://api.modellix.ai"
SLUG = Slug("a", "b")
TOTAL = 20_000
SENT = 1000
AT_ONCE = 20


def body(line: int) -> bytes:
    return b'{"prompt":"a lighthouse at dawn, number %d","seed":%d}' % (line, line)


class Lines:
    """20,000 lines, made as they are asked for."""

    def keys(self) -> Iterator[LineKey]:
        for line in range(1, TOTAL + 1):
            asked = body(line)
            yield LineKey(line, None, SLUG.name, identity_of(URL, SLUG, asked), asked)


def seconds(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def plain_rows(folder: Path) -> float:
    """Insert as many rows as a batch has lines, in one transaction."""
    db = sqlite3.connect(folder / "rows.db", isolation_level=None)
    db.execute("PRAGMA journal_mode = WAL")
    db.execute("CREATE TABLE t (line INTEGER PRIMARY KEY, digest TEXT, body BLOB)")
    db.execute("CREATE INDEX t_digest ON t (digest)")

    def insert() -> None:
        rows = ((line, f"{line * 7919:064x}", body(line)) for line in range(1, TOTAL + 1))
        db.execute("BEGIN IMMEDIATE")
        db.executemany("INSERT INTO t VALUES (?, ?, ?)", rows)
        db.execute("COMMIT")

    taken = seconds(insert)
    db.close()
    return taken


def plain_commits(folder: Path) -> float:
    """Write each line's intent with others, then its outcome alone, both durably."""
    db = sqlite3.connect(folder / "commits.db", isolation_level=None)
    db.execute("PRAGMA journal_mode = WAL")
    db.execute("PRAGMA synchronous = FULL")
    db.execute("CREATE TABLE t (line INTEGER PRIMARY KEY, state TEXT, body BLOB)")

    def write() -> None:
        for start in range(0, SENT, AT_ONCE):
            lines = range(start, start + AT_ONCE)
            db.execute("BEGIN IMMEDIATE")
            rows = [(line, "intent", body(line)) for line in lines]
            db.executemany("INSERT INTO t VALUES (?, ?, ?)", rows)
            db.execute("COMMIT")
            for line in lines:
                db.execute("UPDATE t SET state = 'accepted' WHERE line = ?", (line,))

    taken = seconds(write)
    db.close()
    return taken


def send(store: SubmissionStore, batch: int) -> None:
    """Claim lines of a batch and record that they were accepted."""
    for start in range(1, SENT + 1, AT_ONCE):
        requests = [
            Request(identity_of(URL, SLUG, body(line)), SLUG.name, body(line), line=line)
            for line in range(start, start + AT_ONCE)
        ]
        for claim in store.claim_lines(batch, requests):
            assert isinstance(claim, Claimed)
            outcome = Outcome(SubmissionState.ACCEPTED, f"task-{claim.number}")
            store.record(claim.number, outcome)


def main() -> None:
    """Measure, and print ratios to the baselines."""
    with tempfile.TemporaryDirectory(dir=sys.argv[1] if len(sys.argv) > 1 else None) as name:
        folder = Path(name)
        file = LedgerFile(folder / "state", Clock())
        account = account_of(URL, "default", "mk-benchmark-0123456789")
        batches = BatchStore(file, account, frozenset())
        started: list[object] = []

        def begin(on_paid: OnPaid) -> None:
            started.append(
                batches.begin(
                    Lines(), digest="d", source="-", total=TOTAL, on_paid=on_paid, tag=None
                )
            )

        rows = plain_rows(folder)
        identities = seconds(
            lambda: sum(1 for _ in Lines().keys())  # noqa: SIM118
        )
        first = seconds(lambda: begin(OnPaid.REFUSE))
        batch = started[0]
        assert isinstance(batch, StartedBatch)
        commits = plain_commits(folder)
        sent = seconds(lambda: send(SubmissionStore(file, account), batch.batch.number))
        again = seconds(lambda: begin(OnPaid.RESUME))
        file.close()
    print(f"{TOTAL} identities: {identities:.2f} s, {1e6 * identities / TOTAL:.0f} us each")
    print(f"begin {TOTAL} lines: {first:.2f} s; {first / rows:.1f} x plain inserts ({rows:.2f} s)")
    print(f"begin them again: {again:.2f} s")
    print(
        f"claim and record: {SENT / sent:.0f} lines/s; {sent / commits:.1f} x plain commits "
        f"({SENT / commits:.0f} lines/s)"
    )


if __name__ == "__main__":
    main()
