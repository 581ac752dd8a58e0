"""Opening what the sandbox remembers on this machine."""

from typing import TYPE_CHECKING

from modellix_cli.domain.errors import ErrorCode, ModellixError

if TYPE_CHECKING:
    from modellix_cli.context.settings import Settings
    from modellix_cli.sandbox.limits import Limits
    from modellix_cli.sandbox.service import Sandbox


def open_state(settings: "Settings", name: str, limits: "Limits | None" = None) -> "Sandbox":
    """Return the sandbox whose state is in the folder `name` of the state folder.

    Raises `OUTPUT_UNWRITABLE`, naming the folder and the variable that chooses another.
    """
    from modellix_cli.paths import make_private_dir, state_dir
    from modellix_cli.sandbox import open_sandbox

    folder = state_dir(settings.runtime.env)
    try:
        make_private_dir(folder)  # the ledger's folder too, whichever comes first
        return open_sandbox(folder / name, settings.runtime.clock, limits)
    except OSError as error:
        reason = error.strerror or str(error)
        raise ModellixError(
            ErrorCode.OUTPUT_UNWRITABLE,
            f"The sandbox cannot keep its state in {folder / name}: {reason}.",
            hint="Check the folder's permissions and free space, or choose another with "
            "XDG_STATE_HOME.",
        ) from error
