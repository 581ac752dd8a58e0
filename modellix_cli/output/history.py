"""How the task history looks in each output mode (official-cli.md 4.18)."""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from modellix_cli.clock import iso
from modellix_cli.domain.frozen import frozen
from modellix_cli.domain.jsontext import JsonObject
from modellix_cli.domain.submission_state import SubmissionState
from modellix_cli.domain.text import count, one_line
from modellix_cli.output.csv_records import no_formula
from modellix_cli.output.history_table import COLUMNS, cells, time_of, write_tasks
from modellix_cli.output.request import files_as_dicts, log_entry, prompt_of
from modellix_cli.output.sink import Output, Sink

if TYPE_CHECKING:
    from modellix_cli.ledger.history import Cleared, History
    from modellix_cli.ledger.request_records import Record

_NOT_KNOWN = "-"
_FACTS = (
    *("createdAt", "updatedAt", "taskId", "modelSlug", "status", "billedUsd", "estimatedUsd"),
    *("profile", "baseUrl", "request", "batch", "line", "lineId"),
)
_CSV_HEADERS = (
    *("created", "updated", "task", "model", "status", "billed_usd", "estimated_usd"),
    *("profile", "service", "request", "batch", "line", "line_id", "tag", "prompt", "message"),
)
_CHARGED = "Each may have been charged: see the usage page of https://modellix.ai/console. "
_SETTLE = "Settle each with: {resolve} --task-id ID, or --not-created"


@frozen
class Listing:
    """What is to be listed: tasks, newest first, of `total` that are wanted, and submissions.

    `unknown` are those of unknown outcome; `rejected` those refused, None where they were not asked
    for. `profile` is the one chosen, if any; `filtered` says that not all was wanted, `files` that
    those of each task are listed too, `free` that they are of the sandbox, which charges nothing.
    """

    records: "Sequence[Record]"
    total: int
    unknown: "Sequence[Record]"
    rejected: "Sequence[Record] | None"
    profile: str | None
    filtered: bool
    files: bool
    free: bool = False
    columns: Sequence[str] = ()


def listing(sink: Sink, listed: Listing, history: "History", resolve: str) -> None:
    """Show the history; piped, a line has tab-separated fields.

    `resolve` is the command line that settles an unknown outcome, but for its options.
    """
    if sink.mode is Output.JSON:
        sink.json(_as_json(listed, history))
        return
    if sink.mode is Output.QUIET:
        for record in listed.records:
            sink.line(record.task_id or "")
        return
    if not (listed.records or listed.unknown or listed.rejected):
        if listed.filtered:
            sink.note("No task matches.")
        else:
            sink.line("No local task history.")
    elif sink.stdout_is_terminal:
        _tables(sink, listed)
    else:
        _rows(sink, listed)
    if listed.unknown:
        known = f"{count(len(listed.unknown), 'submission')} of unknown outcome. "
        known = ("" if sink.stdout_is_terminal else known) + ("" if listed.free else _CHARGED)
        sink.note(known + _SETTLE.format(resolve=resolve))


def log(sink: Sink, records: "Iterable[Record]") -> None:
    """Write every record as JSON on a line of its own, as it is read."""
    for record in records:
        sink.json_line(log_entry(record))


def csv(sink: Sink, records: "Iterable[Record]") -> None:
    """Write every record as comma-separated values, as it is read; amounts are US dollars."""
    sink.csv_row(*_CSV_HEADERS)
    for record in records:
        facts = record.as_dict()
        fields = [facts.get(name) for name in _FACTS]
        words = (record.tag, prompt_of(record.body), _message(record))
        sink.csv_row(
            *("" if field is None else no_formula(one_line(str(field))) for field in fields),
            *(no_formula(one_line(text or "")) for text in words),
        )


def _message(record: "Record") -> str | None:
    return None if record.state is SubmissionState.ACCEPTED else record.detail


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


def _as_json(listed: Listing, history: "History") -> JsonObject:
    entries = [
        record.as_dict()
        | {"prompt": prompt_of(record.body)}
        | ({"files": files_as_dicts(record)} if listed.files else {})
        for record in listed.records
    ]
    result: JsonObject = {
        "entries": entries,
        **_paths(history),
        "ok": True,
        "total": listed.total,
        "unknownSubmissions": [_submission(record) for record in listed.unknown],
    }
    if listed.rejected is not None:
        result["rejectedSubmissions"] = [_submission(record) for record in listed.rejected]
    return result | ({"profile": listed.profile} if listed.profile else {})


def _submission(record: "Record") -> JsonObject:
    """Return an element of `unknownSubmissions`; `request` is its number."""
    facts = {
        "request": record.number,
        "modelSlug": record.slug,
        "sentAt": iso(record.created_at),
        "profile": record.profile,
        "taskId": record.task_id,
        "batch": record.batch,
        "line": record.line,
        "tag": record.tag,
        "prompt": prompt_of(record.body),
        "detail": record.detail,
    }
    return {name: value for name, value in facts.items() if value is not None}


def _paths(history: "History") -> dict[str, str]:
    """Return where the official CLI keeps its history, and the ledger that is shown."""
    return {"historyPath": str(history.path), "ledgerPath": str(history.ledger_path)}


def _rows(sink: Sink, listed: Listing) -> None:
    """Write a line of fields for each record, the newest first, whatever it is."""
    every = [*listed.records, *listed.unknown, *(listed.rejected or ())]
    for record in sorted(every, key=lambda record: -record.updated_at):
        if listed.columns:
            sink.row(*cells(record, listed.columns))
            continue
        fields = (
            iso(record.updated_at),
            record.profile,
            record.task_id,
            record.slug,
            record.word,
            record.base_url,
            record.billed_cost,
            None if record.number is None else str(record.number),
            *(file.path for file in record.files),
        )
        sink.block("\t".join(one_line(field or _NOT_KNOWN) for field in fields))


def _tables(sink: Sink, listed: Listing) -> None:
    if listed.records:
        write_tasks(sink, listed.records, listed.columns)
        if listed.total > len(listed.records):
            shown = f"{len(listed.records)} of {listed.total} tasks"
            sink.note(f"{shown}; see more with --limit.")
    if listed.unknown:
        _submissions(sink, "Unknown outcomes", listed.unknown, spaced=bool(listed.records))
    if listed.rejected:
        spaced = bool(listed.records or listed.unknown)
        _submissions(sink, "Rejected", listed.rejected, spaced=spaced)


def _submissions(sink: Sink, title: str, records: "Sequence[Record]", *, spaced: bool) -> None:
    from modellix_cli.output.columns import Column, write_columns

    if spaced:
        sink.line("")
    sink.line(title)
    places = [
        _NOT_KNOWN if record.batch is None else f"{record.batch}, line {record.line}"
        for record in records
    ]
    columns = [
        Column("Request", tuple(str(record.number) for record in records)),
        Column("Sent", tuple(time_of(record.created_at) for record in records)),
        Column("Model", tuple(record.slug or _NOT_KNOWN for record in records), least=14),
    ]
    if any(record.batch is not None for record in records):
        columns.append(Column("Batch", tuple(places), optional=True))
    if any(record.task_id for record in records):
        columns.append(Column("Task", tuple(record.task_id or _NOT_KNOWN for record in records)))
    prompts = tuple(COLUMNS["prompt"](record) or "" for record in records)
    if any(prompts):
        columns.append(Column("Prompt", prompts, least=12))
    messages = tuple(record.detail or _NOT_KNOWN for record in records)
    columns.append(Column("Message", messages, least=20))
    write_columns(sink, columns)
