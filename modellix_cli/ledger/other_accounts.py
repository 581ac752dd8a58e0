"""Who else paid for a request: attempts with a key that is not known to be of the team in use."""

# ruff: noqa: S608 - what is put together are constants
import sqlite3
from collections.abc import Iterable
from typing import Final

from modellix_cli.domain.submission_state import SubmissionState
from modellix_cli.ledger.attempts import COUNTS_AS_PAID, NOT_REPLACED, OF_TEAM, find_attempts
from modellix_cli.ledger.records import LineKey, OtherAccount, Request

_SOME_TASKS: Final = 3
_MOST: Final = 20


def find_of_request(
    db: sqlite3.Connection,
    request: Request,
    team: int,
    now: float,
    *,
    resume: bool,
    resend_unknown: bool,
) -> OtherAccount | None:
    """Return who sent a single request with a key of another team (`other_account`)."""
    of_others = (
        f"s.state <> 'rejected' AND {NOT_REPLACED} AND NOT {OF_TEAM}"
        f" ORDER BY s.number DESC LIMIT {_MOST}"
    )
    values = {"identity": request.identity.digest, "key": request.request_key, "team": team}
    keyed = find_attempts(db, f"s.request_key = :key AND {of_others}", values, now)
    same = find_attempts(db, f"s.identity = :identity AND {of_others}", values, now)
    found = {attempt.number: attempt for attempt in keyed}
    for attempt in same:
        if resume or attempt.state is SubmissionState.UNKNOWN:
            found.setdefault(attempt.number, attempt)
    counted = [
        attempt
        for attempt in found.values()
        if not (resend_unknown and attempt.state is SubmissionState.UNKNOWN)
    ]
    if not counted:
        return None
    row = db.execute(
        "SELECT a.team FROM submissions AS s JOIN accounts AS a ON a.id = s.account"
        " WHERE s.number = ?",
        (counted[0].number,),
    ).fetchone()
    tasks = tuple(attempt.task_id for attempt in counted if attempt.task_id)
    return OtherAccount(int(row[0]), counted[0].profile, len(counted), tasks)


def find_of_batch(
    db: sqlite3.Connection, batch: int, team: int, keyed: Iterable[LineKey]
) -> OtherAccount | None:
    """Return who paid for lines of a batch that nothing of this team answers for, the most first.

    `keyed` are its lines with request keys: those count wherever they were paid for.
    """
    found = (
        "FROM batch_lines AS l JOIN submissions AS s ON s.identity = l.identity"
        f" AND s.generation >= l.generation AND {COUNTS_AS_PAID} AND {NOT_REPLACED}"
        " JOIN accounts AS a ON a.id = s.account"
        " WHERE l.batch = :batch AND l.submission IS NULL AND a.team"
    )
    values = {"batch": batch, "team": team}
    most = db.execute(
        f"SELECT a.team, count(DISTINCT l.line) {found} <> :team"
        " GROUP BY a.team ORDER BY count(DISTINCT l.line) DESC, a.team LIMIT 1",
        values,
    ).fetchone()
    if most is None:
        return _of_keys(db, batch, team, keyed)
    other, lines = int(most[0]), int(most[1])
    rows = db.execute(
        f"SELECT DISTINCT s.number, s.profile, s.task_id {found} = :team"
        " ORDER BY s.task_id IS NULL, s.number DESC LIMIT :limit",
        values | {"team": other, "limit": _SOME_TASKS},
    ).fetchall()
    tasks = tuple(str(task_id) for _, _, task_id in rows if task_id)
    return OtherAccount(other, str(rows[0][1]), lines, tasks)


def _of_keys(
    db: sqlite3.Connection, batch: int, team: int, keyed: Iterable[LineKey]
) -> OtherAccount | None:
    for key in keyed:
        found = db.execute(
            "SELECT a.team, s.profile, s.task_id FROM submissions AS s"
            " JOIN accounts AS a ON a.id = s.account"
            " JOIN batch_lines AS l ON l.batch = ?1 AND l.line = ?2 AND l.submission IS NULL"
            f" WHERE s.request_key = ?3 AND s.state <> 'rejected' AND {NOT_REPLACED}"
            " AND a.team <> ?4 ORDER BY s.task_id IS NULL, s.number DESC LIMIT 1",
            (batch, key.line, key.request_key, team),
        ).fetchone()
        if found is not None:
            other, profile, task_id = found
            return OtherAccount(int(other), str(profile), 1, (str(task_id),) if task_id else ())
    return None
