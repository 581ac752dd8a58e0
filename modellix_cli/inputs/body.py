"""Reading the request body a user gives: the exact bytes, once they are known to be one object."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Final

from modellix_cli.domain.errors import ErrorCode, ModellixError
from modellix_cli.domain.jsontext import JsonError, decode, loads
from modellix_cli.domain.text import clip, one_line

MAX_BODY_BYTES: Final = 64 * 1024 * 1024
_FILE_HINT: Final = "Fix the file at that place and run the same command again."
_EXAMPLE_HINT: Final = """For example: --body '{"prompt": "a cat"}'"""
_BLANKS: Final = b" \t\r\n"
_UTF8_MARK: Final = b"\xef\xbb\xbf"
_UTF16_MARKS: Final = (b"\xff\xfe", b"\xfe\xff")


def read_body(
    text: str | None, file: str | None, read_stdin: Callable[[int], bytes], max_bytes: int
) -> bytes:
    """Return the body from `--body` or `--body-file` (`-`: standard input).

    The bytes are the user's, but for a byte order mark and surrounding blanks. Raises
    `INVALID_BODY` or `INPUT_UNREADABLE`, saying where and what to type instead.
    """
    if text is not None and file is not None:
        raise ModellixError(
            ErrorCode.INVALID_BODY,
            "Both --body and --body-file were given.",
            hint="Give one of them.",
        )
    if text is not None:
        option, data = "--body", os.fsencode(text)
    elif file is not None:
        option, data = "--body-file", read_input(file, read_stdin, max_bytes)
    else:
        raise missing_body()
    body = data.removeprefix(_UTF8_MARK).strip(_BLANKS)
    if len(body) > max_bytes:
        raise too_large(max_bytes)
    check_object(body, data, option)
    return body


def read_input(file: str, read_stdin: Callable[[int], bytes], max_bytes: int) -> bytes:
    """Return the bytes of `file`, or of standard input for `-`; at most a little over the limit."""
    limit = max_bytes + 1024
    if file == "-":
        try:
            data = read_stdin(limit + 1)
        except OSError as error:
            raise ModellixError(
                ErrorCode.INPUT_UNREADABLE, f"Unable to read standard input: {error}."
            ) from error
        if len(data) > limit:
            raise too_large(max_bytes)
        return data
    try:
        with Path(file).open("rb") as stream:
            data = stream.read(limit)
            if len(data) == limit and stream.read(1):
                raise too_large(max_bytes)
            return data
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise ModellixError(
            ErrorCode.INPUT_UNREADABLE, f"Unable to read --body-file {one_line(file)}: {reason}."
        ) from error


def missing_body() -> ModellixError:
    """Return the error for a request without a body."""
    return ModellixError(
        ErrorCode.INVALID_BODY,
        "Missing request body. Provide --body or --body-file.",
        hint='Or give a prompt behind the model: modellix-cli model run SLUG "a cat"; - reads it '
        'from standard input. As JSON: --body \'{"prompt": "a cat"}\'',
    )


def too_large(max_bytes: int) -> ModellixError:
    """Return the error for a body over the limit."""
    return ModellixError(
        ErrorCode.INVALID_BODY,
        f"Model request body exceeds the {max_bytes}-byte limit.",
        hint="Upload large inputs and pass their URL, or raise --max-body-bytes.",
    )


def check_object(body: bytes, given: bytes, option: str) -> None:
    """Refuse anything but one JSON object; the position counts in what the user gave."""
    if given.startswith(_UTF16_MARKS):
        raise ModellixError(
            ErrorCode.INVALID_BODY,
            f"The JSON from {option} is UTF-16, not UTF-8.",
            hint="In PowerShell, write it with: Set-Content -Encoding utf8 body.json",
        )
    if not body:
        raise ModellixError(
            ErrorCode.INVALID_BODY, f"The JSON from {option} is empty.", hint=_EXAMPLE_HINT
        )
    try:
        value = loads(decode(given))
    except JsonError as error:
        shown = ""
        if error.line:
            line = given.removeprefix(_UTF8_MARK).split(b"\n")[error.line - 1 : error.line]
            begins_like_json = body.startswith((b"{", b"["))  # else it may be a file with a key
            shown = _excerpt(line[0] if line and begins_like_json else b"", error.column)
        raise ModellixError(
            ErrorCode.INVALID_BODY,
            f"Invalid JSON from {option}: {error}.{shown}",
            hint=_hint(body) if option == "--body" else _FILE_HINT,
        ) from error
    if not isinstance(value, dict):
        raise ModellixError(
            ErrorCode.INVALID_BODY,
            f"JSON from {option} must be an object, not {_name(value)}.",
            hint="""Write {"parameter": value, …}, for example {"prompt": "a cat"}.""",
        )


def _excerpt(line: bytes, column: int) -> str:
    start = max(0, column - 20)
    near = line.decode("utf-8", "replace")[start : column + 20].strip()
    return f" Near: {clip(one_line(near), 60)}" if near else ""


def _hint(body: bytes) -> str | None:
    """Recognise what shells do to JSON on the command line."""
    if body.startswith(b"@"):
        return "To read a file, pass --body-file FILE."
    if "“".encode() in body or "”".encode() in body:
        return """Strings need straight double quotes: {"prompt": "a cat"}"""
    if body.startswith(b"'"):
        return (
            "The shell passed the single quotes on. In cmd.exe write "
            r'--body "{\"prompt\": \"a cat\"}", or put the JSON in a file: --body-file body.json'
        )
    if body.startswith((b"{", b"\\")) and (b'"' not in body or b'\\"' in body[:8]):
        return (
            "The double quotes were lost or escaped on the way. In sh write --body "
            """'{"prompt": "a cat"}'; in older PowerShell '{\\"prompt\\": \\"a cat\\"}'; """
            "or put the JSON in a file: --body-file body.json"
        )
    return None


def _name(value: object) -> str:
    if value is None:
        return "null"
    names = {list: "an array", str: "a string", bool: "true or false"}
    return names.get(type(value), "a number")


def unreadable_stdin(option: str) -> ModellixError:
    """Return the error for input expected from a pipe where a terminal is."""
    return ModellixError(
        ErrorCode.INPUT_UNREADABLE,
        f"Cannot read {option} - from an interactive terminal. Pipe JSON to stdin.",
        hint="For example: modellix-cli model run SLUG --body-file - < body.json",
    )
