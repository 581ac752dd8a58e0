"""A body written in the user's editor, from a template that the model's schema gives."""

import os
import shlex
import subprocess
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from modellix_cli.context.session import Session
from modellix_cli.domain.errors import ErrorCode, ModellixError, usage
from modellix_cli.domain.jsontext import Json, dumps
from modellix_cli.domain.text import clip, one_line
from modellix_cli.inputs.body import check_object
from modellix_cli.models.parameters import Parameter

_COMMENT: Final = "//"
_WIDTH: Final = 96
_EMPTY: Final[dict[str, Json]] = {"string": "", "array": [], "object": {}, "boolean": False}
_MAX_BYTES: Final = 16 * 1024 * 1024


def edit_body(
    session: Session, slug: str, body: dict[str, Json], parameters: tuple[Parameter, ...]
) -> bytes:
    """Let the user edit a body and return it as it was saved, without the comments.

    The editor is that of VISUAL or EDITOR. Raises `DECLINED` where an empty file was saved, and
    `INVALID_BODY`, which names the file that keeps what was written.
    """
    if not session.runtime.stdin_is_terminal or not session.out.talk_is_terminal:
        raise usage(
            "--edit needs a terminal.", hint="Pass the body with --body-file, or -p KEY=VALUE."
        )
    descriptor, name = tempfile.mkstemp(prefix="modellix-", suffix=".jsonc")
    path = Path(name)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(template(slug, body, parameters))
    _run_editor(session, path)
    written = without_comments(_read(path))
    if not written.strip():
        path.unlink(missing_ok=True)
        raise ModellixError(
            ErrorCode.DECLINED,
            "The body is empty: nothing was submitted.",
            hint="Run the same command again to start over.",
        )
    try:
        check_object(written.strip(), written, "the editor")
    except ModellixError as error:
        raise error.copy_with(
            hint=f"What you wrote is kept in {path}. Fix it, and pass it with --body-file."
        ) from error
    path.unlink(missing_ok=True)
    return written.strip()


def template(slug: str, body: dict[str, Json], parameters: Iterable[Parameter]) -> str:
    """Return the text to edit: the body with what the model needs, the rest as comments."""
    whole, others = dict(body), []
    for one in parameters:
        if len(one.path) != 1 or one.path[0] in body:
            continue
        if one.required:
            whole[str(one.path[0])] = _placeholder(one)
        else:
            others.append(_comment(one))
    lines = [
        f"{_COMMENT} {slug}: save and close to go on; save an empty file to submit nothing.",
        f"{_COMMENT} Lines that begin with {_COMMENT} are left out.",
        dumps(whole),
    ]
    if others:
        lines += [f"{_COMMENT} More parameters:", *others]
    return "\n".join(lines) + "\n"


def without_comments(text: bytes) -> bytes:
    """Return a text without the lines that begin with //, which keep their place as empty ones."""
    mark = _COMMENT.encode()
    lines = text.split(b"\n")
    return b"\n".join(b"" if line.lstrip().startswith(mark) else line for line in lines)


def _placeholder(parameter: Parameter) -> Json:
    if parameter.default is not None:
        return parameter.default
    if parameter.allowed:
        return parameter.allowed[0]
    kind = parameter.types[0] if parameter.types else "string"
    return _EMPTY.get(kind, parameter.minimum or 0)


def _comment(parameter: Parameter) -> str:
    name, kind = dumps(parameter.name, indent=None), "/".join(parameter.types)
    shown = "" if parameter.default is None else dumps(parameter.default, indent=None)
    told = one_line(f"{kind} {parameter.description}".strip())
    return clip(f"{_COMMENT}   {name}: {shown}   {told}".rstrip(), _WIDTH)


def _run_editor(session: Session, path: Path) -> None:
    env = session.runtime.env
    chosen = env.get("VISUAL") or env.get("EDITOR") or ("notepad" if os.name == "nt" else "vi")
    try:
        words = shlex.split(chosen)
        ended = subprocess.run([*words, str(path)], check=False)  # noqa: S603 - the user's editor
    except (OSError, ValueError) as error:
        path.unlink(missing_ok=True)
        raise usage(
            f"The editor {clip(one_line(chosen), 60)} cannot be started: {error}.",
            hint="Set EDITOR to the editor you use, for example: export EDITOR=nano",
        ) from error
    if ended.returncode != 0:
        path.unlink(missing_ok=True)
        raise ModellixError(
            ErrorCode.DECLINED,
            f"The editor ended with status {ended.returncode}: nothing was submitted.",
            hint="Set EDITOR to the editor you use, or pass the body with --body-file.",
        )


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(_MAX_BYTES)
    except OSError as error:
        raise ModellixError(
            ErrorCode.INPUT_UNREADABLE, f"What was edited cannot be read: {error}."
        ) from error
