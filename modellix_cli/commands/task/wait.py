"""`modellix-cli task wait`: stay until tasks end."""

from typing import Annotated

import typer

from modellix_cli.commands._framework.command import command
from modellix_cli.commands._framework.options import (
    DEFAULT_TIMEOUT,
    ApiKey,
    Interval,
    TaskIds,
    Timeout,
)
from modellix_cli.context.session import Session
from modellix_cli.domain.errors import ExitStatus, usage
from modellix_cli.output.sink import Output


@command(
    default=Output.JSON,
    examples=(
        "task wait task-abc123",
        "task wait task-1 task-2 task-3 --timeout 30m",
        "task wait @last --quiet",
    ),
    exits=(
        ExitStatus.AUTH,
        ExitStatus.NOT_FOUND,
        ExitStatus.RATE_LIMITED,
        ExitStatus.UNAVAILABLE,
        ExitStatus.TIMEOUT,
    ),
)
def wait(
    ctx: typer.Context,
    task_ids: TaskIds,
    concurrency: Annotated[
        int, typer.Option(min=1, max=20, metavar="N", help="Requests at a time.")
    ] = 8,
    interval: Interval = None,
    timeout: Timeout = DEFAULT_TIMEOUT,
    api_key: ApiKey = None,
) -> None:
    """Wait until tasks end. A failed one exits 1, an unfinished one 124. Nothing is charged.

    Each task is looked at on its own schedule; an id in error neither stops nor hides the others.
    """
    from modellix_cli.engine.wait import Schedule, new_waited
    from modellix_cli.output import render
    from modellix_cli.workflows.results import tell_expiry
    from modellix_cli.workflows.wait import conclude, wait_for

    session = Session.of(ctx)
    waited = new_waited(session.task_id(task_id) for task_id in task_ids)
    if len(waited.task_ids) > 1000:
        raise usage("Cannot wait for more than 1000 tasks at once.")
    schedule = Schedule(timeout, interval, concurrency=concurrency)
    wait_for(session, session.client(api_key), waited, schedule)
    if len(waited.task_ids) > 1:
        render.waited_many(session.out, waited)
    else:
        for error in waited.errors.values():
            raise error
        render.waited_one(session.out, waited.finished[0])
    tell_expiry(session, waited.finished)
    conclude(session, waited)
