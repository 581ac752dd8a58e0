"""How many requests may leave in a window of the server's limit, as far as its answers tell.

A server that says what is left is taken at its word. One that only refuses is learned from: what
went through between two refusals gives the pace, which then quickens slowly until the next one.
"""

from math import inf
from typing import Final

from modellix_cli.api.retry import Limits
from modellix_cli.ledger.rate_state import RateState, lasts

_LONGEST_BACKOFF: Final = 10.0
_SLOWEST: Final = 10.0
_QUICKENING: Final = 1.02
"""How much faster a learned pace becomes in each second."""
_IDLE: Final = 10.0
_FORGOTTEN: Final = 600.0
_ANSWER_BY: Final = 2.0
_SOON: Final = 0.1
_SAME: Final = 1.0
"""Seconds by which the end of one and the same window may be told differently."""


def take(pace: RateState, now: float, patience: float = inf) -> float:
    """Take one of the requests that are left, or return how long to wait for one.

    No pause that the server did not ask for is longer than `patience` seconds.
    """
    wait = _wait(pace, now, patience)
    if wait:
        return wait
    if pace.troubles:
        pace.tried_at = now
    if pace.limit is not None:
        pace.remaining -= 1
    elif now - pace.last_at > _IDLE and not pace.troubles:
        pace.window_start, pace.sent = now, 0
    pace.gap /= _QUICKENING ** min(max(0.0, now - pace.last_at), 100.0)
    pace.sent += 1
    pace.last_at = now
    return 0.0


def _wait(pace: RateState, now: float, patience: float) -> float:
    held = lasts(pace.held_at, pace.hold_until, now)
    if held:
        return held
    if now - pace.last_at > _FORGOTTEN:
        pace.gap, pace.troubles = 0.0, 0
    if pace.troubles and pace.tried_at <= now < pace.tried_at + _ANSWER_BY and patience > _SOON:
        return _SOON  # one at a time until one goes through
    gap = pace.gap
    if pace.limit is not None:
        if not now < pace.reset_at <= now + pace.window + _SAME:
            _presume_window(pace, pace.limit, now)
        if pace.remaining <= 0 and pace.window:
            return pace.reset_at - now
        if pace.presumed:
            enough = pace.sent >= max(2, pace.limit // 10)
            waits = enough and pace.last_at <= now < pace.last_at + _ANSWER_BY
            return _SOON if waits and patience > _SOON else 0.0
        if pace.remaining <= pace.limit // 2:
            left = max(0, pace.remaining)  # the fewer, the more evenly
            gap = (pace.reset_at - now) / (left + 1) * (1 - 2 * left / pace.limit) ** 2
    wait = gap - (now - pace.last_at)
    return wait if 0.001 < wait <= min(gap, patience) else 0.0


def _presume_window(pace: RateState, limit: int, now: float) -> None:
    """Begin a window that no answer told of yet; it may give as much as the last one did."""
    pace.remaining = min(pace.refill or limit, limit)
    pace.reset_at = now + pace.window
    pace.window_start, pace.sent, pace.presumed = now, 0, True


def learn(pace: RateState, limits: Limits, now: float) -> None:
    """Take over what an answer says about the limits, and hold back after a refusal."""
    told = limits.limit is not None and limits.remaining is not None
    if limits.limit is not None and limits.remaining is not None and limits.reset_in is not None:
        _learn_window(pace, limits.limit, limits.remaining, limits.reset_in, now, limits.status)
    if limits.status != 429 or limits.concurrency_limited:
        if pace.troubles and pace.tried_at:
            _learn_pace(pace, now)
        return
    # Else it left before the refusal that began the hold.
    fresh = not lasts(pace.held_at, pace.hold_until, now)
    wait = limits.wait
    if wait is None:
        wait = min(2.0**pace.troubles, _LONGEST_BACKOFF) if fresh else 0.0
    if limits.wait is None or not told:
        pace.troubles += fresh
        pace.tried_at = 0.0
        pace.sent = max(0, pace.sent - 1)
    pace.hold_until = now + max(lasts(pace.held_at, pace.hold_until, now), wait)
    pace.held_at = now


def _learn_window(
    pace: RateState, limit: int, remaining: int, reset_in: float, now: float, status: int
) -> None:
    reset_at = now + reset_in
    known = pace.limit is not None and now < pace.reset_at <= now + pace.window + _SAME
    if known and (reset_in <= 0 or (not pace.presumed and reset_at < pace.reset_at - _SAME)):
        return  # of a window that is over
    if known and pace.presumed:
        pace.refill = min(limit, max(1, remaining + pace.sent - (status == 429)))
        pace.remaining = min(remaining, limit - pace.sent)
    elif known and reset_at <= pace.reset_at + _SAME:
        pace.remaining = min(pace.remaining, remaining)
    else:
        pace.remaining = remaining
    pace.presumed = False
    pace.limit, pace.reset_at, pace.gap = limit, reset_at, 0.0
    pace.window = max(pace.window, reset_in)


def _learn_pace(pace: RateState, now: float) -> None:
    """After refusals one went through: so many requests in so much time are allowed."""
    pace.troubles, pace.tried_at = 0, 0.0
    if pace.limit is None:
        pace.gap = min(max(0.0, now - pace.window_start) / max(1, pace.sent), _SLOWEST)
        pace.window_start, pace.sent = now, 0
