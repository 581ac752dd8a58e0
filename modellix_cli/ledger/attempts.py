"""Finding attempts of a request, and reading them: whether one is under way is decided here."""

import json
import sqlite3
from collections.abc import Iterator
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from modellix_cli.domain.errors import ErrorCode, ModellixError
from modellix_cli.domain.frozen import frozen
from modellix_cli.domain.submission_state import SubmissionState, read_rejected_by, read_state
from modellix_cli.ledger.attempt import Attempt
from modellix_cli.ledger.processes import Owner
from modellix_cli.ledger.sql import Values

if TYPE_CHECKING:
    from modellix_cli.domain.identity import RequestIdentity
    from modellix_cli.domain.money import Money

BY_USER: Final = "user"
"""In `accepted_by`: the user named the task."""
CUT_SHORT: Final = "The process that sent it ended before an outcome was recorded."

SELECT_ATTEMPT: Final = """
SELECT s.number, s.id, s.state, s.slug, s.task_id, s.detail, s.created_at, s.batch, s.line,
  s.line_id, s.profile, s.host, s.boot, s.pid, s.process_started, s.lease_until,
  (SELECT t.status FROM tasks AS t WHERE t.base_url = s.base_url AND t.task_id = s.task_id
   ORDER BY t.updated_at DESC LIMIT 1) AS status, s.estimated_cost, s.billed_cost, s.other_tasks,
  s.rejected_by, s.accepted_by
FROM submissions AS s"""

OF_TEAM: Final = "s.account IN (SELECT id FROM accounts WHERE team = :team)"

NOT_REPLACED: Final = (
    "NOT EXISTS (SELECT 1 FROM submissions AS later"
    " WHERE later.replaces = s.number AND later.state <> 'rejected')"
)
"""An attempt of unknown outcome that was sent again is answered for by the later one."""

COUNTS_AS_PAID: Final = "(s.batch IS NOT NULL OR s.state <> 'accepted') AND s.state <> 'rejected'"
"""A single run that was accepted does not make a line of a batch count as paid."""

OPEN: Final = "s.state IN ('intent', 'unknown')"
"""An attempt whose outcome may not be known; the submission is called `s`."""

LEFT: Final = "s.rejected_by IS NOT 'interrupt'"
"""An attempt that did not stop short of being sent."""

_OF_UNKNOWN_OUTCOME: Final = """
s.state IN ('intent', 'unknown') AND (s.base_url = :url) = :sandbox
AND (:profile IS NULL OR s.profile = :profile) AND NOT EXISTS (
  WITH RECURSIVE later (number, state) AS (
    SELECT number, state FROM submissions WHERE replaces = s.number
    UNION SELECT n.number, n.state FROM submissions AS n JOIN later ON n.replaces = later.number)
  SELECT 1 FROM later WHERE state = 'accepted')
ORDER BY s.number DESC"""


@frozen
class AttemptRow:
    """The columns of `SELECT_ATTEMPT`, as they were recorded."""

    number: int
    id: str
    state: str
    slug: str
    task_id: str | None
    detail: str | None
    created_at: float
    batch: int | None
    line: int | None
    line_id: str | None
    profile: str
    host: str | None
    boot: str | None
    pid: int | None
    process_started: int | None
    lease_until: float | None
    status: str | None
    estimated_cost: str | None
    billed_cost: str | None
    other_tasks: str | None
    rejected_by: str | None
    accepted_by: str | None

    @property
    def owner(self) -> Owner:
        """The process that sent it."""
        return Owner(self.host, self.boot, self.pid, self.process_started, self.lease_until)


def read_attempt(row: AttemptRow, now: float) -> Attempt:
    """Read an attempt; what is odd, as another version's, may have cost money."""
    state, in_flight, detail = state_now(row.state, row.task_id, row.detail, row.owner, now)
    return Attempt(
        number=int(row.number),
        id=str(row.id),
        state=state,
        slug=str(row.slug),
        task_id=row.task_id,
        detail=detail,
        created_at=float(row.created_at),
        batch=row.batch,
        line=row.line,
        line_id=row.line_id,
        profile=str(row.profile),
        in_flight=in_flight,
        status=row.status,
        estimated=_amount(row.estimated_cost),
        billed=_amount(row.billed_cost),
        others=_read_ids(row.other_tasks),
        rejected_by=read_rejected_by(state, row.rejected_by),
        accepted_by_user=state is SubmissionState.ACCEPTED and row.accepted_by == BY_USER,
    )


def _amount(text: object) -> "Money | None":
    if not isinstance(text, str):
        return None
    from modellix_cli.domain.money import Money

    return Money.parse(text)


def _read_ids(text: str | None) -> tuple[str, ...]:
    """Read a list of task ids; what is none, as another program's, counts as nothing."""
    with suppress(ValueError, TypeError):
        found = json.loads(text or "[]")
        return tuple(one for one in found if isinstance(one, str))
    return ()


def state_now(
    word: str, task_id: str | None, detail: str | None, owner: Owner, now: float
) -> tuple[SubmissionState, bool, str | None]:
    """Return state, whether it is just being sent, and detail of an attempt as it was recorded.

    `owner` is the process that sent it.
    """
    state = read_state(word)
    if state is SubmissionState.INTENT:
        if owner.is_alive(now):
            return state, True, detail
        return SubmissionState.UNKNOWN, False, detail or CUT_SHORT
    if state is SubmissionState.ACCEPTED and not task_id:
        return SubmissionState.UNKNOWN, False, "The ledger holds no task id of it."
    return state, False, detail


def find_attempts(db: sqlite3.Connection, where: str, values: Values, now: float) -> list[Attempt]:
    """Return the attempts for which `where` holds; in it they are called `s`."""
    rows = db.execute(f"{SELECT_ATTEMPT} WHERE {where}", values)
    return [read_attempt(AttemptRow(*row), now) for row in rows]


def find_attempt(db: sqlite3.Connection, number: int, now: float) -> Attempt | None:
    """Return the attempt of a number, None if there is none."""
    found = find_attempts(db, "s.number = :number", {"number": number}, now)
    return found[0] if found else None


def find_unknown(db: sqlite3.Connection, scope: Values, now: float) -> list[Attempt]:
    """Return the attempts of unknown outcome, the newest first.

    `scope` is the sandbox's address as `url`, whether its attempts or all others are meant as
    `sandbox`, and the `profile`, None for all. An attempt that was sent again is one of them, as
    both may have been charged, until one of its successors is known to have been accepted.
    """
    found = find_attempts(db, _OF_UNKNOWN_OUTCOME, scope, now)
    return [attempt for attempt in found if attempt.state is SubmissionState.UNKNOWN]


def linked_attempts(db: sqlite3.Connection, batch: int, now: float) -> Iterator[Attempt]:
    """Return the attempts that answer for the lines of a batch."""
    rows = db.execute(
        f"{SELECT_ATTEMPT} JOIN batch_lines AS l ON l.submission = s.number WHERE l.batch = ?"
        f" AND {LEFT}",
        (batch,),
    )
    return (read_attempt(AttemptRow(*row), now) for row in rows)


def find_later(db: sqlite3.Connection, number: int, now: float) -> Attempt | None:
    """Return the attempt that was made in the place of another and may have cost money, if any."""
    where = "s.replaces = :number AND s.state <> 'rejected' ORDER BY s.number DESC LIMIT 1"
    found = find_attempts(db, where, {"number": number}, now)
    return found[0] if found else None


def find_by_key(
    db: sqlite3.Connection,
    request_key: str | None,
    identity: "RequestIdentity",
    team: int,
    now: float,
) -> Attempt | None:
    """Return the attempt that was made under a request key, None if none may have cost money.

    Raises `REQUEST_KEY_REUSED` if that was another request.
    """
    if request_key is None:
        return None
    where = f"s.request_key = :key AND s.state <> 'rejected' AND {OF_TEAM} AND {NOT_REPLACED}"
    values = {"key": request_key, "team": team}
    found = find_attempts(db, f"{where} ORDER BY s.state = 'accepted' DESC, s.number", values, now)
    if not found:
        return None
    row = db.execute(
        "SELECT identity FROM submissions WHERE number = ?", (found[0].number,)
    ).fetchone()
    if row[0] != identity.digest:
        raise key_reused(request_key)
    return found[0]


def bind_request_key(
    db: sqlite3.Connection,
    request_key: str | None,
    identity: "RequestIdentity",
    team: int,
    number: int,
    now: float,
) -> None:
    """Give an attempt that answers for a request the key that it was asked for under now.

    Else the key would be free, and pay for the same request once more. One key is that of one.
    """
    if request_key is not None and find_by_key(db, request_key, identity, team, now) is None:
        db.execute(
            "UPDATE submissions SET request_key = ? WHERE number = ? AND request_key IS NULL",
            (request_key, number),
        )


def key_reused(request_key: str) -> ModellixError:
    """Return the error for a request key that is that of another request."""
    return ModellixError(
        ErrorCode.REQUEST_KEY_REUSED,
        f'The request key "{request_key}" was used before for another request.',
    )


def has_unidentified(db: sqlite3.Connection) -> bool:
    """Whether there are attempts of an older version, known by a hash of the body alone."""
    found = db.execute("SELECT 1 FROM submissions WHERE identity IS NULL LIMIT 1").fetchone()
    return found is not None


def adopt_identity(
    db: sqlite3.Connection, base_url: str, slug: str, identity: "RequestIdentity", body: bytes
) -> None:
    """Tell attempts that an older version recorded by a hash of this body what they asked."""
    from modellix_cli.domain.identity import legacy_digests

    for legacy in legacy_digests(body):
        db.execute(
            "UPDATE submissions SET identity = ? WHERE identity IS NULL AND legacy_sha256 = ?"
            " AND slug = ? AND base_url = ?",
            (identity.digest, legacy, slug, base_url),
        )
