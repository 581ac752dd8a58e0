"""Which lines of a batch use what others make, and what is sent once those are there."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from modellix_cli.clock import Clock, clock_time
from modellix_cli.domain.errors import ErrorCode, ModellixError
from modellix_cli.domain.jsontext import Json
from modellix_cli.domain.submission_state import SubmissionState
from modellix_cli.domain.task import Task
from modellix_cli.domain.text import count, quoted
from modellix_cli.engine.core.lines import LineOutcome
from modellix_cli.inputs.batch_faults import Faults
from modellix_cli.inputs.batch_file import BatchInput, Examine, Line
from modellix_cli.inputs.batch_task import invalid
from modellix_cli.inputs.input_uses import InputUse, with_values
from modellix_cli.inputs.line_uses import LineUse, fill_in

_LITERAL_HINT: Final = 'For the text itself, write "@@line:…".'
_EXPIRED_HINT: Final = (
    "Put the URL of another file there instead, for example of one that was saved: "
    "modellix-cli file upload FILE. Or pay for every line again with --new."
)

_MISSING_HINT: Final = (
    "The service may find it again later: run the batch again with --resume. If it stays away: "
    + _EXPIRED_HINT[0].lower()
    + _EXPIRED_HINT[1:]
)


class LineLinks:
    """The lines that others use; they stand before those."""

    def __init__(self, tasks: BatchInput, examine: Examine = lambda found, faults: None) -> None:
        """Find them. Raises `INVALID_BODY` for an id that no earlier line has.

        `examine` is called then, and notes what else is wrong.
        """
        self._indexes: dict[str, int] = {}
        self.users: dict[int, int] = {}
        """By the index of a line, how many lines use it."""
        if not tasks.uses:
            return
        wanted = {use.line_id for line in tasks.lines() for use in line.uses}
        faults = Faults(tasks.unit)
        for line in tasks.lines():
            unknown = [use for use in line.uses if use.line_id not in self._indexes]
            with faults.noting(line.number):
                if unknown:
                    raise _no_such_line(tasks, line, unknown[0])
            if line.name in wanted:
                self._indexes[str(line.name)] = line.index
        if faults.found:
            examine(tasks, faults)
        faults.check()
        for line in tasks.lines():
            for need in self.needs(line):
                self.users[need] = self.users.get(need, 0) + 1

    def index(self, use: LineUse) -> int:
        """Return the index of the line that is used, from 1."""
        return self._indexes[use.line_id]

    def needs(self, line: Line) -> tuple[int, ...]:
        """Return the indexes of the lines whose results a line uses."""
        return tuple(sorted({self.index(use) for use in line.uses}))

    def names(self, line: Line) -> tuple[str, ...]:
        """Return their ids, in the same order."""
        ids = {self.index(use): use.line_id for use in line.uses}
        return tuple(ids[need] for need in self.needs(line))


def _no_such_line(tasks: BatchInput, line: Line, use: LineUse) -> ModellixError:
    where = tasks.where(line)
    shown = quoted(use.line_id)
    later = next((other for other in tasks.lines() if other.name == use.line_id), None)
    if later is None:
        return invalid(where, f"no line has the id {shown}, whose result it uses.", _LITERAL_HINT)
    if later.index == line.index:
        return invalid(where, "it uses its own result.", _LITERAL_HINT)
    return invalid(
        where,
        f"it uses the result of {shown}, which stands after it, {tasks.where(later)}.",
        "Write a line behind those whose results it uses.",
    )


@dataclass(slots=True)
class _Made:
    """What a line made: the address of each resource, None where it has none."""

    name: str
    task_id: str
    urls: tuple[str | None, ...] | None = None
    """None until its task was read."""


@dataclass(slots=True)
class LineResults:
    """The results of lines that others use, and the bodies that are sent with them.

    `read_task` asks the service for a task: what an earlier run made is read again, as its address
    may have expired. `address_of` returns what is sent for a file or a result that an option named.
    """

    links: LineLinks
    read_task: Callable[[str], Task]
    clock: Clock
    max_body_bytes: int
    address_of: Callable[[Line, InputUse], Json]
    _made: dict[int, _Made] = field(default_factory=dict)

    def ended(self, outcome: LineOutcome, line: Line) -> None:
        """Take a line's end: what it made is kept while others use it."""
        for need in self.links.needs(line):
            self.links.users[need] -= 1
            if not self.links.users[need]:
                self._made.pop(need, None)
        wanted = self.links.users.get(line.index)
        if not wanted or outcome.state is not SubmissionState.ACCEPTED or not outcome.task_id:
            return
        urls = None if outcome.task is None else _urls(outcome.task)
        self._made[line.index] = _Made(line.name or "", outcome.task_id, urls)

    def body_of(self, line: Line) -> bytes:
        """Return what a line sends; asked from any thread, once those that it uses have ended.

        Raises `RESULT_EXPIRED`, `NO_RESOURCES` and why a task cannot be read.
        """
        body = fill_in(line.body, line.uses, self._url) if line.uses else line.body
        if line.inputs:
            named = [(use.place, self.address_of(line, use)) for use in line.inputs]
            body = with_values(body, named)
        if len(body) > self.max_body_bytes:
            raise ModellixError(
                ErrorCode.INVALID_BODY,
                f"With the results that it uses, the body exceeds the {self.max_body_bytes}-byte "
                "limit.",
            )
        return body

    def _url(self, use: LineUse) -> str:
        made = self._made[self.links.index(use)]
        if made.urls is None:
            made.urls = self._read(made)
        url = made.urls[use.position] if use.position < len(made.urls) else None
        if url is None:
            what = f"made {count(len(made.urls), 'result')}; in brackets they are counted from 0"
            if use.position < len(made.urls):
                what = "has no address for that one, as it is text"
            raise ModellixError(
                ErrorCode.NO_RESOURCES,
                f"{use.written} is not there: task {made.task_id} {what}.",
                hint="Correct the position, and run the batch again with --resume.",
            )
        return url

    def _read(self, made: _Made) -> tuple[str | None, ...]:
        try:
            task = self.read_task(made.task_id)
        except ModellixError as error:
            what = f"The result of line {quoted(made.name)} cannot be read: {error.message}"
            hint = _MISSING_HINT if error.code is ErrorCode.NOT_FOUND else error.hint
            raise error.copy_with(message=what, hint=hint) from error
        expiry = task.kept_until
        if expiry is not None and expiry <= self.clock.now():
            raise ModellixError(
                ErrorCode.RESULT_EXPIRED,
                f"The result of line {quoted(made.name)} (task {made.task_id}) expired on "
                f"{clock_time(expiry)}: results are kept for 7 days.",
                hint=_EXPIRED_HINT,
            )
        return _urls(task)


def _urls(task: Task) -> tuple[str | None, ...]:
    return tuple(resource.url for resource in task.resources)
