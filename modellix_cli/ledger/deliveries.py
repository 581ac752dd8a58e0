"""Webhooks that came in: the writer of `deliveries`.

Webhooks are not signed, so what they say of a task counts only as far as it can do no harm
(`tasks.note_delivered`); commands that wait poll the task at once, and believe the API alone.
Of a delivery the ledger keeps that it came, not its body, which the API can tell again.
"""

import sqlite3
from collections.abc import Sequence
from typing import Final

from modellix_cli.domain.frozen import frozen
from modellix_cli.ledger import tasks
from modellix_cli.ledger.database import LedgerFile
from modellix_cli.ledger.task_records import TaskReport

KEPT_SECONDS: Final = 30 * 24 * 3600.0
MOST_KEPT: Final = 100_000
_PRUNE_AFTER: Final = 1000
_MOST_NEWS: Final = 1000
_NEXT: Final = 1e-5
"""Seconds between two deliveries at least, so that their times tell their order."""


@frozen
class Received:
    """A delivery; `report` is what it says of the end of a task, None where that is unusable."""

    delivery_id: str
    task_id: str
    event: str
    report: TaskReport | None = None


@frozen
class Recorded:
    """Whether a delivery was new, and whether the ledger knows its task."""

    new: bool
    known: bool


class DeliveryStore:
    """The deliveries of one API address."""

    def __init__(self, file: LedgerFile, base_url: str) -> None:
        self._file = file
        self._base_url = base_url
        self._until_pruning = 0

    def record(self, deliveries: Sequence[Received]) -> list[Recorded]:
        """Record deliveries, each once however often it comes; return what is known of each.

        Raises the ledger's errors.
        """
        prune = self._until_pruning <= 0
        recorded = self._file.note(lambda db: self._record(db, deliveries, prune=prune))
        self._until_pruning = _PRUNE_AFTER if prune else self._until_pruning
        self._until_pruning -= sum(one.new for one in recorded)
        return recorded

    def _record(
        self, db: sqlite3.Connection, deliveries: Sequence[Received], *, prune: bool
    ) -> list[Recorded]:
        now = self._file.clock.now()
        (last,) = db.execute("SELECT max(received_at) FROM deliveries").fetchone()
        moment = now if last is None else max(now, last + _NEXT)
        recorded = []
        for delivery in deliveries:
            inserted = db.execute(
                "INSERT OR IGNORE INTO deliveries"
                " (delivery_id, base_url, task_id, event, received_at, body)"
                " VALUES (?, ?, ?, ?, ?, '')",
                (delivery.delivery_id, self._base_url, delivery.task_id, delivery.event, moment),
            )
            known = tasks.is_known(db, self._base_url, delivery.task_id)
            new = inserted.rowcount == 1
            if new and known and delivery.report is not None:
                tasks.note_delivered(db, self._base_url, delivery.report, now)
            recorded.append(Recorded(new, known))
            moment += _NEXT
        if prune:
            _prune(db, now)
        return recorded


def _prune(db: sqlite3.Connection, now: float) -> None:
    """Forget what is so old that no repeat of it can come, and what is far too much."""
    db.execute("DELETE FROM deliveries WHERE received_at < ?", (now - KEPT_SECONDS,))
    db.execute(
        "DELETE FROM deliveries WHERE received_at <= (SELECT received_at FROM deliveries"
        " ORDER BY received_at DESC LIMIT 1 OFFSET ?)",
        (MOST_KEPT,),
    )


class DeliveryWatch:
    """Tells a command that waits of deliveries that other processes recorded."""

    def __init__(self, file: LedgerFile) -> None:
        self._file = file
        self._version: int | None = None
        self._after = float("-inf")

    def news(self) -> list[str]:
        """Return the tasks whose deliveries came since the last call, the newest first.

        The first call returns those of the last 1000. Cheap where nothing was written, never waits,
        and returns nothing where the ledger cannot be read just now.
        """
        return self._file.peek(self._look) or []

    def _look(self, db: sqlite3.Connection) -> list[str]:
        (version,) = db.execute("PRAGMA data_version").fetchone()
        if version == self._version:
            return []
        rows = db.execute(
            "SELECT task_id, received_at FROM deliveries WHERE received_at > ?"
            " ORDER BY received_at DESC LIMIT ?",
            (self._after, _MOST_NEWS),
        ).fetchall()
        self._version = version
        self._after = max([self._after, *(moment for _, moment in rows)])
        return list(dict.fromkeys(str(task_id) for task_id, _ in rows))
