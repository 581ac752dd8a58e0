"""How it looks what is known here of one task."""

import stat
from pathlib import Path
from typing import TYPE_CHECKING, Final

from modellix_cli.clock import clock_time, iso
from modellix_cli.domain.frozen import frozen
from modellix_cli.domain.jsontext import JsonObject, dumps
from modellix_cli.domain.money import Money
from modellix_cli.domain.shell import join
from modellix_cli.domain.submission_state import SubmissionState
from modellix_cli.domain.task import has_failed
from modellix_cli.domain.text import clip, duration, size
from modellix_cli.output.folding import PARAMETERS, write_facts
from modellix_cli.output.request import file_as_dict, log_entry, parameters_of, prompt_of
from modellix_cli.output.sink import Output, Sink

if TYPE_CHECKING:
    from modellix_cli.ledger.attempt import Attempt
    from modellix_cli.ledger.request_records import Record
    from modellix_cli.ledger.task_records import KeptFile
    from modellix_cli.ledger.traces import Trace

_LONGEST: Final = 2000
"""Characters of a prompt or of parameters that people see; JSON has all of them."""
THERE: Final = "there"
CHANGED: Final = "changed"
MISSING: Final = "missing"


@frozen
class ShownTask:
    """A trace, the moment in Unix time, and the words of a command that runs it again, if any.

    `ask` is the command that asks the service why the task failed, `settle` the one that says what
    became of a submission of unknown outcome.
    """

    trace: "Trace"
    now: float
    again: tuple[str, ...] | None
    ask: str
    settle: str | None = None


def task_trace(sink: Sink, shown: ShownTask) -> None:
    """Show all that is known of a task: facts with their names, the task's id alone when quiet."""
    record = shown.trace.record
    if sink.mode is Output.JSON:
        sink.json(_as_dict(shown))
    elif sink.mode is Output.QUIET:
        sink.line(record.task_id or str(record.number))
    else:
        rows = (
            ("" if place else name, line)
            for name, lines in _facts(shown).items()
            for place, line in enumerate(lines)
        )
        write_facts(sink, rows, shown.again)


def state_of_file(file: "KeptFile") -> str:
    """Return whether a saved file is still there, by its size."""
    try:
        found = Path(file.path).stat()
    except (OSError, ValueError):
        return MISSING
    whole = stat.S_ISREG(found.st_mode) and found.st_size == file.size
    return THERE if whole else CHANGED


def seconds_of(record: "Record") -> float | None:
    """Return how long a task took from its submission to its end, None if that is not known."""
    if record.ended_at is None or record.ended_at <= record.created_at:
        return None
    return round(record.ended_at - record.created_at, 3)


def _as_dict(shown: ShownTask) -> JsonObject:
    trace = shown.trace
    record = trace.record
    facts = {
        **log_entry(record),
        "prompt": prompt_of(record.body),
        "seconds": seconds_of(record),
        "attempts": [_attempt(attempt) for attempt in trace.attempts] or None,
        "sourceTaskIds": list(trace.sources) or None,
        "sameRequestTaskIds": list(trace.same_request) or None,
        "again": None if shown.again is None else join(shown.again),
        "againArgv": None if shown.again is None else list(shown.again),
    }
    files = [{**file_as_dict(file), "state": state_of_file(file)} for file in record.files]
    known = {name: value for name, value in facts.items() if value is not None}
    return known | {"files": files, "ok": True}


def _attempt(attempt: "Attempt") -> JsonObject:
    facts = {
        "request": attempt.number,
        "id": attempt.id,
        "state": str(attempt.state),
        "sentAt": iso(attempt.created_at),
        "taskId": attempt.task_id,
        "message": attempt.detail,
    }
    return {name: value for name, value in facts.items() if value is not None}


def _facts(shown: ShownTask) -> dict[str, list[str]]:
    trace = shown.trace
    record = trace.record
    parameters = parameters_of(record.body)
    written = None if parameters is None else dumps(parameters, indent=None)
    facts: dict[str, list[str | None]] = {
        "Task": [record.task_id],
        "Model": [record.slug],
        "Status": [record.word],
        "Reason": [f"see {shown.ask}" if has_failed(record.word) else None],
        "Message": [None if record.state is SubmissionState.ACCEPTED else record.detail],
        "To settle": [shown.settle],
        "Prompt": [_clipped(prompt_of(record.body))],
        PARAMETERS: [_clipped(written) or _not_kept(record)],
        "Cost": [_cost(record)],
        "Submitted": [clock_time(record.created_at)],
        "Took": [None if seconds_of(record) is None else duration(seconds_of(record) or 0)],
        "Results": [_expiry(record, shown.now)],
        "Request": [_request(record)],
        "Batch": [_place(record)],
        "Tag": [record.tag],
        "Attempts": [_attempt_words(one) for one in trace.attempts if len(trace.attempts) > 1],
        "Files": [_file(file) for file in record.files],
        "Made from": [", ".join(trace.sources)],
        "Same as": [", ".join(trace.same_request)],
        "Profile": [record.profile],
        "Service": [record.base_url],
    }
    known = {name: [line for line in lines if line] for name, lines in facts.items()}
    return {name: lines for name, lines in known.items() if lines}


def _clipped(text: str | None) -> str | None:
    return None if text is None else clip(text, _LONGEST)


def _not_kept(record: "Record") -> str | None:
    return "not kept here" if record.number is not None else None


def _cost(record: "Record") -> str | None:
    billed, estimated = _money(record.billed_cost), _money(record.estimated_cost)
    if billed is not None:
        return billed if estimated is None else f"{billed} (estimated {estimated})"
    return None if estimated is None else f"{estimated} (estimated)"


def _money(text: str | None) -> str | None:
    amount = None if text is None else Money.parse(text)
    return None if amount is None else amount.words


def _expiry(record: "Record", now: float) -> str | None:
    if record.expires_at is None:
        return None
    verb = "kept until" if record.expires_at > now else "expired on"
    return f"{verb} {clock_time(record.expires_at)}"


def _request(record: "Record") -> str | None:
    if record.number is None:
        return None
    key = f", key {record.request_key}" if record.request_key else ""
    return f"{record.number}{key}"


def _place(record: "Record") -> str | None:
    if record.batch is None:
        return None
    name = f' ("{record.line_id}")' if record.line_id else ""
    return f"{record.batch}, line {record.line}{name}"


def _attempt_words(attempt: "Attempt") -> str:
    why = "" if attempt.state is SubmissionState.ACCEPTED else attempt.detail
    what = f"{attempt.number}, {clock_time(attempt.created_at)}: {attempt.state}"
    return f"{what}, {why}" if why else what


def _file(file: "KeptFile") -> str:
    state = state_of_file(file)
    return f"{file.path} ({size(file.size)}{'' if state == THERE else f', {state}'})"
