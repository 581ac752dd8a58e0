"""Time and chance, as one object, so that tests bring their own and never sleep."""

import queue
import random
import time
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from modellix_cli.mailbox import Mailbox

T = TypeVar("T")


class Clock:
    """The machine's clocks. All values are in seconds."""

    def now(self) -> float:
        """Return the Unix time, for comparing with what the server says."""
        return time.time()

    def monotonic(self) -> float:
        """Return a time that never goes back, for measuring."""
        return time.monotonic()

    def uptime(self) -> float:
        """Return the time since the machine started, its sleep included.

        Nobody can set it: it goes on evenly whatever happens to the date. Where the system does not
        tell it, it is the monotonic time.
        """
        boot_time = getattr(time, "CLOCK_BOOTTIME", None)
        return time.monotonic() if boot_time is None else time.clock_gettime(boot_time)

    def sleep(self, seconds: float) -> None:
        """Pause; Ctrl-C ends it."""
        time.sleep(max(0.0, seconds))

    def take(self, source: "Mailbox[T]", seconds: float) -> T | None:
        """Pause until there is something in `source`; return it, None if nothing comes in time."""
        try:
            return source.get(max(0.0, seconds))
        except queue.Empty:
            return None

    def jitter(self, span: float) -> float:
        """Return a random time between 0 and `span`, so that many processes spread out."""
        return random.uniform(0.0, span)


def iso(moment: float) -> str:
    """Write a Unix time as ISO 8601 UTC with milliseconds, as history entries carry it."""
    whole, milliseconds = divmod(round(moment * 1000), 1000)
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(whole)) + f".{milliseconds:03d}Z"


def clock_time(moment: float) -> str:
    """Write a Unix time for people, in local time: `2026-11-21 10:32 CET`."""
    return time.strftime("%Y-%m-%d %H:%M %Z", time.localtime(moment)).strip()
