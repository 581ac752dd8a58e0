"""How long to wait for tasks: as the user said, else by what tasks of their models usually take."""

import re
from collections.abc import Mapping, Sequence
from typing import Final

from modellix_cli.domain.frozen import frozen
from modellix_cli.domain.values import format_duration

SHORTEST: Final = 300.0
SHORTEST_FOR_VIDEO: Final = 1200.0
_TIMES: Final = 3
_LONGEST: Final = 24 * 3600.0
_VIDEO: Final = (
    r"(?:^|[^a-z0-9])(?:[a-z]{0,3}2v|[a-z-]*video|veo|sora|seedance|hailuo|vidu|pixverse)(?![a-z])"
)


@frozen
class WaitLimit:
    """The longest time to wait for each task, in seconds; `why` is empty where it was chosen."""

    seconds: float
    why: str = ""

    @property
    def words(self) -> str:
        """The time for messages, with where it comes from and how to choose another."""
        length = format_duration(self.seconds)
        return f"{length} ({self.why}; choose another with --timeout)" if self.why else length


def wait_limit(chosen: float | None, taken: Mapping[str, Sequence[float]]) -> WaitLimit:
    """Return how long to wait for tasks; `taken` has, by model, how many seconds the last took.

    Without a `chosen` time that is 5 minutes, 20 where a model makes video, and more where the
    tasks of a model took more than a third of that. One time holds for all.
    """
    if chosen is not None:
        return WaitLimit(chosen)
    video = any(is_video(slug) for slug in taken)
    floor = SHORTEST_FOR_VIDEO if video else SHORTEST
    usual = max((seconds for lengths in taken.values() for seconds in lengths), default=0.0)
    if usual * _TIMES > floor:
        whole_minutes = 60.0 * -(-usual * _TIMES // 60.0)
        return WaitLimit(min(whole_minutes, _LONGEST), "by what such tasks took before")
    return WaitLimit(floor, "the default for video" if video else "the default")


def is_video(slug: str) -> bool:
    """Whether a model makes video, as far as its name tells."""
    return re.search(_VIDEO, slug.lower()) is not None
