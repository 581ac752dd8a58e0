"""The two files of a login, config.json and credentials.json: read and replaced whole.

A symbolic link is followed to a file that is ours, as managers of dotfiles make them.
"""

import os
import re
import stat
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Final

from modellix_cli.domain.errors import ErrorCode, ModellixError, usage
from modellix_cli.domain.jsontext import Json, JsonError, dumps, loads

MAX_CONFIG_BYTES: Final = 1024 * 1024
MAX_CREDENTIALS_BYTES: Final = 2 * 1024 * 1024


def read_object(path: Path, limit: int) -> dict[str, Json]:
    """Return the JSON object in `path`, at most `limit` bytes; empty if there is no such file.

    What others could read is made private (0600). Raises `CONFIG_UNREADABLE` with the reason.
    """
    data = read_bytes(path, limit)
    if data is None:
        return {}
    try:
        value = loads(data)
    except JsonError as error:
        raise unusable(path, f"invalid JSON, {error}") from error
    if not isinstance(value, dict):
        raise unusable(path, "it is not a JSON object")
    return value


def read_bytes(path: Path, limit: int) -> bytes | None:
    """Return the bytes of `path`, None if there is no such file. Raises `CONFIG_UNREADABLE`."""
    try:
        path = target_of(path)
        mode = path.lstat().st_mode
        if not stat.S_ISREG(mode) and not stat.S_ISDIR(mode):
            raise unusable(path, "it is not a regular file")
        with path.open("rb") as file:
            data = file.read(limit + 1)
        if stat.S_IMODE(mode) & 0o077:
            with suppress(OSError):
                path.chmod(0o600)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise unusable(path, error.strerror or str(error)) from error
    if len(data) > limit:
        raise unusable(path, f"it exceeds {limit} bytes")
    return data


def target_of(path: Path) -> Path:
    """Return the file that `path` stands for: itself, or where a symbolic link leads.

    Raises `CONFIG_UNREADABLE` for a link that leads nowhere, or to a file of another user or one
    that everybody can write: what is in it could be another's key.
    """
    if not path.is_symlink():
        return path
    try:
        target = path.resolve(strict=True)
        facts = target.stat()
    except (OSError, RuntimeError) as error:
        raise unusable(path, "it is a symbolic link that leads nowhere") from error
    if hasattr(os, "getuid") and facts.st_uid != os.getuid():
        raise unusable(path, f"it is a symbolic link to {target}, which belongs to another user")
    if facts.st_mode & stat.S_IWOTH:
        raise unusable(
            path,
            f"it is a symbolic link to {target}, which everybody can write",
            hint=f"Make that file private: chmod 600 {target}",
        )
    return target


def leftovers(path: Path) -> list[Path]:
    """Return temporary files that a killed process left while it replaced `path`.

    Our name for them, and the official CLI's. Call it with the lock on `path` held.
    """
    with suppress(ModellixError):
        path = target_of(path)
    ours = re.compile(rf"\.{re.escape(path.stem)}\.\d+\.[0-9a-f-]{{36}}\.tmp")
    theirs = re.compile(rf"{re.escape(path.name)}\.\d+\.[0-9a-f-]{{36}}\.tmp")
    try:
        beside = list(path.parent.iterdir())
    except OSError:
        return []
    return [file for file in beside if ours.fullmatch(file.name) or theirs.fullmatch(file.name)]


def to_bytes(value: dict[str, Json], path: Path, limit: int) -> bytes:
    """Return a document as it is written: two-space JSON and a line break.

    Raises the usage error if it is over `limit` bytes.
    """
    data = (dumps(value) + "\n").encode()
    if len(data) > limit:
        raise usage(
            f"{path} would exceed its limit of {limit} bytes.",
            hint="Remove a profile first: modellix-cli auth logout --profile NAME",
        )
    return data


def replace_private(path: Path, data: bytes | None) -> None:
    """Make `data` the content of `path` at once, for the user alone; None removes the file.

    Where `path` is a symbolic link, this is about the file it leads to; removing removes both.
    Raises `OUTPUT_UNWRITABLE`; the file is then as it was.
    """
    from uuid import uuid4

    link = path
    with suppress(ModellixError):
        path = target_of(path)
    part = path.with_name(f".{path.stem}.{os.getpid()}.{uuid4()}.tmp")
    try:
        if data is None:
            path.unlink(missing_ok=True)
            link.unlink(missing_ok=True)
            return
        descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with open(descriptor, "wb") as file:  # noqa: PTH123 - of a descriptor
            file.write(data)
            file.flush()
            os.fsync(descriptor)
        part.replace(path)
    except OSError as error:
        raise ModellixError(
            ErrorCode.OUTPUT_UNWRITABLE, f"Cannot write {path}: {error.strerror or error}."
        ) from error
    finally:
        with suppress(OSError):
            part.unlink(missing_ok=True)


def change(path: Path, document: dict[str, Json] | None, limit: int, undo: ExitStack) -> None:
    """Replace what is in `path`, None removes it; `undo` learns how to put back what was there.

    Raises the usage error if the document is over `limit` bytes, `OUTPUT_UNWRITABLE`.
    """
    data = None if document is None else to_bytes(document, path, limit)
    undo.callback(replace_private, path, read_bytes(path, limit))
    replace_private(path, data)


def set_aside(path: Path, aside: Path, undo: ExitStack) -> None:
    """Rename a file that cannot be used. Raises `OUTPUT_UNWRITABLE`."""
    try:
        path.rename(aside)
    except OSError as error:
        raise ModellixError(
            ErrorCode.OUTPUT_UNWRITABLE, f"Cannot rename {path}: {error.strerror or error}."
        ) from error
    undo.callback(aside.rename, path)


def make_private_folder(folder: Path) -> None:
    """Create the folder of the login, for the user alone (0700). Raises `OUTPUT_UNWRITABLE`."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if stat.S_IMODE(folder.stat().st_mode) & 0o077:
            folder.chmod(0o700)
    except OSError as error:
        raise ModellixError(
            ErrorCode.OUTPUT_UNWRITABLE, f"Cannot write {folder}: {error.strerror or error}."
        ) from error


def unusable(place: Path | str, reason: str, hint: str | None = None) -> ModellixError:
    """Return the error for a part of the login that cannot be used, and why."""
    return ModellixError(
        ErrorCode.CONFIG_UNREADABLE, f"Unable to use {place}: {reason}.", hint=hint
    )


def as_object(holder: dict[str, Json], name: str) -> dict[str, Json]:
    """Return the object under `name`, empty where there is none."""
    value = holder.get(name)
    return value if isinstance(value, dict) else {}


def as_text(holder: dict[str, Json], name: str) -> str | None:
    """Return the text under `name`, None where it is blank or something else."""
    value = holder.get(name)
    return value if isinstance(value, str) and value.strip() else None
