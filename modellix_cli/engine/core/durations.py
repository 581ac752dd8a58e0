"""When a task is likely to end, from how long its model's tasks took before.

Polls are spent where they are likely to find the end: the first one when the quickest of the known
tasks would just have ended, then closing in. The gap between two polls is what an end may go
unnoticed for: about 1 s or 10 % of the task's length, less for quick tasks.
"""

from bisect import insort
from collections.abc import Iterable, Sequence
from math import inf
from random import Random
from typing import Final

MAX_BACKOFF: Final = 10.0
_MOST_SAMPLES: Final = 20
_MARGIN: Final = 0.03
_SHORTEST_GAP: Final = 0.25
_OLDEST: Final = 60.0
_SURE: Final = 1.5
"""Seconds: an end that was seen so early is known well enough."""


class DurationEstimator:
    """What is known about durations; those of the tasks submitted last count. Seconds all over."""

    def __init__(self, random: Random) -> None:
        self._random = random
        self._samples: dict[str, list[tuple[float, float]]] = {}

    def learn(self, slug: str, seconds: Iterable[float]) -> None:
        """Take what was recorded of a model, of the task submitted first first.

        What this run learned itself is later, and stays.
        """
        known = [(-inf, length) for length in seconds if 0 < length < inf]
        known += [sample for sample in self._samples.get(slug, ()) if sample[0] > -inf]
        self._samples[slug] = known[-_MOST_SAMPLES:]

    def pause(self, slug: str | None, elapsed: float | None, polls: int) -> float:
        """Return the seconds until the next poll of a task.

        It has run for `elapsed` seconds (None: not known) and been polled `polls` times. A model
        of which nothing is known is polled after 1, 2, 4 … 10 s; so is a task that is older than
        any that runs can be, as a clock may have been wrong.
        """
        samples = self._of(slug) if slug is not None and elapsed is not None else ()
        if samples and elapsed is not None and elapsed <= _OLDEST + 10 * max(samples):
            return next_poll(samples, elapsed) - elapsed
        backoff = min(float(2 ** min(polls, 10)), MAX_BACKOFF)
        return backoff + self._random.uniform(0.0, backoff / 10)

    def may_have_ended(self, slug: str, elapsed: float) -> bool:
        """Whether a task that ran for `elapsed` seconds may be over, by what others took."""
        return elapsed >= min(self._of(slug), default=0.0)

    def usual(self, slug: str) -> float | None:
        """Return the longest that the last tasks of a model took, None if there were none."""
        return max(self._of(slug), default=None)

    def ended(
        self, slug: str, since: float, *, running_at: float, seen_at: float, told: float | None
    ) -> float | None:
        """Learn from a task that was submitted at `since`; return how long it ran, if that tells.

        It was seen to run after `running_at` s and ended after `seen_at`. `told` is the length
        that the server gives; it counts if it can be true. Otherwise the middle of the two is
        taken, so that polls come earlier until they find one running, unless they are so far
        apart that it says nothing: the task was only polled long after its end.
        """
        known = self._of(slug)
        likely = told is not None and running_at - 0.5 <= told <= seen_at + 0.1
        if told is not None and likely:
            seconds = told
        elif seen_at <= max(_SURE, 3 * running_at, 1.5 * max(known, default=0.0)):
            seconds = (running_at + seen_at) / 2
        else:
            return None
        samples = self._samples.setdefault(slug, [])
        insort(samples, (since, seconds))
        del samples[:-_MOST_SAMPLES]
        return seconds

    def _of(self, slug: str) -> list[float]:
        return [seconds for _, seconds in self._samples.get(slug, ())]


def next_poll(samples: Sequence[float], elapsed: float) -> float:
    """Return at which age, in seconds, a task that ran for `elapsed` is best polled next.

    Once the quickest of the `samples` would have ended, no gap is longer than 10 s or a seventh of
    the usual length (more where lengths differ much), and none than half of the age of a task that
    is still young. One that runs longer than ever may go unnoticed for a fifth of its age.
    """
    usual = sorted(samples)[len(samples) // 2]
    spread = max(samples) - min(samples)
    gap = max(_SHORTEST_GAP, min(usual / 2, max(0.7, usual / 15, spread / 12)))
    ahead = [sample for sample in samples if sample > elapsed]
    if not ahead:
        over = elapsed - max(samples)
        return elapsed + min(max(gap, min(over, elapsed / 5)), MAX_BACKOFF)
    target = min(max(ahead), min(ahead) + gap)
    target += _MARGIN + target / 100
    if len(ahead) < len(samples):
        target = min(target, elapsed + max(2 * gap, min(elapsed / 2, MAX_BACKOFF)))
    return target
