"""The beginning of a batch, inside one transaction: what its lines have cost already is found out.

Lines are matched with earlier attempts by what they ask, in whatever file those stood.
"""

# ruff: noqa: S608 - what is put together are constants
import json
import sqlite3
from collections.abc import Collection, Iterator
from itertools import groupby
from operator import itemgetter
from typing import Final
from uuid import uuid4

from modellix_cli.domain.account import Account
from modellix_cli.domain.on_paid import OnPaid
from modellix_cli.domain.text import one_line
from modellix_cli.ledger import accounts, marks
from modellix_cli.ledger.attempts import (
    COUNTS_AS_PAID,
    NOT_REPLACED,
    OF_TEAM,
    adopt_identity,
    bind_request_key,
    find_attempts,
    find_by_key,
    has_unidentified,
    key_reused,
    linked_attempts,
)
from modellix_cli.ledger.generations import set_generations, take_back_unsent
from modellix_cli.ledger.matching import match_equal_lines
from modellix_cli.ledger.other_accounts import find_of_batch
from modellix_cli.ledger.processes import LEASE_SECONDS, Owner, this_process
from modellix_cli.ledger.records import (
    BatchPlan,
    LineKey,
    OtherAccount,
    PaidBefore,
    StartedBatch,
    read_batch,
)

COLUMNS: Final = "number, id, created_at, updated_at, source, total, state, base_url, resume_argv"
_FORGET_END: Final = "status = NULL, detail = NULL, made = NULL"
"""How a line ended is that of its attempt: it must not be taken for the end of another one."""

Start = StartedBatch | PaidBefore | OtherAccount
"""What beginning a batch comes to: it runs, or nothing may be sent and this is why."""


class Refused(Exception):
    """Takes back what a transaction wrote, as the batch does not begin."""

    def __init__(self, why: PaidBefore | OtherAccount) -> None:
        super().__init__()
        self.why = why


class Beginning:
    """The beginning of one batch. `failed` are the statuses of tasks without a result."""

    def __init__(
        self,
        db: sqlite3.Connection,
        account: Account,
        plan: BatchPlan,
        failed: Collection[str],
        now: float,
    ) -> None:
        self._db = db
        self._account = account
        self._plan = plan
        self._failed = failed
        self._now = now
        self._who = accounts.find_or_add(db, account, now)
        self.batch = 0
        """Its number, once it is found or made; also where it is refused then."""

    def run(self) -> StartedBatch:
        """Begin the batch. Raises `Refused` and what `BatchStore.begin` says."""
        self._take_back_unsent_of_the_dead()
        last = self._last_of_these_lines()
        if last is not None:
            self._complete_lines(last)
            if self._has_started_over_since(last):
                last = None
        self.batch = self._add() if last is None else last
        keyed: list[LineKey] = []
        if last is None:
            self._add_lines(keyed)
        else:
            keyed += (key for key in self._plan.lines.keys() if key.request_key is not None)  # noqa: SIM118
        self._check_marks()
        self._adopt_legacy()
        by_key = self._match(keyed)
        earlier = self._paid()
        if self._plan.on_paid is not OnPaid.NEW:
            other = find_of_batch(self._db, self.batch, self._who.team, keyed)
            if other is not None:
                raise Refused(other)
        if self._plan.on_paid is OnPaid.REFUSE and earlier.total > by_key:
            raise Refused(earlier)
        self._bind_request_keys(keyed)
        self._lease()
        row = self._db.execute(
            f"SELECT {COLUMNS} FROM batches WHERE number = ?",
            (self.batch,),
        ).fetchone()
        return StartedBatch(read_batch(row), earlier, last is not None and earlier.any)

    def _take_back_unsent_of_the_dead(self) -> None:
        running = self._db.execute(
            "SELECT number, host, boot, pid, process_started, lease_until FROM batches"
            " WHERE state = 'running'"
        )
        for number, *owner in running.fetchall():
            if not Owner(*owner).is_alive(self._now):
                take_back_unsent(self._db, number, self._who.team)

    def _last_of_these_lines(self) -> int | None:
        """Return the last batch of the very same lines if this run may go on with it."""
        if self._plan.on_paid is OnPaid.NEW:
            return None
        row = self._db.execute(
            "SELECT number, state, host, boot, pid, process_started, lease_until FROM batches"
            " WHERE digest = ? AND account IN (SELECT id FROM accounts WHERE team = ?)"
            " ORDER BY number DESC LIMIT 1",
            (self._plan.digest, self._who.team),
        ).fetchone()
        if row is None:
            return None
        number, state, *owner = row
        if state == "running" and Owner(*owner).is_alive(self._now):
            return None
        return int(number)

    def _has_started_over_since(self, batch: int) -> bool:
        """Whether the user began to pay again, in another batch, for any line of this one."""
        found = self._db.execute(
            "SELECT 1 FROM batch_lines AS l JOIN batch_lines AS o ON o.identity = l.identity"
            " AND o.generation > l.generation JOIN batches AS b ON b.number = o.batch"
            " JOIN accounts AS a ON a.id = b.account WHERE l.batch = ? AND a.team = ? LIMIT 1",
            (batch, self._who.team),
        )
        return found.fetchone() is not None

    def _add(self) -> int:
        plan, account = self._plan, self._account
        made = self._db.execute(
            "INSERT INTO batches (id, account, base_url, profile, digest, source, total, state,"
            " tag, created_at, updated_at) VALUES (?, ?, ?, ?, ?, ?, ?, 'running', ?, ?, ?)",
            (
                *(str(uuid4()), self._who.id, account.base_url, account.profile, plan.digest),
                *(one_line(plan.source), plan.total, plan.tag, self._now, self._now),
            ),
        )
        assert made.lastrowid is not None
        return made.lastrowid

    def _add_lines(self, keyed: list[LineKey]) -> None:
        """Write the lines of a new batch; those with a request key are added to `keyed`."""

        def rows() -> Iterator[tuple[int, int, str, str | None, str]]:
            for key in self._plan.lines.keys():  # noqa: SIM118 - it is no mapping
                if key.request_key is not None:
                    keyed.append(key)
                yield self.batch, key.line, key.slug, key.name, key.identity.digest

        self._db.executemany(
            "INSERT INTO batch_lines (batch, line, slug, name, identity) VALUES (?, ?, ?, ?, ?)",
            rows(),
        )
        over = self._plan.on_paid is OnPaid.NEW
        set_generations(self._db, self.batch, self._who.team, over=over)

    def _complete_lines(self, batch: int) -> None:
        """Add to a batch of an older version which lines were not begun, and what each asks."""
        row = self._db.execute("SELECT count(identity) FROM batch_lines WHERE batch = ?", (batch,))
        if row.fetchone()[0] >= self._plan.total:
            return
        self._db.executemany(
            "INSERT INTO batch_lines (batch, line, slug, name, identity) VALUES (?, ?, ?, ?, ?)"
            " ON CONFLICT (batch, line) DO UPDATE SET identity = excluded.identity"
            " WHERE identity IS NULL",
            (
                (batch, key.line, key.slug, key.name, key.identity.digest)
                for key in self._plan.lines.keys()  # noqa: SIM118
            ),
        )

    def _check_marks(self) -> None:
        if marks.read_incomplete(self._db) is None:
            return
        if self._plan.on_paid is OnPaid.NEW:
            self._db.execute("UPDATE batches SET answers_loss = 1 WHERE number = ?", (self.batch,))
            return
        unanswered = self._db.execute(
            "SELECT 1 FROM batch_lines AS l WHERE l.batch = ? AND NOT EXISTS (SELECT 1 FROM"
            " batch_lines AS o JOIN batches AS b ON b.number = o.batch AND b.answers_loss = 1"
            " WHERE o.identity = l.identity AND o.generation = l.generation) LIMIT 1",
            (self.batch,),
        ).fetchone()
        if unanswered:
            marks.refuse_incomplete(self._db)

    def _adopt_legacy(self) -> None:
        """Tell what an older version recorded by a hash of the body which of these it asked."""
        if has_unidentified(self._db):
            for key in self._plan.lines.keys():  # noqa: SIM118
                adopt_identity(self._db, self._account.base_url, key.slug, key.identity, key.body)

    def _match(self, keyed: list[LineKey]) -> int:
        """Link lines to the attempts that answer for them; return how many by request key."""
        db, batch = self._db, self.batch
        db.execute(
            f"UPDATE batch_lines SET submission = NULL, {_FORGET_END} WHERE batch = ?"
            " AND submission IS NOT NULL"
            " AND NOT EXISTS (SELECT 1 FROM submissions AS s WHERE s.number = submission"
            f" AND s.state <> 'rejected' AND {NOT_REPLACED})",
            (batch,),
        )
        by_key = self._link_request_keys(keyed)
        free = db.execute(  # those that were never asked for before are most, and matched by none
            "SELECT l.identity, l.line, l.name, l.generation FROM batch_lines AS l"
            " WHERE l.batch = :batch AND l.submission IS NULL AND EXISTS (SELECT 1"
            f" FROM submissions AS s WHERE s.identity = l.identity AND {OF_TEAM}"
            f" AND {COUNTS_AS_PAID}) ORDER BY l.identity, l.line",
            {"batch": batch, "team": self._who.team},
        )
        for identity, group in groupby(free.fetchall(), key=itemgetter(0)):
            lines = list(group)
            attempts = find_attempts(
                db,
                f"s.identity = :identity AND {OF_TEAM} AND {COUNTS_AS_PAID} AND {NOT_REPLACED}"
                " AND s.generation >= :generation"
                " AND s.number NOT IN (SELECT submission FROM batch_lines WHERE batch = :batch"
                " AND identity = :identity AND submission IS NOT NULL)",
                {
                    "identity": identity,
                    "team": self._who.team,
                    "batch": batch,
                    "generation": lines[0][3],
                },
                self._now,
            )
            equal = [(int(line), name) for _, line, name, _ in lines]
            matched = match_equal_lines(equal, attempts, self._failed)
            db.executemany(
                "UPDATE batch_lines SET submission = ? WHERE batch = ? AND line = ?",
                [(attempt.number, batch, line) for line, attempt in matched.items()],
            )
        return by_key

    def _bind_request_keys(self, keyed: list[LineKey]) -> None:
        """Give attempts that answer for lines with a request key that key."""
        for key in keyed:
            row = self._db.execute(
                "SELECT submission FROM batch_lines WHERE batch = ? AND line = ?",
                (self.batch, key.line),
            ).fetchone()
            if row[0] is not None:
                team = self._who.team
                bind_request_key(self._db, key.request_key, key.identity, team, row[0], self._now)

    def _link_request_keys(self, keyed: list[LineKey]) -> int:
        """Link lines to what was sent under their request keys; return how many.

        Raises `REQUEST_KEY_REUSED`, also for a key that different lines have.
        """
        linked = 0
        seen: dict[str | None, str] = {}
        for key in keyed:
            digest = key.identity.digest
            if seen.setdefault(key.request_key, digest) != digest:
                raise key_reused(str(key.request_key))
            found = find_by_key(self._db, key.request_key, key.identity, self._who.team, self._now)
            if found is not None:
                linked += 1
                self._db.execute(
                    f"UPDATE batch_lines SET submission = ?1, {_FORGET_END}"
                    " WHERE batch = ?2 AND line = ?3 AND submission IS NOT ?1",
                    (found.number, self.batch, key.line),
                )
        return linked

    def _paid(self) -> PaidBefore:
        counts = {"accepted": 0, "unknown": 0, "in_flight": 0}
        origins: dict[int, float] = {}
        for attempt in linked_attempts(self._db, self.batch, self._now):
            counts["in_flight" if attempt.in_flight else str(attempt.state)] += 1
            known = origins.setdefault(attempt.batch or 0, attempt.created_at)
            origins[attempt.batch or 0] = min(known, attempt.created_at)
        return PaidBefore(**counts, batches=tuple(sorted(origins.items())))

    def _lease(self) -> None:
        owner = this_process()
        self._db.execute(
            "UPDATE batches SET state = 'running', hidden = 0, updated_at = ?, host = ?, boot = ?,"
            " pid = ?, process_started = ?, lease_until = ?, resume_argv = ? WHERE number = ?",
            (
                *(self._now, owner.host, owner.boot, owner.pid, owner.started),
                *(self._now + LEASE_SECONDS, json.dumps(self._plan.resume_argv), self.batch),
            ),
        )
