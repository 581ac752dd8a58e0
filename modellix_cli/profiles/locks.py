"""Locks that hold between processes, the official CLI's included (official-cli.md 2.4).

A lock on FILE is the directory `FILE.lock`. Its holder refreshes the modification time; one that
was not refreshed for 30 s belongs to a process that died, and is taken over.
"""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Event, Thread
from typing import Final

from modellix_cli.clock import Clock
from modellix_cli.domain.errors import ErrorCode, ModellixError

STALE_SECONDS: Final = 30.0
REFRESH_SECONDS: Final = 10.0
_WAIT_SECONDS: Final = 5.0
_QUEUE_SECONDS: Final = 60.0
_FIRST_STEP: Final = 0.025
_LONGEST_STEP: Final = 0.25

Identity = tuple[int, int, int]


@contextmanager
def hold(file: Path, clock: Clock) -> Iterator[None]:
    """Hold the lock on `file`, whose folder must exist; its end gives the lock back.

    Waits up to 5 s for one and the same holder (a queue that moves on may take up to 60 s), then
    raises `CONFIG_BUSY`. Raises `OUTPUT_UNWRITABLE` where no lock can be made.
    """
    lock = file.with_name(f"{file.name}.lock")
    _acquire(lock, clock)
    held = _Held(lock)
    held.start()
    try:
        yield
    finally:
        held.release()


class _Held:
    """A lock that is ours: refreshed in the background, given back once."""

    def __init__(self, lock: Path) -> None:
        self._lock = lock
        self._ours = _identity(lock)
        self._done = Event()
        self._refresher = Thread(target=self._refresh, daemon=True)

    def start(self) -> None:
        """Begin to refresh."""
        self._refresher.start()

    def release(self) -> None:
        """Remove the lock, unless it was lost: then it is another's and stays."""
        self._done.set()
        self._refresher.join()
        if self._still_ours():
            with suppress(OSError):
                self._lock.rmdir()

    def _refresh(self) -> None:
        while not self._done.wait(REFRESH_SECONDS) and self._still_ours():
            with suppress(OSError):
                os.utime(self._lock)
                self._ours = _identity(self._lock)

    def _still_ours(self) -> bool:
        """Whether nobody took it over; the time tells, as the same inode may be used again."""
        return self._ours is not None and _identity(self._lock) == self._ours


def _acquire(lock: Path, clock: Clock) -> None:
    began = seen_since = clock.monotonic()
    step = _FIRST_STEP
    holder: Identity | None = None
    while True:
        try:
            lock.mkdir()
            return
        except FileExistsError:
            pass
        except OSError as error:
            raise ModellixError(
                ErrorCode.OUTPUT_UNWRITABLE, f"Cannot write {lock}: {error.strerror or error}."
            ) from error
        now = clock.monotonic()
        found = _identity(lock)
        if found != holder:
            holder, seen_since = found, now
        if found is not None and _take_over(lock):
            continue
        if now - seen_since > _WAIT_SECONDS or now - began > _QUEUE_SECONDS:
            raise _busy(lock)
        clock.sleep(step + clock.jitter(step))
        step = min(step * 1.2, _LONGEST_STEP / 2)


def _take_over(lock: Path) -> bool:
    """Remove a lock whose holder died; return whether the way may be free.

    A lock on the folder itself lets one process at a time check and remove, so that none removes
    the fresh lock that another made a moment ago.
    """
    if not _is_stale(lock):
        return False
    with _one_at_a_time(lock.parent):
        if _is_stale(lock):
            with suppress(FileNotFoundError):
                try:
                    lock.rmdir()
                except OSError:
                    return False
    return True


@contextmanager
def _one_at_a_time(folder: Path) -> Iterator[None]:
    try:
        import fcntl

        descriptor = os.open(folder, os.O_RDONLY)
    except (ImportError, OSError):  # Windows: the second look has to do
        yield
        return
    try:
        with suppress(OSError):  # a file system without such locks
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _is_stale(lock: Path) -> bool:
    try:
        return lock.stat().st_mtime < time.time() - STALE_SECONDS
    except OSError:
        return False


def _identity(lock: Path) -> Identity | None:
    try:
        found = lock.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino, found.st_mtime_ns


def _busy(lock: Path) -> ModellixError:
    file = lock.with_suffix("")
    return ModellixError(
        ErrorCode.CONFIG_BUSY,
        f"Unable to acquire exclusive access to {file}: {lock.name} is held by another process.",
        hint=f"Try again in a moment. If no modellix-cli is running, remove the lock: rmdir {lock}",
    )
