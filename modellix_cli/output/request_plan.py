"""A request that is shown and not sent (`model run --dry-run`)."""

from modellix_cli.domain.errors import ModellixError
from modellix_cli.domain.frozen import frozen
from modellix_cli.domain.jsontext import Json
from modellix_cli.models.pricing.values import Estimate, as_dict, describe
from modellix_cli.output.facts import BudgetState
from modellix_cli.output.sink import Output, Sink
from modellix_cli.output.summaries import Field, write_fields
from modellix_cli.output.usage import budget_facts


@frozen
class RequestPlan:
    """A request before it is sent: where to, what, what it may cost and what speaks against it.

    `faults` are what a real run would be refused for, the first one first. `unchecked` is why the
    body was not checked, None where it was; `unresolved` what in the body would be sent otherwise,
    and why; `reused` the task that answers for the request, None
    where it would be sent; `budget` how the budget stands, None where none is set.
    """

    url: str
    slug: str
    body: Json
    cost: Estimate
    faults: tuple[ModellixError, ...]
    warnings: tuple[str, ...]
    unchecked: str | None
    unresolved: tuple[str, ...] = ()
    reused: str | None = None
    budget: BudgetState | None = None


def plan(sink: Sink, plan: RequestPlan) -> None:
    """Show a request: to people at a terminal what it is, else as JSON whatever the mode."""
    if sink.mode is Output.HUMAN and sink.stdout_is_terminal:
        _for_people(sink, plan)
        return
    facts: dict[str, Json] = {
        "dryRun": True,
        "model": plan.slug,
        "url": plan.url,
        "body": plan.body,
        "estimate": as_dict(plan.cost),
        "faults": [fault.as_dict() for fault in plan.faults],
        "warnings": list(plan.warnings),
        "unresolved": list(plan.unresolved),
    }
    if plan.unchecked is not None:
        facts["unchecked"] = plan.unchecked
    if plan.budget is not None:
        facts["budget"] = budget_facts(plan.budget)
    if plan.reused is not None:
        facts |= {"reused": True, "taskId": plan.reused}
    sink.json(facts)
    if sink.mode is Output.HUMAN:
        for reason in plan.unresolved:
            sink.note(f"{reason}.")
        sink.note(f"Nothing was sent. Cost: {describe(plan.cost)}.")


def _for_people(sink: Sink, plan: RequestPlan) -> None:
    fields = [
        Field("Model", plan.slug),
        Field("Address", f"POST {plan.url}"),
        Field("Cost", describe(plan.cost)),
        *(Field("Warning", warning, style="33") for warning in plan.warnings),
        *([Field("Not checked", plan.unchecked)] if plan.unchecked is not None else []),
        *(Field("Not resolved", reason) for reason in plan.unresolved),
    ]
    write_fields(sink, fields)
    sink.line("Body:")
    sink.json(plan.body)
    sink.note("Nothing was sent.")
