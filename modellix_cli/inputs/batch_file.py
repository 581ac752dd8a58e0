"""The input of `model batch`: read once, checked whole, and set aside for the run."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, nullcontext
from hashlib import sha256
from pathlib import Path
from tempfile import SpooledTemporaryFile
from threading import Lock
from typing import BinaryIO, Final

from modellix_cli.domain.addresses import parse_webhook_url
from modellix_cli.domain.errors import ErrorCode, ModellixError
from modellix_cli.domain.frozen import frozen
from modellix_cli.domain.jsontext import Json, dumps, loads
from modellix_cli.domain.values import Slug, parse_slug
from modellix_cli.inputs.batch_faults import Faults
from modellix_cli.inputs.batch_format import BatchFormat
from modellix_cli.inputs.batch_lines import (
    EXAMPLE_HINT,
    numbered_lines,
    read_json_lines,
    unreadable,
)
from modellix_cli.inputs.batch_table import HEADER_HINT, read_table
from modellix_cli.inputs.batch_task import GivenTask, invalid, place_of, read_name
from modellix_cli.inputs.body import MAX_BODY_BYTES
from modellix_cli.inputs.input_uses import InputUse, find_inputs, with_values
from modellix_cli.inputs.line_uses import LineUse, find_uses
from modellix_cli.inputs.local_paths import names_a_file

MAX_INPUT_BYTES: Final = 1024**3
_IN_MEMORY: Final = 4 * 1024 * 1024  # above this, what is set aside goes to the disk
_BESIDE_BODY: Final = 1024 * 1024  # slug, id, keys that are ignored

Expand = Callable[[GivenTask], Iterable[GivenTask]]
"""Makes of a task that is given those that are sent; after an error it may go on with the next."""

Examine = Callable[["BatchInput", Faults], None]
"""Notes what else is wrong with lines that can be read, where something is wrong with others."""


@frozen
class Line:
    """One task. `index` counts the tasks, `number` is its line in the file, both from 1.

    `body` is compact JSON with its numbers as they were written; `name` is the task's id.
    `request_key` is what it is paid for once under, `webhook` where the service is to call back,
    `tag` what the user finds it by. `uses` are the places in the body that stand for what other
    lines make, `inputs` those that stand for files and results of tasks: for the text there,
    something else is sent.
    """

    index: int
    number: int
    slug: Slug
    body: bytes
    name: str | None
    request_key: str | None = None
    webhook: str | None = None
    tag: str | None = None
    uses: tuple[LineUse, ...] = ()
    inputs: tuple[InputUse, ...] = ()

    @property
    def asked(self) -> bytes:
        """The body with what its inputs ask for, whatever address that has."""
        if not self.inputs:
            return self.body
        return with_values(self.body, ((use.place, use.asked) for use in self.inputs))


class BatchInput(AbstractContextManager["BatchInput"]):
    """Tasks that were read and checked, in a temporary file without a name.

    They stay as they were read whatever becomes of the file. `close`, or the end of `with`, drops
    them. `total` is how many there are, `slugs` how many for each slug, `uses` in how many places
    they use each other. `unresolved` says which inputs are not known as they would be sent,
    `unknown` what was warned of, by model and parameter, `default_model` which model lines got
    although nobody named one, `may_name_files` whether a body may hold a path of a media file.
    """

    def __init__(self, unit: str = "line") -> None:
        """`unit` is what a task's number counts: lines of a file, or rows of a table."""
        self.total = 0
        self.slugs: dict[str, int] = {}
        self.uses = 0
        self.unit = unit
        self.unresolved: tuple[str, ...] = ()
        self.unknown: dict[tuple[str, str], str] = {}
        self.default_model: str | None = None
        self.may_name_files = False
        self._file = SpooledTemporaryFile(max_size=_IN_MEMORY)  # noqa: SIM115
        self._lock = Lock()
        self._end = 0
        self._sum = sha256()

    def __exit__(self, *_details: object) -> None:
        self.close()

    def close(self) -> None:
        """Drop the tasks; `lines` must not be used any more."""
        self._file.close()

    @property
    def digest(self) -> str:
        """SHA-256 in hex over the ids, slugs and bodies in their order, and nothing else."""
        return self._sum.hexdigest()

    def where(self, line: Line) -> str:
        """Return where a task stands, for an error; empty where it stands in no file."""
        return place_of(self.unit, line.number)

    def add(self, task: Line) -> None:
        """Append a task; its index is its turn. Raises `OUTPUT_UNWRITABLE` without room for it."""
        head: list[Json] = [task.name, str(task.slug)]
        if task.request_key is not None or task.webhook is not None or task.uses or task.inputs:
            head += [task.request_key, task.webhook]
        if task.uses or task.inputs:
            head.append([[list(use.place), use.line_id, use.position] for use in task.uses])
        if task.inputs:
            head.append([[list(use.place), use.written, use.asked] for use in task.inputs])
        # No part has a line break inside: JSON escapes them.
        text = f"{dumps(head, indent=None)}\n".encode() + task.body + b"\n"
        # These are no part of what makes these lines the same as those of an earlier run.
        shown: list[Json] = [use.shown for use in task.inputs]
        beside = dumps([task.number, task.tag, shown], indent=None)
        record = f"{beside}\n".encode() + text
        try:
            with self._lock:
                self._file.seek(self._end)
                self._file.write(record)
        except OSError as error:
            raise ModellixError(
                ErrorCode.OUTPUT_UNWRITABLE,
                f"Unable to set the batch input aside: {error.strerror or error}.",
                hint="Free some space in the folder for temporary files, or name another in "
                "TMPDIR. Nothing was submitted.",
            ) from error
        self._end += len(record)
        self._sum.update(text)
        self.may_name_files = self.may_name_files or names_a_file(task.body)
        self.total += 1
        self.uses += len(task.uses)
        slug = str(task.slug)
        self.slugs[slug] = self.slugs.get(slug, 0) + 1

    def lines(self, start: int = 1) -> Iterator[Line]:
        """Yield the tasks from the `start`th on, as often as wanted, also from several threads."""
        place = 0
        for index in range(1, self.total + 1):
            with self._lock:
                self._file.seek(place)
                beside, head, body = (self._file.readline() for _ in range(3))
            place += len(beside) + len(head) + len(body)
            if index >= start:
                yield _stored_line(index, beside, head, body)


def _stored_line(index: int, beside: bytes, head: bytes, body: bytes) -> Line:
    number, tag, shown = loads(beside)
    name, slug, *more = loads(head)
    key, webhook, uses, inputs = (*more, None, None, None, None)[:4]
    places = tuple(LineUse(tuple(place), line_id, at) for place, line_id, at in uses or ())
    named = tuple(
        InputUse(tuple(place), written, asked, text)
        for (place, written, asked), text in zip(inputs or (), shown, strict=True)
    )
    return Line(index, number, parse_slug(slug), body[:-1], name, key, webhook, tag, places, named)


def read_batch(
    source: str | None,
    open_stdin: Callable[[], BinaryIO],
    *,
    path: Path,
    form: BatchFormat = BatchFormat.JSONL,
    expand: Expand = lambda task: (task,),
    max_body_bytes: int = MAX_BODY_BYTES,
    max_input_bytes: int = MAX_INPUT_BYTES,
    webhook_url: Callable[[str], str] = parse_webhook_url,
    examine: Examine = lambda found, faults: None,
) -> BatchInput:
    """Read the tasks from the file at `path`, which the user named `source`, or for `-` from stdin.

    Without `source` the one task has an empty body, and `expand` says what is to be in it.
    `max_body_bytes` bounds each body in its compact form, `max_input_bytes` all that is read.
    `webhook_url` reads the URL of a webhook, or raises the usage error. `examine` is called where
    something is wrong, and notes what else is.
    Raises `INPUT_UNREADABLE` for a file that cannot be read, `INVALID_BODY` for lines that are not
    tasks, all of them together, for an id that two lines have, too much and too little.
    """
    found = BatchInput("line" if form is BatchFormat.JSONL else "row")
    faults = Faults(found.unit)
    try:
        reading = _Reading(found, max_body_bytes, webhook_url, faults)
        if source is None:
            reading.take(expand(GivenTask(0, "", None, {})), 0)
        else:
            with _opened(source, open_stdin, path) as stream:
                row_limit = 2 * max_body_bytes + _BESIDE_BODY
                lines = numbered_lines(stream, row_limit, max_input_bytes, source)
                with faults.noting():
                    for task in _tasks(lines, form, row_limit, faults):
                        reading.take(expand(task), task.number)
        if faults.found:
            examine(found, faults)
        faults.check()
        if not found.total:
            what = "Batch input does not contain any tasks."
            hint = EXAMPLE_HINT if form is BatchFormat.JSONL else HEADER_HINT
            raise ModellixError(ErrorCode.INVALID_BODY, what, hint=hint)
    except BaseException as error:
        found.close()
        if isinstance(error, ModellixError):  # such as a network that is down
            faults.check()
        raise
    return found


def _opened(
    source: str, open_stdin: Callable[[], BinaryIO], path: Path
) -> AbstractContextManager[BinaryIO]:
    try:
        return nullcontext(open_stdin()) if source == "-" else path.open("rb")
    except (OSError, ValueError) as error:
        raise unreadable(source, error) from error


def _tasks(
    lines: Iterator[tuple[int, bytes]], form: BatchFormat, row_limit: int, faults: Faults
) -> Iterator[GivenTask]:
    if form is BatchFormat.JSONL:
        return read_json_lines(lines, faults)
    return read_table(lines, tabs=form is BatchFormat.TSV, row_limit=row_limit, faults=faults)


class _Reading:
    """Checks tasks that are ready to be sent, and sets them aside."""

    def __init__(
        self,
        found: BatchInput,
        max_body_bytes: int,
        webhook_url: Callable[[str], str],
        faults: Faults,
    ) -> None:
        self._faults = faults
        self._found = found
        self._max_body_bytes = max_body_bytes
        self._webhook_url = webhook_url
        self._hashes: set[int] = set()  # of the ids: whole ones could take 200 times as much

    def take(self, tasks: Iterable[GivenTask], number: int) -> None:
        """Take what the task of a line came to, or note what is wrong with it."""
        waiting = iter(tasks)
        more = True
        while more:
            with self._faults.noting(number, options=True):
                task = next(waiting, None)
                more = task is not None
                if task is not None:
                    self._found.add(self._line(task))

    def _line(self, task: GivenTask) -> Line:
        if task.slug is None:
            if self._found.unit == "row":
                raise invalid(task.where, "it names no model.", _MODEL_COLUMN)
            what = "modelSlug must be a non-empty string."
            raise invalid(task.where, what, f"{EXAMPLE_HINT} {_MODEL_OPTION}")
        try:
            body, uses = find_uses(task.body, task.suffix)
            inputs = find_inputs(body) if task.has_inputs else ()
            webhook = None if task.webhook is None else self._webhook_url(task.webhook)
        except ModellixError as error:
            raise invalid(task.where, error.message, error.hint) from error
        written = dumps(body, indent=None).encode()
        if len(written) > self._max_body_bytes:
            raise invalid(
                task.where,
                f"body exceeds the {self._max_body_bytes}-byte limit.",
                "Upload large inputs and pass their URL, or raise --max-body-bytes.",
            )
        name = task.name
        if name is not None:
            read_name(name, task.where)
            if hash(name) in self._hashes:
                self._refuse_twin(name, task.where)
            self._hashes.add(hash(name))
        return Line(
            *(0, task.number, task.slug, written, name),
            *(task.request_key, webhook, task.tag, uses, inputs),
        )

    def _refuse_twin(self, name: str, where: str) -> None:
        if self._faults.are_many:  # each would mean to go through all lines
            raise invalid(where, f'id "{name}" was given before.')
        for line in self._found.lines():
            if line.name == name:
                raise invalid(
                    where,
                    f'id "{name}" is already that of {self._found.unit} {line.number}.',
                    "Give each task an id of its own, or none at all.",
                )


_MODEL_OPTION: Final = "For all lines that name no model, pass --model SLUG."
_MODEL_COLUMN: Final = "Add a column named model, or pass --model SLUG for all rows that name none."
