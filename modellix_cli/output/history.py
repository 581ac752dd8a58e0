"""How the task history looks in each output mode (official-cli.md 4.18)."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from modellix_cli.clock import clock_time, iso
from modellix_cli.domain.text import count, one_line
from modellix_cli.output.sink import Output, Sink

if TYPE_CHECKING:
    from modellix_cli.ledger.history import Cleared, History, Record

_HEADINGS = ("UPDATED", "PROFILE", "TASK", "MODEL", "STATUS", "SERVICE")


def entries(
    sink: Sink,
    records: Sequence["Record"],
    total: int,
    history: "History",
    profile: str | None,
) -> None:
    """Show entries, newest first, of `total` there are; piped, a line has tab-separated fields."""
    if sink.mode is Output.JSON:
        result: dict[str, Any] = {
            "entries": [record.as_dict() for record in records],
            **_paths(history),
            "ok": True,
            "total": total,
        }
        sink.json(result | ({"profile": profile} if profile else {}))
    elif sink.mode is Output.QUIET:
        for record in records:
            sink.line(record.task_id)
    elif not records:
        sink.line("No local task history.")
    elif sink.stdout_is_terminal:
        _table(sink, records)
        if total > len(records):
            sink.note(f"{len(records)} of {total} tasks; see more with --limit.")
    else:
        for record in records:
            fields = [one_line(field) for field in (iso(record.updated_at), *_fields(record))]
            sink.block("\t".join(fields))


def cleared(sink: Sink, done: "Cleared", history: "History") -> None:
    """Show that the history is cleared, and say what was kept to protect money."""
    if sink.mode is Output.JSON:
        sink.json({"cleared": done.anything, **_paths(history), "ok": True})
    elif sink.mode is Output.HUMAN:
        where = history.journal_path
        what = f"Cleared local task history at {where}." if done.anything else None
        sink.line(what or "No local task history exists.")
    if done.kept:
        sink.note(
            f"{count(done.kept, 'submission')} of unknown outcome from the last 24 hours kept, "
            "to warn before the same request is paid for again."
        )


def _paths(history: "History") -> dict[str, str]:
    """Return where the official CLI keeps its history, and the journal that is shown."""
    return {"historyPath": str(history.path), "journalPath": str(history.journal_path)}


def _fields(record: "Record") -> tuple[str, ...]:
    """Return what a line shows after the time; `-` for what is not known."""
    slug, status = record.slug or "-", record.status or "-"
    return record.profile, record.task_id, slug, status, record.base_url


def _table(sink: Sink, records: Sequence["Record"]) -> None:
    """Write aligned columns under headings, times as the wall clock shows them."""
    rows = [_HEADINGS, *((clock_time(record.updated_at), *_fields(record)) for record in records)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        sink.line("  ".join(cells).rstrip())
