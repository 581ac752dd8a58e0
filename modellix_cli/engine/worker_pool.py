"""A few threads that work while the main one stays free to answer Ctrl-C at once."""

import queue
import threading
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

from modellix_cli.clock import Clock
from modellix_cli.domain.frozen import frozen
from modellix_cli.mailbox import Mailbox

K = TypeVar("K", bound=Hashable)
R = TypeVar("R")


@frozen
class Done(Generic[K, R]):
    """A finished piece of work: its key, and its result or what it raised."""

    key: K
    result: R | None
    error: BaseException | None


class Pool(Generic[K, R]):
    """Runs pieces of work on up to `size` threads and hands results back as they come.

    The threads are daemons: a program that ends does not wait for them.
    """

    def __init__(self, size: int, clock: Clock) -> None:
        self._size = size
        self._clock = clock
        self._threads = 0
        self._under_way = 0
        self._waiting: queue.SimpleQueue[tuple[K, Callable[[], R]] | None] = queue.SimpleQueue()
        self._done: Mailbox[Done[K, R] | None] = Mailbox()

    def start(self, key: K, work: Callable[[], R]) -> None:
        """Begin a piece of work as soon as a thread is free; one is made only if none may be."""
        self._under_way += 1
        self._waiting.put((key, work))
        if self._threads < min(self._size, self._under_way):
            self._threads += 1
            threading.Thread(target=self._serve, daemon=True).start()

    def next(self, timeout: float) -> Done[K, R] | None:
        """Return a finished piece of work, waiting at most `timeout` seconds for one.

        `wake` ends the wait.
        """
        if self._under_way:
            try:
                done = self._done.get(max(0.0, timeout))
            except queue.Empty:
                done = None
        else:
            done = self._clock.take(self._done, timeout)
        self._under_way -= done is not None
        return done

    def wake(self) -> None:
        """End the wait in `next`; may be called from a signal's handler too."""
        self._done.put(None)

    def close(self) -> None:
        """Let idle threads end."""
        for _ in range(self._threads):
            self._waiting.put(None)

    def _serve(self) -> None:
        while (item := self._waiting.get()) is not None:
            key, work = item
            try:
                done: Done[K, R] = Done(key, work(), None)
            except BaseException as error:  # noqa: BLE001 - handed to the main thread
                done = Done(key, None, error)
            self._done.put(done)
