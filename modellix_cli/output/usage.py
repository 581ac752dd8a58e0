"""How usage looks in each output mode. Amounts are exact."""

from typing import TYPE_CHECKING, Final

from modellix_cli.clock import iso
from modellix_cli.domain.jsontext import JsonObject
from modellix_cli.domain.text import count
from modellix_cli.domain.values import format_duration
from modellix_cli.models.pricing.values import json_amount
from modellix_cli.output.csv_records import no_formula
from modellix_cli.output.sink import Output, Sink

if TYPE_CHECKING:
    from modellix_cli.ledger.usage import Usage
    from modellix_cli.output.columns import Column
    from modellix_cli.output.facts import BudgetState, UsageReport

_CSV_HEADERS: Final = (
    *("tasks", "failed", "unknown", "unpriced", "estimated_usd", "billed_usd", "reserved_usd"),
)
_NONE: Final = "(none)"
_SHORTEST_NAME: Final = 16
"""Columns to which a tag may be cut."""


def show_usage(sink: Sink, report: "UsageReport") -> None:
    """Show what was spent: a table, JSON, CSV, or the billed total alone."""
    match sink.mode:
        case Output.JSON:
            sink.json(_document(report))
        case Output.CSV:
            _csv(sink, report)
        case Output.QUIET:
            sink.line(str(report.total.billed))
        case _:
            _table(sink, report)


def _table(sink: Sink, report: "UsageReport") -> None:
    total = report.total
    if not report.groups:
        sink.line("Nothing was spent.")
    else:
        from modellix_cli.output.columns import write_columns

        write_columns(sink, _columns(report))
    if total.unpriced:
        sink.line(f"What {count(total.unpriced, 'request')} cost is not known.")
    if report.budget is not None:
        sink.sentence(_budget_words(report.budget))
    if total.reserved.usd and total.tasks:
        sink.note("Reserved is what has no bill yet: it is known once task wait saw the task end.")


def _columns(report: "UsageReport") -> "list[Column]":
    """Return a row for each group and one for all; what is zero everywhere has no column."""
    from modellix_cli.output.columns import Column

    total = report.total
    rows = [*report.groups.values(), total]
    columns = [Column("Tasks", tuple(str(usage.tasks) for usage in rows))]
    if total.failed:
        columns.append(Column("Failed", tuple(str(usage.failed) for usage in rows)))
    if total.unknown:
        columns.append(Column("Unknown", tuple(str(usage.unknown) for usage in rows)))
    estimates = tuple(usage.estimated.exact for usage in rows)
    columns.append(Column("Estimated", estimates, optional=True))
    columns.append(Column("Billed", tuple(usage.billed.exact for usage in rows)))
    if total.reserved.usd:
        columns.append(Column("Reserved", tuple(usage.reserved.exact for usage in rows)))
    names = (*(name or _NONE for name in report.groups), "Total")
    least = _SHORTEST_NAME if report.by == "tag" else None
    return [*columns, Column(report.by.capitalize(), names, least=least)]


def _budget_words(state: "BudgetState") -> str:
    budget, spent = state.budget, state.spent
    unpriced = f", {count(spent.unpriced, 'request')} of unknown cost" if spent.unpriced else ""
    return (
        f"Budget: {budget.limit.exact} in {format_duration(budget.period)} ({budget.source}). "
        f"{spent.billed.exact} billed, {spent.reserved.exact} reserved{unpriced}, "
        f"{state.left.exact} left."
    )


def _document(report: "UsageReport") -> JsonObject:
    since = None if report.since is None else iso(report.since)
    groups = [{str(report.by): name} | _facts(usage) for name, usage in report.groups.items()]
    tag = {} if report.tag is None else {"tag": report.tag}
    return {
        "by": str(report.by),
        "since": since,
        **tag,
        "groups": groups,
        "total": _facts(report.total),
        "budget": None if report.budget is None else budget_facts(report.budget),
    }


def _facts(usage: "Usage") -> JsonObject:
    return {
        "tasks": usage.tasks,
        "failed": usage.failed,
        "unknown": usage.unknown,
        "unpriced": usage.unpriced,
        "estimatedUsd": json_amount(usage.estimated),
        "billedUsd": json_amount(usage.billed),
        "reservedUsd": json_amount(usage.reserved),
    }


def budget_facts(state: "BudgetState") -> JsonObject:
    """Return how a budget stands, as JSON shows it; amounts are numbers, written exactly."""
    return {
        "limitUsd": json_amount(state.budget.limit),
        "periodSeconds": state.budget.period,
        "source": state.budget.source,
        "billedUsd": json_amount(state.spent.billed),
        "reservedUsd": json_amount(state.spent.reserved),
        "unpriced": state.spent.unpriced,
        "leftUsd": json_amount(state.left),
    }


def _csv(sink: Sink, report: "UsageReport") -> None:
    """Write a header and a row for each group; no total, which a spreadsheet would add twice."""
    sink.csv_row(str(report.by), *_CSV_HEADERS)
    for name, usage in report.groups.items():
        numbers = (usage.tasks, usage.failed, usage.unknown, usage.unpriced)
        amounts = (usage.estimated, usage.billed, usage.reserved)
        sink.csv_row(no_formula(name or ""), *map(str, numbers), *map(str, amounts))
