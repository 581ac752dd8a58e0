"""When an exchange must have ended; apart from the network, which takes long to load."""

import math
import time
from typing import Final

TIME_IS_UP: Final = "the time for the whole answer is over"
LATE_SECONDS: Final = 1.0
_INSTANT: Final = 0.001


class Deadline:
    """When an exchange must have ended, `seconds` from now.

    What has arrived by then is still read, so that a machine that slept loses no reply; for no
    more than `late_seconds`, so that a server that never stops sending is left all the same.
    """

    def __init__(self, seconds: float, *, late_seconds: float = LATE_SECONDS) -> None:
        self._end = time.monotonic() + seconds
        self._late_seconds = late_seconds
        self._last: float | None = None

    def patience(self, timeout: float | None) -> float | None:
        """Return the seconds that one step may take, `timeout` at most; None is without end."""
        if self._end == math.inf:
            return timeout
        left = max(_INSTANT, self._end - time.monotonic())
        return left if timeout is None else min(timeout, left)

    def may_read(self) -> bool:
        """Whether one more read may be tried; the seconds for late ones count from the first."""
        now = time.monotonic()
        if now < self._end:
            return True
        if self._last is None:
            self._last = now + self._late_seconds
        return now < self._last
