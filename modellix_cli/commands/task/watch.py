"""`modellix-cli task watch`: what goes on now, on a screen of its own."""

from typing import Annotated

import typer

from modellix_cli.commands._framework.command import command
from modellix_cli.commands._framework.offers import offer
from modellix_cli.commands._framework.options import ApiKey
from modellix_cli.context.session import Session
from modellix_cli.domain.errors import ExitStatus
from modellix_cli.output.sink import Output


@command(
    default=Output.HUMAN,
    examples=("task watch", "task watch task-abc123 --poll", "task watch --profile work"),
    exits=(ExitStatus.AUTH,),
)
def watch(
    ctx: typer.Context,
    ids: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[ID...]",
            help="Only these tasks; @last is the one submitted last.",
            autocompletion=offer("task_ids"),
        ),
    ] = None,
    poll: Annotated[
        bool,
        typer.Option("--poll", help="Also poll tasks that no other command waits for."),
    ] = False,
    api_key: ApiKey = None,
) -> None:
    """Show running tasks and batches of this machine, its limits and what was spent today.

    It shows what all commands record in the ledger, twice a second, and sends nothing by itself.
    Keys: up and down, o open, s save, c copy the id, x hide, ? help, q quit.
    """
    from modellix_cli.workflows.watch import watch_tasks

    session = Session.of(ctx)
    wanted = list(dict.fromkeys(session.task_id(text) for text in ids or ()))
    watch_tasks(session, wanted, api_key, poll=poll)
