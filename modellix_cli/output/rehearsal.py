"""How the rehearsal of a batch looks (`model batch --dry-run`)."""

from modellix_cli.domain.errors import ModellixError
from modellix_cli.domain.frozen import frozen
from modellix_cli.domain.jsontext import JsonObject
from modellix_cli.domain.text import count
from modellix_cli.models.pricing.totals import Total
from modellix_cli.output.error_words import with_parts
from modellix_cli.output.facts import BudgetState
from modellix_cli.output.sink import Output, Sink
from modellix_cli.output.usage import budget_facts


@frozen
class Priced:
    """What a batch may cost: `whole` what is to be sent, `left` what is not paid for.

    `unpaid` is how many tasks that is, None where none was paid for before. `budget` is None where
    none is set.
    """

    whole: Total
    unpaid: int | None
    left: Total
    budget: BudgetState | None


@frozen
class Rehearsed:
    """What `--dry-run` found about a batch of `total` tasks, `slugs` how many of each model.

    `faults` are what a real run would be refused for, the first one first, then what would make
    it fail. `unresolved` says what in bodies would be sent otherwise, and why; `unchecked` of
    which models no body was checked, and why.
    """

    total: int
    slugs: dict[str, int]
    faults: tuple[ModellixError, ...]
    cost: Priced
    unresolved: tuple[str, ...]
    warnings: tuple[str, ...]
    unchecked: dict[str, str]


def show_rehearsal(sink: Sink, found: Rehearsed) -> None:
    """Show what `--dry-run` found: to people in words, else as JSON whatever the mode."""
    if sink.mode is not Output.HUMAN:
        sink.json(_facts(found))
        return
    sink.line(f"{count(found.total, 'task')}, nothing submitted.")
    for slug, number in found.slugs.items():
        sink.line(f"  {number} x {slug}")


def _facts(found: Rehearsed) -> JsonObject:
    cost = found.cost
    facts: JsonObject = {
        "dryRun": True,
        "faults": [with_parts(fault) for fault in found.faults],
        "models": found.slugs,
        "total": found.total,
        "unresolved": list(found.unresolved),
        "warnings": list(found.warnings),
        "estimate": cost.whole.as_dict(),
    }
    facts |= unchecked_facts(found.unchecked)
    if cost.budget is not None:
        facts["budget"] = budget_facts(cost.budget)
    if cost.unpaid is not None:
        facts["unpaid"] = {"total": cost.unpaid, "estimate": cost.left.as_dict()}
    return facts


def unchecked_facts(reasons: dict[str, str]) -> JsonObject:
    """Return what the JSON says of models whose tasks were not checked: nothing if all were."""
    told = [{"model": slug, "reason": reason} for slug, reason in reasons.items()]
    return {"unchecked": told} if told else {}
