"""Batches and their lines: with batch_start.py the writer of `batches` and `batch_lines`.

A batch is a set of lines that were run together. What was paid for is known by the lines' requests,
wherever they stood: matching them with earlier attempts is part of beginning a batch.
"""

import json
import sqlite3
from collections.abc import Collection, Iterator, Sequence
from typing import Final

from modellix_cli.domain.account import Account
from modellix_cli.domain.frozen import frozen
from modellix_cli.domain.jsontext import JsonObject
from modellix_cli.domain.on_paid import OnPaid
from modellix_cli.domain.submission_state import SubmissionState
from modellix_cli.domain.text import one_line
from modellix_cli.ledger import accounts
from modellix_cli.ledger.attempt import Attempt
from modellix_cli.ledger.attempts import (
    LEFT,
    SELECT_ATTEMPT,
    AttemptRow,
    linked_attempts,
    read_attempt,
)
from modellix_cli.ledger.batch_start import COLUMNS, Beginning, Refused, Start
from modellix_cli.ledger.bodies import forget_old_bodies
from modellix_cli.ledger.database import LedgerFile
from modellix_cli.ledger.generations import take_back_unsent
from modellix_cli.ledger.integrity import fault_of
from modellix_cli.ledger.records import Batch, BatchLine, BatchPlan, KeyedLines, read_batch
from modellix_cli.ledger.sql import Row

__all__ = ["BatchStore", "Start"]

_CHUNK: Final = 500
_MOST: Final = 2**31
_RECORD_END: Final = """
UPDATE batch_lines SET status = :status, detail = :detail, made = :made
WHERE batch = :batch AND line = :line AND (:task IS NULL OR submission IS NULL OR EXISTS (
  SELECT 1 FROM submissions AS s WHERE s.number = submission AND s.task_id = :task))"""
_SMALL_FILE: Final = 64 * 1024 * 1024
"""Bytes up to which a ledger is read through for damage before a batch relies on it."""


Known = dict[int, BatchLine]
"""Lines with an earlier attempt, by their places."""


class BatchStore:
    """The batches of one account. `failed` are the statuses of tasks that ended without result."""

    def __init__(self, file: LedgerFile, account: Account, failed: Collection[str]) -> None:
        self._file = file
        self._account = account
        self._failed = failed

    def begin(
        self,
        lines: KeyedLines,
        *,
        digest: str,
        source: str,
        total: int,
        on_paid: OnPaid,
        tag: str | None = None,
        resume_argv: Sequence[str] = (),
    ) -> Start:
        """Begin a batch of `lines`, or say what speaks against it; one transaction.

        `resume_argv` is the command line that goes on with it, kept for who asks later.

        With `REFUSE` that is any line that was paid for or may have been, unless its request key
        answers for it; with another key also that lines were paid for with it, unless `NEW`.
        Raises `LEDGER_INCOMPLETE` while payments may be missing from the ledger, unless `NEW` or
        for lines that were begun so; raises `REQUEST_KEY_REUSED` and the ledger's errors.
        """
        now = self._file.clock.now()
        plan = BatchPlan(lines, digest, source, total, on_paid, tag, tuple(resume_argv))

        def work(db: sqlite3.Connection) -> Start:
            self._check_for_damage(db)
            forget_old_bodies(db, now)
            return Beginning(db, self._account, plan, self._failed, now).run()

        try:
            return self._file.transact(work, durable=True)
        except Refused as refused:
            return refused.why

    def rehearse(
        self, lines: KeyedLines, *, digest: str, source: str, total: int, on_paid: OnPaid
    ) -> tuple[Start, Known]:
        """Return what `begin` would come to, and the lines that were sent before; keep nothing.

        Lines that another team's key paid for are not among them. Raises as `begin`.
        """
        now = self._file.clock.now()
        plan = BatchPlan(lines, digest, source, total, on_paid)

        def work(db: sqlite3.Connection) -> tuple[Start, Known]:
            beginning = Beginning(db, self._account, plan, self._failed, now)
            start: Start
            try:
                start = beginning.run()
            except Refused as refused:
                start = refused.why
            return start, _read_known(db, beginning.batch, now)

        return self._file.rehearse(work)

    def link_account(self, team: int) -> None:
        """Record that the key in use belongs to the same account as those of `team`."""
        now = self._file.clock.now()

        def work(db: sqlite3.Connection) -> None:
            accounts.link(db, accounts.find_or_add(db, self._account, now).team, team)

        self._file.transact(work, durable=True)

    def _check_for_damage(self, db: sqlite3.Connection) -> None:
        """Read a file of usual size through, as a damaged page may hide what was paid for."""
        if self._file.path.stat().st_size <= _SMALL_FILE:
            fault = fault_of(db)
            if fault:
                raise sqlite3.DatabaseError(f"malformed: {fault}")

    def record_end(self, batch: int, line: BatchLine, task_id: str | None = None) -> None:
        """Record how a line's task ended, what it made and what was saved of it.

        Of a task, given by its id, nothing is recorded where the user said meanwhile that another
        one, or none, answers for the line.
        """
        values = {
            "status": line.status,
            "detail": line.detail,
            "made": json.dumps({"urls": line.urls, "files": line.files}),
            "batch": batch,
            "line": line.line,
            "task": task_id,
        }
        self._file.transact(lambda db: db.execute(_RECORD_END, values).rowcount)

    def finish(self, batch: int, state: str) -> None:
        """Record that a run of a batch is over: `done`, or `stopped` with something left to do."""
        now = self._file.clock.now()

        def work(db: sqlite3.Connection) -> None:
            db.execute(
                "UPDATE batches SET state = ?, updated_at = ?, lease_until = 0 WHERE number = ?",
                (state, now, batch),
            )
            take_back_unsent(db, batch, accounts.find_or_add(db, self._account, now).team)

        self._file.transact(work)

    def withdraw(self, batch: int) -> None:
        """Forget a batch that was begun and of which nothing was sent, its generation too.

        One of which something was sent is over, with something left to do.
        """

        def work(db: sqlite3.Connection) -> None:
            sent = db.execute("SELECT 1 FROM submissions WHERE batch = ? LIMIT 1", (batch,))
            if sent.fetchone() is None:
                db.execute("DELETE FROM batch_lines WHERE batch = ?", (batch,))
                db.execute("DELETE FROM batches WHERE number = ?", (batch,))

        self._file.transact(work)
        self.finish(batch, "stopped")

    def lines(self, batch: int) -> Iterator[BatchLine]:
        """Return every line, in order; read in portions, as there may be many."""
        after = 0
        while True:
            portion = self._portion(batch, after)
            yield from portion
            if len(portion) < _CHUNK:
                return
            after = portion[-1].line

    def _portion(self, batch: int, after: int) -> list[BatchLine]:
        now = self._file.clock.now()
        return self._file.read(lambda db: _read_portion(db, batch, after, now))

    def find(self, number: int) -> Batch | None:
        """Return a batch of any account, None if there is none of that number."""
        rows = self._list("WHERE number = ?", (min(number, _MOST),))
        return rows[0] if rows else None

    def latest(self, limit: int) -> list[Batch]:
        """Return the batches of this account, the newest first."""
        return self._list(
            "WHERE base_url = ? AND profile = ? AND hidden = 0 ORDER BY number DESC LIMIT ?",
            (self._account.base_url, self._account.profile, min(limit, _MOST)),
        )

    def last_before(self, batch: int, source: str) -> Batch | None:
        """Return the last batch before this one of this account and of the same file, if any."""
        rows = self._list(
            "WHERE base_url = ? AND profile = ? AND number < ? AND source = ?"
            " ORDER BY number DESC LIMIT 1",
            (self._account.base_url, self._account.profile, batch, one_line(source)),
        )
        return rows[0] if rows else None

    def counts(self, batch: int) -> dict[str, int]:
        """Return how many lines of a batch are in each state; those not sent are in none."""
        now = self._file.clock.now()

        def work(db: sqlite3.Connection) -> dict[str, int]:
            counts: dict[str, int] = {}
            for attempt in linked_attempts(db, batch, now):
                state = SubmissionState.INTENT if attempt.in_flight else attempt.state
                counts[str(state)] = counts.get(str(state), 0) + 1
            return counts

        return self._file.read(work)

    def _list(self, which: str, values: Row) -> list[Batch]:
        rows = self._file.read(
            lambda db: db.execute(f"SELECT {COLUMNS} FROM batches {which}", values).fetchall()  # noqa: S608
        )
        return list(map(read_batch, rows))


def _read_known(db: sqlite3.Connection, batch: int, now: float) -> Known:
    known: Known = {}
    after = 0
    while portion := _read_portion(db, batch, after, now):
        known |= {line.line: line for line in portion if line.attempt is not None}
        after = portion[-1].line
    return known


def _read_portion(db: sqlite3.Connection, batch: int, after: int, now: float) -> list[BatchLine]:
    rows = db.execute(
        "SELECT line, slug, name, submission, status, detail, made FROM batch_lines"
        " WHERE batch = ? AND line > ? ORDER BY line LIMIT ?",
        (batch, after, _CHUNK),
    ).fetchall()
    numbers = [row[3] for row in rows if row[3] is not None]
    attempts: dict[int, Attempt] = {}
    for start in range(0, len(numbers), _CHUNK):
        some = numbers[start : start + _CHUNK]
        places = ", ".join("?" * len(some))
        found = db.execute(f"{SELECT_ATTEMPT} WHERE s.number IN ({places}) AND {LEFT}", some)
        read = (read_attempt(AttemptRow(*row), now) for row in found)
        attempts |= {attempt.number: attempt for attempt in read}
    return [_read_line(_LineRow(*row), attempts) for row in rows]


@frozen
class _LineRow:
    line: int
    slug: str
    name: str | None
    submission: int | None
    status: str | None
    detail: str | None
    made: str | None


def _read_line(row: _LineRow, attempts: dict[int, Attempt]) -> BatchLine:
    made = _made(row.made)
    files = made.get("files")
    return BatchLine(
        int(row.line),
        str(row.slug),
        row.name,
        attempts.get(row.submission) if row.submission is not None else None,
        row.status,
        row.detail,
        urls=tuple(url for url in made.get("urls") or () if isinstance(url, str)),
        files=None if files is None else tuple(file for file in files if "path" in file),
    )


def _made(text: str | None) -> JsonObject:
    try:
        made = json.loads(text or "{}")
    except (ValueError, TypeError):
        return {}
    lists = isinstance(made, dict) and all(
        isinstance(made.get(name), list | None) for name in ("urls", "files")
    )
    files = (made.get("files") or ()) if lists else (None,)
    return made if all(isinstance(file, dict) for file in files) else {}
