"""The journal's file: one SQLite database, opened when first needed, shared by many processes.

A file that is broken or not ours is set aside, never fatal; without one the work goes on.
"""

import os
import sqlite3
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Final, TypeVar

from modellix_cli.clock import Clock
from modellix_cli.paths import make_private_dir

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
CREATE TABLE IF NOT EXISTS imports (
  path TEXT PRIMARY KEY,
  fingerprint TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS cleared (
  profile TEXT PRIMARY KEY,
  cleared_at REAL NOT NULL
);
CREATE TABLE IF NOT EXISTS pace (
  scope TEXT PRIMARY KEY,
  state TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS running (
  scope TEXT NOT NULL,
  ref TEXT NOT NULL,
  task_id TEXT,
  until REAL NOT NULL,
  PRIMARY KEY (scope, ref)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS running_task ON running (task_id);
CREATE TABLE IF NOT EXISTS durations (
  id INTEGER PRIMARY KEY,
  base_url TEXT NOT NULL,
  slug TEXT NOT NULL,
  seconds REAL NOT NULL
);
CREATE INDEX IF NOT EXISTS durations_model ON durations (base_url, slug);
CREATE TABLE IF NOT EXISTS batches (
  id INTEGER PRIMARY KEY,
  created_at REAL NOT NULL,
  updated_at REAL NOT NULL,
  base_url TEXT NOT NULL,
  profile TEXT NOT NULL,
  digest TEXT NOT NULL,
  source TEXT NOT NULL,
  total INTEGER NOT NULL,
  state TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS batches_digest ON batches (digest);
CREATE TABLE IF NOT EXISTS batch_lines (
  batch INTEGER NOT NULL,
  line INTEGER NOT NULL,
  submission INTEGER,
  slug TEXT NOT NULL,
  name TEXT,
  state TEXT NOT NULL,
  task_id TEXT,
  status TEXT,
  detail TEXT,
  made TEXT,
  PRIMARY KEY (batch, line)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS batch_lines_task ON batch_lines (task_id);
"""
_SCHEMA_VERSION: Final = 3


class JournalFile:
    """The database in `folder`; usable from several threads.

    `warn` is told when it cannot be used: once, or each time another process holds it too long.
    """

    def __init__(self, folder: Path, clock: Clock, warn: Callable[[str], None]) -> None:
        self.path = folder / "journal.db"
        self._broken = False
        self._renewed = False
        self._clock = clock
        self._warn = warn
        self._db: sqlite3.Connection | None = None
        self._lock = threading.RLock()

    @property
    def renewed(self) -> bool:
        """Whether the file was unusable and a new one was begun: what it knew is set aside."""
        return self._renewed

    def run(self, work: Callable[[sqlite3.Connection], T], *, durable: bool = False) -> T | None:
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
        if damaged:
            self._give_up(reason)
        else:
            self._go_without(reason)
        return None

    def _go_without(self, reason: str) -> None:
        """Record nothing: only now if another process holds the file, else from now on."""
        if "locked" in reason:
            self._warn(f"Nothing was recorded just now in the journal {self.path}: {reason}.")
        else:
            self._give_up(reason)

    def _open(self) -> sqlite3.Connection | None:
        if self._db is None and not self._broken:
            try:
                self._db = self._connect()
            except _NotOurs as error:
                self._set_aside(str(error))
            except (sqlite3.Error, OSError) as error:
                self._go_without(str(error))
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


class _NotOurs(Exception):
    """The file is not a journal of this program, or is damaged."""


def _prepare(db: sqlite3.Connection, clock: Clock) -> None:
    """Make sure the file is ours and has its tables. Raises `_NotOurs` or `sqlite3.Error`."""
    try:
        if _mark(db) == (APPLICATION_ID, _SCHEMA_VERSION):
            return
        db.execute("BEGIN IMMEDIATE")  # from here on no other process creates it
        try:
            owner, version = _mark(db)
            if owner != APPLICATION_ID and (
                owner or db.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
            ):
                raise _NotOurs("it belongs to another program")
            if owner != APPLICATION_ID or version < _SCHEMA_VERSION:
                _make_tables(db)
        finally:
            db.execute("COMMIT")
        _use_wal(db, clock)
    except sqlite3.OperationalError:
        raise
    except sqlite3.DatabaseError as error:
        raise _NotOurs(str(error)) from error


def _mark(db: sqlite3.Connection) -> tuple[int, int]:
    """Return whose file it is and of which version."""
    owner = db.execute("PRAGMA application_id").fetchone()[0]
    return int(owner), int(db.execute("PRAGMA user_version").fetchone()[0])


def _make_tables(db: sqlite3.Connection) -> None:
    """Add what is missing, to a new file or to one of an older version."""
    for statement in _SCHEMA.split(";"):
        db.execute(statement)
    db.execute(f"PRAGMA user_version = {_SCHEMA_VERSION}")
    db.execute(f"PRAGMA application_id = {APPLICATION_ID}")


def _use_wal(db: sqlite3.Connection, clock: Clock) -> None:
    """Switch to the write-ahead log; SQLite does not wait for this lock by itself."""
    deadline = clock.monotonic() + _BUSY_SECONDS
    while clock.monotonic() < deadline:
        try:
            db.execute("PRAGMA journal_mode = WAL")
            return
        except sqlite3.OperationalError:
            clock.sleep(0.01 + clock.jitter(0.02))
