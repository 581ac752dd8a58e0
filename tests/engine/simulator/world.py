"""Virtual time: a heap of future happenings, two clocks, and chance that has a seed."""

import heapq
from collections.abc import Callable
from itertools import count
from random import Random

from modellix_cli.clock import Clock

MOST_EVENTS = 60_000


class Violation(AssertionError):
    """An invariant did not hold."""


class World(Clock):
    """Monotonic time never goes back, wall time may; nothing waits."""

    def __init__(self, seed: int, *, tracing: bool = False) -> None:
        self.random = Random(seed)
        self.time = 1000.0
        self.woke_at = 0.0
        self.offset = 1_800_000_000.0
        self.trace: list[str] | None = [] if tracing else None
        self._heap: list[tuple[float, int, Callable[[], None]]] = []
        self._order = count()

    def now(self) -> float:
        return self.time + self.offset

    def monotonic(self) -> float:
        return self.time

    def uptime(self) -> float:
        return self.time

    def later(self, seconds: float, action: Callable[[], None]) -> None:
        heapq.heappush(self._heap, (self.time + max(0.0, seconds), next(self._order), action))

    def sleep(self, seconds: float) -> None:
        """Let the machine sleep: what was due meanwhile happens when it wakes."""
        self.time += seconds
        self.woke_at = self.time

    def step_wall_clock(self, seconds: float) -> None:
        self.offset += seconds

    def chance(self, probability: float) -> bool:
        return self.random.random() < probability

    def run(self) -> None:
        """Let everything happen."""
        heap = self._heap
        for _ in range(MOST_EVENTS):
            if not heap:
                return
            moment, _order, action = heapq.heappop(heap)
            self.time = max(self.time, moment)
            action()
        raise Violation(f"it does not end: {MOST_EVENTS} happenings")

    def say(self, who: str, what: str) -> None:
        if self.trace is not None:
            self.trace.append(f"{self.time - 1000:9.3f}  {who:6} {what}")
