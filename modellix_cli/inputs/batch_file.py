"""The input of `model batch`: JSON Lines, read once, checked whole, and set aside for the run."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from hashlib import sha256
from itertools import count
from pathlib import Path
from tempfile import SpooledTemporaryFile
from threading import Lock
from typing import BinaryIO, Final

from modellix_cli.domain.addresses import parse_webhook_url
from modellix_cli.domain.errors import ErrorCode, ModellixError
from modellix_cli.domain.jsontext import Json, JsonError, dumps, loads
from modellix_cli.domain.text import one_line
from modellix_cli.domain.values import Slug, parse_request_key, parse_slug, parse_tag
from modellix_cli.inputs.body import MAX_BODY_BYTES

MAX_INPUT_BYTES: Final = 1024**3
_MAX_NAME: Final = 200
_IN_MEMORY: Final = 4 * 1024 * 1024  # above this, what is set aside goes to the disk
_BESIDE_BODY: Final = 1024 * 1024  # slug, id, keys that are ignored
_BLANKS: Final = b" \t\r\n"
_UTF8_MARK: Final = b"\xef\xbb\xbf"
_UTF16_MARKS: Final = (b"\xff\xfe", b"\xfe\xff")
_EXAMPLE: Final = '{"modelSlug": "bytedance/seedream-4.5-t2i", "body": {"prompt": "a cat"}}'
_EXAMPLE_HINT: Final = f"Write one task on each line, for example: {_EXAMPLE}"


@dataclass(frozen=True, slots=True)
class Line:
    """One task. `index` counts the tasks, `number` is its line in the file, both from 1.

    `body` is compact JSON with its numbers as they were written; `name` is the task's id.
    `request_key` is what it is paid for once under, `webhook` where the service is to call back,
    `tag` what the user finds it by.
    """

    index: int
    number: int
    slug: Slug
    body: bytes
    name: str | None
    request_key: str | None = None
    webhook: str | None = None
    tag: str | None = None


class BatchInput(AbstractContextManager["BatchInput"]):
    """Tasks that were read and checked, in a temporary file without a name.

    They stay as they were read whatever becomes of the file. `close`, or the end of `with`, drops
    them. `total` is how many there are, `slugs` how many for each slug.
    """

    def __init__(self) -> None:
        self.total = 0
        self.slugs: dict[str, int] = {}
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

    def add(self, task: Line) -> None:
        """Append a task; its index is its turn. Raises `OUTPUT_UNWRITABLE` without room for it."""
        head: list[str | None] = [task.name, str(task.slug)]
        if task.request_key is not None or task.webhook is not None:
            head += [task.request_key, task.webhook]
        # No part has a line break inside: JSON escapes them.
        text = f"{dumps(head, indent=None)}\n".encode() + task.body + b"\n"
        # A tag is no part of what makes these lines the same as those of an earlier run.
        beside = dumps([task.number, task.tag], indent=None)
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
        self.total += 1
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
                number, tag = loads(beside)
                name, slug, *more = loads(head)
                key, webhook = more or (None, None)
                yield Line(index, number, parse_slug(slug), body[:-1], name, key, webhook, tag)


def read_batch(
    source: str,
    open_stdin: Callable[[], BinaryIO],
    *,
    path: Path,
    max_body_bytes: int = MAX_BODY_BYTES,
    max_input_bytes: int = MAX_INPUT_BYTES,
    webhook_url: Callable[[str], str] = parse_webhook_url,
) -> BatchInput:
    """Read the tasks from the file at `path`, which the user named `source`, or for `-` from stdin.

    `max_body_bytes` bounds each body in its compact form, `max_input_bytes` all that is read.
    `webhook_url` reads the URL of a webhook, or raises the usage error.
    Raises `INPUT_UNREADABLE` for a file that cannot be read, `INVALID_BODY` for the first line
    that is not a task, an id that two lines have, too much and too little.
    """
    found = BatchInput()
    try:
        with _opened(source, open_stdin, path) as stream:
            _read(stream, found, max_body_bytes, max_input_bytes, source, webhook_url)
    except BaseException:
        found.close()
        raise
    return found


def _opened(
    source: str, open_stdin: Callable[[], BinaryIO], path: Path
) -> AbstractContextManager[BinaryIO]:
    try:
        return nullcontext(open_stdin()) if source == "-" else path.open("rb")
    except (OSError, ValueError) as error:
        raise _unreadable(source, error) from error


def _read(
    stream: BinaryIO,
    found: BatchInput,
    max_body_bytes: int,
    max_input_bytes: int,
    source: str,
    webhook_url: Callable[[str], str],
) -> None:
    hashes: set[int] = set()  # of the ids: whole ones could take 200 times as much
    for number, line in _numbered(
        stream, 2 * max_body_bytes + _BESIDE_BODY, max_input_bytes, source
    ):
        task = line.removeprefix(_UTF8_MARK).strip(_BLANKS)
        if not task or task.startswith(b"#"):
            continue
        read = _task(task, number, webhook_url)
        name = read.name
        if len(read.body) > max_body_bytes:
            raise _invalid(
                number,
                f"body exceeds the {max_body_bytes}-byte limit.",
                "Upload large inputs and pass their URL, or raise --max-body-bytes.",
            )
        if name is not None:
            if hash(name) in hashes:
                _refuse_twin(found, name, number)
            hashes.add(hash(name))
        found.add(read)
    if not found.total:
        raise ModellixError(
            ErrorCode.INVALID_BODY, "Batch input does not contain any tasks.", hint=_EXAMPLE_HINT
        )


def _numbered(
    stream: BinaryIO, line_limit: int, max_input_bytes: int, source: str
) -> Iterator[tuple[int, bytes]]:
    """Yield the lines and their numbers, never holding more than one."""
    left = max_input_bytes
    for number in count(1):
        try:
            line = stream.readline(min(line_limit, left) + 1)
        except (OSError, ValueError) as error:
            raise _unreadable(source, error) from error
        if not line:
            return
        left -= len(line)
        if left < 0:
            raise ModellixError(
                ErrorCode.INVALID_BODY,
                f"Batch input exceeds the {max_input_bytes}-byte limit.",
                hint="Split it into several batches, or raise --max-input-bytes.",
            )
        if len(line) > line_limit:
            raise _invalid(
                number,
                f"the line exceeds {line_limit} bytes.",
                "Upload large inputs and pass their URL, or raise --max-body-bytes.",
            )
        if number == 1 and line.startswith(_UTF16_MARKS):
            raise ModellixError(
                ErrorCode.INVALID_BODY,
                "The batch input is UTF-16, not UTF-8.",
                hint="In PowerShell, write it with: Set-Content -Encoding utf8 tasks.jsonl",
            )
        yield number, line


def _task(line: bytes, number: int, webhook_url: Callable[[str], str]) -> Line:
    try:
        task = loads(line)
    except JsonError as error:
        place = f" at column {error.column}" if error.column else ""
        raise ModellixError(
            ErrorCode.INVALID_BODY,
            f"Invalid JSON on line {number} of the batch input: {error.reason}{place}.",
            hint=_hint(line),
        ) from error
    if not isinstance(task, dict):
        raise _invalid(number, "expected a JSON object.", _hint(line))
    slug = _slug(task, number)
    body = task.get("body")
    if not isinstance(body, dict):
        hint = _EXAMPLE_HINT
        if isinstance(body, str):
            hint = f"Write the object itself, not a string that holds it, as in: {_EXAMPLE}"
        raise _invalid(number, "body must be a JSON object.", hint)
    return Line(
        0,
        number,
        slug,
        dumps(body, indent=None).encode(),
        _name(task.get("id"), number),
        _parsed(task, ("requestKey", "request_key"), number, parse_request_key),
        _parsed(task, ("webhook",), number, lambda url, name: webhook_url(url)),
        _parsed(task, ("tag",), number, parse_tag),
    )


def _parsed(
    task: dict[str, Json],
    names: tuple[str, ...],
    number: int,
    parse: Callable[[str, str], str],
) -> str | None:
    """Return a member that is a text with rules of its own, None where the line has none."""
    for name in names:
        value = task.get(name)
        if value is None:
            continue
        if not isinstance(value, str):
            raise _invalid(number, f"{name} must be a string.", _EXAMPLE_HINT)
        try:
            return parse(value, name)
        except ModellixError as error:
            raise _invalid(number, error.message, error.hint) from error
    return None


def _slug(task: dict[str, Json], number: int) -> Slug:
    given = [task[key] for key in ("modelSlug", "model_slug") if key in task]
    if len(given) == 2 and given[0] != given[1]:
        raise _invalid(number, "modelSlug and model_slug differ.", "Give one of them.")
    text = given[0] if given else None
    if not isinstance(text, str) or not text.strip():
        raise _invalid(number, "modelSlug must be a non-empty string.", _EXAMPLE_HINT)
    try:
        return parse_slug(text)
    except ModellixError as error:
        raise _invalid(number, error.message, error.hint) from error


def _name(name: Json, number: int) -> str | None:
    if name is None:
        return None
    if isinstance(name, int) and not isinstance(name, bool):
        name = str(name)
    problem = ""
    if not isinstance(name, str) or not name.strip():
        problem = "must be a non-empty string or an integer"
    elif len(name) > _MAX_NAME:
        problem = f"exceeds the {_MAX_NAME}-character limit"
    elif one_line(name) != name:
        problem = "must not have control characters"
    if problem:
        raise _invalid(number, f"id {problem}.", "Give each task an id of its own, or none at all.")
    return str(name)


def _refuse_twin(found: BatchInput, name: str, number: int) -> None:
    for line in found.lines():
        if line.name == name:
            raise _invalid(
                number,
                f'id "{name}" is already that of line {line.number}.',
                "Give each task an id of its own, or none at all.",
            )


def _invalid(number: int, problem: str, hint: str) -> ModellixError:
    return ModellixError(
        ErrorCode.INVALID_BODY, f"Invalid task on line {number}: {problem}", hint=hint
    )


def _unreadable(source: str, error: OSError | ValueError) -> ModellixError:
    where = "from standard input" if source == "-" else f"at path: {one_line(source)}"
    reason = getattr(error, "strerror", None) or str(error)
    return ModellixError(
        ErrorCode.INPUT_UNREADABLE, f"Unable to read batch input {where}: {reason}."
    )


def _hint(line: bytes) -> str:
    """Recognise JSON that is spread over lines, or one array of everything."""
    if line.startswith(b"["):
        return "Write one task on each line. From a JSON array: jq -c '.[]' FILE > tasks.jsonl"
    if line.startswith(b"{") and not line.endswith(b"}"):
        return f"Each task stands whole on its own line, for example: {_EXAMPLE}"
    return _EXAMPLE_HINT
