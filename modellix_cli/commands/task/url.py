"""`modellix-cli task url`: where the results of a task are."""

import typer

from modellix_cli.commands._framework.command import command
from modellix_cli.commands._framework.options import ApiKey, ResultPosition, TaskId
from modellix_cli.context.session import Session
from modellix_cli.domain.errors import ExitStatus
from modellix_cli.output.sink import Output


@command(
    default=Output.HUMAN,
    examples=("task url task-abc123", "task url @last 2 --json"),
    exits=(ExitStatus.AUTH, ExitStatus.NOT_FOUND, ExitStatus.RATE_LIMITED, ExitStatus.UNAVAILABLE),
)
def url(
    ctx: typer.Context, task_id: TaskId, number: ResultPosition = None, api_key: ApiKey = None
) -> None:
    """Print the addresses of what a finished task made, one on each line. Asks the service once.

    They may be signed, and end with the results: anybody who has one can fetch the file until then.
    """
    from modellix_cli.output import results
    from modellix_cli.workflows.task_results import addresses, check_number, read_results

    session = Session.of(ctx)
    check_number(number)
    task = read_results(session, api_key, session.task_id(task_id))
    results.urls(session.out, task, addresses(task, number))
