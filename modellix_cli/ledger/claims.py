"""Whether a request may be sent now: the rules of a claim, inside one transaction.

Either an earlier attempt answers for the request, or a new one is recorded, which then is sent by
this process and no other. That is also where its cost is reserved: what other processes recorded
before counts, so that all of them together keep to a budget.
"""

# ruff: noqa: S608 - what is put together are constants
import sqlite3
from typing import Final
from uuid import uuid4

from modellix_cli.clock import Clock
from modellix_cli.domain.account import Account
from modellix_cli.domain.errors import ErrorCode, ModellixError
from modellix_cli.domain.submission_state import RejectedBy, SubmissionState
from modellix_cli.domain.task import has_failed
from modellix_cli.ledger import accounts
from modellix_cli.ledger.attempt import Attempt
from modellix_cli.ledger.attempts import (
    NOT_REPLACED,
    OF_TEAM,
    OPEN,
    adopt_identity,
    bind_request_key,
    find_attempt,
    find_attempts,
    find_by_key,
    find_later,
    has_unidentified,
)
from modellix_cli.ledger.bodies import keep_body
from modellix_cli.ledger.generations import current_generation
from modellix_cli.ledger.marks import refuse_incomplete
from modellix_cli.ledger.processes import LEASE_SECONDS, Process, this_process
from modellix_cli.ledger.records import Claim, Claimed, Request, TooDear
from modellix_cli.ledger.sql import SqlValue

_ANSWERS: Final = (
    f"s.state <> 'rejected' AND {OF_TEAM} AND {NOT_REPLACED} AND s.generation >= :generation"
)
_SAME_REQUEST: Final = f"s.identity = :identity AND {_ANSWERS}"
_OF_OTHERS: Final = """
SELECT number FROM submissions WHERE identity = :identity AND batch < :batch
UNION ALL SELECT number FROM submissions WHERE identity = :identity AND batch > :batch
UNION ALL SELECT number FROM submissions WHERE identity = :identity AND batch IS NULL
UNION ALL SELECT replaces FROM submissions WHERE replaces IS NOT NULL AND +identity = :identity"""
"""The attempts of a request without those that this batch made and nobody sent again: of equal
lines these are many, and each claim would go through all of them."""
_ORDER: Final = (SubmissionState.ACCEPTED, SubmissionState.INTENT, SubmissionState.UNKNOWN)


class Claims:
    """The claims of one account within one transaction, which happens now by the `clock`."""

    def __init__(
        self, db: sqlite3.Connection, account: Account, clock: Clock, *, keep_bodies: bool
    ) -> None:
        self._db = db
        self._account = account
        self._now = clock.now()
        self._uptime = clock.uptime()
        self._keep_bodies = keep_bodies
        self._who = accounts.find_or_add(db, account, self._now)

    def single(self, request: Request, *, resume: bool, resend_unknown: bool) -> Claim:
        """Claim a request that is no line of a batch (`SubmissionStore.claim`)."""
        if has_unidentified(self._db):
            base_url = self._account.base_url
            adopt_identity(self._db, base_url, request.slug, request.identity, request.body)
        own = self._accepted_since(request)
        if own is not None:
            return own
        earlier = self._by_key(request)
        generation = self._generation(request)
        if earlier is None:
            earlier = self._earlier(
                request, generation, resume=resume, resend_unknown=resend_unknown
            )
        if earlier is not None and not earlier.state.may_send(resend_unknown=resend_unknown):
            self._bind_key(request, earlier)
            return earlier
        if earlier is None and (resume or request.request_key is not None):
            refuse_incomplete(self._db)
        refused = self._too_dear(request)
        if refused is not None:
            return refused
        replaces = None if earlier is None else earlier.number
        if replaces is None and self._reopen(request):
            return Claimed(request.repeats or 0)
        return Claimed(self._insert(request, generation, replaces=replaces))

    def _accepted_since(self, request: Request) -> Attempt | None:
        """Return the attempt that is to be repeated, if the user named its task meanwhile."""
        own = find_attempt(self._db, request.repeats or 0, self._now)
        return own if own is not None and own.state is SubmissionState.ACCEPTED else None

    def line(self, batch: int, request: Request) -> Claim:
        """Claim a line of a batch, and link it to the attempt that answers for it."""
        row = self._db.execute(
            "SELECT generation, submission FROM batch_lines WHERE batch = ? AND line = ?",
            (batch, request.line),
        ).fetchone()
        if row is None:
            raise ModellixError(
                ErrorCode.LEDGER_LOST, f"Line {request.line} of batch {batch} is not in the ledger."
            )
        generation, linked = int(row[0]), row[1]
        replaces = request.resends or request.retries
        claim: Claimed | Attempt | None = None
        for number in dict.fromkeys((replaces, linked)):
            claim = claim or self._standing(number, request)
        claim = claim or self._by_key(request)
        if claim is None and not self._may_be_charged(replaces):
            claim = self._unlinked(batch, request, generation)
        if claim is None:
            refused = self._too_dear(request)
            if refused is not None:
                return refused
        if claim is None and self._reopen(request):
            claim = Claimed(request.repeats or 0)
        if claim is None:
            claim = Claimed(self._insert(request, generation, batch=batch, replaces=replaces))
        if isinstance(claim, Attempt):
            self._bind_key(request, claim)
        if claim.number != linked:
            self._db.execute(
                "UPDATE batch_lines SET submission = ?, status = NULL, detail = NULL, made = NULL"
                " WHERE batch = ? AND line = ?",
                (claim.number, batch, request.line),
            )
        return claim

    def refused(self, request: Request, why: str) -> None:
        """Record a request that is not sent: it costs nothing and answers for none."""
        self._insert(request, self._generation(request), refused=why)

    def _too_dear(self, request: Request) -> TooDear | None:
        """Return why a request that no attempt answers for may not be paid for, None if it may."""
        if not request.limits.any:
            return None
        from modellix_cli.ledger.spending import Moment, Spending

        moment = Moment(self._now, self._uptime, this_process().boot)
        error = Spending(self._db, self._account, self._who, moment).refusal(request)
        return None if error is None else TooDear(error)

    def _standing(self, number: int | None, request: Request) -> Attempt | None:
        """Return what answers for an attempt now, None if the request may be sent in its place."""
        attempt = None if number is None else find_attempt(self._db, number, self._now)
        if attempt is None:
            return None
        later = find_later(self._db, attempt.number, self._now)
        if later is not None:
            return self._standing(later.number, request)
        may = attempt.state.may_send(
            resend_unknown=attempt.number == request.resends,
            retry_failed=attempt.number == request.retries,
            task_failed=attempt.number == request.retries and self._has_failed(attempt),
        )
        return None if may else attempt

    def _has_failed(self, attempt: Attempt) -> bool:
        """Whether its task is known to have failed: it may be another one than was planned with."""
        ends = self._db.execute(
            "SELECT status FROM batch_lines WHERE submission = ?", (attempt.number,)
        )
        return has_failed(attempt.status) or any(has_failed(status) for (status,) in ends)

    def _may_be_charged(self, replaced: int | None) -> bool:
        """Whether the user's word to send in the place of an attempt is still about one.

        An attempt that is known to have created nothing is in nobody's way, so that others may
        have sent the request without a word: theirs answer then.
        """
        attempt = None if replaced is None else find_attempt(self._db, replaced, self._now)
        return attempt is not None and attempt.state.may_be_charged

    def _by_key(self, request: Request) -> Attempt | None:
        found = find_by_key(
            self._db, request.request_key, request.identity, self._who.team, self._now
        )
        return None if found is None or found.number in _replaced(request) else found

    def _bind_key(self, request: Request, attempt: Attempt) -> None:
        key, team = request.request_key, self._who.team
        bind_request_key(self._db, key, request.identity, team, attempt.number, self._now)

    def _generation(self, request: Request) -> int:
        return current_generation(self._db, request.identity.digest, self._who.team)

    def _earlier(
        self, request: Request, generation: int, *, resume: bool, resend_unknown: bool
    ) -> Attempt | None:
        """Return the attempt that answers for a single request, None if it may be sent.

        One that is just under way does only for a resume, as typing a request twice is the user's
        word, or if it is itself the one that was to be sent once more.
        """
        values = {
            "identity": request.identity.digest,
            "team": self._who.team,
            "generation": generation,
        }
        where = _SAME_REQUEST if resume else f"{_SAME_REQUEST} AND {OPEN}"
        found = find_attempts(self._db, f"{where} ORDER BY s.number DESC", values, self._now)
        found.sort(key=lambda attempt: _ORDER.index(attempt.state))
        if not resume:
            found = [attempt for attempt in found if not attempt.in_flight]
        if not found and resend_unknown:
            resent = f"{where} AND s.replaces IS NOT NULL"
            found = find_attempts(self._db, resent, values, self._now)
        return found[0] if found else None

    def _unlinked(self, batch: int, request: Request, generation: int) -> Attempt | None:
        """Return an attempt that another process made meanwhile, and that no line of ours has.

        One of this batch does too, where it was sent again elsewhere, which came to nothing.
        """
        where = (
            f"s.number IN ({_OF_OTHERS}) AND {_ANSWERS} AND (s.batch IS NOT NULL OR {OPEN})"
            " AND NOT EXISTS (SELECT 1 FROM batch_lines AS l WHERE l.submission = s.number"
            " AND l.batch = :batch)"
            " ORDER BY s.line_id IS NOT :line_id, s.state = 'accepted' DESC, s.number LIMIT 1"
        )
        values = {
            "identity": request.identity.digest,
            "team": self._who.team,
            "generation": generation,
            "batch": batch,
            "line_id": request.line_id,
        }
        found = find_attempts(self._db, where, values, self._now)
        return found[0] if found else None

    def _reopen(self, request: Request) -> bool:
        """Let an attempt that the server refused be under way again; return whether it may."""
        owner = this_process()
        cost = request.estimated_cost
        reopened = self._db.execute(
            "UPDATE submissions SET state = 'intent', detail = NULL, rejected_by = NULL,"
            " created_at = ?, updated_at = ?, estimated_cost = ?, billed_cost = NULL,"
            " host = ?, boot = ?, pid = ?, process_started = ?, lease_until = ?, uptime = ?"
            " WHERE number = ? AND state = 'rejected'",
            (
                *(self._now, self._now, None if cost is None else str(cost)),
                *(owner.host, owner.boot, owner.pid, owner.started),
                *(self._now + LEASE_SECONDS, self._uptime_of(owner), request.repeats),
            ),
        )
        return reopened.rowcount > 0

    def _insert(
        self,
        request: Request,
        generation: int,
        *,
        batch: int | None = None,
        replaces: int | None = None,
        refused: str | None = None,
    ) -> int:
        """Record an attempt that is about to be sent, or why a check `refused` it; its number."""
        state = SubmissionState.INTENT if refused is None else SubmissionState.REJECTED
        owner = this_process()
        cost = request.estimated_cost
        row: dict[str, SqlValue] = {
            "id": str(uuid4()),
            "account": self._who.id,
            "base_url": self._account.base_url,
            "profile": self._account.profile,
            "slug": request.slug,
            "identity": request.identity.digest,
            "generation": generation,
            "body_sha256": self._keep(request.body),
            "state": str(state),
            "detail": refused,
            "rejected_by": None if refused is None else str(RejectedBy.CHECK),
            "replaces": replaces,
            "batch": batch,
            "line": request.line or None,
            "line_id": request.line_id,
            "tag": request.tag,
            "request_key": request.request_key or self._key_of(replaces),
            "webhook": request.webhook,
            "estimated_cost": None if cost is None else str(cost),
            "created_at": self._now,
            "updated_at": self._now,
            "host": owner.host,
            "boot": owner.boot,
            "pid": owner.pid,
            "process_started": owner.started,
            "lease_until": self._now + LEASE_SECONDS,
            "uptime": self._uptime_of(owner),
        }
        names, places = ", ".join(row), ", ".join(f":{name}" for name in row)
        inserted = self._db.execute(f"INSERT INTO submissions ({names}) VALUES ({places})", row)
        assert inserted.lastrowid is not None
        return inserted.lastrowid

    def _uptime_of(self, owner: Process) -> float | None:
        """Return the uptime to record; without a name of the boot it would say nothing."""
        return self._uptime if owner.boot else None

    def _key_of(self, number: int | None) -> str | None:
        """Return the request key of an attempt that another one now answers for."""
        row = self._db.execute(
            "SELECT request_key FROM submissions WHERE number = ?", (number,)
        ).fetchone()
        return None if row is None else row[0]

    def _keep(self, body: bytes) -> str | None:
        return keep_body(self._db, body, self._now) if self._keep_bodies else None


def _replaced(request: Request) -> tuple[int | None, int | None]:
    return request.resends, request.retries
