"""Modules that libraries import without using them here: loaded when first used.

Typer, httpx and what they stand on import them for features that this program hardly calls, such
as archives, child processes and domain names of other scripts: a tenth of the time and memory of
a short command.
"""

import sys
from collections.abc import Callable
from importlib import import_module
from threading import RLock
from types import ModuleType
from typing import Final, cast

_PACKAGES: Final = ("anyio", "certifi", "idna")
_RARELY_USED: Final = (
    *("bz2", "ipaddress", "linecache", "locale", "lzma", "mimetypes", "selectors"),
    *("subprocess", "token", "tokenize"),
    *_PACKAGES,
)
_RARELY_CALLED: Final = {
    "calendar": "timegm",
    "difflib": "get_close_matches",
    "gettext": "gettext",
    "httpx._main": "main",
    "quopri": "encodestring",
    "shutil": "get_terminal_size",
}
"""Modules of which libraries take this function while they load, and what it is called."""
_LOCK: Final = RLock()


def defer_rarely_used() -> None:
    """Put a stand-in for each of them where `import` looks; those that are loaded stay."""
    for name in (*_RARELY_USED, *_RARELY_CALLED):
        if name not in sys.modules:
            sys.modules[name] = _Deferred(name)
    _skip_datetime_in_python()


class _Deferred(ModuleType):
    """Stands for a module, and loads it when something of it is asked for."""

    def __getattr__(self, name: str) -> object:
        if name == _RARELY_CALLED.get(self.__name__):
            return _deferred_function(self, name)
        waits = sys.modules.get(self.__name__) is self
        if waits and name.startswith("__") and not self._is_content(name):
            raise AttributeError(name)
        value = _of_module(self, name)
        self.__dict__[name] = value
        return value

    def _is_content(self, name: str) -> bool:
        """Whether a name with underscores is the module's own; others, Python asks of any."""
        is_path = name == "__path__" and self.__name__ in _PACKAGES
        return is_path or name in ("__all__", "__version__")


def _deferred_function(stand_in: ModuleType, name: str) -> Callable[..., object]:
    def call(*args: object, **kwargs: object) -> object:
        function = cast("Callable[..., object]", _of_module(stand_in, name))
        return function(*args, **kwargs)

    return call


def _of_module(stand_in: ModuleType, name: str) -> object:
    """Return what the module itself has under a name; load it unless it is."""
    with _LOCK:  # two threads may be the first
        if sys.modules.get(stand_in.__name__) is stand_in:
            del sys.modules[stand_in.__name__]
    found: object = getattr(import_module(stand_in.__name__), name)
    return found


def _skip_datetime_in_python() -> None:
    """Take `datetime` from C alone: before Python 3.12 it is made in Python first, and dropped."""
    if sys.version_info < (3, 12) and "datetime" not in sys.modules:
        try:
            sys.modules["datetime"] = import_module("_datetime")
        except ImportError:  # a Python without it
            return
