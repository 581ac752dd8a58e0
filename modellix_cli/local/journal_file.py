"""The journal's file: one SQLite database, opened when first needed, shared by many processes.

A file that is broken or not ours is set aside, never fatal; without one the work goes on.
"""

import os
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from modellix_cli.clock import Clock
from modellix_cli.local.paths import make_private_dir

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
"""
_SCHEMA_VERSION: Final = 2


class JournalFile:
    """The database in `folder`; usable from several threads.

    `warn` is told, once, when it cannot be used.
    """

    def __init__(self, folder: Path, clock: Clock, warn: Callable[[str], None]) -> None:
        self.path = folder / "journal.db"
        self.broken = False
        self._clock = clock
        self._warn = warn
        self._db: sqlite3.Connection | None = None
        self._lock = threading.RLock()

    @contextmanager
    def transaction(self, durable: bool = False) -> Iterator[sqlite3.Connection | None]:
        """Give the open database inside one transaction, or None when there is none to use.

        A `durable` one has reached the disk when it ends, so that it survives a power cut.
        """
        with self._lock:
            db = self._open()
            if db is None:
                yield None
                return
            try:
                db.execute(f"PRAGMA synchronous = {'FULL' if durable else 'NORMAL'}")
                db.execute("BEGIN IMMEDIATE")
                try:
                    yield db
                except BaseException:
                    db.rollback()
                    raise
                db.commit()
            except sqlite3.Error as error:
                self._give_up(str(error))

    def _open(self) -> sqlite3.Connection | None:
        if self._db is None and not self.broken:
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
        if not self.broken:
            self.broken = True
            self._warn(f"Nothing is recorded in the journal {self.path}: {reason}.")
        self.close()

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            if self._db is not None:
                self._db.close()
                self._db = None


class _NotOurs(Exception):
    """The file is not a journal of this program, or is damaged."""


def _prepare(db: sqlite3.Connection, clock: Clock) -> None:
    """Make sure the file is ours and has its tables. Raises `_NotOurs` or `sqlite3.Error`."""
    try:
        # Tables first: another process may be creating them together with the id.
        tables = db.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
        owner = db.execute("PRAGMA application_id").fetchone()[0]
        if owner != APPLICATION_ID:
            if owner or tables:
                raise _NotOurs("it belongs to another program")
            _create(db, clock)
        elif db.execute("PRAGMA user_version").fetchone()[0] < _SCHEMA_VERSION:
            _make_tables(db)
    except sqlite3.OperationalError:
        raise
    except sqlite3.DatabaseError as error:
        raise _NotOurs(str(error)) from error


def _create(db: sqlite3.Connection, clock: Clock) -> None:
    """Create the tables; of many processes that try at once, all succeed."""
    deadline = clock.monotonic() + _BUSY_SECONDS
    while True:
        try:
            db.execute("PRAGMA journal_mode = WAL")
            break
        except sqlite3.OperationalError:  # SQLite does not wait for this lock by itself
            if clock.monotonic() > deadline:
                raise
            clock.sleep(0.01 + clock.jitter(0.02))
    _make_tables(db)


def _make_tables(db: sqlite3.Connection) -> None:
    """Add what is missing, to a new file or to one of an older version."""
    db.execute("BEGIN IMMEDIATE")
    for statement in _SCHEMA.split(";"):
        db.execute(statement)
    db.execute(f"PRAGMA user_version = {_SCHEMA_VERSION}")
    db.execute(f"PRAGMA application_id = {APPLICATION_ID}")
    db.execute("COMMIT")
