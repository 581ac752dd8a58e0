"""How the task history looks in each output mode (official-cli.md 4.18)."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from modellix_cli.clock import clock_time, iso
from modellix_cli.domain.text import count, one_line
from modellix_cli.output.sink import Output, Sink

if TYPE_CHECKING:
    from modellix_cli.ledger.history import Cleared, History, Record
    from modellix_cli.ledger.records import Attempt

_HEADINGS = ("UPDATED", "PROFILE", "TASK", "MODEL", "STATUS", "SERVICE")
_UNKNOWN_HEADINGS = ("REQUEST", "SENT", "MODEL", "BATCH", "TASK")
_RESOLVE = (
    "Each may have been charged: see the usage page of https://modellix.ai/console. Settle it "
    "with: modellix-cli task resolve REQUEST --task-id ID, or --not-created"
)


def entries(
    sink: Sink,
    records: Sequence["Record"],
    total: int,
    unknown: Sequence["Attempt"],
    history: "History",
    profile: str | None,
    again: str,
) -> None:
    """Show entries, newest first, of `total` there are; piped, a line has tab-separated fields.

    `unknown` are submissions of unknown outcome; piped, a note on stderr tells of them, and of
    the command line `again` that shows them.
    """
    if sink.mode is Output.JSON:
        result: dict[str, Any] = {
            "entries": [record.as_dict() for record in records],
            **_paths(history),
            "ok": True,
            "total": total,
            "unknownSubmissions": [unknown_as_dict(attempt) for attempt in unknown],
        }
        sink.json(result | ({"profile": profile} if profile else {}))
    elif sink.mode is Output.QUIET:
        for record in records:
            sink.line(record.task_id)
    elif sink.stdout_is_terminal and unknown:
        if records:
            _tasks(sink, records, total)
            sink.line("")
        sink.line("Unknown outcomes")
        _table(sink, _UNKNOWN_HEADINGS, [_unknown_fields(attempt) for attempt in unknown])
        sink.note(_RESOLVE)
    elif not records:
        sink.line("No local task history.")
    elif sink.stdout_is_terminal:
        _tasks(sink, records, total)
    else:
        for record in records:
            fields = [one_line(field) for field in (iso(record.updated_at), *_fields(record))]
            sink.block("\t".join(fields))
    if unknown and sink.mode is Output.HUMAN and not sink.stdout_is_terminal:
        sink.note(
            f"{count(len(unknown), 'submission')} of unknown outcome: see them with {again} --json."
        )


def unknown_as_dict(attempt: "Attempt") -> dict[str, Any]:
    """Return an element of `unknownSubmissions` in the JSON output; `request` is its number."""
    facts = {
        "request": attempt.number,
        "modelSlug": attempt.slug,
        "sentAt": iso(attempt.created_at),
        "profile": attempt.profile,
        "taskId": attempt.task_id,
        "batch": attempt.batch,
        "line": attempt.line,
        "detail": attempt.detail,
    }
    return {name: value for name, value in facts.items() if value is not None}


def _unknown_fields(attempt: "Attempt") -> tuple[str, ...]:
    place = "-" if attempt.batch is None else f"{attempt.batch}, line {attempt.line}"
    sent = clock_time(attempt.created_at)
    return str(attempt.number), sent, attempt.slug, place, attempt.task_id or "-"


def cleared(sink: Sink, done: "Cleared", history: "History", again: str) -> None:
    """Show that the history is cleared, and what was kept to protect money: `again` lists it."""
    if sink.mode is Output.JSON:
        sink.json({"cleared": done.anything, **_paths(history), "ok": True})
    elif sink.mode is Output.HUMAN:
        where = history.ledger_path
        what = f"Cleared local task history at {where}." if done.anything else None
        sink.line(what or "No local task history exists.")
    if done.kept:
        sink.note(
            f"{count(done.kept, 'submission')} of unknown outcome kept: see them with {again}."
        )


def _paths(history: "History") -> dict[str, str]:
    """Return where the official CLI keeps its history, and the ledger that is shown."""
    return {"historyPath": str(history.path), "ledgerPath": str(history.ledger_path)}


def _fields(record: "Record") -> tuple[str, ...]:
    """Return what a line shows after the time; `-` for what is not known."""
    slug, status = record.slug or "-", record.status or "-"
    return record.profile, record.task_id, slug, status, record.base_url


def _tasks(sink: Sink, records: Sequence["Record"], total: int) -> None:
    """Write a table of tasks, times as the wall clock shows them."""
    _table(sink, _HEADINGS, [(clock_time(r.updated_at), *_fields(r)) for r in records])
    if total > len(records):
        sink.note(f"{len(records)} of {total} tasks; see more with --limit.")


def _table(sink: Sink, headings: tuple[str, ...], lines: Sequence[tuple[str, ...]]) -> None:
    """Write aligned columns under headings."""
    rows = [headings, *lines]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        sink.line("  ".join(cells).rstrip())
