"""Tasks and how long they ran: the writer of `tasks` and `durations`."""

import sqlite3
from dataclasses import dataclass
from typing import Final

from modellix_cli.domain.account import Account
from modellix_cli.ledger import accounts
from modellix_cli.ledger.database import LedgerFile
from modellix_cli.ledger.records import TaskReport

KEPT_DURATIONS: Final = 20
SUBMITTED: Final = "submitted"
EXPIRED: Final = "expired"
"""Status of a task that succeeded, and of whose results none is left to save."""


@dataclass(frozen=True, slots=True)
class KnownTask:
    """A task that was submitted on this machine; `created_at` is the Unix time of it."""

    slug: str
    created_at: float


class TaskStore:
    """The tasks of one account."""

    def __init__(self, file: LedgerFile, account: Account) -> None:
        self._file = file
        self._account = account

    def record_status(self, report: TaskReport) -> None:
        """Record what the server said about a task; what is recorded already is not written again.

        Raises the ledger's errors.
        """
        now = self._file.clock.now()
        cost = None if report.billed_cost is None else str(report.billed_cost)
        facts = (report.status, report.ended_at, report.expires_at, cost)
        known = self._file.read(
            lambda db: db.execute(
                "SELECT status, ended_at, expires_at, billed_cost FROM tasks"
                " WHERE base_url = ? AND profile = ? AND task_id = ?",
                (*self._who, report.task_id),
            ).fetchone()
        )
        if known == facts:
            return

        def write(db: sqlite3.Connection) -> None:
            add(db, self._account, report.task_id, None, now, status=report.status)
            db.execute(
                "UPDATE tasks SET ended_at = coalesce(?, ended_at),"
                " expires_at = coalesce(?, expires_at), billed_cost = coalesce(?, billed_cost)"
                " WHERE base_url = ? AND profile = ? AND task_id = ?",
                (report.ended_at, report.expires_at, cost, *self._who, report.task_id),
            )
            if cost is not None:
                db.execute(
                    "UPDATE submissions SET billed_cost = ? WHERE task_id = ? AND base_url = ?",
                    (cost, report.task_id, self._account.base_url),
                )

        self._file.transact(write)

    def record_duration(self, slug: str, submitted_at: float, seconds: float) -> None:
        """Record how long a task of a model ran; those submitted last are kept."""
        model = (self._account.base_url, slug)

        def insert(db: sqlite3.Connection) -> None:
            db.execute("INSERT INTO durations VALUES (?, ?, ?, ?)", (*model, submitted_at, seconds))
            db.execute(
                "DELETE FROM durations WHERE base_url = ? AND slug = ? AND rowid NOT IN (SELECT"
                " rowid FROM durations WHERE base_url = ? AND slug = ?"
                " ORDER BY submitted_at DESC, rowid DESC LIMIT ?)",
                (*model, *model, KEPT_DURATIONS),
            )

        self._file.transact(insert)

    def durations(self, slug: str) -> list[float]:
        """Return how long the tasks of a model ran that were submitted last, in seconds."""
        rows = self._file.read(
            lambda db: db.execute(
                "SELECT seconds FROM durations WHERE base_url = ? AND slug = ?"
                " ORDER BY submitted_at, rowid",
                (self._account.base_url, slug),
            ).fetchall()
        )
        return [float(row[0]) for row in rows]

    def known_task(self, task_id: str) -> KnownTask | None:
        """Return when and for which model a task was submitted here, None if it was elsewhere."""
        row = self._file.read(
            lambda db: db.execute(
                "SELECT slug, created_at FROM tasks WHERE base_url = ? AND task_id = ?"
                " AND slug IS NOT NULL LIMIT 1",
                (self._account.base_url, task_id),
            ).fetchone()
        )
        return KnownTask(str(row[0]), float(row[1])) if row else None

    def mark_saved(self, task_id: str) -> None:
        """Record that everything a task made is on disk."""
        now = self._file.clock.now()
        self._file.transact(
            lambda db: (
                db.execute(
                    "UPDATE tasks SET saved_at = ? WHERE base_url = ? AND task_id = ?",
                    (now, self._account.base_url, task_id),
                ).rowcount
            )
        )

    def unsaved(self, now: float, lifetime: float) -> list[tuple[str, str | None]]:
        """Return id and status of this account's tasks whose results may still be had.

        Where the server did not say until when, that is `lifetime` seconds after their end, or
        after they were last heard of; the first to expire comes first.
        """
        mine = self._account
        rows = self._file.transact(
            lambda db: db.execute(
                "SELECT task_id, status, min(coalesce(expires_at,"
                " coalesce(ended_at, updated_at) + :lifetime)) AS until FROM tasks"
                " WHERE base_url = :url AND (account IS NULL AND profile = :profile OR account IN"
                " (SELECT id FROM accounts WHERE team = :team))"
                " GROUP BY task_id HAVING max(saved_at) IS NULL AND until > :now"
                " ORDER BY until, min(created_at), min(rowid)",
                {
                    "lifetime": lifetime,
                    "url": mine.base_url,
                    "profile": mine.profile,
                    "team": accounts.find_or_add(db, mine, now).team,
                    "now": now,
                },
            ).fetchall()
        )
        return [(str(task_id), status) for task_id, status, _until in rows]

    def last_task_id(self) -> str | None:
        """Return the id of the task submitted last by this account, or seen last."""
        recent = self.recent(1)
        return recent[0] if recent else None

    def recent(self, limit: int) -> list[str]:
        """Return the ids of the tasks submitted or seen last, the newest first."""
        rows = self._file.read(
            lambda db: db.execute(
                "SELECT task_id FROM tasks WHERE base_url = ? AND profile = ?"
                " ORDER BY created_at DESC, rowid DESC LIMIT ?",
                (*self._who, limit),
            ).fetchall()
        )
        return [str(row[0]) for row in rows]

    @property
    def _who(self) -> tuple[str, str]:
        return self._account.base_url, self._account.profile


def add(
    db: sqlite3.Connection,
    account: Account,
    task_id: str,
    slug: str | None,
    now: float,
    status: str = SUBMITTED,
) -> None:
    """Add a task, or the news about it, within a transaction.

    That it was submitted is no news where more is known.
    """
    who = accounts.find_or_add(db, account, now)
    db.execute(
        "INSERT INTO tasks (base_url, profile, task_id, account, slug, status, created_at,"
        " updated_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
        " ON CONFLICT (base_url, profile, task_id) DO UPDATE SET"
        " status = CASE excluded.status WHEN 'submitted' THEN status ELSE excluded.status END,"
        " slug = coalesce(excluded.slug, slug), updated_at = excluded.updated_at,"
        " account = excluded.account",
        (account.base_url, account.profile, task_id, who.id, slug, status, now, now),
    )
