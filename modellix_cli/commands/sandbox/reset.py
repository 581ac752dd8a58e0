"""`modellix-cli sandbox reset`: forget everything the sandbox remembers."""

import typer

from modellix_cli.commands._framework.command import command
from modellix_cli.context.session import Session
from modellix_cli.domain.text import count
from modellix_cli.output.sink import Output


@command(default=Output.HUMAN, examples=("sandbox reset",))
def reset(ctx: typer.Context) -> None:
    """Forget the sandbox's tasks, uploads and charges; its balance is $10.00 again.

    Tasks that were made with --sandbox are gone then: task history says so, and a batch that is
    resumed makes them again. Files that were saved stay, and so does all that is no sandbox's.
    """
    from modellix_cli.paths import state_dir
    from modellix_cli.sandbox import reset_sandbox
    from modellix_cli.workflows.sandbox_reset import mark_sandbox_gone

    session = Session.of(ctx)
    folder = state_dir(session.runtime.env)
    for name in ("sandbox", "sandbox-server"):
        reset_sandbox(folder / name)
    gone = mark_sandbox_gone(session)
    if session.out.mode is Output.JSON:
        session.out.json({"ok": True, "reset": True, "tasksGone": gone})
    elif session.out.mode is Output.HUMAN:
        session.out.line("Sandbox reset. Its balance is $10.00.")
        if gone:
            session.out.note(f"Marked as gone: {count(gone, 'task')}. Saved files were kept.")
