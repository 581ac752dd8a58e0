"""One attempt of a paid request, as the ledger knows it."""

from typing import TYPE_CHECKING

from modellix_cli.domain.frozen import frozen
from modellix_cli.domain.submission_state import RejectedBy, SubmissionState

if TYPE_CHECKING:
    from modellix_cli.domain.money import Money


@frozen
class Attempt:
    """One attempt of a paid request, as it is known.

    `in_flight` says that a process which is alive has just sent it, or is about to. `status` is
    the last one known of its task, `others` the tasks that its reply named besides it. `estimated`
    is what it was to cost at most, `billed` what it cost, each None where that is not known.
    `rejected_by` is there where it is rejected; `accepted_by_user` says that the user, not the
    service, named its task.
    """

    number: int
    id: str
    state: SubmissionState
    slug: str
    task_id: str | None
    detail: str | None
    created_at: float
    batch: int | None
    line: int | None
    line_id: str | None
    profile: str
    in_flight: bool = False
    status: str | None = None
    estimated: "Money | None" = None
    billed: "Money | None" = None
    others: tuple[str, ...] = ()
    rejected_by: RejectedBy | None = None
    accepted_by_user: bool = False
