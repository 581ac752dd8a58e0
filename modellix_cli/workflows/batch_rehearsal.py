"""`model batch --dry-run`: what a real run would send and cost, and what would refuse it."""

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from modellix_cli.context.session import Session
from modellix_cli.domain.errors import ErrorCode, ModellixError
from modellix_cli.domain.money import NOTHING
from modellix_cli.domain.on_paid import OnPaid
from modellix_cli.domain.text import count
from modellix_cli.inputs.batch_file import BatchInput, Line
from modellix_cli.ledger.batches import Known, Start
from modellix_cli.ledger.records import OtherAccount, PaidBefore
from modellix_cli.models.pricing.totals import Total, total
from modellix_cli.models.pricing.values import Estimate
from modellix_cli.output.facts import BudgetState
from modellix_cli.output.rehearsal import Rehearsed, show_rehearsal
from modellix_cli.output.sink import Output
from modellix_cli.workflows import batch_plan
from modellix_cli.workflows.batch_begin import NO_FILE, already_paid, is_left
from modellix_cli.workflows.batch_guards import collecting, guards_of
from modellix_cli.workflows.batch_links import LineLinks
from modellix_cli.workflows.batch_plan import BatchOptions
from modellix_cli.workflows.batch_source import BatchKeys
from modellix_cli.workflows.costs import Costs
from modellix_cli.workflows.rehearsal import end_with_faults
from modellix_cli.workflows.same_account import link_account
from modellix_cli.workflows.usage import budget_state

if TYPE_CHECKING:
    from modellix_cli.api.client import Client


def rehearse_batch(
    session: Session, tasks: BatchInput, links: LineLinks, options: BatchOptions, resume: str
) -> None:
    """Show what a batch would come to; end the command with the status of what would refuse it.

    Nothing is sent, and no batch recorded. `resume` is the command that pays only for what is left.
    """
    client = batch_plan.client_if_any(session, options)
    faults: list[ModellixError] = []
    for check in guards_of(session, tasks, options):
        with collecting(faults):
            check()
    known: Known = {}
    if client is not None:
        with collecting(faults):
            start, known = _begin(session, client, tasks, links, options)
            if isinstance(start, PaidBefore):
                faults.append(already_paid(start, tasks.total, resume))
    costs = batch_plan.costs_of(session, client, options)
    left = [place for place in known if not is_left(session, known[place], options)]
    shown = _rehearsed(session, tasks, options, costs, frozenset(left), faults)
    if session.out.mode is Output.JSONL:
        for task in batch_plan.as_input(tasks):
            session.out.json_line(task)
    else:
        show_rehearsal(session.out, shown)
    for reason in () if session.out.mode is Output.QUIET else tasks.unresolved:
        session.out.note(f"{reason}.")
    end_with_faults(session, shown.faults)


def _begin(
    session: Session,
    client: "Client",
    tasks: BatchInput,
    links: LineLinks,
    options: BatchOptions,
) -> tuple[Start, Known]:
    """Return what beginning the batch would come to, and which of its lines were sent before.

    That another key belongs to the same account is found out and recorded as in a real run.
    """
    keys = BatchKeys(tasks, session.settings.base_url, links)
    while True:
        start, known = session.stores.batches.rehearse(
            keys,
            digest=tasks.digest,
            source=options.source or NO_FILE,
            total=tasks.total,
            on_paid=options.on_paid,
        )
        if not isinstance(start, OtherAccount):
            return start, known
        link_account(session, client, start, same_account=options.paying.same_account)


def _rehearsed(
    session: Session,
    tasks: BatchInput,
    options: BatchOptions,
    costs: Costs,
    paid: frozenset[int],
    faults: list[ModellixError],
) -> Rehearsed:
    """Return what to show; `paid` are the places of lines that need no payment, as is told."""
    whole = left = budget = None
    decided = options.on_paid is not OnPaid.REFUSE
    if costs.estimator is not None:
        with collecting(faults):
            budget = budget_state(session)
        watch = _BudgetWatch(budget)
        unpaid = (line for place, line in enumerate(tasks.lines(), 1) if place not in paid)
        left = total(watch.seeing(_estimates(costs, unpaid)))
        whole = left if decided or not paid else total(_estimates(costs, tasks.lines()))
        batch_plan.tell_cost(
            session, whole, " left to submit" if options.on_paid is OnPaid.RESUME else ""
        )
        if not decided and paid:
            batch_plan.tell_cost(session, left, before="With --resume: ")
        with collecting(faults):
            batch_plan.keep_to_limits(left, costs.limits, options.guards)
        faults += watch.faults(left)
    return Rehearsed(
        tasks.total,
        tasks.slugs,
        tuple(session.explain(fault) for fault in faults),
        whole,
        tasks.total - len(paid) if paid else None,
        left,
        budget,
        tasks.unresolved,
    )


def _estimates(costs: Costs, lines: Iterable[Line]) -> Iterator[Estimate]:
    return (costs.of(line.slug, line.body) for line in lines)


class _BudgetWatch:
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
