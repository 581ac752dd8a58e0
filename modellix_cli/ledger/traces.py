"""All that is known here of one task: its record, the attempts before it, what it was made from.

Nothing is written here.
"""

import sqlite3
from typing import Final

from modellix_cli.domain.frozen import frozen
from modellix_cli.ledger.attempt import Attempt
from modellix_cli.ledger.attempts import find_attempts
from modellix_cli.ledger.database import LedgerFile
from modellix_cli.ledger.origins import find_sources
from modellix_cli.ledger.request_log import (
    select_submissions,
    select_tasks,
    with_files,
)
from modellix_cli.ledger.request_records import Record
from modellix_cli.ledger.sql import Values

_MOST: Final = 20
_OF_TASK: Final = """t.base_url = :url AND t.task_id = :task
ORDER BY t.slug IS NULL, t.updated_at DESC LIMIT 1"""
_CREATED: Final = """s.base_url = :url AND s.task_id = :task
ORDER BY s.state = 'accepted' DESC, s.number DESC LIMIT 1"""
_ADDRESSES: Final = """
SELECT base_url FROM tasks WHERE task_id = :task
UNION SELECT base_url FROM submissions WHERE task_id = :task"""
_CHAIN: Final = """s.number IN (
  WITH RECURSIVE chain (number) AS (
    SELECT :number
    UNION SELECT o.replaces FROM submissions AS o JOIN chain ON o.number = chain.number
      WHERE o.replaces IS NOT NULL
    UNION SELECT o.number FROM submissions AS o JOIN chain ON o.replaces = chain.number)
  SELECT number FROM chain) ORDER BY s.number"""
_SAME_REQUEST: Final = """
SELECT DISTINCT o.task_id FROM submissions AS o
WHERE o.identity = (SELECT identity FROM submissions WHERE number = :number)
  AND o.task_id IS NOT NULL AND o.task_id IS NOT :task
ORDER BY o.number DESC LIMIT :most"""


@frozen
class Trace:
    """A record with its files, and what is around it.

    `attempts` are all submissions that were made in place of each other, this one included, the
    first one first. `sources` are the tasks whose saved results went in; `same_request` those of
    other runs of the same request, the newest first.
    """

    record: Record
    attempts: tuple[Attempt, ...] = ()
    sources: tuple[str, ...] = ()
    same_request: tuple[str, ...] = ()


class Traces:
    """The tasks and submissions of all accounts and addresses."""

    def __init__(self, file: LedgerFile) -> None:
        self._file = file

    def addresses(self, task_id: str) -> list[str]:
        """Return the base URLs of services that have a task of this id."""
        rows = self._file.read(lambda db: db.execute(_ADDRESSES, {"task": task_id}).fetchall())
        return [str(row[0]) for row in rows]

    def of_task(self, base_url: str, task_id: str) -> Trace | None:
        """Return what is known of a task at an address, None if nothing is."""
        return self._find({"url": base_url, "task": task_id}, _OF_TASK, _CREATED)

    def of_submission(self, number: int) -> Trace | None:
        """Return what is known of a submission, None if there is none of that number."""
        return self._find({"number": number}, None, "s.number = :number")

    def _find(self, values: Values, task: str | None, submission: str) -> Trace | None:
        now = self._file.clock.now()

        def read(db: sqlite3.Connection) -> Trace | None:
            found = [] if task is None else list(select_tasks(db, task, values, now))
            found += select_submissions(db, submission, values, now) if not found else []
            return _trace(db, found[0], now) if found else None

        return self._file.read(read)


def _trace(db: sqlite3.Connection, record: Record, now: float) -> Trace:
    values = {"number": record.number, "task": record.task_id, "most": _MOST}
    attempts: list[Attempt] = []
    same: list[str] = []
    if record.number is not None:
        attempts = find_attempts(db, _CHAIN, values, now)
        same = [str(row[0]) for row in db.execute(_SAME_REQUEST, values)]
    sources = find_sources(db, record.base_url, record.body, record.task_id)
    return Trace(with_files(db, record), tuple(attempts), sources, tuple(same))
