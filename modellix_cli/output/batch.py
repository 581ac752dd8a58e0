"""How a batch looks: its entries as they come or all at the end, and the list of batches (4.14)."""

from collections.abc import Callable, Iterator
from typing import Final

from modellix_cli.clock import clock_time, iso
from modellix_cli.domain.jsontext import JsonObject
from modellix_cli.domain.shell import join
from modellix_cli.domain.text import count
from modellix_cli.ledger.records import Batch
from modellix_cli.models.pricing.values import json_amount
from modellix_cli.output import batch_lines
from modellix_cli.output.batch_lines import ShownLine
from modellix_cli.output.sink import Output, Sink

_HEADERS: Final = ("No.", "State", "Created", "Accepted", "Rejected", "Unknown", "Input")
_COUNTS: Final = ("accepted", "rejected", "unknown")

Entry = JsonObject


def result(
    sink: Sink, entries: Iterator[Entry], facts: JsonObject, total: int, *, seen: bool
) -> None:
    """Show every line, in order; with `--output jsonl` that has happened already.

    `facts` are what the JSON result says before its lines. People are not shown again what they
    have `seen` as it came.
    """
    if sink.mode is Output.JSON:
        sink.json_with_list(facts, "tasks", entries, {"total": total})
    elif sink.mode is Output.HUMAN and not seen and sink.stdout_is_terminal:
        batch_lines.table(sink, list(map(ShownLine, entries)))
    elif sink.mode is Output.HUMAN and not seen:
        for entry in entries:
            _human_line(sink, entry)
    elif sink.mode is Output.QUIET:
        for entry in entries:
            _quiet_lines(sink, entry)


def _human_line(sink: Sink, entry: Entry) -> None:
    task = f" ({entry['taskId']})" if "taskId" in entry else ""
    name = f"{entry['id']} " if "id" in entry else ""
    problem = f" - {entry['error']}" if "error" in entry else ""
    sink.line(
        f"{entry['index']}. {name}{entry['modelSlug']}{task}: {entry['status']}"
        f" [{entry['submissionState']}]{problem}"
    )
    for file in entry.get("files", ()):
        sink.line(f"   {file['path']}")


def _quiet_lines(sink: Sink, entry: Entry) -> None:
    if not entry["ok"]:
        sink.warn(f"Task {entry['index']} ({entry['modelSlug']}) failed: {entry['error']}")
    made = [file["path"] for file in entry.get("files", ())]
    if entry["ok"]:
        made = made or entry.get("resourceUrls") or [entry["taskId"]]
    for text in made:
        sink.line(text)


def batch_facts(batch: Batch, counts: dict[str, int]) -> JsonObject:
    """Return a batch as JSON shows it, with the number of its lines in each state."""
    states = {state: counts.get(state, 0) for state in _COUNTS}
    states["unknown"] += counts.get("intent", 0)
    again = resume_argv(batch, counts)
    return {
        "batch": batch.number,
        "createdAt": iso(batch.created_at),
        "updatedAt": iso(batch.updated_at),
        "source": batch.source,
        "state": batch.state,
        "total": batch.total,
        **states,
        "notStarted": batch.total - sum(counts.values()),
        "resume": join(again) if again else None,
        "resumeArgv": again,
    }


def resume_argv(batch: Batch, counts: dict[str, int]) -> list[str] | None:
    """Return the command line that goes on with a batch, None where there is none.

    A `--new` that has sent nothing is none to paste: meanwhile another one may have paid.
    """
    if batch.state == "done" or not batch.resume_argv or _is_unsent_new(batch, counts):
        return None
    return ["--resume" if word == "--new" else word for word in batch.resume_argv]


def _is_unsent_new(batch: Batch, counts: dict[str, int]) -> bool:
    sent = any(counts.get(state) for state in ("accepted", "unknown", "intent"))
    return "--new" in batch.resume_argv and not sent


def batches(sink: Sink, rows: list[tuple[Batch, dict[str, int]]]) -> None:
    """Show the batches of this machine, the newest first."""
    facts = [batch_facts(batch, tally) for batch, tally in rows]
    if sink.mode is Output.JSON:
        sink.json({"batches": facts})
    elif sink.mode is Output.QUIET:
        for batch, _ in rows:
            sink.line(str(batch.number))
    elif not rows:
        sink.note("No batch was run here yet.")
    elif sink.stdout_is_terminal:
        sink.table(
            _HEADERS, [_cells(batch, fact) for (batch, _), fact in zip(rows, facts, strict=True)]
        )
    else:
        names = ("batch", "state", "createdAt", "total", *_COUNTS, "source")
        for fact in facts:
            sink.row(*(str(fact[name]) for name in names))


def _cells(batch: Batch, fact: JsonObject) -> tuple[str, ...]:
    accepted = f"{fact['accepted']} of {batch.total}"
    rest = (str(fact[name]) for name in _COUNTS[1:])
    return (
        str(batch.number),
        batch.state,
        clock_time(batch.created_at),
        accepted,
        *rest,
        batch.source,
    )


def batch(
    sink: Sink,
    shown: Batch,
    tally: dict[str, int],
    lines: Iterator[ShownLine],
    command_line: Callable[..., str],
) -> None:
    """Show one batch with every line that was started.

    `command_line` writes commands as `CommandLines.line` does.
    """
    facts = batch_facts(shown, tally)
    if sink.mode is Output.JSON:
        sink.json_with_list(facts, "tasks", map(_with_costs, lines), {})
    elif sink.mode is Output.JSONL:
        for line in lines:
            sink.json_line(_with_costs(line))
    elif sink.mode is Output.QUIET:
        for line in lines:
            if "taskId" in line.entry:
                sink.line(line.entry["taskId"])
    else:
        sink.line(f"Batch {shown.number} of {shown.source}: {shown.state}")
        sink.line(
            f"{count(shown.total, 'line')}: {facts['accepted']} accepted, {facts['rejected']} "
            f"rejected, {facts['unknown']} unknown, {facts['notStarted']} not started"
        )
        _lines_for_people(sink, lines, command_line)
        if shown.state != "done":
            runs = shown.state == "running"  # or it ended without a word
            when = "If it no longer runs, resume" if runs else "Resume"
            if facts["resume"]:
                sink.alert(f"{when} with: {facts['resume']}", exact=True)
            elif _is_unsent_new(shown, tally):
                sink.note("It has sent nothing. Say --new again to pay for every line once more.")
            else:  # an older version began it
                resume = command_line("model batch", shown.source, options=["--resume"])
                sink.note(f"{when} with the options that it was started with: {resume} ...")


def _lines_for_people(
    sink: Sink, lines: Iterator[ShownLine], command_line: Callable[..., str]
) -> None:
    """Show lines: a table with costs and failures at a terminal, else one after the other."""
    if not sink.stdout_is_terminal:
        for line in lines:
            _human_line(sink, line.entry)
        return
    known = list(lines)
    if not known:
        return
    sink.line("")
    batch_lines.table(sink, known)
    failures = batch_lines.reasons(known).words()
    for text in (batch_lines.saved(known), batch_lines.costs(sink, known), *failures):
        if text:
            sink.sentence(text)
    example = next((line.entry["taskId"] for line in known if "taskId" in line.entry), None)
    if example is not None:
        sink.note(f"See one of them with: {command_line('task show', example)}")


def _with_costs(line: ShownLine) -> Entry:
    """Return the entry of a line with what it was to cost at most, where that is known."""
    if line.estimated is None:
        return line.entry
    return line.entry | {"estimatedUsd": json_amount(line.estimated)}
