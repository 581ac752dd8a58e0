"""Reading a file of settings: bounded, from where it claims to be, and with the line of a fault.

A project's file comes with a repository, so it is as trustworthy as whoever wrote that.
"""

import os
import re
import stat
import tomllib
from pathlib import Path
from typing import Final

from modellix_cli.domain.errors import ModellixError
from modellix_cli.domain.jsontext import Json, JsonError, Number, decode
from modellix_cli.domain.text import one_line
from modellix_cli.project.lines import KeyPath, key_lines, line_of, longest_key
from modellix_cli.project.tables import TableReader, unusable
from modellix_cli.project.values import SettingsFile

MAX_BYTES: Final = 64 * 1024
_MOST_DOTS: Final = 32
_WHERE: Final = re.compile(r" \(at (?:line (\d+), column (\d+)|end of document)\)$")


def read_settings(path: Path, *, own: bool) -> SettingsFile:
    """Read a file of settings; `own` is the user's file of a profile, else it is a project's.

    Raises `PROJECT_UNUSABLE`, which names file and line.
    """
    text = _read(path, own=own)
    data = _parse(path, text)
    lines: dict[KeyPath, int] = {}

    def where(key: KeyPath) -> str:
        if not lines:
            lines.update(key_lines(text))
        return f"{path}:{line_of(lines, key)}"

    return TableReader(path.parent, where, own=own).settings(data)


def _read(path: Path, *, own: bool) -> str:
    """Return the text of the file. A project's must not be a link to a file elsewhere."""
    name = str(path)
    if leads_nowhere(path):
        raise unusable(
            name,
            "it is a link that leads to no file.",
            hint="Remove the link, or put a file where it leads.",
        )
    if os.path.isdir(path):  # noqa: PTH112 - raises nothing
        raise unusable(name, "it is a folder.", hint="Remove the folder, or put the file there.")
    try:
        if not own and not path.resolve().is_relative_to(path.parent.resolve()):
            raise unusable(name, "it is a link that leads out of its folder.")
        with open(path, "rb", opener=_open_at_once) as file:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                raise unusable(name, "it is not a regular file.")
            data = file.read(MAX_BYTES + 1)
        if len(data) > MAX_BYTES:
            raise unusable(name, f"it has more than {MAX_BYTES} bytes.")
        return decode(data)
    except JsonError as error:
        raise unusable(f"{name}:{error.line}", f"{error.reason}.") from error
    except (OSError, RuntimeError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise unusable(name, f"{reason}.", hint="Check the file and its permissions.") from error


def leads_nowhere(path: Path) -> bool:
    """Whether a path is a link to what is not there, or to itself."""
    return path.is_symlink() and not os.path.exists(path)  # noqa: PTH110 - raises nothing


def _open_at_once(path: str, flags: int) -> int:
    """Open without waiting for whoever writes to a named pipe."""
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))


def _parse(path: Path, text: str) -> dict[str, Json]:
    if longest_key(text) > _MOST_DOTS:
        raise unusable(str(path), f"a key in it has more than {_MOST_DOTS} dots.")
    try:
        return tomllib.loads(text, parse_float=_number)
    except RecursionError:
        raise unusable(str(path), "its values are nested too deep.") from None
    except tomllib.TOMLDecodeError as error:
        raise _not_toml(path, text, str(error)) from error
    except ValueError as error:  # Python converts no more than a few thousand digits
        raise unusable(str(path), "a number in it has too many digits.") from error


def _not_toml(path: Path, text: str, message: str) -> ModellixError:
    found = _WHERE.search(message)
    reason = one_line(_WHERE.sub("", message))
    if found is None:
        return unusable(str(path), f"{reason}.")
    line, column = found[1] or text.count("\n") + 1, found[2]
    place = f"{path}:{line}" + (f":{column}" if column else "")
    return unusable(place, f"not TOML: {reason}.")


def _number(text: str) -> float:
    """Keep a number as it is written; infinity and NaN, which JSON does not know, as floats."""
    written = text.replace("_", "").removeprefix("+")
    return float(written) if written.lstrip("-")[:1].isalpha() else Number(written)
