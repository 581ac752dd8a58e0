"""How it looks where a file came from."""

from pathlib import Path
from typing import Final

from modellix_cli.clock import clock_time, iso
from modellix_cli.domain.frozen import frozen
from modellix_cli.domain.jsontext import JsonObject, loads
from modellix_cli.domain.money import Money
from modellix_cli.domain.shell import join
from modellix_cli.models.pricing.values import json_amount
from modellix_cli.output.folding import PARAMETERS, write_facts
from modellix_cli.output.sink import Output, Sink

CONTENT: Final = "content"
EMBEDDED: Final = "embedded"
SIDECAR: Final = "sidecar"
PATH: Final = "path"
_FOUND: Final = {
    CONTENT: "its content, which the ledger knows",
    EMBEDDED: "the record in the file",
    SIDECAR: "the record beside it, {name}.json",
    PATH: "its path; the content is not what was saved there",
}


@frozen
class MadeFile:
    """Where a file came from, as far as it is known.

    `found_by` is one of the words above; `in_ledger` whether the ledger knows the task, or all is
    what the file says. `parameters` is the request's body as JSON text; `created_at` a Unix time;
    `again` the words of a command that makes it once more, None where the request is not known.
    """

    path: Path
    found_by: str
    in_ledger: bool
    task_id: str
    model: str | None = None
    prompt: str | None = None
    parameters: str | None = None
    created_at: float | None = None
    billed: Money | None = None
    estimated: Money | None = None
    position: int | None = None
    profile: str | None = None
    base_url: str | None = None
    batch: int | None = None
    line: int | None = None
    line_id: str | None = None
    tag: str | None = None
    program: str | None = None
    sources: tuple[str, ...] = ()
    other_tasks: tuple[str, ...] = ()
    again: tuple[str, ...] | None = None

    def as_dict(self) -> JsonObject:
        """Return the JSON output; what is not known is left out."""
        facts = {
            "path": str(self.path),
            "foundBy": self.found_by,
            "inLedger": self.in_ledger,
            "taskId": self.task_id,
            "position": self.position,
            "modelSlug": self.model,
            "prompt": self.prompt,
            "parameters": None if self.parameters is None else loads(self.parameters),
            "createdAt": None if self.created_at is None else iso(self.created_at),
            "billedUsd": json_amount(self.billed),
            "estimatedUsd": json_amount(self.estimated),
            "profile": self.profile,
            "baseUrl": self.base_url,
            "batch": self.batch,
            "line": self.line,
            "lineId": self.line_id,
            "tag": self.tag,
            "program": self.program,
            "sourceTaskIds": list(self.sources) or None,
            "otherTaskIds": list(self.other_tasks) or None,
            "again": None if self.again is None else join(self.again),
            "againArgv": None if self.again is None else list(self.again),
        }
        return {name: value for name, value in facts.items() if value is not None} | {"ok": True}


def made(sink: Sink, file: MadeFile) -> None:
    """Show where a file came from: facts with their names, the task's id alone when quiet."""
    if sink.mode is Output.JSON:
        sink.json(file.as_dict())
    elif sink.mode is Output.QUIET:
        sink.line(file.task_id)
    else:
        write_facts(sink, _facts(file), file.again)
        if not file.in_ledger:
            sink.note("This machine's ledger does not know the task: this is what the file says.")


def _facts(file: MadeFile) -> list[tuple[str, str]]:
    facts = {
        "Task": file.task_id,
        "Model": file.model,
        "Prompt": file.prompt,
        PARAMETERS: file.parameters,
        "Cost": _cost(file),
        "Created": None if file.created_at is None else clock_time(file.created_at),
        "Profile": file.profile,
        "Batch": _place(file),
        "Tag": file.tag,
        "Made from": ", ".join(file.sources),
        "Also made by": ", ".join(file.other_tasks),
        "Found by": _FOUND[file.found_by].format(name=file.path.name),
    }
    return [(name, value) for name, value in facts.items() if value]


def _cost(file: MadeFile) -> str | None:
    if file.billed is not None:
        return file.billed.words
    return None if file.estimated is None else f"{file.estimated.words} (estimated)"


def _place(file: MadeFile) -> str | None:
    if file.batch is None:
        return None
    name = f' ("{file.line_id}")' if file.line_id else ""
    return f"{file.batch}, line {file.line}{name}"
