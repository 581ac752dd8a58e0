"""One process at a time opens the ledger by its name, or changes which file has that name.

SQLite finds the log of a database by name. A process that opened the damaged file while another
puts a new one in its place could otherwise write into the log of the wrong one.
"""

import os
import sqlite3
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

_STEP: Final = 0.01


@contextmanager
def only_one(ledger: Path, patience: float, step: float = _STEP) -> Iterator[None]:
    """Hold the lock of the file at `ledger`; the end of the process gives it back too.

    It is tried every `step` seconds. Raises `sqlite3.OperationalError` ("locked") if another holds
    it for `patience` seconds, and `OSError` where there can be no file.
    """
    path = ledger.with_name(f"{ledger.name}.lock")
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        deadline = time.monotonic() + patience
        while not _take(descriptor):
            if time.monotonic() >= deadline:
                raise sqlite3.OperationalError(f"{path.name} is locked")
            time.sleep(step)
        yield
    finally:
        os.close(descriptor)


if sys.platform == "win32":
    import msvcrt

    def _take(descriptor: int) -> bool:
        try:
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True

else:
    import fcntl

    def _take(descriptor: int) -> bool:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except (BlockingIOError, PermissionError):
            return False
        except OSError:  # a file system without such locks
            return True
        return True
