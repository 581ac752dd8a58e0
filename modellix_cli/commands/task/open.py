"""`modellix-cli task open`: look at what a task made."""

from typing import Annotated

import typer

from modellix_cli.commands._framework.command import command
from modellix_cli.commands._framework.options import ApiKey, ResultPosition, TaskId
from modellix_cli.context.session import Session
from modellix_cli.domain.errors import ExitStatus
from modellix_cli.output.sink import Output


@command(
    default=Output.HUMAN,
    examples=("task open @last", "task open task-abc123 2", "task open @last --print"),
    exits=(ExitStatus.AUTH, ExitStatus.NOT_FOUND, ExitStatus.RATE_LIMITED, ExitStatus.UNAVAILABLE),
)
def open_(
    ctx: typer.Context,
    task_id: TaskId,
    number: ResultPosition = None,
    only_print: Annotated[
        bool, typer.Option("--print", help="Print what would be opened, and open nothing.")
    ] = False,
    api_key: ApiKey = None,
) -> None:
    """Show what a task made in the system's viewer: the saved file, else its address.

    Without a number it is the first result. Only pictures, videos, sounds, texts and web addresses
    are opened. The service is asked only for what is not saved here.
    """
    from modellix_cli.output import results
    from modellix_cli.workflows.task_results import check_number, find_target, show_target

    session = Session.of(ctx)
    check_number(number)
    found = find_target(session, api_key, session.task_id(task_id), number)
    if not only_print:
        show_target(session, found)
    results.target(
        session.out,
        found.task_id,
        found.position,
        str(found),
        is_file=found.path is not None,
        opened=not only_print,
    )
