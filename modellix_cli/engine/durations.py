"""When a task is likely to end, from how long its model's tasks took before.

Polls are spent where they are likely to find the end: the first one when the quickest of the
known tasks would just have ended, then closing in. The gap between two looks is what an end may
go unnoticed for: about 1 s or 10 % of the task's length, less for quick tasks.
"""

from collections import deque
from collections.abc import Callable, Sequence
from math import inf
from typing import Final

from modellix_cli.clock import Clock

MAX_BACKOFF: Final = 10.0
_MOST_SAMPLES: Final = 20
_MARGIN: Final = 0.03
_SHORTEST_GAP: Final = 0.25
_SURE: Final = 1.5
"""Seconds: an end that was seen so early is known well enough."""


class DurationEstimator:
    """What is known about durations. `recall` returns those of a model, `note` keeps a new one."""

    def __init__(
        self,
        recall: Callable[[str], Sequence[float]],
        note: Callable[[str, float], None],
        clock: Clock,
    ) -> None:
        self._recall = recall
        self._note = note
        self._clock = clock
        self._samples: dict[str, deque[float]] = {}

    def pause(self, model: str | None, elapsed: float | None, looks: int) -> float:
        """Return the seconds until the next look at a task.

        It has run for `elapsed` seconds (None: not known) and been looked at `looks` times. A
        model of which nothing is known is looked at after 1, 2, 4 … 10 s.
        """
        samples = self._of(model) if model is not None and elapsed is not None else ()
        if samples and elapsed is not None:
            return next_look(samples, elapsed) - elapsed
        backoff = min(float(2 ** min(looks, 10)), MAX_BACKOFF)
        return backoff + self._clock.jitter(backoff / 10)

    def usual(self, model: str) -> float | None:
        """Return the longest that the last tasks of a model took, None if there were none."""
        return max(self._of(model), default=None)

    def ended(self, model: str, *, running_at: float, seen_at: float, told: float | None) -> None:
        """Learn from a task that was seen to run after `running_at` s and ended after `seen_at`.

        `told` is the length that the server gives; it counts if it can be true. Otherwise the
        middle of the two is taken, so that looks come earlier until they find one running, unless
        they are so far apart that it says nothing: the task was only looked at long after its end.
        """
        known = self._of(model)
        likely = told is not None and running_at - 0.5 <= told <= seen_at + 0.1
        if told is not None and likely:
            seconds = told
        elif seen_at <= max(_SURE, 3 * running_at, 1.5 * max(known, default=0.0)):
            seconds = (running_at + seen_at) / 2
        else:
            return
        known.append(seconds)
        self._note(model, seconds)

    def _of(self, model: str) -> deque[float]:
        if model not in self._samples:
            known = (seconds for seconds in self._recall(model) if 0 < seconds < inf)
            self._samples[model] = deque(known, maxlen=_MOST_SAMPLES)
        return self._samples[model]


def next_look(samples: Sequence[float], elapsed: float) -> float:
    """Return at which age, in seconds, a task that ran for `elapsed` is best looked at next.

    Once the quickest of the `samples` would have ended, no gap is longer than 10 s or a fifth of
    the usual length, and none than half of the age of a task that is still young. One that runs
    longer than ever may go unnoticed for a fifth of its age.
    """
    usual = sorted(samples)[len(samples) // 2]
    gap = max(_SHORTEST_GAP, min(usual / 2, max(1.0, usual / 10)))
    ahead = [sample for sample in samples if sample > elapsed]
    if not ahead:
        over = elapsed - max(samples)
        return elapsed + min(max(gap, min(over, elapsed / 5)), MAX_BACKOFF)
    target = min(max(ahead), min(ahead) + gap)
    target += _MARGIN + target / 100
    if len(ahead) < len(samples):
        target = min(target, elapsed + max(2 * gap, min(elapsed / 2, MAX_BACKOFF)))
    return target
