"""Keeping a first Ctrl-C from tearing what runs, where what is half done would be told wrongly."""

import signal
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from types import FrameType
from typing import Final

from modellix_cli.domain.errors import Stopped

Handler = Callable[[int, FrameType | None], object] | int | None
"""What a signal does: a function, one of the constants of `signal`, or what is not Python."""

_SIGNALS: Final = ("SIGINT", "SIGTERM", "SIGHUP")
_SAME: Final = 0.3
"""Seconds in which further signals count as the first: some tools send it to process and group."""


class DeferredSignals(AbstractContextManager["DeferredSignals"]):
    """While it is entered, a first signal that asks the program to end is only noted.

    `stop` is then what it would have raised, and `then` is called, in the signal's handler. A
    second signal raises at once. Signals that are ignored, as under nohup, stay so.
    """

    def __init__(self) -> None:
        self.stop: KeyboardInterrupt | None = None
        self.then: Callable[[], None] = lambda: None
        self._came = 0.0
        self._before: dict[int, Handler] = {}

    def __enter__(self) -> "DeferredSignals":
        """Take over the signals; in a thread other than the main one they do not arrive anyway."""
        for name in _SIGNALS:
            number = getattr(signal, name, None)
            if number is not None and callable(signal.getsignal(number)):
                try:
                    self._before[number] = signal.signal(number, self._note)
                except ValueError:
                    break
        return self

    def __exit__(self, *_details: object) -> None:
        """Give the signals back."""
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _note(self, number: int, frame: FrameType | None) -> None:
        stop = KeyboardInterrupt() if number == signal.SIGINT else Stopped(number)
        now = time.monotonic()
        if self.stop is not None:
            if now - self._came < _SAME:
                return
            raise stop
        self.stop, self._came = stop, now
        self.then()
