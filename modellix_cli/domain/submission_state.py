"""What is known of one paid request, and whether it may be sent."""

from enum import StrEnum
from typing import Final

NOT_SENT: Final = "Interrupted before it was sent."
"""What is told of an attempt that was recorded and never left."""


class SubmissionState(StrEnum):
    """Where one attempt of a paid request stands; the ledger, JSON and code share these words."""

    INTENT = "intent"
    """Recorded; its POST may have left, and no outcome is recorded yet."""
    ACCEPTED = "accepted"
    """The server created a task, whose id is known."""
    REJECTED = "rejected"
    """It is certain that nothing was created."""
    UNKNOWN = "unknown"
    """A task may have been created; an id that a reply named may be known."""

    @property
    def may_be_charged(self) -> bool:
        """Whether money may have been spent."""
        return self is not SubmissionState.REJECTED

    @property
    def is_open(self) -> bool:
        """Whether it is not known how it ended."""
        return self in (SubmissionState.INTENT, SubmissionState.UNKNOWN)

    def may_send(
        self, *, resend_unknown: bool = False, retry_failed: bool = False, task_failed: bool = False
    ) -> bool:
        """Whether the same request may be sent once more, by what the user said.

        `resend_unknown` is the user's word about outcomes that are unknown, `retry_failed` about
        tasks that ended without a result (`task_failed`). An intent is under way and is never
        sent beside itself.
        """
        match self:
            case SubmissionState.REJECTED:
                return True
            case SubmissionState.UNKNOWN:
                return resend_unknown
            case SubmissionState.ACCEPTED:
                return retry_failed and task_failed
            case SubmissionState.INTENT:
                return False


class RejectedBy(StrEnum):
    """Who or what made it certain that an attempt created nothing; the ledger keeps these words."""

    SERVICE = "service"
    """It was sent, and the service refused it."""
    NETWORK = "network"
    """It could not be sent: no connection, or none that can be trusted."""
    CHECK = "check"
    """A check or a limit refused it here: it never left."""
    INTERRUPT = "interrupt"
    """The run ended before it left: it counts as an attempt that was not made."""
    USER = "user"
    """The user said so, who may take it back while nothing was sent instead."""


STATES: Final = tuple(str(state) for state in SubmissionState)
"""The words, as the ledger's schema checks them."""


def read_state(text: str) -> SubmissionState:
    """Read a recorded state; a word that is not known here may mean that money was spent."""
    try:
        return SubmissionState(text)
    except ValueError:
        return SubmissionState.UNKNOWN


def read_rejected_by(state: SubmissionState, word: str | None) -> RejectedBy | None:
    """Read who rejected an attempt, None for one that is not; an odd word is the service's."""
    if state is not SubmissionState.REJECTED:
        return None
    try:
        return RejectedBy(word or RejectedBy.SERVICE)
    except ValueError:
        return RejectedBy.SERVICE
