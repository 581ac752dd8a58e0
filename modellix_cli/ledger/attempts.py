"""Finding attempts of a request, and reading them: whether one is under way is decided here."""

import sqlite3
from typing import Any, Final

from modellix_cli.domain.submission_state import SubmissionState, read_state
from modellix_cli.ledger.processes import Process, is_alive
from modellix_cli.ledger.records import Attempt

CUT_SHORT: Final = "The process that sent it ended before an outcome was recorded."

SELECT_ATTEMPT: Final = """
SELECT s.number, s.state, s.slug, s.task_id, s.detail, s.created_at, s.batch, s.line, s.line_id,
  s.profile, s.host, s.boot, s.pid, s.process_started, s.lease_until,
  (SELECT t.status FROM tasks AS t WHERE t.base_url = s.base_url AND t.profile = s.profile
   AND t.task_id = s.task_id) AS status
FROM submissions AS s"""

OF_TEAM: Final = "s.account IN (SELECT id FROM accounts WHERE team = :team)"

NOT_REPLACED: Final = (
    "NOT EXISTS (SELECT 1 FROM submissions AS later"
    " WHERE later.replaces = s.number AND later.state <> 'rejected')"
)
"""An attempt of unknown outcome that was sent again is answered for by the later one."""

CURRENT_GENERATION: Final = """
coalesce((SELECT max(o.generation) FROM batch_lines AS o JOIN batches AS b ON b.number = o.batch
  JOIN accounts AS a ON a.id = b.account
  WHERE o.identity = {identity} AND o.batch <> {batch} AND a.team = :team), 0)"""
"""How often the user started over with a request (`--new`), as SQL."""


def read_attempt(row: tuple[Any, ...], now: float) -> Attempt:
    """Read a row of `SELECT_ATTEMPT`; what is odd, as another version's, may have cost money."""
    number, word, slug, task_id, detail, created_at, batch, line, line_id, profile = row[:10]
    host, boot, pid, started, lease_until, status = row[10:16]
    state, in_flight = read_state(word), False
    if state is SubmissionState.INTENT:
        owner = Process(str(host), str(boot), int(pid or 0), int(started or 0))
        in_flight = is_alive(owner, float(lease_until or 0.0), now)
        if not in_flight:
            state, detail = SubmissionState.UNKNOWN, detail or CUT_SHORT
    elif state is SubmissionState.ACCEPTED and not task_id:
        state, detail = SubmissionState.UNKNOWN, "The ledger holds no task id of it."
    return Attempt(
        number=int(number),
        state=state,
        slug=str(slug),
        task_id=task_id,
        detail=detail,
        created_at=float(created_at),
        batch=batch,
        line=line,
        line_id=line_id,
        profile=str(profile),
        in_flight=in_flight,
        status=status,
    )


def find_attempts(
    db: sqlite3.Connection, where: str, values: dict[str, Any], now: float
) -> list[Attempt]:
    """Return the attempts for which `where` holds; in it they are called `s`."""
    rows = db.execute(f"{SELECT_ATTEMPT} WHERE {where}", values)
    return [read_attempt(row, now) for row in rows]
