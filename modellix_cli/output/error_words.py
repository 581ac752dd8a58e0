"""In which words a failure is told, to people and to programs."""

from collections.abc import Iterable, Sequence
from typing import Final

from modellix_cli.domain.errors import ErrorCode, ModellixError
from modellix_cli.domain.jsontext import JsonObject
from modellix_cli.domain.text import clip, count, one_line

_LONGEST: Final = 10_000
_LONGEST_IN_JSON: Final = 2000
_LONGEST_FAULT: Final = 500
_SAY_SO_THEMSELVES: Final = (
    *(ErrorCode.USAGE, ErrorCode.ALREADY_PAID, ErrorCode.ACCOUNT_CHANGED, ErrorCode.COST_LIMIT),
    *(ErrorCode.INVALID_BODY, ErrorCode.INPUT_UNREADABLE, ErrorCode.SUBMISSION_UNKNOWN),
    *(ErrorCode.BUDGET_EXCEEDED, ErrorCode.PROJECT_UNUSABLE),
)
"""Refusals before anything was sent, whose messages say that or need not."""


def told(error: ModellixError) -> str:
    """Return what happened, and that nothing was charged where that is certain and not obvious.

    Where there is a task, or something to resume, an earlier command may have been charged.
    """
    message = clip(one_line(error.message), _LONGEST)
    if error.charged == "no" and error.code not in _SAY_SO_THEMSELVES:
        known = error.task_id is not None or error.resume is not None
        return f"{message} Nothing was charged{' this time' if known else ''}."
    return message


def fault_words(faults: Iterable[ModellixError]) -> list[str]:
    """Return what each fault says; the same one of several lines once, with how many have it."""
    alike: dict[str, list[ModellixError]] = {}
    for fault in faults:
        place = "" if fault.place is None else fault.place.words
        alike.setdefault(fault.message.replace(place, "", 1), []).append(fault)
    return list(map(_shared, alike.values()))


def _shared(faults: Sequence[ModellixError]) -> str:
    first = faults[0]
    words = clip(one_line(first.message), _LONGEST_FAULT)
    if first.place is None:
        return words
    lines = max(len(faults), first.place.lines)
    return f"{words} {count(lines, first.place.unit)} have it." if lines > 1 else words


def enveloped(error: ModellixError) -> JsonObject:
    """Return the JSON object that a command writes in place of its result."""
    facts = error.as_dict() | {"message": clip(one_line(error.message), _LONGEST_IN_JSON)}
    return {"ok": False, "error": facts} | _parts(error)


def with_parts(error: ModellixError) -> JsonObject:
    """Return the JSON object of a failure, with those that it sums up in `faults`."""
    return error.as_dict() | _parts(error)


def _parts(error: ModellixError) -> JsonObject:
    return {"faults": [fault.as_dict() for fault in error.faults]} if error.faults else {}
