"""When a request may be repeated, and how long to wait before.

The rules are in docs and design: repeat only what an error marks `retryable`; wait what the
server asks, in full and with jitter, up to a limit the user can set; else 1, 2, 4 seconds.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from math import isfinite
from typing import Final, TypeVar

from modellix_cli.clock import Clock
from modellix_cli.errors import ModellixError
from modellix_cli.text import duration

T = TypeVar("T")
BACKOFF_SECONDS: Final = (1.0, 2.0, 4.0)


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """How patient to be.

    `retries`: repetitions after the first try. `max_wait`: the longest pause, in seconds, that
    the server may ask for before one repetition.
    """

    retries: int = 3
    max_wait: float = 120.0


NO_RETRIES: Final = RetryPolicy(retries=0)
PROBING: Final = RetryPolicy(retries=1, max_wait=5.0)


def with_retries(
    once: Callable[[int], T],
    policy: RetryPolicy,
    clock: Clock,
    notice: Callable[[str], None],
) -> T:
    """Call `once(attempt)` until it returns, or fails in a way that must not be repeated.

    `notice` is told about each pause. The last error is raised, saying how often it was tried.
    """
    attempt = 1
    while True:
        try:
            return once(attempt)
        except ModellixError as error:
            if not error.retryable or policy.retries == 0:
                raise
            pause = _pause(error, attempt, clock)
            if attempt > policy.retries or pause > policy.max_wait:
                _say_given_up(error, attempt, policy)
                raise
            said = error.message if attempt == 1 else "No luck yet."
            notice(f"{said} Trying again in {duration(pause)}.")
            clock.sleep(pause)
        attempt += 1


def _pause(error: ModellixError, attempt: int, clock: Clock) -> float:
    if error.wait_seconds is not None:
        asked = error.wait_seconds
        return asked + clock.jitter(min(1.0, 0.05 + asked / 10))
    backoff = BACKOFF_SECONDS[min(attempt, len(BACKOFF_SECONDS)) - 1]
    return backoff + clock.jitter(backoff / 4)


def _say_given_up(error: ModellixError, attempt: int, policy: RetryPolicy) -> None:
    tried = "once" if attempt == 1 else f"{attempt} times"
    asked = ""
    if error.wait_seconds is not None and error.wait_seconds > policy.max_wait:
        asked = (
            f" The server asks to wait {duration(error.wait_seconds)},"
            f" more than the limit of {duration(policy.max_wait)}."
        )
        error.hint += " Allow it with --max-retry-wait."
    error.message = f"{error.message} Tried {tried}.{asked}"


def asked_wait(status: int, headers: Mapping[str, str], clock: Clock) -> float | None:
    """Return the seconds that `Retry-After` or `X-RateLimit-Reset` ask to wait, or None.

    `Retry-After` is seconds or an HTTP date; `X-RateLimit-Reset` a Unix time, also fractional,
    read against the server's own `Date` so that a wrong local clock does no harm. The API sends
    the reset with every answer: it counts only on a 429 that says no requests remain, not on one
    for too many running tasks.
    """
    now = http_date(headers.get("date")) or clock.now()
    after = headers.get("retry-after")
    if after is not None:
        seconds = _number(after)
        if seconds is None and (moment := http_date(after)) is not None:
            seconds = moment - now
        if seconds is not None and seconds >= 0:
            return seconds
    used_up = status == 429 and _number(headers.get("x-ratelimit-remaining", "0")) == 0
    reset = _number(headers.get("x-ratelimit-reset"))
    return reset - now if used_up and reset is not None and reset > now else None


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
    try:
        return parsedate_to_datetime(text).timestamp()
    except (ValueError, TypeError, OverflowError, OSError):
        return None
