"""What a single request would come to if it was sent now: sent, refused, or answered for."""

from collections.abc import Sequence
from contextlib import suppress
from typing import TYPE_CHECKING

import typer

from modellix_cli.clock import clock_time
from modellix_cli.context.session import Session
from modellix_cli.domain.errors import ErrorCode, ModellixError
from modellix_cli.domain.frozen import frozen
from modellix_cli.domain.submission_state import SubmissionState
from modellix_cli.domain.task import has_failed
from modellix_cli.ledger.attempt import Attempt
from modellix_cli.ledger.database import has_folder
from modellix_cli.ledger.records import Request, TooDear
from modellix_cli.ledger.spending import refusal_without_ledger
from modellix_cli.options.paying import RunPaying
from modellix_cli.paths import state_dir
from modellix_cli.workflows.run_end import unknown_before
from modellix_cli.workflows.usage import budget_state

if TYPE_CHECKING:
    from modellix_cli.output.facts import BudgetState


@frozen
class Rehearsal:
    """What the ledger says to a request. `refusal` is the error that a real run would end with.

    `reused` is the task of an earlier run that would answer for it: then nothing is sent.
    """

    refusal: ModellixError | None = None
    warning: str | None = None
    reused: str | None = None
    budget: "BudgetState | None" = None


def rehearse(session: Session, request: Request, paying: RunPaying) -> Rehearsal:
    """Return what would come of a request; nothing is sent or recorded."""
    if not has_folder(state_dir(session.runtime.env)):
        return Rehearsal(refusal_without_ledger(request, resume=paying.resume))
    try:
        claim = session.stores.submissions.rehearse(
            request, resume=paying.resume, resend_unknown=paying.resend_unknown
        )
        budget = budget_state(session)
    except ModellixError as error:
        return Rehearsal(error)
    if isinstance(claim, TooDear):
        return Rehearsal(claim.error, budget=budget)
    if not isinstance(claim, Attempt):
        return Rehearsal(warning=_paid_again(session, request), budget=budget)
    if claim.state is SubmissionState.UNKNOWN:
        refusal = unknown_before(
            claim.number, claim.created_at, claim.detail, claim.task_id, claim.others
        )
        return Rehearsal(refusal, budget=budget)
    task = claim.task_id or "that is being submitted"
    warning = f"Already paid: task {task} answers for this request, and nothing would be sent."
    failed = None
    if has_failed(claim.status):
        what = f"Task {task} {claim.status}, and answers for this request."
        failed = ModellixError(ErrorCode.TASK_FAILED, what, task_id=claim.task_id)
    return Rehearsal(failed, warning, claim.task_id, budget)


def _paid_again(session: Session, request: Request) -> str | None:
    """Return what to say of a request that was paid for before, and would be sent all the same."""
    claim = None
    with suppress(ModellixError):  # for one, a damaged ledger: that matters to a resume alone
        claim = session.stores.submissions.rehearse(request, resume=True, resend_unknown=False)
    if not isinstance(claim, Attempt) or claim.task_id is None:
        return None
    return (
        f"This request was paid for before, as task {claim.task_id} at "
        f"{clock_time(claim.created_at)}. You would be charged again; --resume takes that task."
    )


def end_with_faults(
    session: Session, faults: Sequence[ModellixError], status: int | None = None
) -> None:
    """Say in words what a real run would be refused for, and end the command with its status.

    Without `status` it is that of the first fault, which a run would meet first; without any
    fault, this returns.
    """
    for fault in () if session.out.envelope else faults:  # who reads JSON has them in the result
        session.out.error(fault)
    session.out.envelope = False
    if faults:
        raise typer.Exit(faults[0].exit_status if status is None else status)
