"""How the lines of a batch look to people: a table, what it cost, why lines failed."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

from modellix_cli.domain.frozen import frozen
from modellix_cli.domain.jsontext import JsonObject
from modellix_cli.domain.money import NOTHING, Money
from modellix_cli.domain.text import clip, count
from modellix_cli.output.sink import Sink
from modellix_cli.output.summaries import bill, shown_path

if TYPE_CHECKING:
    from modellix_cli.output.columns import Column

_MOST_REASONS: Final = 5
_MOST_LINES: Final = 10
_LONGEST_REASON: Final = 300
_NOT_KNOWN: Final = "-"


@frozen
class ShownLine:
    """A line that was started: its entry as the JSON has it, and what it costs."""

    entry: JsonObject
    estimated: Money | None = None
    billed: Money | None = None

    @property
    def paths(self) -> list[Path]:
        """What was saved of it."""
        return [Path(str(file["path"])) for file in self.entry.get("files", ())]

    @property
    def word(self) -> str:
        """How it ended, or how its submission did."""
        status, state = str(self.entry["status"]), str(self.entry["submissionState"])
        return state if status == "error" else status

    @property
    def cost(self) -> str:
        """What it was billed, or with a mark what it may cost."""
        if self.billed is not None:
            return self.billed.words
        return _NOT_KNOWN if self.estimated is None else f"~{self.estimated.words}"


def table(sink: Sink, lines: Sequence[ShownLine]) -> None:
    """Show lines as a table that fits the terminal."""
    from modellix_cli.output.columns import write_columns

    files = [_files(line, several=len(_folders(lines)) > 1) for line in lines]
    columns = [_column("Line", (line.entry["index"] for line in lines))]
    if any("id" in line.entry for line in lines):
        columns.append(_column("Id", (line.entry.get("id") for line in lines), least=8))
    slugs = [str(line.entry["modelSlug"]) for line in lines]
    short = tuple(map(without_provider, slugs))
    columns += [
        replace(_column("Model", slugs, least=8), short=short, good=14),
        _column("Status", (line.word for line in lines), least=8),
    ]
    if any(line.cost != _NOT_KNOWN for line in lines):
        columns.append(_column("Cost", (line.cost for line in lines)))
    if any("taskId" in line.entry for line in lines):
        columns.append(_column("Task", (line.entry.get("taskId") for line in lines), optional=True))
    if any(files):
        columns.append(replace(_column("File", files, least=14, optional=True), good=24))
    write_columns(sink, columns)


def without_provider(slug: str) -> str:
    """Return the name of a model alone, as far as there is no room for its provider.

    >>> without_provider("alibaba/qwen-image-plus")
    'qwen-image-plus'
    """
    return slug.rpartition("/")[2]


def saved(lines: Sequence[ShownLine]) -> str:
    """Return how many files were saved where, in a sentence; "" where the table tells it."""
    folders = _folders(lines)
    if len(folders) != 1:
        return ""
    return f"Saved {count(sum(len(line.paths) for line in lines), 'file')} in {folders[0]}."


def costs(sink: Sink, lines: Iterable[ShownLine]) -> str:
    """Return what lines cost, in a sentence; "" where nothing is known."""
    billed = estimated = NOTHING
    bills = open_ = unknown = 0
    for line in lines:
        if line.billed is not None:
            billed, bills = billed + line.billed, bills + 1
        elif line.estimated is not None:
            estimated, open_ = estimated + line.estimated, open_ + 1
        elif line.entry["submissionState"] != "rejected":
            unknown += 1
    words = bill(sink, billed, watched=sink.stdout_is_terminal)
    told = [f"Billed {words} for {count(bills, 'task')}"] if bills else []
    told += [f"{estimated.words} at most for {open_} without a bill"] if open_ else []
    told += [f"the cost of {unknown} is not known"] if unknown and told else []
    text = "; ".join(told)
    return f"{text[:1].upper()}{text[1:]}." if text else ""


class Reasons:
    """Why lines failed, each reason with their numbers; ids of tasks do not tell reasons apart."""

    def __init__(self) -> None:
        self._numbers: dict[str, list[int]] = {}
        self._first: dict[str, str] = {}

    def __bool__(self) -> bool:
        return bool(self._numbers)

    def add(self, entry: JsonObject) -> None:
        """Take a line that failed."""
        error = str(entry["error"])
        reason = error.replace(entry.get("taskId") or "\0", "TASK")
        self._first.setdefault(reason, error)
        self._numbers.setdefault(reason, []).append(int(entry["index"]))

    def words(self) -> list[str]:
        """Return a line for each of the most frequent: `Failed: 3 lines (4, 7, 9): REASON`."""
        most = sorted(self._numbers, key=lambda reason: -len(self._numbers[reason]))[:_MOST_REASONS]
        lines = [self._told(reason, self._numbers[reason]) for reason in most]
        rest = len(self._numbers) - len(most)
        return [*lines, f"Failed for {count(rest, 'other reason')}."] if rest else lines

    def _told(self, reason: str, numbers: Sequence[int]) -> str:
        if len(numbers) == 1:  # its words name the task, so that a command in them works
            return f"Failed: line {numbers[0]}: {clip(self._first[reason], _LONGEST_REASON)}"
        some = ", ".join(map(str, sorted(numbers)[:_MOST_LINES]))
        more = ", …" if len(numbers) > _MOST_LINES else ""
        return f"Failed: {len(numbers)} lines ({some}{more}): {clip(reason, _LONGEST_REASON)}"


def reasons(lines: Iterable[ShownLine]) -> Reasons:
    """Return why lines failed."""
    found = Reasons()
    for line in lines:
        if not line.entry["ok"]:
            found.add(line.entry)
    return found


def _folders(lines: Iterable[ShownLine]) -> list[str]:
    return sorted({shown_path(str(path.parent)) for line in lines for path in line.paths})


def _files(line: ShownLine, *, several: bool) -> str:
    """Return the first file of a line, without its folder where all are in one; how many more."""
    if not line.paths:
        return ""
    first = line.paths[0]
    name = shown_path(str(first)) if several else first.name
    rest = len(line.paths) - 1
    return f"{name} and {rest} more" if rest else name


def _column(
    heading: str, cells: Iterable[object], least: int | None = None, *, optional: bool = False
) -> "Column":
    from modellix_cli.output.columns import Column

    texts = (str(cell) if cell not in (None, "") else _NOT_KNOWN for cell in cells)
    return Column(heading, tuple(texts), least, optional)
