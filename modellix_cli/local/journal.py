"""The journal: every paid submission and every task this machine has seen, in SQLite.

The intent is on disk before a paid POST leaves and its outcome before anything else can fail, so
that a kill at any moment loses no task id. It never holds keys or bodies (a body's SHA-256 tells
repeats). A journal that is broken or not ours is set aside, never fatal.
"""

import os
import sqlite3
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Final, TypeVar

from modellix_cli.clock import Clock
from modellix_cli.local.paths import make_private_dir

T = TypeVar("T")

APPLICATION_ID: Final = 0x4D647831  # "Mdx1"
_BUSY_SECONDS: Final = 10.0

# Only ever extended by columns and tables, so that older and newer versions share a file.
_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS submissions (
  id INTEGER PRIMARY KEY,
  created_at REAL NOT NULL,
  updated_at REAL NOT NULL,
  base_url TEXT NOT NULL,
  profile TEXT NOT NULL,
  slug TEXT NOT NULL,
  body_sha256 TEXT NOT NULL,
  state TEXT NOT NULL,
  task_id TEXT,
  detail TEXT
);
CREATE INDEX IF NOT EXISTS submissions_request ON submissions (body_sha256, slug, base_url);
CREATE TABLE IF NOT EXISTS tasks (
  base_url TEXT NOT NULL,
  profile TEXT NOT NULL,
  task_id TEXT NOT NULL,
  slug TEXT,
  status TEXT,
  created_at REAL NOT NULL,
  updated_at REAL NOT NULL,
  ended_at REAL,
  saved_at REAL,
  PRIMARY KEY (base_url, profile, task_id)
);
CREATE INDEX IF NOT EXISTS tasks_recent ON tasks (updated_at);
"""


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


class Journal:
    """Access to the journal's file; opened on first use, usable from several threads.

    `warn` is told, once, when the file cannot be used; the work then goes on without a record.
    `clean` takes secrets out of texts, as a server's message may hold the key.
    """

    def __init__(
        self,
        folder: Path,
        account: Account,
        clock: Clock,
        warn: Callable[[str], None],
        clean: Callable[[str], str] = str,
    ) -> None:
        self.path = folder / "journal.db"
        self._account = account
        self._clock = clock
        self._warn = warn
        self._clean = clean
        self._db: sqlite3.Connection | None = None
        self._broken = False
        self._renewed = False
        self._lock = threading.RLock()

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

        return self._run(insert, durable=True)

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

        return bool(self._run(update, durable=True))

    def earlier(self, slug: str, body: bytes, since: float) -> PastSubmission | None:
        """Return the last submission of the same request after `since` (a Unix time), if any."""
        request = (sha256(body).hexdigest(), slug, self._account.base_url, since)
        row = self._run(
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
        self._run(lambda db: self._upsert(db, task_id, status, ended_at=ended_at, now=now))

    def saved(self, task_id: str) -> None:
        """Record that everything a task made is on disk."""
        row = (self._clock.now(), *self._who, task_id)
        self._run(
            lambda db: db.execute(
                "UPDATE tasks SET saved_at = ? WHERE base_url = ? AND profile = ? AND task_id = ?",
                row,
            )
        )

    def last_task_id(self) -> str | None:
        """Return the id of the task submitted last by this account, or seen last."""
        row = self._run(
            lambda db: db.execute(
                "SELECT task_id FROM tasks WHERE base_url = ? AND profile = ?"
                " ORDER BY created_at DESC, rowid DESC LIMIT 1",
                self._who,
            ).fetchone()
        )
        return str(row[0]) if row else None

    def close(self) -> None:
        """Close the file, unless a thread that was left behind still waits for it."""
        if self._lock.acquire(timeout=0.2):
            try:
                self._forget()
            finally:
                self._lock.release()

    def _forget(self) -> None:
        if self._db is not None:
            self._db.close()
            self._db = None

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

    def _run(self, work: Callable[[sqlite3.Connection], T], *, durable: bool = False) -> T | None:
        """Do `work` in one transaction and return its result; None when nothing was recorded.

        A `durable` one has reached the disk when this returns, so that it survives a power cut.
        """
        with self._lock:
            db = self._open()
            while db is not None:
                try:
                    db.execute(f"PRAGMA synchronous = {'FULL' if durable else 'NORMAL'}")
                    db.execute("BEGIN IMMEDIATE")
                    result = work(db)
                    db.execute("COMMIT")
                    return result
                except sqlite3.Error as error:
                    db = self._recovered(error)
                except BaseException:
                    db.rollback()
                    raise
        return None

    def _recovered(self, error: sqlite3.Error) -> sqlite3.Connection | None:
        """Return a database to try again with after a failure, or None to go on without."""
        reason = str(error)
        damaged = not isinstance(error, sqlite3.OperationalError) or "no such" in reason
        self._forget()
        if damaged and not self._renewed:
            self._set_aside(reason)
            return self._db
        if damaged or "locked" not in reason:
            self._give_up(reason)
        else:
            self._warn(f"Nothing was recorded just now in the journal {self.path}: {reason}.")
        return None

    def _open(self) -> sqlite3.Connection | None:
        if self._db is None and not self._broken:
            try:
                self._db = self._connect()
            except _NotOurs as error:
                self._set_aside(str(error))
            except (sqlite3.Error, OSError) as error:
                self._give_up(str(error))
        return self._db

    def _connect(self) -> sqlite3.Connection:
        make_private_dir(self.path.parent)
        with suppress(FileExistsError):
            os.close(os.open(self.path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
        db = sqlite3.connect(
            self.path, timeout=_BUSY_SECONDS, isolation_level=None, check_same_thread=False
        )
        try:
            _prepare(db, self._clock)
        except BaseException:
            db.close()
            raise
        return db

    def _set_aside(self, reason: str) -> None:
        """Move an unusable file out of the way and begin a new one."""
        self._renewed = True
        aside = self.path.with_name(f"journal.db.unusable-{int(self._clock.now())}-{os.getpid()}")
        try:
            for suffix in ("", "-wal", "-shm"):
                with suppress(FileNotFoundError):
                    Path(f"{self.path}{suffix}").rename(f"{aside}{suffix}")
            self._db = self._connect()
        except (sqlite3.Error, OSError, _NotOurs) as error:
            self._give_up(str(error))
        else:
            self._warn(f"The journal {self.path} was unusable ({reason}); it is now {aside.name}.")

    def _give_up(self, reason: str) -> None:
        if not self._broken:
            self._broken = True
            self._warn(f"Nothing is recorded in the journal {self.path}: {reason}.")
        self._forget()


class _NotOurs(Exception):
    """The file is not a journal of this program, or is damaged."""


def _prepare(db: sqlite3.Connection, clock: Clock) -> None:
    """Make sure the file is ours and has its tables. Raises `_NotOurs` or `sqlite3.Error`."""
    try:
        if _owner(db) == APPLICATION_ID:
            return
        db.execute("BEGIN IMMEDIATE")  # from here on no other process creates it
        try:
            if _owner(db) != APPLICATION_ID:
                if _owner(db) or db.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]:
                    raise _NotOurs("it belongs to another program")
                for statement in _SCHEMA.split(";"):
                    db.execute(statement)
                db.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        finally:
            db.execute("COMMIT")
        _use_wal(db, clock)
    except sqlite3.OperationalError:
        raise
    except sqlite3.DatabaseError as error:
        raise _NotOurs(str(error)) from error


def _owner(db: sqlite3.Connection) -> int:
    return int(db.execute("PRAGMA application_id").fetchone()[0])


def _use_wal(db: sqlite3.Connection, clock: Clock) -> None:
    """Switch to the write-ahead log; SQLite does not wait for this lock by itself."""
    deadline = clock.monotonic() + _BUSY_SECONDS
    while clock.monotonic() < deadline:
        try:
            db.execute("PRAGMA journal_mode = WAL")
            return
        except sqlite3.OperationalError:
            clock.sleep(0.01 + clock.jitter(0.02))
