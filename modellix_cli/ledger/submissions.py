"""Attempts of paid requests: the writer of `submissions` and `bodies`.

The claim is part of the transaction that records the intent, so that of two processes with the
same request one sends it and the other finds the attempt. What was recorded as accepted stays so.
"""

import sqlite3
import zlib
from collections.abc import Sequence
from typing import Any, Final
from uuid import uuid4

from modellix_cli.domain.account import Account
from modellix_cli.domain.errors import ErrorCode, ModellixError
from modellix_cli.domain.submission_state import SubmissionState
from modellix_cli.domain.values import DAY
from modellix_cli.ledger import accounts, tasks
from modellix_cli.ledger.attempts import (
    CURRENT_GENERATION,
    NOT_REPLACED,
    OF_TEAM,
    find_attempts,
)
from modellix_cli.ledger.database import LedgerFile
from modellix_cli.ledger.processes import LEASE_SECONDS, this_process
from modellix_cli.ledger.records import Attempt, Claim, Claimed, Outcome, Request

_LARGEST_BODY: Final = 256 * 1024
_BODIES_KEPT: Final = 30 * DAY
_SAME_REQUEST: Final = f"s.identity = :identity AND s.state <> 'rejected' AND {OF_TEAM}"
_OPEN: Final = "s.state IN ('intent', 'unknown')"


class SubmissionStore:
    """The attempts of one account. `keep_bodies` says whether bodies are kept for later."""

    def __init__(self, file: LedgerFile, account: Account, *, keep_bodies: bool = True) -> None:
        self._file = file
        self._account = account
        self._keep_bodies = keep_bodies

    def claim(self, request: Request, *, resume: bool, resend_unknown: bool) -> Claim:
        """Record that a single request is about to be sent, unless an attempt answers for it.

        That is one of unknown outcome, unless `resend_unknown`; with `resume`, or the same request
        key, also one that was accepted or is under way. Raises `REQUEST_KEY_REUSED` for a key that
        belongs to another request, and the ledger's errors: then nothing may be sent.
        """
        now = self._file.clock.now()

        def work(db: sqlite3.Connection) -> Claim:
            who = accounts.find_or_add(db, self._account, now)
            adopt_identity(db, self._account.base_url, request)
            values = {"identity": request.identity.digest, "team": who.team}
            earlier = find_by_key(db, request, who.team, now)
            generation = _generation(db, values)
            if earlier is None and self._reopened(db, request, now):
                return Claimed(request.repeats or 0)
            if earlier is None:
                earlier = _earlier(db, values | {"generation": generation}, now, resume=resume)
            replaces = None
            if earlier is not None:
                unknown = earlier.state is SubmissionState.UNKNOWN
                if not (unknown and resend_unknown):
                    return earlier
                replaces = earlier.number
            return Claimed(self._insert(db, who, request, generation, replaces=replaces))

        return self._file.transact(work, durable=True)

    def claim_lines(self, batch: int, requests: Sequence[Request]) -> list[Claim]:
        """Record that lines of a batch are about to be sent, as far as no attempt answers for them.

        Attempts that other processes began meanwhile do. Raises `LEDGER_LOST` where the batch is
        not in the ledger any more, and the ledger's errors: then nothing may be sent.
        """
        now = self._file.clock.now()

        def work(db: sqlite3.Connection) -> list[Claim]:
            if not db.execute("SELECT 1 FROM batches WHERE number = ?", (batch,)).fetchone():
                raise ModellixError(
                    ErrorCode.LEDGER_LOST, f"Batch {batch} is no longer in the ledger."
                )
            who = accounts.find_or_add(db, self._account, now)
            return [self._claim_line(db, who, batch, request, now) for request in requests]

        return self._file.transact(work, durable=True)

    def _claim_line(
        self,
        db: sqlite3.Connection,
        who: accounts.KnownAccount,
        batch: int,
        request: Request,
        now: float,
    ) -> Claim:
        found = db.execute(
            "SELECT generation FROM batch_lines WHERE batch = ? AND line = ?",
            (batch, request.line),
        ).fetchone()
        if found is None:
            raise ModellixError(
                ErrorCode.LEDGER_LOST, f"Line {request.line} of batch {batch} is not in the ledger."
            )
        generation = int(found[0])
        replaces = request.resends or request.retries
        claim: Claim | None = find_by_key(db, request, who.team, now)
        if claim is None and self._reopened(db, request, now):
            return Claimed(request.repeats or 0)
        if replaces is not None and (claim is None or claim.number == replaces):
            claim = _answer_instead(db, replaces, now, resends=request.resends is not None)
        elif claim is None:
            claim = _unlinked(db, who.team, batch, request, generation, now)
        if claim is None:
            claim = Claimed(
                self._insert(db, who, request, generation, batch=batch, replaces=replaces)
            )
        db.execute(
            "UPDATE batch_lines SET submission = ?, status = NULL, detail = NULL, made = NULL"
            " WHERE batch = ? AND line = ?",
            (claim.number, batch, request.line),
        )
        return claim

    def _reopened(self, db: sqlite3.Connection, request: Request, now: float) -> bool:
        """Let an attempt that the server refused be under way again; return whether it may."""
        owner = this_process()
        return bool(
            request.repeats is not None
            and db.execute(
                "UPDATE submissions SET state = 'intent', updated_at = ?, host = ?, boot = ?,"
                " pid = ?, process_started = ?, lease_until = ?"
                " WHERE number = ? AND state = 'rejected'",
                (
                    *(now, owner.host, owner.boot, owner.pid, owner.started),
                    *(now + LEASE_SECONDS, request.repeats),
                ),
            ).rowcount
        )

    def _insert(
        self,
        db: sqlite3.Connection,
        who: accounts.KnownAccount,
        request: Request,
        generation: int,
        *,
        batch: int | None = None,
        replaces: int | None = None,
    ) -> int:
        now = self._file.clock.now()
        owner = this_process()
        cost = request.estimated_cost
        row: dict[str, Any] = {
            "id": str(uuid4()),
            "account": who.id,
            "base_url": self._account.base_url,
            "profile": self._account.profile,
            "slug": request.slug,
            "identity": request.identity.digest,
            "generation": generation,
            "body_sha256": self._keep(db, request.body, now),
            "state": str(SubmissionState.INTENT),
            "replaces": replaces,
            "batch": batch,
            "line": request.line or None,
            "line_id": request.line_id,
            "tag": request.tag,
            "request_key": request.request_key or _key_of(db, replaces),
            "webhook": request.webhook,
            "estimated_cost": None if cost is None else str(cost),
            "created_at": now,
            "updated_at": now,
            "host": owner.host,
            "boot": owner.boot,
            "pid": owner.pid,
            "process_started": owner.started,
            "lease_until": now + LEASE_SECONDS,
        }
        names, places = ", ".join(row), ", ".join(f":{name}" for name in row)
        inserted = db.execute(f"INSERT INTO submissions ({names}) VALUES ({places})", row)  # noqa: S608
        assert inserted.lastrowid is not None
        return inserted.lastrowid

    def _keep(self, db: sqlite3.Connection, body: bytes, now: float) -> str | None:
        if not self._keep_bodies or len(body) > _LARGEST_BODY:
            return None
        digest = request_digest(body)
        db.execute(
            "INSERT INTO bodies (sha256, compressed, used_at) VALUES (?, ?, ?)"
            " ON CONFLICT (sha256) DO UPDATE SET used_at = excluded.used_at",
            (digest, zlib.compress(body), now),
        )
        return digest

    def record(self, number: int, outcome: Outcome) -> bool:
        """Record how an attempt ended, and its task; return whether it was under way or unknown.

        Raises the ledger's errors: then it is not on disk.
        """
        now = self._file.clock.now()

        def work(db: sqlite3.Connection) -> bool:
            changed = db.execute(
                "UPDATE submissions SET state = ?, task_id = coalesce(?, task_id), detail = ?,"
                " updated_at = ? WHERE number = ? AND state <> 'accepted' RETURNING slug",
                (str(outcome.state), outcome.task_id, outcome.detail, now, number),
            ).fetchone()
            if changed is None:
                return False
            if outcome.state is SubmissionState.ACCEPTED and outcome.task_id is not None:
                tasks.add(db, self._account, outcome.task_id, str(changed[0]), now)
            return True

        return self._file.transact(work, durable=True)

    def attempt(self, number: int) -> Attempt | None:
        """Return an attempt as it stands now, None if there is none of that number."""
        now = self._file.clock.now()
        found = self._file.read(
            lambda db: find_attempts(db, "s.number = :number", {"number": number}, now)
        )
        return found[0] if found else None

    def unknown(self, *, sandbox_url: str, sandbox: bool, limit: int = 1000) -> list[Attempt]:
        """Return the attempts of unknown outcome of every account, the newest first."""
        now = self._file.clock.now()
        where = (
            f"{_OPEN} AND {NOT_REPLACED} AND (s.base_url = :url) = :sandbox"
            " ORDER BY s.number DESC LIMIT :limit"
        )
        values = {"url": sandbox_url, "sandbox": sandbox, "limit": limit}
        found = self._file.read(lambda db: find_attempts(db, where, values, now))
        return [attempt for attempt in found if attempt.state is SubmissionState.UNKNOWN]

    def told(self, task_ids: Sequence[str]) -> None:
        """Record that the user has been told of tasks."""
        now = self._file.clock.now()
        rows = [(now, task_id) for task_id in task_ids]
        self._file.transact(
            lambda db: (
                db.executemany(
                    "UPDATE submissions SET told_at = ? WHERE task_id = ? AND told_at IS NULL", rows
                ).rowcount
            )
        )


def request_digest(body: bytes) -> str:
    """Return the name under which a body is kept: SHA-256 in hex of its bytes."""
    from hashlib import sha256

    return sha256(body).hexdigest()


def adopt_identity(db: sqlite3.Connection, base_url: str, request: Request) -> None:
    """Tell attempts that an older version recorded, by a hash of the body, what they asked."""
    identity = request.identity
    for legacy in identity.legacy_digests:
        db.execute(
            "UPDATE submissions SET identity = ? WHERE identity IS NULL AND legacy_sha256 = ?"
            " AND slug = ? AND base_url = ?",
            (identity.digest, legacy, request.slug, base_url),
        )


def find_by_key(db: sqlite3.Connection, request: Request, team: int, now: float) -> Attempt | None:
    """Return the attempt that was made under the request's key, None if none may cost money.

    Raises `REQUEST_KEY_REUSED` if that was another request.
    """
    if request.request_key is None:
        return None
    where = f"s.request_key = :key AND s.state <> 'rejected' AND {OF_TEAM} AND {NOT_REPLACED}"
    values = {"key": request.request_key, "team": team}
    found = find_attempts(db, f"{where} ORDER BY s.state = 'accepted' DESC, s.number", values, now)
    if not found:
        return None
    row = db.execute(
        "SELECT identity FROM submissions WHERE number = ?", (found[0].number,)
    ).fetchone()
    if row[0] != request.identity.digest:
        raise ModellixError(
            ErrorCode.REQUEST_KEY_REUSED,
            f'The request key "{request.request_key}" was used before for another request.',
        )
    return found[0]


def _generation(db: sqlite3.Connection, values: dict[str, Any]) -> int:
    generation = CURRENT_GENERATION.format(identity=":identity", batch="-1")
    return int(db.execute(f"SELECT {generation}", values).fetchone()[0])


def _earlier(
    db: sqlite3.Connection, values: dict[str, Any], now: float, *, resume: bool
) -> Attempt | None:
    """Return the attempt that answers for a single request, None if it may be sent."""
    where = f"{_SAME_REQUEST} AND {NOT_REPLACED} AND s.generation >= :generation"
    if not resume:
        where += f" AND {_OPEN}"
    found = find_attempts(db, f"{where} ORDER BY s.number DESC", values, now)
    order = (SubmissionState.ACCEPTED, SubmissionState.INTENT, SubmissionState.UNKNOWN)
    found.sort(key=lambda attempt: order.index(attempt.state))
    if not resume:  # one that is just under way is the user's word, typed twice
        found = [attempt for attempt in found if not attempt.in_flight]
    return found[0] if found else None


def _unlinked(
    db: sqlite3.Connection, team: int, batch: int, request: Request, generation: int, now: float
) -> Attempt | None:
    """Return an attempt that another process made meanwhile, and that no line of ours has yet."""
    where = (
        f"{_SAME_REQUEST} AND {NOT_REPLACED} AND s.generation >= :generation"  # noqa: S608
        f" AND (s.batch IS NOT NULL OR {_OPEN})"
        " AND s.number NOT IN (SELECT submission FROM batch_lines WHERE batch = :batch"
        " AND identity = :identity AND submission IS NOT NULL)"
        " ORDER BY s.line_id IS NOT :line_id, s.state = 'accepted' DESC, s.number LIMIT 1"
    )
    values = {
        "identity": request.identity.digest,
        "team": team,
        "generation": generation,
        "batch": batch,
        "line_id": request.line_id,
    }
    found = find_attempts(db, where, values, now)
    return found[0] if found else None


def _answer_instead(
    db: sqlite3.Connection, number: int, now: float, *, resends: bool
) -> Attempt | None:
    """Return what answers for an attempt that the user wants to be sent once more.

    That is one that was sent instead of it already, or, of one whose outcome was unknown, itself
    where that is known by now. None if it may be sent.
    """
    last = number
    while row := db.execute(
        "SELECT max(number) FROM submissions WHERE replaces = ? AND state <> 'rejected'", (last,)
    ).fetchone():
        if row[0] is None:
            break
        last = int(row[0])
    found = find_attempts(db, "s.number = :number", {"number": last}, now)
    if not found or (last == number and not resends):
        return None
    open_or_gone = (SubmissionState.UNKNOWN, SubmissionState.REJECTED)
    return None if last == number and found[0].state in open_or_gone else found[0]


def _key_of(db: sqlite3.Connection, number: int | None) -> str | None:
    """Return the request key of the attempt that another one replaces, which it answers for."""
    row = db.execute("SELECT request_key FROM submissions WHERE number = ?", (number,)).fetchone()
    return None if row is None else row[0]


def forget_old_bodies(db: sqlite3.Connection, now: float) -> None:
    """Drop bodies that no request used for a long time."""
    db.execute("DELETE FROM bodies WHERE used_at < ?", (now - _BODIES_KEPT,))
