"""Attempts of paid requests: with claims.py the writer of `submissions` and `bodies`.

The claim is part of the transaction that records the intent, so that of two processes with the
same request one sends it and the other finds the attempt. What was recorded as accepted stays so.
"""

import json
import sqlite3
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from modellix_cli.domain.account import Account
from modellix_cli.domain.errors import ErrorCode, ModellixError, usage
from modellix_cli.domain.submission_state import SubmissionState
from modellix_cli.ledger import accounts, tasks
from modellix_cli.ledger.attempt import Attempt
from modellix_cli.ledger.attempts import (
    BY_USER,
    find_attempt,
    find_attempts,
    find_unknown,
)
from modellix_cli.ledger.bodies import unpacked
from modellix_cli.ledger.claims import Claims
from modellix_cli.ledger.database import LedgerFile
from modellix_cli.ledger.other_accounts import find_of_request
from modellix_cli.ledger.processes import LEASE_SECONDS
from modellix_cli.ledger.records import Claim, OtherAccount, Outcome, Request
from modellix_cli.ledger.resolving import check_resolvable, not_found, outcome_by_user

NOT_SENT_AS: Final = "Not sent: "
"""How the detail of a request begins that was refused here, not by the service."""
NO_ID: Final = "It was accepted without a task id."
_SHORTEST_PREFIX: Final = 4
_MOST: Final = 2**63 - 1
_OTHERS_OF_TASK: Final = """
s.task_id = (SELECT task_id FROM submissions WHERE number = :number)
AND s.base_url = (SELECT base_url FROM submissions WHERE number = :number)
AND s.state = 'accepted' AND s.number <> :number
ORDER BY s.number LIMIT 100"""
_SENT_INSTEAD: Final = """
WITH RECURSIVE one (number, replaces) AS (
  SELECT number, replaces FROM submissions WHERE number = :number
  UNION SELECT s.number, s.replaces FROM submissions AS s JOIN one
    ON s.number = one.replaces OR s.replaces = one.number)
SELECT number FROM one"""


class SubmissionStore:
    """The attempts of one account. `keep_bodies` says whether bodies are kept for later."""

    def __init__(self, file: LedgerFile, account: Account, *, keep_bodies: bool = True) -> None:
        self._file = file
        self._account = account
        self._keep_bodies = keep_bodies

    def claim(self, request: Request, *, resume: bool, resend_unknown: bool) -> Claim:
        """Record that a single request is about to be sent, unless an attempt answers for it.

        That is one of unknown outcome, unless `resend_unknown`; with `resume`, or the same request
        key, also one that was accepted or is under way. The request's limits of cost may speak
        against it. Raises `REQUEST_KEY_REUSED` for a key that belongs to another request,
        `LEDGER_INCOMPLETE` where an attempt that may be missing from the ledger was to answer or
        counts for a budget, and the ledger's errors: then nothing may be sent.
        """

        def work(db: sqlite3.Connection) -> Claim:
            claims = Claims(db, self._account, self._file.clock, keep_bodies=self._keep_bodies)
            return claims.single(request, resume=resume, resend_unknown=resend_unknown)

        return self._file.transact(work, durable=True)

    def record_refusal(self, request: Request, why: str) -> None:
        """Record a request that was not sent as a limit or a check refused it, for the log."""

        def work(db: sqlite3.Connection) -> None:
            claims = Claims(db, self._account, self._file.clock, keep_bodies=self._keep_bodies)
            claims.refused(request, f"{NOT_SENT_AS}{why}")

        self._file.note(work)

    def rehearse(self, request: Request, *, resume: bool, resend_unknown: bool) -> Claim:
        """Return what a claim would come to just now, and record nothing. Raises as `claim`."""

        def work(db: sqlite3.Connection) -> Claim:
            claims = Claims(db, self._account, self._file.clock, keep_bodies=False)
            return claims.single(request, resume=resume, resend_unknown=resend_unknown)

        return self._file.rehearse(work)

    def claim_lines(self, batch: int, requests: Sequence[Request]) -> list[Claim]:
        """Record that lines of a batch are about to be sent, as far as no attempt answers for them.

        Attempts that other processes began meanwhile do, and what became of those that were to be
        sent once more. A limit of cost may speak against some; those before them may be sent.
        Raises `LEDGER_LOST` where the batch is not in the ledger any more, `LEDGER_INCOMPLETE`
        where payments that count for a budget may be missing, `REQUEST_KEY_REUSED` and the ledger's
        errors: then nothing may be sent.
        """

        def work(db: sqlite3.Connection) -> list[Claim]:
            lease = (self._file.clock.now() + LEASE_SECONDS, batch)
            known = db.execute("UPDATE batches SET lease_until = ? WHERE number = ?", lease)
            if not known.rowcount:
                raise ModellixError(
                    ErrorCode.LEDGER_LOST, f"Batch {batch} is no longer in the ledger."
                )
            claims = Claims(db, self._account, self._file.clock, keep_bodies=self._keep_bodies)
            return [claims.line(batch, request) for request in requests]

        return self._file.transact(work, durable=True)

    def record(self, number: int, outcome: Outcome) -> bool:
        """Record how an attempt ended, and its task; return whether it was under way or unknown.

        What was accepted without an id is of unknown outcome. Raises `LEDGER_LOST` where the
        attempt is not in the ledger, and the ledger's errors: then it is not on disk.
        """
        now = self._file.clock.now()
        state, detail = outcome.state, outcome.detail
        if state is SubmissionState.ACCEPTED and outcome.task_id is None:
            state, detail = SubmissionState.UNKNOWN, detail or NO_ID

        def work(db: sqlite3.Connection) -> bool:
            known = db.execute(
                "SELECT state, task_id, accepted_by FROM submissions WHERE number = ?", (number,)
            )
            before = known.fetchone()
            if before is None:
                raise ModellixError(
                    ErrorCode.LEDGER_LOST, f"Request {number} is no longer in the ledger."
                )
            if before[0] == SubmissionState.ACCEPTED:
                if before[2] != BY_USER or state is not SubmissionState.ACCEPTED:
                    return False
                if before[1] != outcome.task_id:  # the service's word comes late, and counts
                    _take_back_task(db, number)
            _settle(db, number, replace(outcome, state=state, detail=detail), now)
            return True

        return self._file.transact(work, durable=True)

    def resolve(self, number: int, task_id: str | None) -> Attempt:
        """Settle an attempt of unknown outcome by the user's word; return it as it stands now.

        With a task id it was accepted, else no task was created. The latter may be taken back by
        the former while nothing was sent instead, and an id that was wrong by another, or as long
        as nothing was heard of it here, by the latter. Raises `NOT_FOUND`, and `USAGE` for one
        that is not of unknown outcome or an id that is known as that of another one.
        """
        now = self._file.clock.now()

        def work(db: sqlite3.Connection) -> Attempt:
            before = find_attempt(db, number, now)
            check_resolvable(db, number, before, task_id)
            assert before is not None
            if before.accepted_by_user and before.task_id != task_id:
                _take_back_task(db, number)
            db.execute("UPDATE submissions SET other_tasks = NULL WHERE number = ?", (number,))
            _settle(db, number, outcome_by_user(before, task_id), now)
            attempt = find_attempt(db, number, now)
            assert attempt is not None
            return attempt

        return self._file.transact(work, durable=True)

    def find(self, text: str) -> Attempt:
        """Return the attempt of a short number or the beginning of an id (at least 4 characters).

        Raises `NOT_FOUND`, and `USAGE` for a beginning that several ids have.
        """
        now = self._file.clock.now()
        wanted = text.strip().lower()

        def work(db: sqlite3.Connection) -> list[Attempt]:
            digits = wanted.isascii() and wanted.isdigit() and len(wanted) <= len(str(_MOST))
            if digits and int(wanted) <= _MOST:
                exact = find_attempt(db, int(wanted), now)
                if exact is not None:
                    return [exact]
            if len(wanted) < _SHORTEST_PREFIX:
                return []
            values = {"length": len(wanted), "text": wanted}
            return find_attempts(db, "substr(s.id, 1, :length) = :text LIMIT 2", values, now)

        found = self._file.read(work)
        if not found:
            raise not_found(text)
        if len(found) > 1:
            raise usage(f"Several requests begin with {text}.", hint="Give the number of one.")
        return found[0]

    def other_account(
        self, request: Request, *, resume: bool, resend_unknown: bool
    ) -> OtherAccount | None:
        """Return who sent the same request with a key of another team, as far as that matters.

        That is an attempt of unknown outcome, unless it is to be sent once more; with `resume`, or
        under the same request key, also one that was accepted.
        """
        now = self._file.clock.now()

        def work(db: sqlite3.Connection) -> OtherAccount | None:
            team = accounts.find_or_add(db, self._account, now).team
            return find_of_request(
                db, request, team, now, resume=resume, resend_unknown=resend_unknown
            )

        return self._file.transact(work)

    def attempt(self, number: int) -> Attempt | None:
        """Return an attempt as it stands now, None if there is none of that number."""
        now = self._file.clock.now()
        return self._file.read(lambda db: find_attempt(db, number, now))

    def other_of_task(self, number: int) -> Attempt | None:
        """Return another attempt that was accepted as the same task, None if there is none.

        One that was sent once more, and the one that was sent in its place, are one request: of
        those the server may give the same task.
        """
        now = self._file.clock.now()

        def work(db: sqlite3.Connection) -> Attempt | None:
            others = find_attempts(db, _OTHERS_OF_TASK, {"number": number}, now)
            if not others:
                return None
            same = {row[0] for row in db.execute(_SENT_INSTEAD, {"number": number})}
            return next((other for other in others if other.number not in same), None)

        return self._file.read(work)

    def body(self, number: int) -> bytes | None:
        """Return the body that an attempt sent, None if it was not kept."""
        row = self._file.read(
            lambda db: db.execute(
                "SELECT compressed FROM bodies WHERE sha256 ="
                " (SELECT body_sha256 FROM submissions WHERE number = ?)",
                (number,),
            ).fetchone()
        )
        return unpacked(row[0]) if row else None

    def unknown(
        self, *, sandbox_url: str, sandbox: bool, profile: str | None = None
    ) -> list[Attempt]:
        """Return the attempts of unknown outcome, the newest first.

        Of the sandbox or of all other addresses; of one profile or, with None, of all.
        """
        now = self._file.clock.now()
        scope = {"url": sandbox_url, "sandbox": sandbox, "profile": profile}
        return self._file.read(lambda db: find_unknown(db, scope, now))

    def named_by_user(self, task_id: str) -> Attempt | None:
        """Return the attempt of which the user, not the service, said that it made a task."""
        now = self._file.clock.now()
        where = "s.task_id = :task AND s.base_url = :url AND s.accepted_by = :by LIMIT 1"
        values = {"task": task_id, "url": self._account.base_url, "by": BY_USER}
        found = self._file.read(lambda db: find_attempts(db, where, values, now))
        return found[0] if found else None

    def told(self, task_ids: Sequence[str]) -> None:
        """Record that the user has been told of tasks."""
        now = self._file.clock.now()
        rows = [(now, task_id, self._account.base_url) for task_id in task_ids]
        self._file.note(
            lambda db: (
                db.executemany(
                    "UPDATE submissions SET told_at = ? WHERE task_id = ? AND base_url = ?"
                    " AND told_at IS NULL",
                    rows,
                ).rowcount
            )
        )


def _settle(db: sqlite3.Connection, number: int, outcome: Outcome, now: float) -> None:
    """Write an outcome, and the task that was created."""
    db.execute(
        "UPDATE submissions SET state = ?, task_id = coalesce(?, task_id), detail = ?,"
        " rejected_by = ?, accepted_by = ?, other_tasks = coalesce(?, other_tasks),"
        " updated_at = ? WHERE number = ?",
        (
            *(str(outcome.state), outcome.task_id, outcome.detail),
            None if outcome.rejected_by is None else str(outcome.rejected_by),
            BY_USER if outcome.accepted_by_user else None,
            *(json.dumps(outcome.others) if outcome.others else None, now, number),
        ),
    )
    if outcome.state is SubmissionState.ACCEPTED:
        tasks.add_of_submission(db, number, now)


def _take_back_task(db: sqlite3.Connection, number: int) -> None:
    """Take back a task that the user named by mistake, with what is only known by its name."""
    task_id, base_url = db.execute(
        "SELECT task_id, base_url FROM submissions WHERE number = ?", (number,)
    ).fetchone()
    db.execute(
        "UPDATE submissions SET task_id = NULL, billed_cost = NULL WHERE number = ?", (number,)
    )
    db.execute(
        "UPDATE batch_lines SET status = NULL, detail = NULL, made = NULL WHERE submission = ?",
        (number,),
    )
    db.execute(
        "UPDATE batches SET state = 'stopped' WHERE state = 'done' AND number IN"
        " (SELECT batch FROM batch_lines WHERE submission = ?)",
        (number,),
    )
    tasks.drop_unanswered(db, base_url, task_id)
