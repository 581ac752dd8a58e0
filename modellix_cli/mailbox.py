"""A queue between threads whose waits end in time, whatever signals come meanwhile."""

import threading
import time
from collections import deque
from contextlib import suppress
from queue import Empty
from typing import Generic, TypeVar

T = TypeVar("T")


class Mailbox(Generic[T]):
    """Many put, one takes. Putting is safe in a signal's handler too.

    `queue.SimpleQueue` before Python 3.13 waits for ever where a signal's handler outlasts the
    time to wait, as after Ctrl-Z and `fg`.
    """

    def __init__(self) -> None:
        self._items: deque[T] = deque()
        self._filled = threading.Lock()
        self._filled.acquire()

    def put(self, item: T) -> None:
        """Add an item, and end the wait for one."""
        self._items.append(item)
        with suppress(RuntimeError):  # it is known already that there is something
            self._filled.release()

    def get(self, timeout: float) -> T:
        """Take the oldest item, waiting up to `timeout` seconds. Raises `queue.Empty`."""
        until = time.monotonic() + timeout
        while not self._items:
            left = min(until - time.monotonic(), threading.TIMEOUT_MAX)
            if left <= 0 or not self._filled.acquire(timeout=left):
                break
        try:
            return self._items.popleft()
        except IndexError:
            raise Empty from None
