"""Where things are kept. All folders honour the XDG variables; a relative one is ignored.

Each raises the usage error where no folder can be found: no XDG variable, no HOME, and a user
without an entry in the password file, as in containers.
"""

import os
import stat
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from modellix_cli.domain.errors import ModellixError, usage

APP: Final = "modellix"


def config_dir(env: Mapping[str, str]) -> Path:
    """Return the folder of config.json, shared with the official CLI on every system."""
    return _xdg(env, "XDG_CONFIG_HOME") or home_dir(env) / ".config" / APP


def state_dir(env: Mapping[str, str]) -> Path:
    """Return the folder of the ledger and the sandbox."""
    chosen = _xdg(env, "XDG_STATE_HOME")
    if chosen is not None:
        return chosen
    import platformdirs

    return _known(lambda: platformdirs.user_state_dir(APP, appauthor=False))


def cache_dir(env: Mapping[str, str]) -> Path:
    """Return the folder of what can be fetched again at any time."""
    chosen = _xdg(env, "XDG_CACHE_HOME")
    if chosen is not None:
        return chosen
    import platformdirs

    return _known(lambda: platformdirs.user_cache_dir(APP, appauthor=False))


def _xdg(env: Mapping[str, str], variable: str) -> Path | None:
    value = env.get(variable, "").strip()
    return Path(value) / APP if value and Path(value).is_absolute() else None


def home_dir(env: Mapping[str, str]) -> Path:
    """Return the user's home folder."""
    home = Path(env.get("HOME", ""))
    return home if home.is_absolute() else _known(Path.home)


def _known(find: Callable[[], str | Path]) -> Path:
    """Return an absolute folder that the system knows.

    Where there is no home, some versions of platformdirs raise, and others leave `~` in the path.
    """
    try:
        folder = Path(find())
    except RuntimeError as error:
        raise no_home() from error
    if not folder.is_absolute():
        raise no_home()
    return folder


def no_home() -> ModellixError:
    """Return the error for a user without a home folder."""
    return usage(
        "HOME is not set, and this user has no home folder.",
        hint="Set HOME to a folder that this user can write, or set XDG_CONFIG_HOME, "
        "XDG_STATE_HOME and XDG_CACHE_HOME to absolute paths.",
    )


def find_upwards(name: str, start: Path | None, home: Path | None) -> Path | None:
    """Return the nearest file called `name` in `start` or a folder above, None if there is none.

    Like git it goes no further than the home folder, and not to another file system. It passes over
    what somebody else put into a folder where everybody may write, such as /tmp. It reads nothing:
    what is there may be no file, as a container makes a folder where a file was to be mounted.
    """
    top = None if home is None else _stat(home)
    first = None
    for folder in (start, *start.parents) if start is not None else ():
        here = _stat(folder)
        first = first or here
        if here is None or first is None or here.st_dev != first.st_dev:
            return None
        found = _stat(folder / name, follow=False)
        if found is not None and not _planted(found, here):
            return folder / name
        if top is not None and os.path.samestat(here, top):
            return None
    return None


def _stat(path: Path, *, follow: bool = True) -> os.stat_result | None:
    try:
        return path.stat(follow_symlinks=follow)
    except (OSError, ValueError):
        return None


def _planted(file: os.stat_result, folder: os.stat_result) -> bool:
    """Whether somebody else may have put a file into a folder without being asked."""
    user = getattr(os, "geteuid", lambda: file.st_uid)()
    return bool(folder.st_mode & stat.S_IWOTH) and file.st_uid not in (user, 0)


def make_private_dir(folder: Path) -> None:
    """Create `folder` for the user alone (0700). Raises `OSError`."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
