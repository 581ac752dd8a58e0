"""In which words a failure is told, to people and to programs."""

from typing import Final

from modellix_cli.domain.errors import ErrorCode, ModellixError
from modellix_cli.domain.jsontext import JsonObject
from modellix_cli.domain.text import clip, one_line

_LONGEST: Final = 10_000
_LONGEST_IN_JSON: Final = 2000
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


def enveloped(error: ModellixError) -> JsonObject:
    """Return the JSON object that a command writes in place of its result."""
    facts = error.as_dict() | {"message": clip(one_line(error.message), _LONGEST_IN_JSON)}
    return {"ok": False, "error": facts} | _parts(error)


def with_parts(error: ModellixError) -> JsonObject:
    """Return the JSON object of a failure, with those that it sums up in `faults`."""
    return error.as_dict() | _parts(error)


def _parts(error: ModellixError) -> JsonObject:
    return {"faults": [fault.as_dict() for fault in error.faults]} if error.faults else {}
