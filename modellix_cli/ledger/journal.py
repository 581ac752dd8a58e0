"""The journal: every paid submission and every task this machine has seen, in SQLite.

The intent is on disk before a paid POST leaves and its outcome before anything else can fail, so
that a kill at any moment loses no task id. It never holds keys or bodies (a body's SHA-256 tells
repeats). How its file is opened, and what happens to a broken one, is in journal_file.py.
"""

import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from typing import Final

from modellix_cli.clock import Clock
from modellix_cli.ledger.journal_file import JournalFile

KEPT_DURATIONS: Final = 20


@dataclass(frozen=True, slots=True)
class Account:
    """On whose behalf something was done: the API's base URL and the profile."""

    base_url: str
    profile: str


@dataclass(frozen=True, slots=True)
class PastSubmission:
    """A submission as the journal knows it; `created_at` is a Unix time.

    `state` is `intent` (sent or about to be, no outcome recorded), `accepted`, `rejected` or
    `unknown`.
    """

    created_at: float
    state: str
    task_id: str | None


@dataclass(frozen=True, slots=True)
class Begun:
    """A task that was submitted on this machine; `created_at` is the Unix time of it."""

    slug: str
    created_at: float


class Journal:
    """What one account did, in the journal's file; usable from several threads.

    `clean` takes secrets out of texts, as a server's message may hold the key.
    """

    def __init__(
        self,
        file: JournalFile,
        account: Account,
        clock: Clock,
        clean: Callable[[str], str] = str,
    ) -> None:
        self._file = file
        self.path = file.path
        self._account = account
        self._clock = clock
        self._clean = clean

    def intend(self, slug: str, body: bytes) -> int | None:
        """Record that a paid submission is about to leave; return its number for `settle`."""
        now = self._clock.now()
        row = (now, now, *self._who, slug, sha256(body).hexdigest())

        def insert(db: sqlite3.Connection) -> int | None:
            return db.execute(
                "INSERT INTO submissions (created_at, updated_at, base_url, profile, slug,"
                " body_sha256, state) VALUES (?, ?, ?, ?, ?, ?, 'intent')",
                row,
            ).lastrowid

        return self._file.run(insert, durable=True)

    def settle(
        self,
        number: int | None,
        state: str,
        *,
        slug: str,
        task_id: str | None = None,
        detail: str | None = None,
    ) -> bool:
        """Record how submission `number` ended, and its task; return whether it is on disk.

        What was accepted stays accepted.
        """
        now = self._clock.now()
        what = (state, task_id, detail and self._clean(detail), now, number)

        def update(db: sqlite3.Connection) -> bool:
            db.execute(
                "UPDATE submissions SET state = ?, task_id = ?, detail = ?, updated_at = ?"
                " WHERE id = ? AND state <> 'accepted'",
                what,
            )
            if task_id is not None:
                self._upsert(db, task_id, "submitted", slug=slug, now=now)
            return True

        return bool(self._file.run(update, durable=True))

    def earlier(self, slug: str, body: bytes, since: float) -> PastSubmission | None:
        """Return the last submission of the same request after `since` (a Unix time), if any."""
        request = (sha256(body).hexdigest(), slug, self._account.base_url, since)
        row = self._file.run(
            lambda db: db.execute(
                "SELECT created_at, state, task_id FROM submissions WHERE body_sha256 = ?"
                " AND slug = ? AND base_url = ? AND created_at >= ? ORDER BY id DESC LIMIT 1",
                request,
            ).fetchone()
        )
        return PastSubmission(*row) if row else None

    def saw(self, task_id: str, status: str, ended_at: float | None = None) -> None:
        """Record the status of a task that the server reported."""
        now = self._clock.now()
        self._file.run(lambda db: self._upsert(db, task_id, status, ended_at=ended_at, now=now))

    def took(self, slug: str, seconds: float) -> None:
        """Record how long a task of a model ran; the last ones are kept."""
        model = (self._account.base_url, slug)

        def insert(db: sqlite3.Connection) -> None:
            db.execute(
                "INSERT INTO durations (base_url, slug, seconds) VALUES (?, ?, ?)",
                (*model, seconds),
            )
            db.execute(
                "DELETE FROM durations WHERE base_url = ? AND slug = ? AND id <= (SELECT id FROM"
                " durations WHERE base_url = ? AND slug = ? ORDER BY id DESC LIMIT 1 OFFSET ?)",
                (*model, *model, KEPT_DURATIONS),
            )

        self._file.run(insert)

    def durations(self, slug: str) -> list[float]:
        """Return how long the last tasks of a model ran, in seconds, the oldest first."""
        model = (self._account.base_url, slug)
        rows = self._file.run(
            lambda db: db.execute(
                "SELECT seconds FROM durations WHERE base_url = ? AND slug = ? ORDER BY id", model
            ).fetchall()
        )
        return [float(row[0]) for row in rows or ()]

    def begun(self, task_id: str) -> Begun | None:
        """Return when and for which model a task was submitted here, None if it was elsewhere."""
        row = self._file.run(
            lambda db: db.execute(
                "SELECT slug, created_at FROM tasks WHERE base_url = ? AND profile = ?"
                " AND task_id = ? AND slug IS NOT NULL",
                (*self._who, task_id),
            ).fetchone()
        )
        return Begun(*row) if row else None

    def saved(self, task_id: str) -> None:
        """Record that everything a task made is on disk."""
        row = (self._clock.now(), *self._who, task_id)
        self._file.run(
            lambda db: db.execute(
                "UPDATE tasks SET saved_at = ? WHERE base_url = ? AND profile = ? AND task_id = ?",
                row,
            )
        )

    def unsaved(self, since: float) -> list[tuple[str, str | None]]:
        """Return id and status of this account's tasks whose results were not saved.

        Only those that ended, or if that is not known were last heard of, after `since`, a Unix
        time; the first to end, or else to be submitted, comes first.
        """
        rows = self._file.run(
            lambda db: db.execute(
                "SELECT task_id, status FROM tasks WHERE base_url = ? AND profile = ?"
                " AND saved_at IS NULL AND coalesce(ended_at, updated_at) > ?"
                " ORDER BY coalesce(ended_at, created_at), rowid",
                (*self._who, since),
            ).fetchall()
        )
        return [(str(task_id), status) for task_id, status in rows or ()]

    def last_task_id(self) -> str | None:
        """Return the id of the task submitted last by this account, or seen last."""
        row = self._file.run(
            lambda db: db.execute(
                "SELECT task_id FROM tasks WHERE base_url = ? AND profile = ?"
                " ORDER BY created_at DESC, rowid DESC LIMIT 1",
                self._who,
            ).fetchone()
        )
        return str(row[0]) if row else None

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    @property
    def _who(self) -> tuple[str, str]:
        return self._account.base_url, self._account.profile

    def _upsert(
        self,
        db: sqlite3.Connection,
        task_id: str,
        status: str,
        *,
        now: float,
        slug: str | None = None,
        ended_at: float | None = None,
    ) -> None:
        db.execute(
            "INSERT INTO tasks (base_url, profile, task_id, slug, status, created_at, updated_at,"
            " ended_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
            " ON CONFLICT (base_url, profile, task_id) DO UPDATE SET status = excluded.status,"
            " slug = coalesce(excluded.slug, slug), updated_at = excluded.updated_at,"
            " ended_at = coalesce(excluded.ended_at, ended_at)",
            (*self._who, task_id, slug, status, now, now, ended_at),
        )
