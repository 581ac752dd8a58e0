"""How long another program that keeps the ledger locked is waited for: the one rule for it."""

import time
from collections.abc import Callable
from typing import Final

BRIEF: Final = 5.0
"""Seconds to wait for what is only good to know, as what a task's status is."""
_NOT_TRIED: Final = 2.0
"""Seconds after a wait in vain in which what is brief is not even tried."""
_TOLD_AFTER: Final = 2.0
"""Seconds after which the user is told what is waited for."""
_PAUSE: Final = 0.01


class Patience:
    """Waits `seconds`, and for what is brief `BRIEF` seconds at most.

    Once something waited in vain, what is brief waits no more, until the file is found free again.
    Writing and reading are apart: who writes seldom keeps others from reading. `tell` is called
    once, from any thread, when a wait takes long.
    """

    def __init__(self, seconds: float, tell: Callable[[], None] | None = None) -> None:
        self.seconds = seconds
        self._tell = tell
        self._in_vain: dict[bool, float] = {}

    def is_over(self, *, writes: bool) -> bool:
        """Whether the last wait to write, or to read, was in vain."""
        return writes in self._in_vain

    def deadline(self, begun: float, *, writes: bool, brief: bool) -> float | None:
        """Return until when to wait for what was `begun`, None where it is not even tried."""
        if not brief:
            return begun + self.seconds
        last = self._in_vain.get(writes)
        if last is None:
            return begun + min(BRIEF, self.seconds)
        return None if time.monotonic() < last + _NOT_TRIED else begun

    def pause(self, begun: float, deadline: float) -> bool:
        """Wait a little before the next attempt; return whether there is to be one."""
        now = time.monotonic()
        if now >= deadline:
            return False
        if self._tell is not None and now >= begun + _TOLD_AFTER:
            tell, self._tell = self._tell, None
            tell()
        time.sleep(_PAUSE)
        return True

    def ended(self, *, writes: bool, busy: bool) -> None:
        """Take how it ended: the file was free, or it was waited for in vain."""
        if busy:
            self._in_vain[writes] = time.monotonic()
        else:
            self._in_vain.pop(writes, None)
