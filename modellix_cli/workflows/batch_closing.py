"""The closing summary of a batch: what was saved and where, what it cost and took, what failed."""

from dataclasses import dataclass, field
from pathlib import Path

from modellix_cli.context.session import Session
from modellix_cli.domain.jsontext import JsonObject
from modellix_cli.domain.money import NOTHING, Money
from modellix_cli.domain.text import count, duration, size
from modellix_cli.engine.core.following import LOST
from modellix_cli.engine.core.lines import LineOutcome
from modellix_cli.models.pricing.values import json_amount
from modellix_cli.output.batch_lines import Reasons
from modellix_cli.output.sink import Output, Sink
from modellix_cli.output.summaries import bill, shown_path


@dataclass(slots=True)
class Files:
    """Files that were saved, counted."""

    number: int = 0
    bytes: int = 0
    folders: set[str] = field(default_factory=set)

    def add(self, file: JsonObject) -> None:
        """Count a file, as the result has it."""
        self.number += 1
        self.bytes += int(file.get("bytes") or 0)
        self.folders.add(str(Path(str(file["path"])).parent))

    @property
    def words(self) -> str:
        """`2 files (1.2 MiB) in pictures`."""
        where = ", ".join(shown_path(folder) for folder in sorted(self.folders)[:3])
        return f"{count(self.number, 'file')} ({size(self.bytes)}) in {where}"


@dataclass(slots=True)
class BatchClosing:
    """Counts while lines end. `started` is the monotonic time at which the run began.

    `files` are those that this run saved, `kept` those that were there; `bills` is what each task
    cost that this run submitted, as far as the service said.
    """

    started: float
    files: Files = field(default_factory=Files)
    kept: Files = field(default_factory=Files)
    bills: dict[str, Money] = field(default_factory=dict)
    reasons: Reasons = field(default_factory=Reasons)

    def add(self, outcome: LineOutcome, entry: JsonObject) -> None:
        """Count a line; `entry` is what the result says of it."""
        kept = outcome.reused and (outcome.saved is None or outcome.saved.kept)
        for file in outcome.files or ():
            (self.kept if kept else self.files).add(file)
        if outcome.billed is not None and outcome.task_id is not None and not outcome.reused:
            self.bills[outcome.task_id] = outcome.billed
        told = outcome.waiting in (
            None,
            LOST,
        )  # what still runs is left to the command that resumes
        if outcome.state is not None and told and not entry["ok"]:
            self.reasons.add(entry)

    @property
    def billed(self) -> Money | None:
        """What the tasks cost that this run submitted, None where the service said of none."""
        return sum(self.bills.values(), NOTHING) if self.bills else None

    @property
    def facts(self) -> JsonObject:
        """What the JSON result says of it."""
        return {} if self.billed is None else {"billedUsd": json_amount(self.billed)}

    def tell(self, session: Session, batch: int) -> None:
        """Tell it, on stderr."""
        if session.out.mode is Output.QUIET:
            return
        for line in self.lines(session.out, session.runtime.clock.monotonic()):
            session.out.note(line)
        if self.reasons:
            show = session.commands.line(f"batch show {batch}")
            session.out.note(f"See every line with: {show}")

    def lines(self, sink: Sink, now: float) -> list[str]:
        """Return the lines of the summary at a monotonic time."""
        lines = [f"Saved {self.files.words}."] if self.files.number else []
        lines += [f"Saved before: {self.kept.words}."] if self.kept.number else []
        words = []
        if self.billed is not None and self.billed > NOTHING:
            billed = bill(sink, self.billed, watched=sink.talk_is_terminal)
            number = sum(amount > NOTHING for amount in self.bills.values())
            words = [f"Billed {billed} for {count(number, 'task')}."]
        lines.append(" ".join([*words, f"Took {duration(now - self.started)}."]))
        return lines + self.reasons.words()
