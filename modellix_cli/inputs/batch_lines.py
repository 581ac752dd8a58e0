"""The lines of a batch's input, one at a time, and the tasks that JSON Lines hold."""

from collections.abc import Iterator
from itertools import count
from typing import BinaryIO, Final

from modellix_cli.domain.errors import ErrorCode, ModellixError
from modellix_cli.domain.jsontext import Json, JsonError, loads
from modellix_cli.domain.text import clip, one_line
from modellix_cli.domain.values import Slug
from modellix_cli.inputs.batch_faults import Faults
from modellix_cli.inputs.batch_task import (
    GivenTask,
    invalid,
    place_of,
    read_name,
    read_slug,
    read_text,
)

_UTF8_MARK: Final = b"\xef\xbb\xbf"
_UTF16_MARKS: Final = (b"\xff\xfe", b"\xfe\xff")
_BLANKS: Final = b" \t\r\n"
_EXAMPLE: Final = '{"modelSlug": "bytedance/seedream-4.5-t2i", "body": {"prompt": "a cat"}}'
_UNRESOLVED_HINT: Final = (
    "The body holds words for it. Write there what is to be sent, such as the address that "
    "modellix-cli file upload prints, and remove unresolved from the line."
)
EXAMPLE_HINT: Final = f"Write one task on each line, for example: {_EXAMPLE}"
_TEXTS_HINT: Final = (
    f"{EXAMPLE_HINT} If each line is a prompt, write the line prompt above them, and add: "
    "--format tsv --model SLUG"
)


def numbered_lines(
    stream: BinaryIO, line_limit: int, max_input_bytes: int, source: str
) -> Iterator[tuple[int, bytes]]:
    """Yield the lines and their numbers, never holding more than one.

    `line_limit` and `max_input_bytes` bound a line and the whole. Raises `INPUT_UNREADABLE`, and
    `INVALID_BODY` for too much and for UTF-16.
    """
    left = max_input_bytes
    for number in count(1):
        try:
            line = stream.readline(min(line_limit, left) + 1)
        except (OSError, ValueError) as error:
            raise unreadable(source, error) from error
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
            raise invalid(
                f"on line {number}",
                f"the line exceeds {line_limit} bytes.",
                "Upload large inputs and pass their URL, or raise --max-body-bytes.",
            )
        if number == 1 and line.startswith(_UTF16_MARKS):
            raise ModellixError(
                ErrorCode.INVALID_BODY,
                "The batch input is UTF-16, not UTF-8.",
                hint="In PowerShell, write it with: Set-Content -Encoding utf8 tasks.jsonl\n"
                'In Excel, save it as "CSV UTF-8".',
            )
        yield number, line


def read_json_lines(lines: Iterator[tuple[int, bytes]], faults: Faults) -> Iterator[GivenTask]:
    """Yield the tasks. Blank lines and those that begin with `#` are none.

    What is wrong with the other lines is noted.
    """
    for number, line in lines:
        text = line.removeprefix(_UTF8_MARK).strip(_BLANKS)
        if not text or text.startswith(b"#"):
            continue
        task = None
        with faults.noting(number):
            task = _task(text, number)
        if task is not None:
            yield task


def unreadable(source: str, error: OSError | ValueError) -> ModellixError:
    """Return the error for an input that cannot be opened or read."""
    where = "from standard input" if source == "-" else f"at path: {one_line(source)}"
    reason = getattr(error, "strerror", None) or str(error)
    return ModellixError(
        ErrorCode.INPUT_UNREADABLE, f"Unable to read batch input {where}: {reason}."
    )


def _task(line: bytes, number: int) -> GivenTask:
    try:
        task = loads(line)
    except JsonError as error:
        place = f" at column {error.column}" if error.column else ""
        raise ModellixError(
            ErrorCode.INVALID_BODY,
            f"Invalid JSON on line {number} of the batch input: {error.reason}{place}.",
            hint=_hint(line),
        ) from error
    where = place_of("line", number)
    if not isinstance(task, dict):
        raise invalid(where, "expected a JSON object.", _hint(line))
    if task.get("unresolved"):
        raise invalid(where, f"--dry-run wrote it, and {_first(task)}.", _UNRESOLVED_HINT)
    slug = _slug(task, where)
    body = task.get("body")
    if not isinstance(body, dict):
        hint = EXAMPLE_HINT
        if isinstance(body, str):
            hint = f"Write the object itself, not a string that holds it, as in: {_EXAMPLE}"
        raise invalid(where, "body must be a JSON object.", hint)
    key = "requestKey" if task.get("requestKey") is not None else "request_key"
    return GivenTask(
        number,
        where,
        slug,
        body,
        read_name(task.get("id"), where),
        read_text(key, task.get(key), where),
        read_text("webhook", task.get("webhook"), where),
        read_text("tag", task.get("tag"), where),
    )


def _first(task: dict[str, Json]) -> str:
    """Return the first thing that a line says about itself not to be what is to be sent."""
    reasons = task["unresolved"]
    reason = reasons[0] if isinstance(reasons, list) else reasons
    return f"it says {clip(one_line(str(reason)), 200)}"


def _slug(task: dict[str, Json], where: str) -> Slug | None:
    named = [task.get(key) for key in ("modelSlug", "model_slug")]
    given = [slug for slug in named if slug is not None]
    if len(given) == 2 and given[0] != given[1]:
        raise invalid(where, "modelSlug and model_slug differ.", "Give one of them.")
    if not given:
        return None
    if not isinstance(given[0], str) or not given[0].strip():
        raise invalid(where, "modelSlug must be a non-empty string.", EXAMPLE_HINT)
    return read_slug(given[0], where)


def _hint(line: bytes) -> str:
    """Recognise JSON that is spread over lines, one array of everything, or plain text."""
    if line.startswith(b"["):
        return "Write one task on each line. From a JSON array: jq -c '.[]' FILE > tasks.jsonl"
    if line.startswith(b"{") and not line.endswith(b"}"):
        return f"Each task stands whole on its own line, for example: {_EXAMPLE}"
    if line[:1].isalpha() or line[:1] >= b"\x80":
        return _TEXTS_HINT
    return EXAMPLE_HINT
