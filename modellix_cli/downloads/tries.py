"""What to do after a try to fetch a resource: a pure state machine, without I/O or time of its own.

`TransferState` is told what arrived and what failed; it answers with the next step.
"""

from dataclasses import dataclass, field
from enum import Enum
from typing import Final
from urllib.parse import urlsplit

from modellix_cli.api.retry import BACKOFF_SECONDS
from modellix_cli.domain.errors import ErrorCode, ModellixError
from modellix_cli.domain.frozen import frozen
from modellix_cli.domain.text import duration, size
from modellix_cli.downloads.response import Resume, Version

MISSING: Final = frozenset({404, 410})
"""Statuses of a host that has no such file: not yet, or not any more."""
MAX_TRIES: Final = 20
MAX_FRUITLESS: Final = 4
"""Tries in a row that brought nothing new after which a host is given up."""


class Remedy(Enum):
    """What may help after a failed try."""

    TRY_AGAIN = "try again"
    NEW_URL = "ask the task for a new URL"
    NONE = "none"


class FetchFailed(Exception):
    """A try to fetch failed. `error` is what the user is told if it was the last one.

    `retry_after` is how long the host asked to wait, in seconds; `start_over` says that what
    arrived cannot be part of the file.
    """

    def __init__(
        self,
        error: ModellixError,
        remedy: Remedy,
        *,
        retry_after: float | None = None,
        start_over: bool = False,
    ) -> None:
        super().__init__(error.message)
        self.error = error
        self.remedy = remedy
        self.retry_after = retry_after
        self.start_over = start_over


def failed(
    message: str,
    remedy: Remedy = Remedy.TRY_AGAIN,
    *,
    status: int | None = None,
    retry_after: float | None = None,
    start_over: bool = False,
) -> FetchFailed:
    """Return the failure of a try, `DOWNLOAD_FAILED` to the user."""
    error = ModellixError(
        ErrorCode.DOWNLOAD_FAILED,
        message,
        status=status,
        retryable=remedy is Remedy.TRY_AGAIN,
        retry_after=retry_after,
    )
    return FetchFailed(error, remedy, retry_after=retry_after, start_over=start_over)


@frozen
class TryAgain:
    """Wait `pause` seconds, telling `notice`, and ask once more."""

    pause: float
    notice: str


@frozen
class RefreshUrl:
    """Ask the task where its result is now; `error` is raised if it is nowhere else."""

    error: ModellixError


@frozen
class GiveUp:
    """No further try; `error` says why."""

    error: ModellixError


@dataclass(slots=True)
class TransferState:
    """How far a resource is: what is on disk, and how the tries went.

    `time_limit` seconds for all tries, which end at `deadline`, on the caller's clock. A file that
    is `kept` should be there: where the host has none, it may be late. `size` bytes of `length`
    (None: unknown) are on disk, of the given `version` of the file.
    """

    time_limit: float
    deadline: float
    kept: bool = False
    size: int = 0
    length: int | None = None
    version: Version = field(default_factory=Version)
    _best: int = 0
    _best_before: int = 0
    _tries: int = 0
    _fruitless: int = 0
    _refreshed: bool = False

    @property
    def resume(self) -> Resume | None:
        """What the next request asks for: the rest, or None for the whole file."""
        if not self.size or self.version.validator is None:
            return None
        return Resume(self.size, self.version, self.length)

    def left(self, now: float) -> float:
        """Return the seconds left. Raises `RESOURCE_LIMIT` when there are none."""
        if now >= self.deadline:
            raise self.too_slow()
        return self.deadline - now

    def began(self, version: Version, length: int | None) -> None:
        """Take note that a file is read from its first byte."""
        self.size, self.length, self.version = 0, length, version

    def received(self, count: int) -> None:
        """Take note of `count` more bytes on disk."""
        self.size += count
        self._best = max(self._best, self.size)

    def moved(self, old: str, new: str) -> None:
        """Take note of a new URL: a signature may change, another file is read from its start."""
        self._tries = self._fruitless = 0
        if urlsplit(old)._replace(query="") != urlsplit(new)._replace(query=""):
            self.version = Version()

    def after(
        self, failure: FetchFailed, now: float, chance: float
    ) -> TryAgain | RefreshUrl | GiveUp:
        """Return the next step after a failed try; `chance`, 0 to 1, spreads the pauses out.

        The pauses are those that the host asks for, else 1, 2, 4 s; they and the count of tries
        begin again after a try that brought more than any before.
        """
        gained, self._best_before = self._best > self._best_before, self._best
        error = failure.error
        if failure.start_over:
            self.version = Version()
        if failure.remedy is Remedy.NEW_URL and not self._refreshed:
            self._refreshed = True
            return RefreshUrl(error)
        late = self.kept and error.status in MISSING
        if failure.remedy is not Remedy.TRY_AGAIN and not late:
            return GiveUp(error)
        self._tries += 1
        asked = failure.retry_after
        # A host that names a time is not silent: only the deadline and the total end that.
        self._fruitless = 1 if gained else self._fruitless + (not asked or not self._fruitless)
        if self._fruitless >= MAX_FRUITLESS or self._tries >= MAX_TRIES:
            return GiveUp(error.copy_with(message=f"{error.message} Tried {self._tries} times."))
        pause = asked or BACKOFF_SECONDS[self._fruitless - 1]
        pause += chance * (min(1.0, 0.05 + pause / 10) if asked else pause / 4)
        if now + pause >= self.deadline:
            return GiveUp(self.too_slow(f" {error.message}"))
        said = error.message if self._fruitless == 1 else "Still failing."
        then = f"Going on after {size(self.size)}" if self.resume else "Trying again"
        return TryAgain(pause, f"{said} {then} in {duration(pause)}.")

    def too_slow(self, why: str = "") -> ModellixError:
        """Return the error for a transfer over its time limit."""
        return ModellixError(
            ErrorCode.RESOURCE_LIMIT,
            f"Resource download exceeded its time limit of {_exact(self.time_limit)}.{why}",
        )


def _exact(seconds: float) -> str:
    from modellix_cli.domain.values import format_duration

    return format_duration(seconds)
