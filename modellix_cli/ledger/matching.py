"""Which earlier attempt answers for which of several equal lines."""

from collections.abc import Collection, Iterable, Sequence

from modellix_cli.domain.submission_state import SubmissionState
from modellix_cli.ledger.attempt import Attempt

LineName = tuple[int, str | None]
"""The place of a line, and the id that the user gave it."""


def match_equal_lines(
    lines: Sequence[LineName], attempts: Iterable[Attempt], failed: Collection[str]
) -> dict[int, Attempt]:
    """Return the attempt for each line, by its place; lines without one are left out.

    All `lines` ask the same. A line takes the attempt that was made for its id, else, in the order
    of the lines, what is left: accepted, under way, unknown. Of accepted ones those whose task did
    not end without a result come first; `failed` are the statuses of such. Never by position alone.
    """
    ranked = sorted(attempts, key=lambda attempt: (_rank(attempt, failed), attempt.number))
    by_id: dict[str, list[Attempt]] = {}
    for attempt in reversed(ranked):
        if attempt.line_id is not None:
            by_id.setdefault(attempt.line_id, []).append(attempt)
    found = {
        place: by_id[name].pop() for place, name in lines if name is not None and by_id.get(name)
    }
    taken = {attempt.number for attempt in found.values()}
    left = (attempt for attempt in ranked if attempt.number not in taken)
    free = (place for place, _ in lines if place not in found)
    return found | dict(zip(free, left, strict=False))


def _rank(attempt: Attempt, failed: Collection[str]) -> int:
    if attempt.state is SubmissionState.ACCEPTED:
        return 1 if attempt.status in failed else 0
    return 2 if attempt.in_flight else 3
