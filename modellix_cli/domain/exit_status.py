"""Exit statuses of the process, and which one counts where several failures are told at once.

The list is docs/spec/decisions.md, "Exit status".
"""

from collections.abc import Iterable
from enum import IntEnum
from typing import Final


class ExitStatus(IntEnum):
    """How the process ends; `help`, README and the reference list them from here.

    A process that a signal ended has 128 + its number, which is not in this list.
    """

    DONE = 0
    FAILED = 1
    USAGE = 2
    AUTH = 3
    BALANCE = 4
    NOT_FOUND = 5
    RATE_LIMITED = 6
    UNAVAILABLE = 7
    OUTCOME_UNKNOWN = 8
    NOT_SAVED = 9
    OVER_BUDGET = 10
    TIMEOUT = 124
    UNKNOWN_COMMAND = 127
    INTERRUPTED = 130

    @property
    def meaning(self) -> str:
        """One line for help and docs."""
        return _MEANINGS[self]


_MEANINGS: Final = {
    ExitStatus.DONE: "done",
    ExitStatus.FAILED: "the task failed, or any failure not listed here",
    ExitStatus.USAGE: "the request is wrong, or was refused before anything was sent",
    ExitStatus.AUTH: "no API key, or the API refused it (401, 403)",
    ExitStatus.BALANCE: "balance too low (402)",
    ExitStatus.NOT_FOUND: "task, model or result not found (404)",
    ExitStatus.RATE_LIMITED: "rate limited, retries used up (429)",
    ExitStatus.UNAVAILABLE: "service or network unavailable",
    ExitStatus.OUTCOME_UNKNOWN: "a paid request was sent and its outcome is unknown",
    ExitStatus.NOT_SAVED: "the task was paid for, but its result was not saved",
    ExitStatus.OVER_BUDGET: "a cost limit or budget refused the request; nothing was sent",
    ExitStatus.TIMEOUT: "waiting timed out; the task may still be running",
    ExitStatus.UNKNOWN_COMMAND: "unknown command",
    ExitStatus.INTERRUPTED: "interrupted (Ctrl-C); other signals end with 128 + their number",
}

_PRECEDENCE: Final = (
    ExitStatus.OUTCOME_UNKNOWN,
    ExitStatus.BALANCE,
    ExitStatus.AUTH,
    ExitStatus.OVER_BUDGET,
    ExitStatus.NOT_SAVED,
    ExitStatus.RATE_LIMITED,
    ExitStatus.UNAVAILABLE,
)


def worst(statuses: Iterable[int], *, ledger_lost: bool = False) -> int:
    """Return the status that counts where several failures are told; 0 where there is none.

    A signal counts most, then 8, 4, 3, 10, 1 where the ledger was lost, 9, 6, 7, and 1 for all
    else. 124 counts only if every failure is a time-out; one status alone is itself.
    """
    failures = {int(status) for status in statuses if status != ExitStatus.DONE}
    signals = [status for status in failures if status > 128]
    if signals:
        return max(signals)
    if len(failures) <= 1 and not ledger_lost:
        return failures.pop() if failures else int(ExitStatus.DONE)
    for status in _PRECEDENCE:
        if status is ExitStatus.NOT_SAVED and ledger_lost:
            return int(ExitStatus.FAILED)
        if status in failures:
            return int(status)
    return int(ExitStatus.FAILED)
