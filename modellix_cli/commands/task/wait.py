"""`modellix-cli task wait`: stay until tasks end."""

from typing import Annotated

import typer

from modellix_cli.commands._framework.command import command
from modellix_cli.commands._framework.options import ApiKey, TaskIds
from modellix_cli.context.session import Session
from modellix_cli.domain.errors import ExitStatus, usage
from modellix_cli.options.waiting import Polling
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
    polling: Polling = Polling(),
    api_key: ApiKey = None,
) -> None:
    """Wait until tasks end. A failed one exits 1, an unfinished one 124. Nothing is charged.

    Each task is polled on its own schedule; an id in error neither stops nor hides the others.
    """
    from modellix_cli.engine.core.config import EngineConfig, Follow
    from modellix_cli.workflows.wait import conclude_wait, follow_tasks

    session = Session.of(ctx)
    wanted = list(dict.fromkeys(session.task_id(task_id) for task_id in task_ids))
    if len(wanted) > 1000:
        raise usage("Cannot wait for more than 1000 tasks at once.")
    config = EngineConfig(
        follow=Follow.TO_THE_END,
        interval=polling.interval,
        patience=session.settings.patience,
        polls=concurrency,
    )
    client = session.connections.client(api_key)
    waited = follow_tasks(session, client, wanted, config, chosen_timeout=polling.timeout)
    conclude_wait(session, waited)
