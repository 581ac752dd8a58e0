"""Tasks and how long they ran: the writer of `tasks` and `durations`."""

import json
import sqlite3
from typing import Final

from modellix_cli.domain.account import Account
from modellix_cli.domain.frozen import frozen
from modellix_cli.domain.task import FAILED, RESULT_LIFETIME, SUCCEEDED, is_final
from modellix_cli.ledger import accounts
from modellix_cli.ledger.database import LedgerFile
from modellix_cli.ledger.task_records import TaskReport

KEPT_DURATIONS: Final = 20
SUBMITTED: Final = "submitted"
EXPIRED: Final = "expired"
"""Status of a task that succeeded, and of whose results none is left to save."""
GONE: Final = "gone"
"""Status of a task of the sandbox that was made before it was reset."""
_SOONEST_EXPIRY: Final = RESULT_LIFETIME - 24 * 3600.0
_LATEST_EXPIRY: Final = 60 * 24 * 3600.0
"""How far ahead a webhook's word on the expiry may lie to be believed, in seconds."""


@frozen
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

        A task that ended stays ended: a status that is none of an end, as of a reply that came
        late, does not replace one that is. What a task cost is believed once it has ended: until
        then its estimate stands. Raises the ledger's errors.
        """
        now = self._file.clock.now()
        billed = report.billed_cost if is_final(report.status) else None
        cost = None if billed is None else str(billed)
        who = (self._account.base_url, report.task_id)
        rows = self._file.read(
            lambda db: db.execute(
                "SELECT profile, status, ended_at, expires_at, billed_cost FROM tasks"
                " WHERE base_url = ? AND task_id = ?",
                who,
            ).fetchall(),
            brief=True,
        )
        if _says(rows, self._account.profile, report, cost):
            return

        def write(db: sqlite3.Connection) -> None:
            account = accounts.find_or_add(db, self._account, now)
            status = _lasting(db, who, report.status)
            add(db, self._account, account.id, report.task_id, now, status=status)
            db.execute(  # whichever profile it was seen under
                "UPDATE tasks SET status = ?, updated_at = ?, ended_at = coalesce(?, ended_at),"
                " expires_at = coalesce(?, expires_at), billed_cost = coalesce(?, billed_cost)"
                " WHERE base_url = ? AND task_id = ?",
                (status, now, report.ended_at, report.expires_at, cost, *who),
            )
            if cost is not None:
                db.execute(
                    "UPDATE submissions SET billed_cost = ? WHERE base_url = ? AND task_id = ?",
                    (cost, *who),
                )

        self._file.note(write)

    def record_duration(self, slug: str, submitted_at: float, seconds: float) -> None:
        """Record how long a task of a model ran; those submitted last are kept."""
        model = (self._account.base_url, slug)
        now = self._file.clock.now()

        def insert(db: sqlite3.Connection) -> None:
            db.execute("INSERT INTO durations VALUES (?, ?, ?, ?)", (*model, submitted_at, seconds))
            # A time that is still to come was told by a clock that was wrong.
            db.execute(
                "UPDATE durations SET submitted_at = ? WHERE base_url = ? AND slug = ?"
                " AND submitted_at > ?",
                (now, *model, now),
            )
            db.execute(
                "DELETE FROM durations WHERE base_url = ? AND slug = ? AND rowid NOT IN (SELECT"
                " rowid FROM durations WHERE base_url = ? AND slug = ?"
                " ORDER BY submitted_at DESC, rowid DESC LIMIT ?)",
                (*model, *model, KEPT_DURATIONS),
            )

        self._file.note(insert)

    def durations(self, slug: str) -> list[float]:
        """Return how long the tasks of a model ran that were submitted last, in seconds."""
        rows = self._file.read(
            lambda db: db.execute(
                "SELECT seconds FROM durations WHERE base_url = ? AND slug = ?"
                " ORDER BY submitted_at, rowid",
                (self._account.base_url, slug),
            ).fetchall(),
            brief=True,
        )
        return [float(row[0]) for row in rows]

    def known_task(self, task_id: str) -> KnownTask | None:
        """Return when and for which model a task was submitted here, None if it was elsewhere."""
        row = self._file.read(
            lambda db: db.execute(
                "SELECT slug, created_at FROM tasks WHERE base_url = ? AND task_id = ?"
                " AND slug IS NOT NULL LIMIT 1",
                (self._account.base_url, task_id),
            ).fetchone(),
            brief=True,
        )
        return KnownTask(str(row[0]), float(row[1])) if row else None

    def mark_saved(self, task_id: str) -> None:
        """Record that everything a task made is on disk."""
        now = self._file.clock.now()
        self._file.note(
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

        def find(db: sqlite3.Connection) -> list[tuple[str, str | None]]:
            known = accounts.find(db, self._account)
            return db.execute(
                "SELECT task_id, max(status) FROM tasks"
                " WHERE base_url = :url AND (account IS NULL AND profile = :profile OR account IN"
                " (SELECT id FROM accounts WHERE team = :team))"
                " AND status IS NOT :gone"
                " GROUP BY task_id HAVING max(saved_at) IS NULL AND min(coalesce(expires_at,"
                " coalesce(ended_at, updated_at) + :lifetime)) > :now"
                " ORDER BY min(coalesce(expires_at, coalesce(ended_at, updated_at) + :lifetime)),"
                " min(created_at), min(rowid)",
                {
                    "lifetime": lifetime,
                    "url": self._account.base_url,
                    "profile": self._account.profile,
                    "team": known.team if known else None,
                    "now": now,
                    "gone": GONE,
                },
            ).fetchall()

        return [(str(task_id), status) for task_id, status in self._file.read(find)]

    def recent(self, limit: int) -> list[str]:
        """Return the ids of the tasks submitted or seen last, the newest first.

        Those that are gone are not among them.
        """
        rows = self._file.read(
            lambda db: db.execute(
                "SELECT task_id FROM tasks WHERE base_url = ? AND profile = ?"
                " AND status IS NOT ? ORDER BY created_at DESC, rowid DESC LIMIT ?",
                (*self._who, GONE, limit),
            ).fetchall()
        )
        return [str(row[0]) for row in rows]

    @property
    def _who(self) -> tuple[str, str]:
        return self._account.base_url, self._account.profile


def _says(
    rows: list[tuple[str, str | None, float | None, float | None, str | None]],
    profile: str,
    report: TaskReport,
    cost: str | None,
) -> bool:
    """Whether all that a report tells is recorded, for the profile too."""
    return any(row[0] == profile for row in rows) and all(
        (status == report.status or (_has_ended(status) and not _has_ended(report.status)))
        and report.ended_at in (None, ended_at)
        and report.expires_at in (None, expires_at)
        and cost in (None, billed)
        for _, status, ended_at, expires_at, billed in rows
    )


def _lasting(db: sqlite3.Connection, who: tuple[str, str], status: str) -> str:
    """Return the status that is to be recorded: the one known if that is an end and this is not."""
    if _has_ended(status):
        return status
    rows = db.execute("SELECT status FROM tasks WHERE base_url = ? AND task_id = ?", who)
    return next((str(row[0]) for row in rows if _has_ended(row[0])), status)


def _has_ended(status: str | None) -> bool:
    return is_final(status) or status in (EXPIRED, GONE)


def add(
    db: sqlite3.Connection,
    account: Account,
    number: int,
    task_id: str,
    now: float,
    *,
    status: str,
    slug: str | None = None,
) -> None:
    """Add a task of the account of that `number`, or the news about it, within a transaction."""
    db.execute(
        "INSERT INTO tasks (base_url, profile, task_id, account, slug, status, created_at,"
        " updated_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
        " ON CONFLICT (base_url, task_id, profile) DO UPDATE SET status = excluded.status,"
        " slug = coalesce(excluded.slug, slug), updated_at = excluded.updated_at,"
        " account = excluded.account",
        (account.base_url, account.profile, task_id, number, slug, status, now, now),
    )


def is_known(db: sqlite3.Connection, base_url: str, task_id: str) -> bool:
    """Whether a task was submitted or polled here, within a transaction."""
    row = db.execute(
        "SELECT 1 FROM tasks WHERE base_url = ? AND task_id = ? LIMIT 1", (base_url, task_id)
    )
    return row.fetchone() is not None


def note_delivered(db: sqlite3.Connection, base_url: str, report: TaskReport, now: float) -> None:
    """Note what an unsigned webhook says of a task that is known, within a transaction.

    Only what can do no harm if it is false, and only where the API has not told of an end: that
    the task succeeded, and until when its results are kept if that hides none of them. A failure
    that is false would hide a result that was paid for, and a cost that is too low would free a
    budget; the next poll tells.
    """
    if report.status.lower() not in SUCCEEDED:
        return
    kept = report.expires_at
    if kept is not None and not now + _SOONEST_EXPIRY <= kept <= now + _LATEST_EXPIRY:
        kept = None
    ends = json.dumps([*SUCCEEDED, *FAILED, EXPIRED, GONE])
    db.execute(
        "UPDATE tasks SET status = ?, updated_at = ?, expires_at = coalesce(expires_at, ?)"
        " WHERE base_url = ? AND task_id = ?"
        " AND coalesce(status, '') NOT IN (SELECT value FROM json_each(?))",
        (report.status, now, kept, base_url, report.task_id, ends),
    )


def add_of_submission(db: sqlite3.Connection, number: int, now: float) -> None:
    """Add the task that a submission created, unless it is known, within a transaction."""
    db.execute(
        "INSERT INTO tasks (base_url, profile, task_id, account, slug, status, created_at,"
        " updated_at) SELECT base_url, profile, task_id, account, slug, ?, created_at, ?"
        " FROM submissions WHERE number = ?"
        " ON CONFLICT (base_url, task_id, profile) DO UPDATE SET slug = excluded.slug,"
        " account = excluded.account, created_at = min(created_at, excluded.created_at)",
        (SUBMITTED, now, number),
    )
    db.execute(  # which may have been looked at before it was known whose it is
        "UPDATE submissions SET billed_cost = (SELECT max(t.billed_cost) FROM tasks AS t"
        " WHERE t.base_url = submissions.base_url AND t.task_id = submissions.task_id)"
        " WHERE number = ? AND billed_cost IS NULL",
        (number,),
    )


def drop_unanswered(db: sqlite3.Connection, base_url: str, task_id: str) -> None:
    """Remove a task that nothing but a taken-back word knows of, within a transaction."""
    db.execute(
        "DELETE FROM tasks WHERE base_url = :url AND task_id = :task AND status = :unheard"
        " AND NOT EXISTS (SELECT 1 FROM submissions WHERE base_url = :url AND task_id = :task)",
        {"url": base_url, "task": task_id, "unheard": SUBMITTED},
    )
