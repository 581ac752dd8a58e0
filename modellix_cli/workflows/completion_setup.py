"""Puts a completion script where its shell looks for it, and takes it away again.

bash, zsh and PowerShell read it from a line at the end of their start-up file, after whatever the
user has there; fish finds it by its name. Doing either twice changes nothing the second time.
"""

import shlex
import subprocess
from collections.abc import Mapping
from pathlib import Path
from secrets import token_hex
from shutil import which
from typing import Final

from modellix_cli.context.session import Session
from modellix_cli.domain.errors import ErrorCode, ModellixError, usage
from modellix_cli.domain.frozen import frozen
from modellix_cli.output.facts import FileChange
from modellix_cli.paths import home_dir

_MARK: Final = "# modellix-cli completion"
"""At the end of our line in a start-up file, so that it is found again."""
_KNOWN: Final = {"bash": "bash", "zsh": "zsh", "fish": "fish", "pwsh": "powershell"}
_MAX_STARTUP_BYTES: Final = 4 * 1024 * 1024
_ASK_PROFILE: Final = "[Console]::Out.Write($PROFILE.CurrentUserAllHosts)"


@frozen
class Place:
    """Where a script belongs, and the start-up file with the line that reads it, if one must."""

    script: Path
    startup: Path | None = None
    line: str = ""


def running_shell(env: Mapping[str, str]) -> str:
    """Return the user's shell, as SHELL names it. Raises `USAGE` where it is none of ours."""
    name = Path(env.get("SHELL", "")).name
    if name in _KNOWN:
        return _KNOWN[name]
    if not name and env.get("PSModulePath"):
        return "powershell"
    raise usage(
        "Cannot tell which shell you use.",
        hint="Name it: modellix-cli completion install --shell bash (or zsh, fish, powershell)",
    )


def place_of(session: Session, shell: str) -> Place:
    """Return where the completion of a shell belongs on this machine."""
    env = session.runtime.env
    home = home_dir(env)
    data = _folder(env, "XDG_DATA_HOME", home / ".local" / "share")
    if shell == "bash":
        script = data / "bash-completion" / "completions" / "modellix-cli"
        return Place(script, home / ".bashrc", _reading(script))
    if shell == "zsh":
        script = data / "zsh" / "site-functions" / "_modellix-cli"
        startup = _folder(env, "ZDOTDIR", home) / ".zshrc"
        return Place(script, startup, _reading(script))
    if shell == "fish":
        config = _folder(env, "XDG_CONFIG_HOME", home / ".config")
        return Place(config / "fish" / "completions" / "modellix-cli.fish")
    script = data / "modellix" / "completion.ps1"
    quoted = str(script).replace("'", "''")
    return Place(script, _powershell_profile(), f". '{quoted}'")


def install(place: Place, script: str) -> list[FileChange]:
    """Write the script, and the line that reads it. Raises `OUTPUT_UNWRITABLE`."""
    changes = [_write(place.script, f"{script}\n".encode())]
    if place.startup is not None:
        lines = [line for line in _lines(place.startup) if not line.endswith(_MARK.encode())]
        changes.append(_write_lines(place.startup, [*lines, f"{place.line} {_MARK}".encode()]))
    return changes


def remove(place: Place) -> list[FileChange]:
    """Take away what `install` wrote. Raises `OUTPUT_UNWRITABLE`."""
    changes = []
    if place.startup is not None:
        lines = [line for line in _lines(place.startup) if not line.endswith(_MARK.encode())]
        changes.append(_write_lines(place.startup, lines))
    there = place.script.exists()
    try:
        place.script.unlink(missing_ok=True)
    except OSError as error:
        raise _unwritable(place.script, error) from error
    return [*changes, FileChange(place.script, "removed" if there else "unchanged")]


def _folder(env: Mapping[str, str], variable: str, otherwise: Path) -> Path:
    named = Path(env.get(variable, "").strip())
    return named if named.is_absolute() else otherwise


def _reading(script: Path) -> str:
    """Return the line of bash and zsh that reads a script, where it is there."""
    path = shlex.quote(str(script))
    return f"[ -r {path} ] && . {path}"


def _powershell_profile() -> Path:
    """Ask PowerShell where its start-up file is. Raises `USAGE` where there is no PowerShell."""
    program = which("pwsh") or which("powershell")
    if program is None:
        raise usage("PowerShell was not found on this machine.")
    asked = [program, "-NoLogo", "-NoProfile", "-NonInteractive", "-Command", _ASK_PROFILE]
    try:
        told = subprocess.run(asked, capture_output=True, timeout=30, check=True, text=True).stdout  # noqa: S603
    except (OSError, subprocess.SubprocessError) as error:
        raise usage("PowerShell does not say where its profile is.") from error
    path = Path(told.strip())
    if not path.is_absolute():
        raise usage("PowerShell does not say where its profile is.")
    return path


def _lines(path: Path) -> list[bytes]:
    """Return the lines of a start-up file, none where there is no such file."""
    try:
        with path.open("rb") as file:
            content = file.read(_MAX_STARTUP_BYTES + 1)
    except FileNotFoundError:
        return []
    except OSError as error:
        raise _unwritable(path, error) from error
    if len(content) > _MAX_STARTUP_BYTES:
        raise usage(f"{path} is too large to be a start-up file.")
    return content.removesuffix(b"\n").split(b"\n") if content else []


def _write_lines(path: Path, lines: list[bytes]) -> FileChange:
    if not lines and not path.exists():
        return FileChange(path, "unchanged")
    return _write(path, b"".join(line + b"\n" for line in lines))


def _write(path: Path, content: bytes) -> FileChange:
    """Write a file whole or not at all; a link stays one, and so do the permissions."""
    try:
        there = path.read_bytes() if path.exists() else None
        if there is not None and there.rstrip(b"\n") == content.rstrip(b"\n"):
            return FileChange(path, "unchanged")
        target = path.resolve()
        target.parent.mkdir(parents=True, exist_ok=True)
        part = target.with_name(f".{target.name}.{token_hex(4)}")
        try:
            part.write_bytes(content)
            if there is not None:
                part.chmod(target.stat().st_mode)
            part.replace(target)
        finally:
            part.unlink(missing_ok=True)
    except OSError as error:
        raise _unwritable(path, error) from error
    return FileChange(path, "written" if there is None else "changed")


def _unwritable(path: Path, error: OSError) -> ModellixError:
    reason = error.strerror or str(error)
    return ModellixError(
        ErrorCode.OUTPUT_UNWRITABLE,
        f"{path} cannot be changed: {reason}.",
        hint="Print the script and put it in place yourself: modellix-cli completion SHELL",
    )
