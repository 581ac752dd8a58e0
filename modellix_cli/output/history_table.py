"""The tasks of a history as a table, in columns that can be chosen."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Final

from modellix_cli.clock import clock_time
from modellix_cli.domain.money import Money
from modellix_cli.domain.text import clip
from modellix_cli.output.batch_lines import without_provider
from modellix_cli.output.left_out import WIDER
from modellix_cli.output.request import prompt_of
from modellix_cli.output.sink import Sink

if TYPE_CHECKING:
    from modellix_cli.ledger.request_records import Record
    from modellix_cli.output.columns import Column

_NOT_KNOWN: Final = "-"
_LONGEST_PROMPT: Final = 200
_YEAR: Final = len("2026-")
_USUAL: Final = ("updated", "task", "model", "status", "cost")
_LEAST: Final = {"model": 8, "status": 8, "prompt": 12, "tag": 8, "profile": 8, "service": 20}
_GOOD: Final = {"model": 14, "status": 10, "prompt": 24}


def time_of(moment: float) -> str:
    """Return a time as the wall clock shows it, to the minute."""
    return clock_time(moment)[:16]


def _cost(record: "Record") -> str:
    """Return what a task cost; with a mark what it was estimated to."""
    billed, estimated = (
        None if text is None else Money.parse(text)
        for text in (record.billed_cost, record.estimated_cost)
    )
    if billed is not None:
        return billed.words
    return _NOT_KNOWN if estimated is None else f"~{estimated.words}"


def _place(record: "Record") -> str | None:
    return None if record.batch is None else f"{record.batch}, line {record.line}"


COLUMNS: Final[dict[str, "Callable[[Record], str | None]"]] = {
    "updated": lambda record: time_of(record.updated_at),
    "submitted": lambda record: time_of(record.created_at),
    "task": lambda record: record.task_id,
    "model": lambda record: record.slug,
    "status": lambda record: record.word,
    "cost": _cost,
    "prompt": lambda record: clip(prompt_of(record.body) or "", _LONGEST_PROMPT),
    "tag": lambda record: record.tag,
    "batch": _place,
    "profile": lambda record: record.profile,
    "service": lambda record: record.base_url,
}
"""What the list in words can show of a task, and how."""


def write_tasks(sink: Sink, records: "Sequence[Record]", names: Sequence[str]) -> None:
    """Write a table of tasks; of columns that were not asked for those that say something."""
    from modellix_cli.output.columns import write_columns

    columns = [_column(name, records, optional=not names) for name in names or _telling(records)]
    below = [[file.path for file in record.files] for record in records]
    write_columns(sink, columns, below, WIDER if names else f"--columns, {WIDER}")


def cells(record: "Record", names: Sequence[str]) -> list[str]:
    """Return what columns have of a task."""
    return [COLUMNS[name](record) or _NOT_KNOWN for name in names]


def _telling(records: "Sequence[Record]") -> list[str]:
    names = list(_USUAL)
    names += ["prompt"] if any(map(COLUMNS["prompt"], records)) else []
    names += ["tag"] if any(record.tag for record in records) else []
    names += ["profile"] if len({record.profile for record in records}) > 1 else []
    names += ["service"] if len({record.base_url for record in records}) > 1 else []
    return names


def _column(name: str, records: "Sequence[Record]", *, optional: bool) -> "Column":
    from modellix_cli.output.columns import Column

    every = tuple(COLUMNS[name](record) or _NOT_KNOWN for record in records)
    return Column(
        name.capitalize(),
        every,
        _LEAST.get(name),
        optional and name not in _USUAL,
        _short(name, every),
        _GOOD.get(name),
    )


def _short(name: str, every: tuple[str, ...]) -> tuple[str, ...] | None:
    """Return cells in fewer words: models without provider, times of one year without it."""
    if name == "model":
        return tuple(without_provider(cell) for cell in every)
    if name in ("updated", "submitted") and len({cell[:_YEAR] for cell in every}) == 1:
        return tuple(cell[_YEAR:] for cell in every)
    return None
