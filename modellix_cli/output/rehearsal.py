"""How the rehearsal of a batch looks (`model batch --dry-run`)."""

from modellix_cli.domain.errors import ModellixError
from modellix_cli.domain.frozen import frozen
from modellix_cli.domain.jsontext import JsonObject
from modellix_cli.domain.text import count
from modellix_cli.models.pricing.totals import Total
from modellix_cli.output.facts import BudgetState
from modellix_cli.output.sink import Output, Sink
from modellix_cli.output.usage import budget_facts


@frozen
class Rehearsed:
    """What `--dry-run` found about a batch of `total` tasks, `slugs` how many of each model.

    `faults` are what a real run would be refused for, the first one first. `cost` is what it may
    cost, None without prices; `unpaid` how many tasks are not paid for and `unpaid_cost` what
    those may cost, None where none was paid for before. `budget` is None where none is set.
    `unresolved` says what in bodies would be sent otherwise, and why.
    """

    total: int
    slugs: dict[str, int]
    faults: tuple[ModellixError, ...]
    cost: Total | None
    unpaid: int | None
    unpaid_cost: Total | None
    budget: BudgetState | None
    unresolved: tuple[str, ...] = ()


def show_rehearsal(sink: Sink, found: Rehearsed) -> None:
    """Show what `--dry-run` found."""
    if sink.mode is Output.JSON:
        sink.json(_facts(found))
        return
    sink.line(f"{count(found.total, 'task')}, nothing submitted.")
    for slug, number in found.slugs.items():
        sink.line(f"  {number} x {slug}")


def _facts(found: Rehearsed) -> JsonObject:
    facts: JsonObject = {
        "dryRun": True,
        "faults": [fault.as_dict() for fault in found.faults],
        "models": found.slugs,
        "total": found.total,
        "unresolved": list(found.unresolved),
    }
    if found.cost is not None:
        facts["estimate"] = found.cost.as_dict()
    if found.budget is not None:
        facts["budget"] = budget_facts(found.budget)
    if found.unpaid is not None:
        unpaid: JsonObject = {"total": found.unpaid}
        if found.unpaid_cost is not None:
            unpaid["estimate"] = found.unpaid_cost.as_dict()
        facts["unpaid"] = unpaid
    return facts
