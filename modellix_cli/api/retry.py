"""When a request may be repeated, and how long to wait before.

The rules are those of docs/spec/decisions.md 5: repeat only failures that may pass; wait what the
server asks, in full and with jitter, up to a limit the user can set; else 1, 2, 4 seconds.
"""

from collections.abc import Callable, Mapping
from math import isfinite
from typing import Final, TypeVar

from modellix_cli.clock import Clock
from modellix_cli.domain.errors import ErrorCode, ModellixError
from modellix_cli.domain.frozen import frozen
from modellix_cli.domain.text import duration

T = TypeVar("T")
BACKOFF_SECONDS: Final = (1.0, 2.0, 4.0)
_MOST_REQUESTS: Final = 10**9
_LONGEST_WINDOW: Final = 24 * 3600.0


@frozen
class RetryPolicy:
    """How patient to be.

    `retries`: repetitions after the first try. `max_wait`: the longest pause, in seconds, that
    the server may ask for before one repetition. `paced`: whether each try waits for its turn.
    """

    retries: int = 3
    max_wait: float = 120.0
    paced: bool = True


@frozen
class Limits:
    """What an answer says about the key's limits (docs/spec/service.md 10).

    `limit` requests a window, `remaining` of them, `reset_in` seconds until the next window;
    `wait` is what `asked_wait` returns; `concurrency_limited` that too many tasks run, not that too
    many requests were sent.
    """

    status: int
    limit: int | None = None
    remaining: int | None = None
    reset_in: float | None = None
    wait: float | None = None
    concurrency_limited: bool = False

    @property
    def silent(self) -> bool:
        """Whether nothing can be learned from it."""
        return self.status != 429 and (self.limit is None or self.remaining is None)


class Pacer:
    """Decides when reads leave, and learns from answers; this one lets everything through."""

    def enter(self) -> None:
        """Return when a request may leave. Raises `RATE_LIMITED` if that would take too long."""

    def answered(self, limits: Limits) -> None:
        """Learn what an answer says about the key's limits."""


PASSING: Final = frozenset(
    {
        ErrorCode.NETWORK,
        ErrorCode.RATE_LIMITED,
        ErrorCode.SERVICE_UNAVAILABLE,
        ErrorCode.BAD_REPLY,
    }
)
"""Failures of a read that may be over at another try."""
NO_RETRIES: Final = RetryPolicy(retries=0, paced=False)
PROBING: Final = RetryPolicy(retries=1, max_wait=5.0, paced=False)


def with_retries(
    once: Callable[[int], T],
    policy: RetryPolicy,
    clock: Clock,
    notice: Callable[[str], None],
    has_time: Callable[[], bool] = lambda: True,
) -> T:
    """Call `once(attempt)` until it returns, or fails in a way that must not be repeated.

    Passing failures are repeated while it `has_time`. `notice` is told about each pause. The last
    error is raised, saying how often it was tried.
    """
    attempt = 1
    while True:
        try:
            return once(attempt)
        except ModellixError as error:
            if error.code not in PASSING or policy.retries == 0:
                raise
            pause = _pause(error, attempt, clock)
            if attempt > policy.retries or pause > policy.max_wait or not has_time():
                raise _given_up(error, attempt, policy) from error.__cause__
            said = error.message if attempt == 1 else "Still failing."
            notice(f"{said} Trying again in {duration(pause)}.")
            clock.sleep(pause)
        attempt += 1


def _pause(error: ModellixError, attempt: int, clock: Clock) -> float:
    if error.retry_after is not None:
        asked = error.retry_after
        return asked + clock.jitter(min(1.0, 0.05 + asked / 10))
    backoff = BACKOFF_SECONDS[min(attempt, len(BACKOFF_SECONDS)) - 1]
    return backoff + clock.jitter(backoff / 4)


def _given_up(error: ModellixError, attempt: int, policy: RetryPolicy) -> ModellixError:
    tried = "once" if attempt == 1 else f"{attempt} times"
    asked, hint = "", error.hint
    if error.retry_after is not None and error.retry_after > policy.max_wait:
        asked = (
            f" The server asks to wait {duration(error.retry_after)},"
            f" more than the limit of {duration(policy.max_wait)}."
        )
        hint += " Allow it with --max-retry-wait."
    return error.copy_with(message=f"{error.message} Tried {tried}.{asked}", hint=hint)


def asked_wait(status: int, headers: Mapping[str, str], clock: Clock) -> float | None:
    """Return the seconds that `Retry-After` or `X-RateLimit-Reset` ask to wait, or None.

    `Retry-After` is seconds or an HTTP date; `X-RateLimit-Reset` a Unix time, also fractional,
    read against the server's own `Date` so that a wrong local clock does no harm. The API sends
    the reset with every answer: it counts only on a 429 that says no requests remain, not on one
    for too many running tasks. No time, a past one and nonsense ask for nothing: the back-off of
    whoever repeats the request counts then. A day is the longest that is told.
    """
    after = headers.get("retry-after")
    seconds = _number(after)
    if seconds is None and (moment := http_date(after)) is not None:
        seconds = moment - _server_now(headers, clock)
    if seconds is None or seconds <= 0:
        used_up = status == 429 and _number(headers.get("x-ratelimit-remaining", "0")) == 0
        reset = _number(headers.get("x-ratelimit-reset")) if used_up else None
        seconds = None if reset is None else reset - _server_now(headers, clock)
    return min(seconds, _LONGEST_WINDOW) if seconds is not None and seconds > 0 else None


def read_limits(
    status: int, headers: Mapping[str, str], clock: Clock, *, concurrency_limited: bool = False
) -> Limits:
    """Read `X-RateLimit-Limit`, `-Remaining` and `-Reset`; what is missing or odd is None."""
    limit = _number(headers.get("x-ratelimit-limit"))
    remaining = _number(headers.get("x-ratelimit-remaining"))
    reset = _number(headers.get("x-ratelimit-reset"))
    reset_in = None if reset is None else max(0.0, reset - _server_now(headers, clock))
    return Limits(
        status,
        limit=int(limit) if limit is not None and 1 <= limit <= _MOST_REQUESTS else None,
        remaining=None if remaining is None else max(0, int(remaining)),
        reset_in=reset_in if reset_in is not None and reset_in <= _LONGEST_WINDOW else None,
        wait=asked_wait(status, headers, clock),
        concurrency_limited=concurrency_limited,
    )


def _server_now(headers: Mapping[str, str], clock: Clock) -> float:
    """Return the server's Unix time; our own where they agree, as `Date` has whole seconds only."""
    now = clock.now()
    told = http_date(headers.get("date"))
    return now if told is None or -1.0 <= now - told <= 2.0 else told


def _number(text: str | None) -> float | None:
    try:
        value = float(text or "")
    except ValueError:
        return None
    return value if isfinite(value) else None


def http_date(text: str | None) -> float | None:
    """Return the Unix time of an HTTP date, as in `Date` or `Retry-After`; None if it is none."""
    if not text:
        return None
    from email.utils import parsedate_to_datetime  # takes long to load, and is rarely needed

    try:
        return parsedate_to_datetime(text).timestamp()
    except (ValueError, TypeError, OverflowError, OSError):
        return None
