"""`modellix-cli sandbox reset`: forget everything the sandbox remembers."""

import typer

from modellix_cli.commands._framework.command import command
from modellix_cli.context.session import Session
from modellix_cli.output.sink import Output


@command(default=Output.HUMAN, examples=("sandbox reset",))
def reset(ctx: typer.Context) -> None:
    """Forget the sandbox's tasks, files and charges; its balance is $10.00 again."""
    from modellix_cli.paths import state_dir
    from modellix_cli.sandbox import reset_sandbox

    session = Session.of(ctx)
    folder = state_dir(session.runtime.env)
    for name in ("sandbox", "sandbox-server"):
        reset_sandbox(folder / name)
    if session.out.mode is Output.JSON:
        session.out.json({"ok": True, "reset": True})
    elif session.out.mode is Output.HUMAN:
        session.out.line("Sandbox reset. Its balance is $10.00.")
