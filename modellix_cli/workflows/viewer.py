"""Showing a file or an address in the system's viewer: no shell, and nothing that may be run."""

import os
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path
from shutil import which
from typing import Final

from modellix_cli.domain.errors import ErrorCode, ModellixError
from modellix_cli.domain.frozen import frozen

SHOWABLE: Final = frozenset(
    {".png", ".jpg", ".jpeg", ".webp", ".gif", ".avif", ".bmp", ".tif", ".tiff", ".heic"}
    | {".mp4", ".m4v", ".mov", ".webm", ".mkv", ".avi", ".mp3", ".wav", ".ogg", ".oga", ".opus"}
    | {".flac", ".m4a", ".aac", ".txt", ".md", ".json", ".csv", ".srt", ".vtt", ".pdf"}
)
"""Endings of files that a viewer shows. Others might be run by the system instead, and what a
server sent is never run."""
_AT_ONCE: Final = 2.0
"""Seconds within which a viewer that cannot start says so."""
_KEYS: Final = ("MODELLIX_API_KEY",)


@frozen
class System:
    """What tells which viewer there is: platform, environment, and how programs are found."""

    platform: str
    env: Mapping[str, str]
    find: Callable[[str], str | None] = which

    @property
    def is_wsl(self) -> bool:
        """Whether this is Linux within Windows."""
        return self.platform == "linux" and bool(
            self.env.get("WSL_DISTRO_NAME") or self.env.get("WSL_INTEROP")
        )


def show_file(path: Path, system: System) -> None:
    """Show a file. Raises `NO_VIEWER`, also for a file that might be run instead of shown."""
    if path.suffix.lower() not in SHOWABLE:
        raise _no_viewer(f"{path.name} is no picture, video, sound or text by its name.")
    if not path.is_file():
        raise _no_viewer(f"{path} is no file any more.")
    _show(str(path.absolute()), system, windows_path=True)


def show_address(url: str, system: System) -> None:
    """Show an http(s) address. Raises `NO_VIEWER`."""
    if not url.lower().startswith(("https://", "http://")):
        raise _no_viewer("Only http and https addresses are opened.")
    _show(url, system, windows_path=False)


def viewer(system: System) -> list[str] | None:
    """Return the program that shows things, as the beginning of its words; None if there is none.

    Windows has a function of its own instead.
    """
    if system.platform == "darwin":
        return ["open"]
    if system.is_wsl:
        found = system.find("wslview") or system.find("explorer.exe")
        return [found] if found else None
    if not (system.env.get("DISPLAY") or system.env.get("WAYLAND_DISPLAY")):
        return None
    for words in (["xdg-open"], ["gio", "open"]):
        if system.find(words[0]):
            return words
    return None


def _show(target: str, system: System, *, windows_path: bool) -> None:
    if system.platform == "win32":
        try:
            os.startfile(target)  # type: ignore[attr-defined,unused-ignore] # noqa: S606
        except OSError as error:
            raise _no_viewer(f"Windows could not open it: {error.strerror}.") from error
        return
    words = viewer(system)
    if words is None:
        raise _no_viewer("There is no graphical session here, or no viewer in it.")
    explorer = words[0].endswith("explorer.exe")
    if explorer and windows_path:
        target = _windows_path(target)
    env = {name: value for name, value in system.env.items() if name not in _KEYS}
    status = _start([*words, target], env)
    if status and not explorer:  # explorer.exe says 1 whatever it did
        raise _no_viewer(f"{words[0]} could not open it (exit status {status}).")


def _start(words: list[str], env: Mapping[str, str]) -> int:
    """Start a program apart from this one; return its status if it ends at once, else 0."""
    try:
        process = subprocess.Popen(  # noqa: S603 - a list of words, no shell
            words,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
            env=env,
        )
        return process.wait(_AT_ONCE)
    except subprocess.TimeoutExpired:
        return 0
    except OSError as error:
        raise _no_viewer(f"{words[0]} could not be started: {error.strerror}.") from error


def _windows_path(path: str) -> str:
    """Return what Windows calls a path of WSL; the same where it has no name for it."""
    try:
        ran = subprocess.run(  # noqa: S603 - a list of words, no shell
            ["wslpath", "-w", path],  # noqa: S607
            capture_output=True,
            check=True,
            text=True,
            timeout=_AT_ONCE,
        )
    except (OSError, subprocess.SubprocessError):
        return path
    return ran.stdout.strip() or path


def _no_viewer(message: str) -> ModellixError:
    return ModellixError(ErrorCode.NO_VIEWER, message)
