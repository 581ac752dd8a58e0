"""The embedded Modellix: the whole service on this machine, without key, network or charges."""

from pathlib import Path
from typing import TYPE_CHECKING, Final

from modellix_cli.clock import Clock

if TYPE_CHECKING:
    from modellix_cli.sandbox.limits import Limits
    from modellix_cli.sandbox.service import Sandbox

_DATABASE: Final = "sandbox-2.db"
"""The version of the tables is part of the name, so that versions of the program do not meet."""


def open_sandbox(folder: Path | None, clock: Clock, limits: "Limits | None" = None) -> "Sandbox":
    """Return the sandbox as a WSGI app; close it with `.store.close()`.

    Its state is in `folder`, which is created for the user alone (0700), or in memory for None.
    Without `limits` they are those of `Limits()`. Raises `OSError` if the state cannot be opened.
    """
    from modellix_cli.sandbox.limits import Limits
    from modellix_cli.sandbox.service import Sandbox
    from modellix_cli.sandbox.store import Store

    if folder is not None:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    store = Store(folder and folder / _DATABASE, clock)
    return Sandbox(store, clock, limits or Limits())


def reset_sandbox(folder: Path) -> None:
    """Forget what the sandbox in `folder` remembers; nothing happens where there is none."""
    from modellix_cli.sandbox.store import Store

    if not (folder / _DATABASE).exists():
        return
    store = Store(folder / _DATABASE, Clock())
    try:
        store.reset()
    finally:
        store.close()
