"""The ledger's file: one SQLite database, shared by many processes, that is never silently lost.

Only modules of this package see connections. A file that was damaged is replaced by one with all
rows that could be read and a lasting mark (salvage.py); one that vanishes or is replaced while this
process uses it ends paid work.
"""

import os
import sqlite3
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Final, TypeVar

from modellix_cli.clock import Clock
from modellix_cli.domain.errors import ErrorCode, ModellixError
from modellix_cli.ledger import schema
from modellix_cli.paths import make_private_dir

T = TypeVar("T")

FILE_NAME: Final = "ledger.db"
DEFAULT_PATIENCE: Final = 120.0
_BUSY_STEP: Final = 0.5
"""Seconds after which Ctrl-C ends a wait for the lock."""
_DAMAGE: Final = ("malformed", "not a database", "no such table", "no such column", "no column")


class LedgerFile:
    """The database in `folder`, opened when first needed; usable from several threads.

    `patience` is how many seconds to wait for another program that keeps it locked.
    """

    def __init__(self, folder: Path, clock: Clock, patience: float = DEFAULT_PATIENCE) -> None:
        self.path = folder / FILE_NAME
        self._clock = clock
        self._patience = patience
        self._db: sqlite3.Connection | None = None
        self._identity: tuple[int, int] | None = None
        self._lock = threading.RLock()
        self._durable = False
        self._used = False

    @property
    def clock(self) -> Clock:
        """The clock whose times are recorded."""
        return self._clock

    def transact(self, work: Callable[[sqlite3.Connection], T], *, durable: bool = False) -> T:
        """Do `work` in one transaction and return its result.

        A `durable` one has reached the disk when this returns, so that it survives a power cut.
        Raises `LEDGER_BUSY`, `LEDGER_LOST` or `LEDGER_UNUSABLE`; then nothing was recorded.
        """
        with self._lock:
            result = self._recovering(lambda: self._transact(work, durable=durable))
            self._used = True
            return result

    def read(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """As `transact`, for work that changes nothing: it waits for no writer."""
        with self._lock:
            return self._recovering(lambda: self._read(work))

    def close(self) -> None:
        """Close the file, unless a thread that was left behind still waits for it."""
        if self._lock.acquire(timeout=0.2):
            try:
                self._forget()
            finally:
                self._lock.release()

    def _recovering(self, attempt: Callable[[], T]) -> T:
        """Make an attempt; where the file turns out damaged before it was used, make another."""
        try:
            return attempt()
        except sqlite3.Error as error:
            failure = self._failed(error)
            if failure.code is not ErrorCode.LEDGER_LOST or self._used:
                raise failure from error
        except OSError as error:
            raise _unusable(self.path, error.strerror or str(error)) from error
        try:
            return attempt()
        except (sqlite3.Error, OSError) as error:
            raise _unusable(self.path, str(error)) from error

    def _read(self, work: Callable[[sqlite3.Connection], T]) -> T:
        db = self._open()
        db.execute("BEGIN")
        try:
            return work(db)
        finally:
            with suppress(sqlite3.Error):
                db.execute("ROLLBACK")

    def _transact(self, work: Callable[[sqlite3.Connection], T], *, durable: bool) -> T:
        db = self._open()
        if durable != self._durable:
            db.execute(f"PRAGMA synchronous = {'FULL' if durable else 'NORMAL'}")
            self._durable = durable
        self._begin(db)
        try:
            result = work(db)
            self._check_in_place()
            db.execute("COMMIT")
        except BaseException:
            with suppress(sqlite3.Error):
                db.execute("ROLLBACK")
            raise
        self._check_in_place()
        return result

    def _begin(self, db: sqlite3.Connection) -> None:
        """Start writing; another program's lock is waited for, as long as patience lasts."""
        deadline = time.monotonic() + self._patience
        while True:
            left = deadline - time.monotonic()
            db.execute(f"PRAGMA busy_timeout = {int(1000 * max(0.0, min(left, _BUSY_STEP)))}")
            try:
                db.execute("BEGIN IMMEDIATE")
                return
            except sqlite3.OperationalError as error:
                if not _is_locked(error) or left <= 0:
                    raise
                self._check_in_place()

    def _open(self) -> sqlite3.Connection:
        if self._db is not None:
            self._check_in_place()
            return self._db
        from modellix_cli.ledger.creation import open_ledger

        make_private_dir(self.path.parent)
        db = open_ledger(self.path, self._clock, self._patience)
        self._db, self._durable = db, False
        found = self.path.stat()
        self._identity = (found.st_dev, found.st_ino)
        return db

    def _check_in_place(self) -> None:
        """Raise `LEDGER_LOST` where the file in use is not the one that others would find."""
        try:
            found = self.path.stat()
        except OSError:
            found = None
        if found is None or (found.st_dev, found.st_ino) != self._identity:
            raise ModellixError(
                ErrorCode.LEDGER_LOST,
                f"The ledger {self.path} was removed or replaced while this command ran.",
            )

    def _failed(self, error: sqlite3.Error) -> ModellixError:
        """Return what an error of the database means; a damaged file is put in order at once."""
        reason = str(error)
        if _is_locked(error):
            return ModellixError(
                ErrorCode.LEDGER_BUSY, f"Another program keeps the ledger {self.path} locked."
            )
        if not is_damage(error):
            return _unusable(self.path, reason)
        self._forget()
        from modellix_cli.ledger.salvage import replace_damaged

        try:
            replace_damaged(self.path, reason, self._clock)
        except (sqlite3.Error, OSError) as second:
            return _unusable(self.path, str(second))
        return ModellixError(ErrorCode.LEDGER_LOST, f"The ledger {self.path} is damaged: {reason}.")

    def _forget(self) -> None:
        if self._db is not None:
            with suppress(sqlite3.Error):
                self._db.close()
            self._db = None


def is_damage(error: sqlite3.Error) -> bool:
    """Whether an error means that the file does not hold what it should."""
    reason = str(error)
    return any(word in reason for word in _DAMAGE)


def _is_locked(error: sqlite3.Error) -> bool:
    return "locked" in str(error)


def _unusable(path: Path, reason: str) -> ModellixError:
    return ModellixError(ErrorCode.LEDGER_UNUSABLE, f"The ledger {path} cannot be used: {reason}.")


def has_folder(folder: Path) -> bool:
    """Whether the folder of the ledger exists or can be made."""
    try:
        make_private_dir(folder)
    except OSError:
        return folder.is_dir()
    return os.access(folder, os.X_OK)


def connect(path: Path, *, timeout: float = 5.0) -> sqlite3.Connection:
    """Return a connection whose transactions are begun and ended by hand."""
    return sqlite3.connect(path, timeout=timeout, isolation_level=None, check_same_thread=False)


def check_owner(db: sqlite3.Connection, path: Path) -> None:
    """Refuse a file of another program, or of a newer version. Raises `LEDGER_UNUSABLE`."""
    owner = int(db.execute("PRAGMA application_id").fetchone()[0])
    version = int(db.execute("PRAGMA user_version").fetchone()[0])
    if owner == schema.APPLICATION_ID and version > schema.VERSION:
        raise ModellixError(
            ErrorCode.LEDGER_UNUSABLE,
            f"The ledger {path} was written by a newer version of modellix-cli.",
            hint="Upgrade with pip install --upgrade modellix-cli. The file was left as it is.",
        )
    if owner != schema.APPLICATION_ID:
        raise ModellixError(
            ErrorCode.LEDGER_UNUSABLE,
            f"{path} belongs to another program.",
            hint="Move that file away, or choose another folder with XDG_STATE_HOME.",
        )
