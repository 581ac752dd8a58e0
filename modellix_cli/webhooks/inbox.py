"""Deliveries that were acknowledged and are still to be told: bounded, between two threads."""

import queue
from threading import Lock
from typing import Final

from modellix_cli.mailbox import Mailbox
from modellix_cli.webhooks.delivery import Delivery

MOST: Final = 10_000
MOST_BYTES: Final = 64 * 1024 * 1024
_AT_ONCE: Final = 200


class Inbox:
    """Takes deliveries from the receiver's thread and hands them on in their order."""

    def __init__(self, most: int = MOST, most_bytes: int = MOST_BYTES) -> None:
        self._most = most
        self._most_bytes = most_bytes
        self._lock = Lock()
        self._waiting: Mailbox[tuple[Delivery, int] | None] = Mailbox()
        self._count = 0
        self._bytes = 0

    def offer(self, delivery: Delivery, size: int) -> bool:
        """Take a delivery whose body has `size` bytes; False where there is no room."""
        with self._lock:
            if self._count >= self._most or self._bytes + size > self._most_bytes:
                return False
            self._count += 1
            self._bytes += size
        self._waiting.put((delivery, size))
        return True

    def take(self, timeout: float) -> list[Delivery]:
        """Return some deliveries, waiting at most `timeout` seconds for one; `wake` ends that."""
        items: list[tuple[Delivery, int]] = []
        try:
            item = self._waiting.get(timeout)
            while item is not None:
                items.append(item)
                item = self._waiting.get(0) if len(items) < _AT_ONCE else None
        except queue.Empty:
            pass
        with self._lock:
            self._count -= len(items)
            self._bytes -= sum(size for _, size in items)
        return [delivery for delivery, _ in items]

    def wake(self) -> None:
        """End the wait in `take`; may be called from a signal's handler too."""
        self._waiting.put(None)
