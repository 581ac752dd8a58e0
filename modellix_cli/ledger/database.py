"""The ledger's file: one SQLite database, shared by many processes, that is never silently lost.

Only modules of this package see connections. A file that was damaged is replaced by one with all
rows that could be read and a lasting mark (salvage.py). One that vanishes, is replaced or turns out
damaged after this process recorded payments in it ends paid work, and leaves the mark.
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
from modellix_cli.ledger.patience import Patience
from modellix_cli.paths import make_private_dir

T = TypeVar("T")

FILE_NAME: Final = "ledger.db"
DEFAULT_PATIENCE: Final = 120.0
BUSY_STEP: Final = 0.5
"""Seconds after which Ctrl-C ends a wait for the lock."""
_CACHE: Final = 400
"""KiB of the file to keep in memory, a fifth of what is usual: the system keeps the rest."""
_MOST_REOPENINGS: Final = 3
_DAMAGE: Final = ("malformed", "not a database", "no such table", "no such column", "no column")


class _Moved(Exception):
    """The file in use is not the one that others would find."""


class LedgerFile:
    """The database in `folder`, opened when first needed; usable from several threads.

    `patience` is how many seconds to wait for another program that keeps it locked, less for what
    is `brief` (patience.py); `tell_wait` is called, from any thread, once that takes long.
    """

    def __init__(
        self,
        folder: Path,
        clock: Clock,
        patience: float = DEFAULT_PATIENCE,
        tell_wait: Callable[[], None] | None = None,
    ) -> None:
        self.path = folder / FILE_NAME
        self._name = str(self.path)
        self._clock = clock
        self._patience = Patience(patience, tell_wait)
        self._db: sqlite3.Connection | None = None
        self._identity: tuple[int, int] | None = None
        self._lock = threading.RLock()
        self._durable = False
        self._relied_on = False
        self._lost: ModellixError | None = None

    @property
    def clock(self) -> Clock:
        """The clock whose times are recorded."""
        return self._clock

    def transact(
        self,
        work: Callable[[sqlite3.Connection], T],
        *,
        durable: bool = False,
        brief: bool = False,
    ) -> T:
        """Do `work` in one transaction and return its result; it may be begun more than once.

        A `durable` one has reached the disk when this returns, so that it survives a power cut.
        Raises `LEDGER_BUSY`, `LEDGER_LOST` or `LEDGER_UNUSABLE`; then nothing was recorded, or what
        was can be found by nobody.
        """
        return self._persist(
            lambda: self._transact(work, durable=durable), writes=True, brief=brief
        )

    def note(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """As `transact`, for what no payment hangs on, as the status of a task.

        It is brief, unless this process recorded payments, whose outcome it may tell.
        """
        return self.transact(work, brief=not self._relied_on or self._patience.is_over(writes=True))

    def read(self, work: Callable[[sqlite3.Connection], T], *, brief: bool = False) -> T:
        """As `transact`, for work that changes nothing: it waits for no writer."""
        return self._persist(lambda: self._read(work), writes=False, brief=brief)

    def rehearse(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """As `transact`, and take back whatever `work` changed."""
        return self._persist(lambda: self._read(work, "BEGIN IMMEDIATE"), writes=True, brief=False)

    def peek(self, work: Callable[[sqlite3.Connection], T]) -> T | None:
        """As `read`, but None where the file is not open yet, or cannot be read at once.

        For what may as well be learned later; never raises the ledger's errors.
        """
        if not self._lock.acquire(blocking=False):
            return None
        try:
            return None if self._db is None else self._read(work)
        except (sqlite3.Error, OSError, _Moved):  # whoever needs the ledger says so
            return None
        finally:
            self._lock.release()

    def close(self) -> None:
        """Close the file, unless a thread that was left behind still waits for it."""
        if self._lock.acquire(timeout=0.2):
            try:
                self._forget()
            finally:
                self._lock.release()

    def _persist(self, attempt: Callable[[], T], *, writes: bool, brief: bool) -> T:
        """Make an attempt, and further ones while the file is locked or has just been replaced.

        Waiting for another thread, which may wait for the file, counts as well.
        """
        begun = time.monotonic()
        with self._lock:
            deadline = self._patience.deadline(begun, writes=writes, brief=brief)
            if deadline is None:
                raise self._busy()
            result = self._try(attempt, begun, deadline, writes=writes)
            self._patience.ended(writes=writes, busy=False)
            return result

    def _try(self, attempt: Callable[[], T], begun: float, deadline: float, *, writes: bool) -> T:
        if self._lost is not None:
            raise self._lost.copy_with()
        reopenings = 0
        while True:
            try:
                return attempt()
            except _Moved as moved:
                self._forget()
                if self._relied_on or reopenings >= _MOST_REOPENINGS:
                    raise self._lose("was removed or replaced while this command ran") from moved
            except sqlite3.Error as error:
                if is_locked(error):
                    if self._patience.pause(begun, deadline):
                        continue
                    self._patience.ended(writes=writes, busy=True)
                    raise self._busy() from error
                if not is_damage(error) or reopenings >= _MOST_REOPENINGS:
                    raise self._unusable(str(error)) from error
                self._replace_damaged(str(error))
                if self._relied_on:
                    raise self._lose(f"is damaged: {error}") from error
            except OSError as error:
                raise self._unusable(error.strerror or str(error)) from error
            reopenings += 1

    def _read(self, work: Callable[[sqlite3.Connection], T], begin: str = "BEGIN") -> T:
        db = self._open()
        db.execute(begin)
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
        db.execute("BEGIN IMMEDIATE")
        try:
            result = work(db)
            self._check_in_place()
            db.execute("COMMIT")
        except BaseException:
            with suppress(sqlite3.Error):
                db.execute("ROLLBACK")
            raise
        self._check_in_place()
        self._relied_on |= durable
        return result

    def _open(self) -> sqlite3.Connection:
        if self._db is not None:
            self._check_in_place()
            return self._db
        from modellix_cli.ledger.creation import open_ledger

        make_private_dir(self.path.parent)
        db, self._identity = open_ledger(self.path, self._clock)
        self._db, self._durable = db, False
        db.execute("PRAGMA synchronous = NORMAL")
        db.execute(f"PRAGMA cache_size = -{_CACHE}")
        return db

    def _check_in_place(self) -> None:
        """Raise `_Moved` where the file in use is not the one that others would find."""
        try:
            found = os.stat(self._name)  # noqa: PTH116 - three for each payment: quicker than Path
        except OSError as error:
            raise _Moved from error
        emptied = found.st_size == 0  # what was recorded since is in a log that will not fit it
        if emptied or (found.st_dev, found.st_ino) != self._identity:
            raise _Moved

    def _replace_damaged(self, reason: str) -> None:
        from modellix_cli.ledger.salvage import replace_damaged

        self._forget()
        try:
            replace_damaged(self.path, reason, self._clock, self._patience.seconds)
        except sqlite3.Error as error:
            raise (self._busy() if is_locked(error) else self._unusable(str(error))) from error
        except OSError as error:
            raise self._unusable(error.strerror or str(error)) from error

    def _lose(self, what: str) -> ModellixError:
        """Leave the mark in the ledger that others find now, and use none any more."""
        from modellix_cli.ledger.creation import open_ledger
        from modellix_cli.ledger.marks import set_incomplete

        self._lost = ModellixError(ErrorCode.LEDGER_LOST, f"The ledger {self.path} {what}.")
        with suppress(sqlite3.Error, OSError, ModellixError):
            make_private_dir(self.path.parent)
            db, _ = open_ledger(self.path, self._clock)
            try:
                set_incomplete(db, f"it {what}", self._clock.now(), kept=0)
            finally:
                db.close()
        return self._lost

    def _busy(self) -> ModellixError:
        return ModellixError(
            ErrorCode.LEDGER_BUSY,
            f"Another program keeps the ledger {self.path} locked, or its file system has no "
            "locks.",
        )

    def _unusable(self, reason: str) -> ModellixError:
        """Return the error for a file that cannot be used, or, as a full one, not any more."""
        code = ErrorCode.LEDGER_LOST if self._relied_on else ErrorCode.LEDGER_UNUSABLE
        return ModellixError(code, f"The ledger {self.path} cannot be used: {reason}.")

    def _forget(self) -> None:
        if self._db is not None:
            with suppress(sqlite3.Error):
                self._db.close()
            self._db = None


def is_damage(error: sqlite3.Error) -> bool:
    """Whether an error means that the file does not hold what it should."""
    reason = str(error)
    return any(word in reason for word in _DAMAGE)


def is_locked(error: sqlite3.Error) -> bool:
    """Whether an error means that another process uses the file just now."""
    return "locked" in str(error)


def has_folder(folder: Path) -> bool:
    """Whether there is a folder of the ledger: one that can be made, or may be there already.

    One that cannot be used may hold a ledger that knows the request: then opening it has to fail.
    """
    try:
        make_private_dir(folder)
    except OSError:
        try:
            os.lstat(folder)
        except (FileNotFoundError, NotADirectoryError):
            return False
        except OSError:  # it cannot be seen whether it is there
            return True
    return True


def connect(path: Path) -> sqlite3.Connection:
    """Return a connection whose transactions are begun and ended by hand."""
    return sqlite3.connect(path, timeout=BUSY_STEP, isolation_level=None, check_same_thread=False)


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
