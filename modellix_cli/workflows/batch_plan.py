"""What `model batch` does before it runs: options, lines, guards, checks, cost."""

from collections.abc import Iterable, Iterator
from functools import partial
from typing import TYPE_CHECKING

from modellix_cli.context.session import Session
from modellix_cli.domain.budget import CostLimits
from modellix_cli.domain.errors import ErrorCode, ModellixError, usage
from modellix_cli.domain.frozen import frozen
from modellix_cli.domain.jsontext import Json
from modellix_cli.domain.on_paid import OnPaid
from modellix_cli.domain.text import count
from modellix_cli.downloads.name_template import DEFAULT, parse_name_template
from modellix_cli.inputs.batch_file import BatchInput, Line
from modellix_cli.inputs.input_uses import with_values
from modellix_cli.inputs.line_uses import write_body
from modellix_cli.inputs.parameters import shown_edit
from modellix_cli.options.body import InputLimits
from modellix_cli.options.guarding import BatchGuards
from modellix_cli.options.paying import BatchPaying
from modellix_cli.options.saving import BatchSaving
from modellix_cli.options.tasks import BatchTasks
from modellix_cli.options.waiting import Waiting
from modellix_cli.output.sink import Output
from modellix_cli.workflows.costs import (
    Costs,
    fresh_estimator,
    limits_of,
    schemas_if_any,
    tell_uncounted,
)
from modellix_cli.workflows.schemas import kept_schema

if TYPE_CHECKING:
    from modellix_cli.api.client import Client
    from modellix_cli.models.pricing.totals import Total


@frozen(kw_only=True)
class BatchOptions:
    """What the user chose for a batch; `on_paid` counts with the variable's word.

    `source` is the file as it was named, `-` for standard input, None where options say it all.
    """

    source: str | None
    tasks: BatchTasks
    on_paid: OnPaid
    guards: BatchGuards
    paying: BatchPaying
    waiting: Waiting
    saving: BatchSaving
    limits: InputLimits
    concurrency: int
    results: str | None
    tag: str | None
    api_key: str | None


def chosen_on_paid(session: Session, paying: BatchPaying) -> OnPaid:
    """Return what to do about lines that were paid for before: options beat the variable."""
    if paying.resume and paying.new:
        raise usage("--resume and --new contradict each other.")
    if paying.resume or paying.new:
        return OnPaid.RESUME if paying.resume else OnPaid.NEW
    return session.settings.on_paid


def check_options(options: BatchOptions) -> None:
    """Refuse options that contradict each other, before anything is read."""
    if options.source is None and not (options.tasks.settings or options.tasks.matrix):
        raise usage(
            "FILE is missing: it holds the tasks, - is standard input.",
            hint="Or describe them by options: --model SLUG --set prompt=… --matrix seed=1..4",
        )
    if options.guards.strict and options.guards.check is False:
        raise usage("--strict and --no-check exclude each other.")
    if options.paying.resend_unknown and options.on_paid is not OnPaid.RESUME:
        raise usage("--resend-unknown is about lines of an earlier run, so it needs --resume.")
    if options.paying.retry_failed and options.on_paid is not OnPaid.RESUME:
        raise usage("--retry-failed is about lines of an earlier run, so it needs --resume.")
    parse_name_template(options.saving.name_template or DEFAULT)


def as_input(tasks: BatchInput) -> Iterator[dict[str, Json]]:
    """Yield the tasks as lines of an input that is the same batch, with everything laid over.

    What would be sent otherwise is in a line's `unresolved`, and such a line is refused as input.
    """
    for line in tasks.lines():
        parts: dict[str, Json] = {
            "id": line.name,
            "modelSlug": str(line.slug),
            "body": write_body(_shown(line), line.uses),
            "requestKey": line.request_key,
            "webhook": line.webhook,
            "tag": line.tag,
            "unresolved": _unresolved(tasks, line) or None,
        }
        yield {name: value for name, value in parts.items() if value is not None}


def _unresolved(tasks: BatchInput, line: Line) -> list[str]:
    return [
        reason
        for reason in tasks.unresolved
        if any(reason.startswith(f"{shown_edit(use.written)}: ") for use in line.inputs)
    ]


def _shown(line: Line) -> bytes:
    """Return the body with its inputs as far as they are known."""
    if not line.inputs:
        return line.body
    return with_values(line.body, ((use.place, use.shown) for use in line.inputs))


def costs_of(session: Session, client: "Client", options: BatchOptions) -> Costs:
    """Return what prices the lines of a batch.

    Schemas, for their defaults, are asked for where the user wants to know before paying; else
    those that are kept will do. Under a limit, raises what asking for the prices came to.
    """
    guards = options.guards
    limits = limits_of(session, allow_unpriced=guards.allow_unpriced)
    if guards.cost_limit is not None or limits.any:
        return Costs(limits, fresh_estimator(session, client, limits))
    try:
        listed = client.models(patient=False)
    except ModellixError:
        return Costs(limits)
    from modellix_cli.models.pricing.estimator import Estimator

    schemas = schemas_if_any(session) if guards.checks else partial(kept_schema, session)
    return Costs(limits, Estimator(listed, schemas))


def estimate(
    session: Session,
    costs: Costs,
    lines: Iterable[Line],
    options: BatchOptions,
    *,
    left: bool = False,
) -> "Total | None":
    """Tell what `lines` may cost; None without prices. `left`: others were paid for before.

    Raises `COST_LIMIT` if it may be more than `--max-cost`, or has no price under a limit.
    """
    if costs.estimator is None:
        return None
    from modellix_cli.models.pricing.totals import total

    found = total(costs.of(line.slug, line.body) for line in lines)
    keep_to_limits(found, costs.limits, options.guards)
    tell_budget(session, found)
    tell_cost(session, found, " left to submit" if left else "")
    tell_unpriced(session, found)
    return found


def tell_cost(session: Session, cost: "Total", what: str = "", before: str = "") -> None:
    """Tell what tasks may cost; `what` is behind how many they are, `before` goes in front."""
    if cost.words and session.out.mode is not Output.QUIET:
        session.out.note(f"{before}{count(cost.lines, 'task')}{what}, listed prices: {cost.words}.")


def tell_unpriced(session: Session, cost: "Total") -> None:
    """Tell what cannot be priced, and why."""
    if cost.unpriced_lines and session.out.mode is not Output.QUIET:
        session.out.note(f"{_unpriced(cost)}.")


def _unpriced(cost: "Total") -> str:
    tasks = count(cost.lines, "task")
    return f"{cost.unpriced_lines} of {tasks} cannot be priced. {cost.unpriced_words()}"


def tell_budget(session: Session, cost: "Total") -> None:
    """Tell where a batch may not fit into what is left of the budget: it stops there."""
    from modellix_cli.workflows.usage import budget_state

    state = budget_state(session)
    tell_uncounted(session)
    if state is not None and cost.amount > state.left:
        session.out.note(
            f"Of the budget {state.left.exact} is left, and these tasks may cost "
            f"{cost.amount.exact}: the batch stops when the budget is used up."
        )


def keep_to_limits(cost: "Total", limits: CostLimits, guards: BatchGuards) -> None:
    """Refuse what may cost more than `--max-cost`, or has no price. Raises `COST_LIMIT`."""
    limit = guards.cost_limit
    if limit is not None and cost.amount > limit:
        raise ModellixError(
            ErrorCode.COST_LIMIT,
            f"The tasks may cost more than --max-cost {limit.exact}: {cost.words}.",
            hint="Nothing was sent. Raise --max-cost, or submit fewer tasks.",
        )
    if not cost.unpriced_lines or guards.allow_unpriced:
        return
    if limit is not None:
        what, who = f"The tasks may cost more than --max-cost {limit.exact}", "for --max-cost"
    elif limits.budget is not None:
        what, who = "A budget is set, which needs the price of every task", "in the budget"
    else:
        return
    raise ModellixError(
        ErrorCode.COST_LIMIT,
        f"{what}: {_unpriced(cost)}.",
        hint="Nothing was sent. With --allow-unpriced they are submitted all the same, and do "
        f"not count {who}.",
    )


def client_if_any(session: Session, options: BatchOptions) -> "Client | None":
    """Return a client, None where there is no key to ask with."""
    try:
        return session.connections.client(options.api_key)
    except ModellixError as error:
        if error.code is not ErrorCode.MISSING_API_KEY:
            raise
        return None
