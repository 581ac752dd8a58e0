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

_VERSION: Final = 1
_LOCK_SECONDS: Final = 10.0
_TABLES: Final = {
    "tasks": "task_id TEXT PRIMARY KEY, slug TEXT, created REAL, ended REAL, seed TEXT, "
    "width INTEGER, height INTEGER, count INTEGER, clip_seconds INTEGER",
    "uploads": "file_id TEXT PRIMARY KEY, filename TEXT, type TEXT, created REAL, content BLOB",
    "counts": "name TEXT PRIMARY KEY, times INTEGER",
    "team": "id INTEGER PRIMARY KEY, balance INTEGER, window_start REAL, window_count INTEGER",
}


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
        if _version(connection) != _VERSION:
            connection.execute("BEGIN IMMEDIATE")
            # Another process may have been faster.
            create_tables(connection, anew=_version(connection) != _VERSION)
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


def create_tables(connection: sqlite3.Connection, *, anew: bool) -> None:
    """Create the tables that are missing, or (`anew`) all of them, empty; within a transaction."""
    for table, columns in _TABLES.items():
        if anew:
            connection.execute(f"DROP TABLE IF EXISTS {table}")
        connection.execute(f"CREATE TABLE IF NOT EXISTS {table} ({columns})")
    connection.execute("CREATE INDEX IF NOT EXISTS ends ON tasks (ended)")
    connection.execute("INSERT OR IGNORE INTO team VALUES (1, ?, 0, 0)", (FIRST_BALANCE,))
    connection.execute(f"PRAGMA user_version = {_VERSION}")


def _remove(path: Path) -> None:
    for suffix in ("", "-wal", "-shm"):
        with suppress(FileNotFoundError):
            path.with_name(path.name + suffix).unlink()
