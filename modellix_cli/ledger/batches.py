"""Batches and their lines: the writer of `batches` and `batch_lines`.

A batch is a set of lines that were run together. What was paid for is known by the lines' requests,
wherever they stood: matching them with earlier attempts is part of beginning a batch.
"""

import json
import sqlite3
from collections.abc import Callable, Iterable, Iterator
from itertools import groupby, islice
from operator import itemgetter
from typing import Any, Final
from uuid import uuid4

from modellix_cli.domain.account import Account
from modellix_cli.domain.errors import ErrorCode, ModellixError
from modellix_cli.domain.on_paid import OnPaid
from modellix_cli.domain.submission_state import SubmissionState
from modellix_cli.domain.text import one_line
from modellix_cli.ledger import accounts, marks
from modellix_cli.ledger.attempts import (
    CURRENT_GENERATION,
    NOT_REPLACED,
    OF_TEAM,
    SELECT_ATTEMPT,
    find_attempts,
    read_attempt,
)
from modellix_cli.ledger.database import LedgerFile
from modellix_cli.ledger.matching import match_equal_lines
from modellix_cli.ledger.processes import LEASE_SECONDS, Process, is_alive, this_process
from modellix_cli.ledger.records import (
    Attempt,
    Batch,
    BatchLine,
    LineKey,
    OtherAccount,
    PaidBefore,
    Request,
    StartedBatch,
)
from modellix_cli.ledger.submissions import adopt_identity, find_by_key, forget_old_bodies

_CHUNK: Final = 500
_MOST: Final = 2**31
_COLUMNS: Final = "number, id, created_at, updated_at, source, total, state"
_SMALL_FILE: Final = 64 * 1024 * 1024
"""Bytes up to which a ledger is read through for damage before a batch relies on it."""

Start = StartedBatch | PaidBefore | OtherAccount
"""What beginning a batch comes to: it runs, or nothing may be sent and this is why."""


class _Refused(Exception):
    """Takes back what a transaction wrote, as the batch does not begin."""

    def __init__(self, why: PaidBefore | OtherAccount) -> None:
        super().__init__()
        self.why = why


class BatchStore:
    """The batches of one account. `failed` says which statuses of tasks are ends without result."""

    def __init__(
        self, file: LedgerFile, account: Account, failed: Callable[[str | None], bool]
    ) -> None:
        self._file = file
        self._account = account
        self._failed = failed

    def begin(
        self,
        lines: Callable[[], Iterable[LineKey]],
        *,
        digest: str,
        source: str,
        total: int,
        on_paid: OnPaid,
        tag: str | None = None,
    ) -> Start:
        """Begin a batch of `lines`, or say what speaks against it; one transaction.

        With `REFUSE` that is any line that was paid for or may have been; with another key also
        that lines were paid for with it, unless `NEW`. Raises `LEDGER_INCOMPLETE` while payments
        may be missing from the ledger, unless `NEW` or for a batch that was begun so; raises
        `REQUEST_KEY_REUSED` and the ledger's errors.
        """
        now = self._file.clock.now()

        def work(db: sqlite3.Connection) -> StartedBatch:
            self._check_for_damage(db)
            forget_old_bodies(db, now)
            who = accounts.find_or_add(db, self._account, now)
            batch, resumed = self._reusable(db, who.team, digest, on_paid, now), True
            if batch is None:
                batch, resumed = self._add(db, who.id, digest, source, total, now, tag), False
            self._write_lines(db, batch, lines(), who.team, on_paid, new=not resumed)
            self._check_marks(db, batch, on_paid)
            earlier = self._match(db, batch, lines(), who.team, now)
            if on_paid is not OnPaid.NEW:
                self._check_other_accounts(db, batch, who.team, earlier)
            if on_paid is OnPaid.REFUSE and earlier.any:
                raise _Refused(earlier)
            self._lease(db, batch, now)
            return StartedBatch(self._find(db, batch), earlier, resumed and earlier.any)

        try:
            return self._file.transact(work, durable=True)
        except _Refused as refused:
            return refused.why

    def link_account(self, team: int) -> None:
        """Record that the key in use belongs to the same account as those of `team`."""
        now = self._file.clock.now()

        def work(db: sqlite3.Connection) -> None:
            accounts.link(db, accounts.find_or_add(db, self._account, now).team, team)

        self._file.transact(work, durable=True)

    def _check_for_damage(self, db: sqlite3.Connection) -> None:
        """Read a file of usual size through, as a damaged page may hide what was paid for."""
        if self._file.path.stat().st_size <= _SMALL_FILE:
            verdict = str(db.execute("PRAGMA quick_check(1)").fetchone()[0])
            if verdict != "ok":
                raise sqlite3.DatabaseError(f"malformed: {verdict}")

    def _reusable(
        self, db: sqlite3.Connection, team: int, digest: str, on_paid: OnPaid, now: float
    ) -> int | None:
        """Return the last batch of the very same lines if this run may go on with it."""
        if on_paid is OnPaid.NEW:
            return None
        row = db.execute(
            "SELECT number, state, host, boot, pid, process_started, lease_until FROM batches"
            " WHERE digest = ? AND account IN (SELECT id FROM accounts WHERE team = ?)"
            " ORDER BY number DESC LIMIT 1",
            (digest, team),
        ).fetchone()
        if row is None:
            return None
        number, state, host, boot, pid, started, lease_until = row
        owner = Process(str(host), str(boot), int(pid or 0), int(started or 0))
        if state == "running" and is_alive(owner, float(lease_until or 0.0), now):
            return None
        started_over = db.execute(
            "SELECT 1 FROM batch_lines AS l JOIN batch_lines AS o ON o.identity = l.identity"
            " AND o.generation > l.generation WHERE l.batch = ? LIMIT 1",
            (number,),
        ).fetchone()
        return None if started_over else int(number)

    def _add(
        self,
        db: sqlite3.Connection,
        account: int,
        digest: str,
        source: str,
        total: int,
        now: float,
        tag: str | None,
    ) -> int:
        made = db.execute(
            "INSERT INTO batches (id, account, base_url, profile, digest, source, total, state,"
            " tag, created_at, updated_at) VALUES (?, ?, ?, ?, ?, ?, ?, 'running', ?, ?, ?)",
            (
                *(str(uuid4()), account, self._account.base_url, self._account.profile, digest),
                *(one_line(source), total, tag, now, now),
            ),
        )
        assert made.lastrowid is not None
        return made.lastrowid

    def _write_lines(
        self,
        db: sqlite3.Connection,
        batch: int,
        lines: Iterable[LineKey],
        team: int,
        on_paid: OnPaid,
        *,
        new: bool,
    ) -> None:
        rows = ((k.slug, k.name, k.identity.digest, batch, k.line) for k in lines)
        if not new:  # those of an older version's journal do not know yet what they ask
            db.executemany(
                "UPDATE batch_lines SET slug = ?, name = ?, identity = coalesce(identity, ?)"
                " WHERE batch = ? AND line = ? AND identity IS NULL",
                rows,
            )
            return
        db.executemany(
            "INSERT INTO batch_lines (slug, name, identity, batch, line) VALUES (?, ?, ?, ?, ?)",
            rows,
        )
        generation = CURRENT_GENERATION.format(identity="batch_lines.identity", batch=":batch")
        db.execute(
            f"UPDATE batch_lines SET generation = {generation} + :over WHERE batch = :batch",  # noqa: S608
            {"batch": batch, "team": team, "over": int(on_paid is OnPaid.NEW)},
        )

    def _check_marks(self, db: sqlite3.Connection, batch: int, on_paid: OnPaid) -> None:
        mark = marks.read_incomplete(db)
        if mark is None:
            return
        if on_paid is OnPaid.NEW:
            db.execute("UPDATE batches SET answers_loss = 1 WHERE number = ?", (batch,))
            return
        unanswered = db.execute(
            "SELECT 1 FROM batch_lines AS l WHERE l.batch = ? AND NOT EXISTS (SELECT 1 FROM"
            " batch_lines AS o JOIN batches AS b ON b.number = o.batch AND b.answers_loss = 1"
            " WHERE o.identity = l.identity AND o.generation = l.generation) LIMIT 1",
            (batch,),
        ).fetchone()
        if unanswered:
            raise ModellixError(
                ErrorCode.LEDGER_INCOMPLETE,
                f"The ledger {self._file.path} was damaged ({mark.reason}): what earlier runs paid "
                "for may be missing from it.",
            )

    def _match(
        self,
        db: sqlite3.Connection,
        batch: int,
        lines: Iterable[LineKey],
        team: int,
        now: float,
    ) -> PaidBefore:
        """Link the lines to the attempts that answer for them; return what these are."""
        if db.execute("SELECT 1 FROM submissions WHERE identity IS NULL LIMIT 1").fetchone():
            for key in lines:
                adopt_identity(db, self._account.base_url, _request_of(key))
        self._link_request_keys(db, batch, lines, team, now)
        db.execute(
            "UPDATE batch_lines SET submission = NULL WHERE batch = ? AND submission IN"
            " (SELECT number FROM submissions WHERE state = 'rejected')",
            (batch,),
        )
        free = db.execute(
            "SELECT identity, line, name FROM batch_lines WHERE batch = ? AND submission IS NULL"
            " ORDER BY identity, line",
            (batch,),
        )
        for identity, group in groupby(free.fetchall(), key=itemgetter(0)):
            equal = [(int(line), name) for _, line, name in group]
            attempts = find_attempts(
                db,
                f"s.identity = :identity AND s.state <> 'rejected' AND {OF_TEAM}"  # noqa: S608
                f" AND {NOT_REPLACED} AND (s.batch IS NOT NULL OR s.state <> 'accepted')"
                " AND s.generation >= (SELECT generation FROM batch_lines"
                " WHERE batch = :batch AND line = :line)"
                " AND s.number NOT IN (SELECT submission FROM batch_lines WHERE batch = :batch"
                " AND identity = :identity AND submission IS NOT NULL)",
                {"identity": identity, "team": team, "batch": batch, "line": equal[0][0]},
                now,
            )
            matched = match_equal_lines(equal, attempts, self._failed)
            rows = [(attempt.number, batch, line) for line, attempt in matched.items()]
            db.executemany(
                "UPDATE batch_lines SET submission = ? WHERE batch = ? AND line = ?", rows
            )
        return self._paid(db, batch, now)

    def _link_request_keys(
        self,
        db: sqlite3.Connection,
        batch: int,
        lines: Iterable[LineKey],
        team: int,
        now: float,
    ) -> None:
        for key in lines:
            if key.request_key is None:
                continue
            found = find_by_key(db, _request_of(key), team, now)
            if found is not None:
                db.execute(
                    "UPDATE batch_lines SET submission = ? WHERE batch = ? AND line = ?",
                    (found.number, batch, key.line),
                )

    def _paid(self, db: sqlite3.Connection, batch: int, now: float) -> PaidBefore:
        counts = {"accepted": 0, "unknown": 0, "in_flight": 0}
        origins: dict[int, float] = {}
        for attempt in _linked(db, batch, now):
            counts["in_flight" if attempt.in_flight else str(attempt.state)] += 1
            known = origins.setdefault(attempt.batch or 0, attempt.created_at)
            origins[attempt.batch or 0] = min(known, attempt.created_at)
        return PaidBefore(**counts, batches=tuple(sorted(origins.items())))

    def _check_other_accounts(
        self, db: sqlite3.Connection, batch: int, team: int, earlier: PaidBefore
    ) -> None:
        """Refuse lines that were paid for with a key of another team, as far as is known."""
        rows = db.execute(
            "SELECT a.team, s.profile, s.task_id, count(DISTINCT l.line) FROM batch_lines AS l"
            " JOIN submissions AS s ON s.identity = l.identity AND s.generation >= l.generation"
            " AND s.state <> 'rejected' AND (s.batch IS NOT NULL OR s.state <> 'accepted')"
            " JOIN accounts AS a ON a.id = s.account"
            " WHERE l.batch = ? AND l.submission IS NULL AND a.team <> ?"
            " GROUP BY a.team, s.task_id ORDER BY a.team, max(s.number) DESC LIMIT 1000",
            (batch, team),
        ).fetchall()
        if not rows:
            return
        other, profile = int(rows[0][0]), str(rows[0][1])
        mine = [row for row in rows if row[0] == other]
        tasks = tuple(str(row[2]) for row in mine if row[2])
        raise _Refused(OtherAccount(other, profile, sum(int(row[3]) for row in mine), tasks[:3]))

    def _lease(self, db: sqlite3.Connection, batch: int, now: float) -> None:
        owner = this_process()
        db.execute(
            "UPDATE batches SET state = 'running', updated_at = ?, host = ?, boot = ?, pid = ?,"
            " process_started = ?, lease_until = ? WHERE number = ?",
            (now, owner.host, owner.boot, owner.pid, owner.started, now + LEASE_SECONDS, batch),
        )

    def record_end(self, batch: int, line: BatchLine) -> None:
        """Record how a line's task ended, what it made and what was saved of it."""
        made = json.dumps({"urls": line.urls, "files": line.files})
        self._file.transact(
            lambda db: (
                db.execute(
                    "UPDATE batch_lines SET status = ?, detail = ?, made = ?"
                    " WHERE batch = ? AND line = ?",
                    (line.status, line.detail, made, batch, line.line),
                ).rowcount
            )
        )

    def finish(self, batch: int, state: str) -> None:
        """Record that a run of a batch is over: `done`, or `stopped` with something left to do."""
        now = self._file.clock.now()
        self._file.transact(
            lambda db: (
                db.execute(
                    "UPDATE batches SET state = ?, updated_at = ?, lease_until = 0"
                    " WHERE number = ?",
                    (state, now, batch),
                ).rowcount
            )
        )

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
            "WHERE base_url = ? AND profile = ? ORDER BY number DESC LIMIT ?",
            (self._account.base_url, self._account.profile, min(limit, _MOST)),
        )

    def counts(self, batch: int) -> dict[str, int]:
        """Return how many lines of a batch are in each state; those not sent are in none."""
        now = self._file.clock.now()

        def work(db: sqlite3.Connection) -> dict[str, int]:
            counts: dict[str, int] = {}
            for attempt in _linked(db, batch, now):
                state = SubmissionState.INTENT if attempt.in_flight else attempt.state
                counts[str(state)] = counts.get(str(state), 0) + 1
            return counts

        return self._file.read(work)

    def _find(self, db: sqlite3.Connection, number: int) -> Batch:
        row = db.execute(f"SELECT {_COLUMNS} FROM batches WHERE number = ?", (number,)).fetchone()  # noqa: S608
        return Batch(*row)

    def _list(self, which: str, values: tuple[Any, ...]) -> list[Batch]:
        rows = self._file.read(
            lambda db: db.execute(f"SELECT {_COLUMNS} FROM batches {which}", values).fetchall()  # noqa: S608
        )
        return [Batch(*row) for row in rows]


def _request_of(key: LineKey) -> Request:
    return Request(key.identity, key.slug, b"", request_key=key.request_key)


def _linked(db: sqlite3.Connection, batch: int, now: float) -> Iterator[Attempt]:
    rows = db.execute(
        f"{SELECT_ATTEMPT} JOIN batch_lines AS l ON l.submission = s.number WHERE l.batch = ?",
        (batch,),
    )
    return (read_attempt(row, now) for row in rows)


def _read_portion(db: sqlite3.Connection, batch: int, after: int, now: float) -> list[BatchLine]:
    rows = db.execute(
        "SELECT line, slug, name, submission, status, detail, made FROM batch_lines"
        " WHERE batch = ? AND line > ? ORDER BY line LIMIT ?",
        (batch, after, _CHUNK),
    ).fetchall()
    numbers = [row[3] for row in rows if row[3] is not None]
    attempts: dict[int, Attempt] = {}
    for some in iter(lambda it=iter(numbers): list(islice(it, 200)), []):  # type: ignore[misc]
        places = ", ".join("?" * len(some))
        found = db.execute(f"{SELECT_ATTEMPT} WHERE s.number IN ({places})", some)
        attempts |= {int(row[0]): read_attempt(row, now) for row in found}
    return [_read_line(row, attempts) for row in rows]


def _read_line(row: tuple[Any, ...], attempts: dict[int, Attempt]) -> BatchLine:
    line, slug, name, submission, status, detail, text = row
    made = _made(text)
    files = made.get("files")
    return BatchLine(
        int(line),
        str(slug),
        name,
        attempts.get(submission) if submission is not None else None,
        status,
        detail,
        urls=tuple(url for url in made.get("urls") or () if isinstance(url, str)),
        files=None if files is None else tuple(file for file in files if "path" in file),
    )


def _made(text: Any) -> dict[str, Any]:
    try:
        made = json.loads(text or "{}")
    except (ValueError, TypeError):
        return {}
    lists = isinstance(made, dict) and all(
        isinstance(made.get(name), list | None) for name in ("urls", "files")
    )
    files = (made.get("files") or ()) if lists else (None,)
    return made if all(isinstance(file, dict) for file in files) else {}
