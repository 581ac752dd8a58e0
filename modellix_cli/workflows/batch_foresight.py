"""What is known of a batch's end before it begins: which of its lines would fail, and how."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from modellix_cli.context.session import Session
from modellix_cli.domain.errors import ErrorCode, ExitStatus, ModellixError
from modellix_cli.domain.money import NOTHING
from modellix_cli.domain.submission_state import SubmissionState
from modellix_cli.domain.task import has_failed
from modellix_cli.domain.text import clip, count, one_line
from modellix_cli.engine.books import known_of
from modellix_cli.inputs.batch_file import BatchInput
from modellix_cli.ledger.records import BatchLine
from modellix_cli.models.batch_check import CheckReport
from modellix_cli.models.pricing.totals import Total
from modellix_cli.models.pricing.values import Estimate
from modellix_cli.output.facts import BudgetState
from modellix_cli.workflows.batch_begin import is_left
from modellix_cli.workflows.batch_check import refusal
from modellix_cli.workflows.batch_plan import BatchOptions
from modellix_cli.workflows.batch_report import Tally, entry_of, outcome_of
from modellix_cli.workflows.costs import Costs, fresh_estimator, limits_of
from modellix_cli.workflows.models import fetch_models
from modellix_cli.workflows.schemas import SchemaReader

if TYPE_CHECKING:
    from modellix_cli.api.catalog import Model
    from modellix_cli.api.client import Client

_LONGEST_REASON: Final = 300
_UNKNOWN_HINT: Final = (
    "Check the usage page of https://modellix.ai/console. To submit them once more, add "
    "--resend-unknown."
)
_FAILED_HINT: Final = "To pay again for lines whose task failed, add --retry-failed."
_REJECTED_HINT: Final = (
    "Fix the lines listed above{more}. With --check a real run refuses them before it sends any."
)


def rehearsed_costs(
    session: Session,
    client: "Client | None",
    options: BatchOptions,
    schemas: SchemaReader,
    faults: list[ModellixError],
) -> Costs:
    """Return what prices the lines of a batch that is only rehearsed, as far as prices can be had.

    Under a limit they are those that a run would ask for; what that comes to is added to `faults`,
    as is that the key was refused. Otherwise a list that was kept will do.
    """
    from modellix_cli.api.catalog import ModelList
    from modellix_cli.models.pricing.estimator import Estimator

    limits = limits_of(session, allow_unpriced=options.guards.allow_unpriced)
    limited = client is not None and (options.guards.cost_limit is not None or limits.any)
    try:
        if client is not None and limited:
            return Costs(limits, fresh_estimator(session, client, limits))
        models = _listed(session, options.api_key, faults)
    except ModellixError as error:
        if limited:
            faults.append(error)
        reason = f"the price list cannot be had: {error.message.rstrip('.')}"
        return Costs(limits, unpriced=clip(one_line(reason), _LONGEST_REASON))
    return Costs(limits, Estimator(ModelList({}, models), schemas.if_any))


def _listed(
    session: Session, api_key: str | None, faults: list[ModellixError]
) -> "tuple[Model, ...]":
    """Return the models with their prices, those of an older list if need be."""
    try:
        return fetch_models(session, api_key, patient=False).models
    except ModellixError as error:
        if error.code is ErrorCode.UNAUTHORIZED:
            faults.append(error)
        kept = session.stores.model_lists.last()
        if kept is None:
            raise
        return kept.models


def rejected_lines(session: Session, tasks: BatchInput, report: CheckReport) -> list[ModellixError]:
    """Return that the service would refuse lines, if it would: without --check they are sent."""
    if not report.failed:
        return []
    more = f", and {count(report.hidden, 'more line')} like them" if report.hidden else ""
    hint = _REJECTED_HINT.format(more=more)
    found = refusal(session, tasks, report)
    failed = int(ExitStatus.FAILED)
    lines = tuple(line.copy_with(exit_status=failed) for line in found.faults)
    return [found.copy_with(hint=hint, exit_status=failed, faults=lines)]


def recorded_failures(
    session: Session, known: Iterable[BatchLine], options: BatchOptions
) -> list[ModellixError]:
    """Return which failures of earlier runs a run would end with again, as nothing changes them."""
    tally = Tally(0)
    for line in known:
        if _ends_as_recorded(session, line, options):
            outcome = outcome_of(line)
            recorded = None if line.attempt is None else line.attempt.status
            outcome = replace(outcome, status=outcome.status or recorded)
            tally.add(outcome, entry_of(outcome, session))
    failures = (
        (
            tally.unknown,
            ErrorCode.SUBMISSION_UNKNOWN,
            "of unknown outcome: a task may have been created. A resume does not send it again",
            _UNKNOWN_HINT,
        ),
        (tally.failed_tasks, ErrorCode.TASK_FAILED, "whose task failed", _FAILED_HINT),
        (tally.unsaved, ErrorCode.RESULT_EXPIRED, "whose result can no longer be saved", None),
    )
    statuses = {ErrorCode.RESULT_EXPIRED: ExitStatus.NOT_SAVED}  # its task was paid for
    return [
        ModellixError(
            code,
            f"An earlier run left {count(number, 'line')} {what}.",
            hint=hint,
            exit_status=statuses.get(code),
        )
        for number, code, what, hint in failures
        if number
    ]


def _ends_as_recorded(session: Session, line: BatchLine, options: BatchOptions) -> bool:
    """Whether a run would ask nobody about a line, or about a task that failed for good."""
    if line.attempt is None or is_left(session, line, options):
        return False
    known = known_of(line.attempt, session.runtime.clock, line)
    if known.in_flight:
        return False
    if known.state is SubmissionState.UNKNOWN:
        return known.task_id is None
    return has_failed(line.attempt.status) or known.is_over(
        saves=options.saving.output_dir is not None
    )


class BudgetWatch:
    """Finds out how many tasks, in their order, fit into what is left of a budget."""

    def __init__(self, state: BudgetState | None) -> None:
        self._state = state
        self._fit = 0
        self._used_up = False

    def seeing(self, estimates: Iterator[Estimate]) -> Iterator[Estimate]:
        """Yield the estimates as they come."""
        spent = NOTHING
        for estimate in estimates:
            spent += estimate.amount or NOTHING
            self._used_up |= self._state is not None and spent > self._state.left
            self._fit += not self._used_up
            yield estimate

    def faults(self, cost: Total) -> list[ModellixError]:
        """Return that the budget ends the batch, if it does."""
        if self._state is None or not self._used_up:
            return []
        fault = ModellixError(
            ErrorCode.BUDGET_EXCEEDED,
            f"Of the budget {self._state.left.exact} is left, and these tasks may cost "
            f"{cost.amount.exact}: the batch would stop after {self._fit} of "
            f"{count(cost.lines, 'task')}.",
        )
        return [fault]
