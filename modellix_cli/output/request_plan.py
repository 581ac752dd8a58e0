"""A request that is shown and not sent (`model run --dry-run`)."""

from modellix_cli.domain.frozen import frozen
from modellix_cli.domain.jsontext import Json
from modellix_cli.models.pricing.values import Estimate, as_dict, describe
from modellix_cli.output.sink import Output, Sink


@frozen
class RequestPlan:
    """A request before it is sent: where to, what, what it may cost and what speaks against it.

    `unchecked` is why the body was not checked, None where it was.
    """

    url: str
    slug: str
    body: Json
    cost: Estimate
    faults: tuple[str, ...]
    warnings: tuple[str, ...]
    unchecked: str | None


def plan(sink: Sink, plan: RequestPlan) -> None:
    """Show a request as JSON, whatever the mode; for people a sentence about it goes to stderr."""
    facts: dict[str, Json] = {
        "dryRun": True,
        "model": plan.slug,
        "url": plan.url,
        "body": plan.body,
        "estimate": as_dict(plan.cost),
        "faults": list(plan.faults),
        "warnings": list(plan.warnings),
    }
    if plan.unchecked is not None:
        facts["unchecked"] = plan.unchecked
    sink.json(facts)
    if sink.mode is Output.HUMAN:
        sink.note(f"Nothing was sent. Cost: {describe(plan.cost)}.")
