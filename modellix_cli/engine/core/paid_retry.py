"""The one rule for sending a paid request once more after the server refused it.

Only failures after which it is certain that nothing was created come here: never connected, 429,
and 503 in the API's own words (docs/spec/decisions.md, "Retries").
"""

from random import Random
from typing import Final

from modellix_cli.domain.errors import ErrorCode, ModellixError
from modellix_cli.domain.frozen import frozen
from modellix_cli.domain.text import duration

MAY_PASS: Final = frozenset(
    {ErrorCode.RATE_LIMITED, ErrorCode.SERVICE_UNAVAILABLE, ErrorCode.NETWORK}
)
HOPELESS: Final = frozenset(
    {
        ErrorCode.UNAUTHORIZED,
        ErrorCode.PAYMENT_REQUIRED,
        ErrorCode.TLS,
        ErrorCode.LEDGER_LOST,
        ErrorCode.LEDGER_BUSY,
        ErrorCode.LEDGER_UNUSABLE,
    }
)
"""Failures after which no other request can succeed either."""
FIRST_CONTACT_TRIES: Final = 4
LONGEST_BACKOFF: Final = 10.0
_MOST_DOUBLINGS: Final = 10
TRY_THEN: Final = "Try again then, or wait longer with --max-retry-wait."
_TRY_LATER: Final = (
    "Try again later, or wait longer with --max-retry-wait. Other programs and machines with the "
    "same key share its limits."
)


@frozen
class Again:
    """Send it again; no request leaves before `pause` seconds are over."""

    pause: float


@frozen
class GiveUp:
    """Do not send it again; `stop` says that no other request has a chance either."""

    stop: bool


class PaidRetryPolicy:
    """Decides after each refusal. Times are monotonic seconds.

    `patience` is how long a service that is unavailable is tried, `tries` how often, None for no
    bound; a refusal for want of room is waited out as long as tasks may run besides.
    """

    def __init__(
        self, random: Random, *, patience: float, task_timeout: float, tries: int | None
    ) -> None:
        self._random = random
        self._patience = patience
        self._task_timeout = task_timeout
        self._tries = tries
        self._reached = False
        self._trouble_since: float | None = None
        self._limited_since: float | None = None
        self._troubles = 0
        self._held_until = 0.0

    def succeeded(self) -> None:
        """Take the news that a request went through."""
        self._reached, self._troubles = True, 0
        self._trouble_since = self._limited_since = None

    def reached(self) -> None:
        """Take the news that the server answers: it is there, whatever it says."""
        self._reached = True

    def waited_for_room(self) -> None:
        """Take the news that it is not the service that makes requests wait."""
        self._trouble_since = None

    def refused(self, error: ModellixError, tries: int, now: float) -> Again | GiveUp:
        """Decide about a request that was refused for the `tries`-th time."""
        self._reached = self._reached or error.status is not None
        if error.code not in MAY_PASS:
            if error.status is not None:  # it is available, only this request is wrong
                self._trouble_since, self._troubles = None, 0
            return GiveUp(stop=error.code in HOPELESS)
        if error.concurrency_limited:
            since = self._limited_since = _first(self._limited_since, now)
            allowed = self._patience + self._task_timeout
        else:
            since = self._trouble_since = _first(self._trouble_since, now)
            allowed = self._patience
        pause = self._pause(error, now)
        contacts = max(tries, self._troubles)
        unreachable = not self._reached and contacts >= FIRST_CONTACT_TRIES
        most = None if error.code is ErrorCode.RATE_LIMITED else self._tries
        too_often = most is not None and tries >= most
        too_long = now + pause - since > allowed or (error.retry_after or 0.0) > self._patience
        if unreachable or too_often or too_long:
            return GiveUp(stop=True)
        return Again(pause)

    def given_up(self, error: ModellixError) -> ModellixError:
        """Return a refusal that is not waited out: which limit was met, and what to do about it."""
        if error.code is not ErrorCode.RATE_LIMITED:
            return error
        wait, hint = error.retry_after or 0.0, _TRY_LATER
        if error.concurrency_limited:
            met = "Too many tasks run at once."
            hint = f"Wait until some have ended. {hint}"
        elif wait > self._patience:
            met, hint = limit_reached(wait), TRY_THEN
        else:
            met = f"Rate limit reached, also after {duration(self._patience)} of waiting."
        return error.copy_with(message=f"{met} {error.message}", hint=hint)

    def _pause(self, error: ModellixError, now: float) -> float:
        """Return how long to hold requests back; refusals that come at once are one trouble.

        Of rate limits the governor knows, which is asked before every request: here only the
        pause that nobody asked for is made longer from refusal to refusal.
        """
        if error.code is ErrorCode.RATE_LIMITED:
            return 0.0
        if now >= self._held_until:
            self._troubles = min(self._troubles + 1, _MOST_DOUBLINGS)
        backoff = min(2.0 ** max(self._troubles - 1, 0), LONGEST_BACKOFF)
        pause = error.retry_after or backoff
        pause += self._random.uniform(0.0, pause / 4)
        self._held_until = max(self._held_until, now + pause)
        return pause


def limit_reached(wait: float) -> str:
    """Return the sentence about a limit that lets requests pass again in `wait` seconds."""
    return f"Rate limit reached; the next request may be sent in {round(wait)}s."


def _first(known: float | None, now: float) -> float:
    return now if known is None else known
