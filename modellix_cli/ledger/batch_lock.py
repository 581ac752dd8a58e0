"""The lock that keeps two processes from working on one batch: SQLite's own, on an empty file."""

import sqlite3
from contextlib import suppress
from pathlib import Path

from modellix_cli.domain.errors import ErrorCode, ModellixError, usage


def take_lock(path: Path, batch: int) -> sqlite3.Connection:
    """Return what holds the lock at `path`. Raises a usage error if another process does."""
    lock: sqlite3.Connection | None = None
    try:
        lock = sqlite3.connect(path, timeout=0, isolation_level=None)
        lock.execute("BEGIN EXCLUSIVE")
    except sqlite3.Error as error:
        if lock is not None:
            lock.close()
        if "locked" not in str(error):
            raise ModellixError(
                ErrorCode.OUTPUT_UNWRITABLE, f"Cannot lock batch {batch} with {path}: {error}."
            ) from error
        raise usage(
            f"Batch {batch} is being run by another process right now.",
            hint=f"Wait for it, or look at it: modellix-cli batch show {batch}",
        ) from error
    return lock


def release_lock(lock: sqlite3.Connection, path: Path) -> bool:
    """Give a lock back and leave nothing behind."""
    lock.close()
    with suppress(OSError):
        path.unlink()
    return True
