"""The closing summary of a batch: what was saved and where, what it cost and took, what failed."""

from dataclasses import dataclass, field
from pathlib import Path

from modellix_cli.context.session import Session
from modellix_cli.domain.jsontext import JsonObject
from modellix_cli.domain.money import NOTHING, Money
from modellix_cli.domain.text import count, duration, size
from modellix_cli.engine.core.lines import LineOutcome
from modellix_cli.output.batch_lines import Reasons
from modellix_cli.output.sink import Output
from modellix_cli.output.summaries import shown_path


@dataclass(slots=True)
class BatchClosing:
    """Counts while lines end. `started` is the monotonic time at which the run began."""

    started: float
    files: int = 0
    bytes: int = 0
    folders: set[str] = field(default_factory=set)
    billed: Money = NOTHING
    billed_tasks: int = 0
    reasons: Reasons = field(default_factory=Reasons)

    def add(self, outcome: LineOutcome, entry: JsonObject) -> None:
        """Count a line; `entry` is what the result says of it."""
        for file in outcome.files or ():
            self.files += 1
            self.bytes += int(file.get("bytes") or 0)
            self.folders.add(str(Path(str(file["path"])).parent))
        task = outcome.task
        billed = None if task is None or outcome.reused else task.billed
        if billed is not None and billed > NOTHING:
            self.billed += billed
            self.billed_tasks += 1
        if outcome.state is not None and outcome.waiting is None and not entry["ok"]:
            self.reasons.add(entry)

    def tell(self, session: Session, batch: int) -> None:
        """Tell it, on stderr."""
        if session.out.mode is Output.QUIET:
            return
        for line in self.lines(session.runtime.clock.monotonic()):
            session.out.note(line)
        if self.reasons:
            show = session.commands.line(f"batch show {batch}")
            session.out.note(f"See every line with: {show}")

    def lines(self, now: float) -> list[str]:
        """Return the lines of the summary at a monotonic time."""
        lines: list[str] = []
        if self.files:
            where = ", ".join(shown_path(folder) for folder in sorted(self.folders)[:3])
            files = count(self.files, "file")
            lines.append(f"Saved {files} ({size(self.bytes)}) in {where}.")
        words = [f"Billed {self.billed.words} for {count(self.billed_tasks, 'task')}."]
        words = words if self.billed_tasks else []
        lines.append(" ".join([*words, f"Took {duration(now - self.started)}."]))
        return lines + self.reasons.words()
