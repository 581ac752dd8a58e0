"""`modellix-cli task resolve`: settle a submission whose outcome is unknown."""

from typing import Annotated

import typer

from modellix_cli.commands._framework.command import command
from modellix_cli.commands._framework.offers import offer
from modellix_cli.context.session import Session
from modellix_cli.domain.errors import ExitStatus, usage
from modellix_cli.output.sink import Output


@command(
    default=Output.HUMAN,
    examples=("task resolve 7 --task-id task-abc123", "task resolve 7 --not-created"),
    exits=(ExitStatus.NOT_FOUND,),
)
def resolve(
    ctx: typer.Context,
    request: Annotated[
        str,
        typer.Argument(
            metavar="REQUEST",
            help="Its number in task history, or the beginning of its id.",
            autocompletion=offer("unknown_requests"),
        ),
    ],
    task_id: Annotated[
        str | None,
        typer.Option(
            "--task-id",
            metavar="ID",
            help="The task that was created.",
            autocompletion=offer("task_ids"),
        ),
    ] = None,
    not_created: Annotated[
        bool,
        typer.Option("--not-created", help="No task was created: it may be submitted again."),
    ] = False,
) -> None:
    """Say what became of a submission whose outcome is unknown. The server is not asked.

    Check the usage page of https://modellix.ai/console first. With --not-created the same
    request can be sent again; if it was created after all, you will be charged twice. Until it is
    sent again, --task-id takes that back. To correct a wrong id, run it again with the right one.
    """
    from modellix_cli.domain.values import parse_task_id
    from modellix_cli.output import ledger as show

    session = Session.of(ctx)
    if (task_id is None) != not_created:
        raise usage(
            "Give either --task-id ID or --not-created.",
            hint="See the usage page of https://modellix.ai/console for what was created.",
        )
    task = None if task_id is None else parse_task_id(task_id)
    found = session.stores.submissions.find(request)
    settled = session.stores.submissions.resolve(found.number, task)
    if task is None:
        number, named = str(found.number), ["--task-id", "ID"]
        step = session.commands.line("task resolve", number, options=named)
    else:
        step = session.commands.line("task download", task)
    show.resolved(session.out, settled, step)
