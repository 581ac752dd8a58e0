"""The SQLite file of the sandbox: its tables, and how it is opened.

Nothing in it is worth an fsync; a file that cannot be read is replaced by a new one.
"""

import errno
import sqlite3
import time
from contextlib import suppress
from pathlib import Path
from typing import Final

FIRST_BALANCE: Final = 10_000_000
"""What a new team has, in millionths of a dollar."""

VERSION: Final = 2
"""The version of the tables; programs of another version use a file of another name."""

_LOCK_SECONDS: Final = 10.0
_TABLES: Final = {
    "tasks": "task_id TEXT PRIMARY KEY, team TEXT, slug TEXT, created REAL, ended REAL, seed TEXT, "
    "width INTEGER, height INTEGER, count INTEGER, clip_seconds INTEGER, cost INTEGER, "
    "origin TEXT, webhook TEXT, digest TEXT, body TEXT",
    "uploads": "file_id TEXT PRIMARY KEY, team TEXT, filename TEXT, type TEXT, created REAL, "
    "size INTEGER, content BLOB",
    "counts": "name TEXT PRIMARY KEY, times INTEGER",
    "teams": "team TEXT PRIMARY KEY, balance INTEGER, window_start REAL, window_count INTEGER",
    "deliveries": "delivery_id TEXT PRIMARY KEY, task_id TEXT, due REAL, "
    "sent INTEGER, repeats INTEGER",
}
_INDEXES: Final = (
    "CREATE INDEX IF NOT EXISTS ends ON tasks (ended)",
    "CREATE INDEX IF NOT EXISTS dues ON deliveries (due)",
)


def open_database(path: Path | None) -> sqlite3.Connection:
    """Return a connection to the database at `path`, or to one in memory for None.

    Raises `OSError` if the file cannot be opened.
    """
    if path is None:
        return _connect(":memory:")
    try:
        try:
            return _connect(str(path))
        except sqlite3.OperationalError:
            raise
        except sqlite3.DatabaseError:
            _remove(path)
            return _connect(str(path))
    except sqlite3.Error as error:
        raise OSError(errno.EIO, f"the sandbox's state cannot be opened ({error})", path) from error


def _connect(name: str) -> sqlite3.Connection:
    connection = sqlite3.connect(
        name, timeout=_LOCK_SECONDS, isolation_level=None, check_same_thread=False
    )
    try:
        _use_wal(connection)
        connection.execute("PRAGMA synchronous = OFF")
        if _version(connection) != VERSION:
            connection.execute("BEGIN IMMEDIATE")
            if _version(connection) != VERSION:  # another process may have been faster
                _create_tables(connection)
            connection.execute("COMMIT")
    except BaseException:
        connection.close()
        raise
    return connection


def _version(connection: sqlite3.Connection) -> int:
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    return int(version)


def _use_wal(connection: sqlite3.Connection) -> None:
    # While another process makes the switch SQLite says "locked" at once, without its own wait.
    give_up = time.monotonic() + _LOCK_SECONDS
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            return
        except sqlite3.OperationalError as error:
            if "locked" not in str(error) or time.monotonic() > give_up:
                raise
            time.sleep(0.01)


def _create_tables(connection: sqlite3.Connection) -> None:
    """Create all tables, empty; within a transaction."""
    for table, columns in _TABLES.items():
        connection.execute(f"DROP TABLE IF EXISTS {table}")
        connection.execute(f"CREATE TABLE {table} ({columns})")
    for index in _INDEXES:
        connection.execute(index)
    connection.execute(f"PRAGMA user_version = {VERSION}")


def empty_tables(connection: sqlite3.Connection) -> None:
    """Remove every row; within a transaction. The tables stay, others may be using them."""
    for table in _TABLES:
        connection.execute(f"DELETE FROM {table}")  # noqa: S608 - names of our own


def _remove(path: Path) -> None:
    for suffix in ("", "-wal", "-shm"):
        with suppress(FileNotFoundError):
            path.with_name(path.name + suffix).unlink()
