"""`model batch --dry-run`: what a real run would send and cost, and what would refuse it."""

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Final

from modellix_cli.context.session import Session
from modellix_cli.domain.errors import ModellixError
from modellix_cli.domain.exit_status import worst
from modellix_cli.domain.on_paid import OnPaid
from modellix_cli.domain.submission_state import SubmissionState
from modellix_cli.domain.text import count
from modellix_cli.domain.values import DAY
from modellix_cli.inputs.batch_file import BatchInput, Line
from modellix_cli.ledger.batches import Known, Start
from modellix_cli.ledger.records import OtherAccount, PaidBefore
from modellix_cli.models.batch_check import CheckReport
from modellix_cli.models.pricing.totals import total
from modellix_cli.models.pricing.values import Estimate
from modellix_cli.output.rehearsal import Priced, Rehearsed, show_rehearsal
from modellix_cli.output.sink import Output
from modellix_cli.workflows import batch_plan
from modellix_cli.workflows.batch_begin import NO_FILE, already_paid, is_left
from modellix_cli.workflows.batch_check import (
    check_of,
    paths_for_addresses,
    published,
    refuse,
    unchecked_words,
    unless_missing,
    warning_words,
)
from modellix_cli.workflows.batch_end import of_a_batch
from modellix_cli.workflows.batch_foresight import (
    BudgetWatch,
    recorded_failures,
    rehearsed_costs,
    rejected_lines,
)
from modellix_cli.workflows.batch_guards import collecting, guards_of
from modellix_cli.workflows.batch_links import LineLinks
from modellix_cli.workflows.batch_plan import BatchOptions
from modellix_cli.workflows.batch_source import BatchKeys
from modellix_cli.workflows.costs import Costs
from modellix_cli.workflows.rehearsal import end_with_faults
from modellix_cli.workflows.same_account import link_account
from modellix_cli.workflows.schemas import SchemaReader
from modellix_cli.workflows.usage import budget_state

if TYPE_CHECKING:
    from modellix_cli.api.client import Client

_NOBODY: Final = "Without an API key it is not known which lines were paid for before."


def rehearse_batch(
    session: Session, tasks: BatchInput, links: LineLinks, options: BatchOptions, resume: str
) -> None:
    """Show what a batch would come to; end the command with the status of what would refuse it.

    Nothing is sent, and no batch recorded. `resume` is the command that pays only for what is left.
    """
    rehearsal = _Rehearsal(session, tasks, options)
    client = batch_plan.client_if_any(session, options)
    rehearsal.check()
    if client is None:
        rehearsal.warn(_NOBODY)
    else:
        rehearsal.begin(client, links, resume)
    shown = rehearsal.priced(client)
    if session.out.mode is Output.JSONL:
        for task in batch_plan.as_input(tasks):
            session.out.json_line(task)
    else:
        show_rehearsal(session.out, shown)
    for reason in () if session.out.mode is Output.QUIET else tasks.unresolved:
        session.out.note(f"{reason}.")
    end_with_faults(session, shown.faults, rehearsal.status)


class _Rehearsal:
    """What is found out about a batch, one thing after the other, in the order of a real run.

    What would refuse it before it begins is apart from what would make it fail later.
    """

    def __init__(self, session: Session, tasks: BatchInput, options: BatchOptions) -> None:
        self._session = session
        self._tasks = tasks
        self._options = options
        self._schemas = SchemaReader(session, fresh=DAY)
        self._refusals: list[ModellixError] = []
        self._failures: list[ModellixError] = []
        self._checks = False
        self._warnings = list(tasks.unknown.values())
        self._unchecked: dict[str, str] = {}
        self._paid: frozenset[int] = frozenset()

    @property
    def status(self) -> int:
        """The exit status: of the first refusal, else the one that counts most of the failures."""
        if self._refusals:
            return self._refusals[0].exit_status
        return worst(of_a_batch(failure.exit_status) for failure in self._failures)

    def warn(self, text: str) -> None:
        """Add a warning, and tell it."""
        self._warnings.append(text)
        self._session.out.warn(text)

    def check(self) -> None:
        """Try what may refuse the batch before it begins: its bodies where a run checks them."""
        guards = self._options.guards
        if guards.max_tasks is None and not guards.yes:
            self.warn("A real run needs --yes, or --max-tasks with the most that it may send.")
        for guard in guards_of(self._session, self._tasks, self._options):
            with collecting(self._refusals):
                guard()
        paths = paths_for_addresses(self._session, self._tasks, self._options)
        self._checks = bool(self._options.guards.checks) or paths is not None
        if self._checks:
            with collecting(self._refusals):
                refuse(self._session, self._tasks, self._options, self._look(self._tasks.lines()))

    def begin(self, client: "Client", links: LineLinks, resume: str) -> None:
        """Find out what beginning the batch would come to, and which of its lines are paid for.

        That another key belongs to the same account is found out and recorded as in a real run.
        """
        session, tasks, options = self._session, self._tasks, self._options
        with collecting(self._refusals):
            start, known = self._begun(client, links)
            left = (place for place in known if not is_left(session, known[place], options))
            self._paid = frozenset(left)
            again = (line.attempt for place, line in known.items() if place not in self._paid)
            doubtful = [one for one in again if one and one.state is SubmissionState.UNKNOWN]
            if doubtful:
                lines = count(len(doubtful), "line")
                self.warn(f"{lines} of unknown outcome would be sent once more: you may pay twice.")
            if isinstance(start, PaidBefore):
                self._refusals.append(already_paid(start, tasks.total, resume))
                return
            self._failures += recorded_failures(session, known.values(), options)

    def priced(self, client: "Client | None") -> Rehearsed:
        """Find out what the lines may cost, and return all that was found."""
        session, options, tasks, paid = self._session, self._options, self._tasks, self._paid
        costs = rehearsed_costs(session, client, options, self._schemas, self._refusals)
        if not self._checks:
            report = self._look(self._unpaid())
            self._failures += rejected_lines(session, tasks, report)
        budget = None
        with collecting(self._refusals):
            budget = budget_state(session)
        watch = BudgetWatch(budget)
        left = total(watch.seeing(self._estimates(costs, self._unpaid())))
        decided = options.on_paid is not OnPaid.REFUSE
        whole = left if decided or not paid else total(self._estimates(costs, tasks.lines()))
        resumes = options.on_paid is OnPaid.RESUME
        batch_plan.tell_cost(session, whole, " left to submit" if resumes else "")
        if not decided and paid:
            batch_plan.tell_cost(session, left, before="With --resume: ")
        batch_plan.tell_unpriced(session, whole)
        if client is None or costs.estimator is not None:  # else why there are no prices is told
            with collecting(self._refusals):
                batch_plan.keep_to_limits(left, costs.limits, options.guards)
        self._failures += watch.faults(left)
        faults = (session.explain(fault) for fault in (*self._refusals, *self._failures))
        return Rehearsed(
            tasks.total,
            tasks.slugs,
            tuple(faults),
            Priced(whole, tasks.total - len(paid) if paid else None, left, budget),
            tasks.unresolved,
            tuple(self._warnings),
            self._unchecked,
        )

    def _look(self, lines: Iterable[Line]) -> CheckReport:
        """Hold bodies against their models' schemas: with --check as they are just now."""
        session, tasks = self._session, self._tasks

        guards, api_key = self._options.guards, self._options.api_key
        known = self._schemas.read_or_kept
        schema_of = (
            published(session, api_key)
            if guards.checks
            else unless_missing(session, known, api_key)
        )
        report = check_of(tasks, lines, schema_of, strict=guards.strict)
        for warning in report.warnings:
            self.warn(warning_words(tasks, warning))
        for text in unchecked_words(report):
            session.out.note(text)
        self._unchecked = report.unchecked
        return report

    def _unpaid(self) -> Iterator[Line]:
        """Return the lines that a run would send, or would have to pay for."""
        return (line for line in self._tasks.lines() if line.index not in self._paid)

    def _estimates(self, costs: Costs, lines: Iterable[Line]) -> Iterator[Estimate]:
        return (costs.of(line.slug, line.body) for line in lines)

    def _begun(self, client: "Client", links: LineLinks) -> tuple[Start, Known]:
        session, tasks, options = self._session, self._tasks, self._options
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
            link_account(session, client, start, options.paying)
