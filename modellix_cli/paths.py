"""Where things are kept. All folders honour the XDG variables; a relative one is ignored."""

from collections.abc import Mapping
from pathlib import Path
from typing import Final

APP: Final = "modellix"


def config_dir(env: Mapping[str, str]) -> Path:
    """Return the folder of config.json, shared with the official CLI on every system."""
    return _xdg(env, "XDG_CONFIG_HOME") or _home(env) / ".config" / APP


def state_dir(env: Mapping[str, str]) -> Path:
    """Return the folder of the journal and the sandbox."""
    chosen = _xdg(env, "XDG_STATE_HOME")
    if chosen is not None:
        return chosen
    import platformdirs

    return Path(platformdirs.user_state_dir(APP, appauthor=False))


def cache_dir(env: Mapping[str, str]) -> Path:
    """Return the folder of what can be fetched anew at any time."""
    chosen = _xdg(env, "XDG_CACHE_HOME")
    if chosen is not None:
        return chosen
    import platformdirs

    return Path(platformdirs.user_cache_dir(APP, appauthor=False))


def _xdg(env: Mapping[str, str], variable: str) -> Path | None:
    value = env.get(variable, "").strip()
    return Path(value) / APP if value and Path(value).is_absolute() else None


def _home(env: Mapping[str, str]) -> Path:
    home = env.get("HOME", "")
    if home:
        return Path(home)
    try:
        return Path.home()
    except RuntimeError:  # a user without a home, as in some containers
        return Path("/nonexistent")


def make_private_dir(folder: Path) -> None:
    """Create `folder` for the user alone (0700). Raises `OSError`."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
