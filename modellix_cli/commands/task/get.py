"""`modellix-cli task get`: a task's status, in one request."""

import typer

from modellix_cli.commands._framework.command import command
from modellix_cli.commands._framework.options import ApiKey, TaskId
from modellix_cli.context.session import Session
from modellix_cli.domain.errors import ExitStatus
from modellix_cli.output.sink import Output


@command(
    default=Output.JSON,
    examples=("task get task-abc123", "task get @last --output human"),
    exits=(ExitStatus.AUTH, ExitStatus.NOT_FOUND, ExitStatus.RATE_LIMITED, ExitStatus.UNAVAILABLE),
)
def get(ctx: typer.Context, task_id: TaskId, api_key: ApiKey = None) -> None:
    """Show a task's status. Exits 0 whatever its status; nothing is charged."""
    from modellix_cli.output import render
    from modellix_cli.workflows.results import (
        local_info,
        record_status,
        tell_expiry,
        tell_how_to_wait,
    )

    session = Session.of(ctx)
    task = session.connections.client(api_key).task(session.task_id(task_id))
    record_status(session, task)
    render.task_state(session.out, task, local_info(session, task.task_id))
    tell_how_to_wait(session, task)
    tell_expiry(session, [task])
