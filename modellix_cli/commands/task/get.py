"""`modellix-cli task get`: how a task stands, in one request."""

import typer

from modellix_cli.commands.command import command
from modellix_cli.commands.options import ApiKey, TaskId
from modellix_cli.commands.session import Session
from modellix_cli.errors import Exit
from modellix_cli.output.sink import Output


@command(
    default=Output.JSON,
    examples=("task get task-abc123", "task get @last --output human"),
    exits=(Exit.AUTH, Exit.NOT_FOUND, Exit.RATE_LIMITED, Exit.UNAVAILABLE),
)
def get(ctx: typer.Context, task_id: TaskId, api_key: ApiKey = None) -> None:
    """Show how a task stands. Exits 0 whatever its status; nothing is charged."""
    from modellix_cli.commands.results import remember, tell_expiry
    from modellix_cli.output import render

    session = Session.of(ctx)
    task = session.client(api_key).task(session.task_id(task_id))
    remember(session, task)
    render.task_state(session.out, task)
    tell_expiry(session, [task])
