"""`modellix-cli task rerun`: the same request once more, as a new paid task."""

from typing import Annotated

import typer

from modellix_cli.commands._framework.command import command
from modellix_cli.commands._framework.given_options import given_names
from modellix_cli.commands._framework.options import ApiKey, Parameters, TaskOrRequest
from modellix_cli.context.session import Session
from modellix_cli.domain.errors import ExitStatus
from modellix_cli.domain.values import parse_tag
from modellix_cli.options.body import Body
from modellix_cli.options.guarding import RunGuards
from modellix_cli.options.paying import RerunPaying
from modellix_cli.options.routing import AsyncRoute
from modellix_cli.options.saving import Saving
from modellix_cli.options.showing import Showing
from modellix_cli.options.tagging import Tag
from modellix_cli.options.waiting import Waiting
from modellix_cli.output.sink import Output


@command(
    default=Output.JSON,
    pays=True,
    outputs=(Output.TASK_ID,),
    examples=(
        "task rerun task-abc123 --wait --output-dir .",
        "task rerun @last -p seed=8 --wait --output-dir .",
        "task rerun 7 --dry-run",
    ),
    exits=(
        ExitStatus.AUTH,
        ExitStatus.BALANCE,
        ExitStatus.NOT_FOUND,
        ExitStatus.RATE_LIMITED,
        ExitStatus.UNAVAILABLE,
        ExitStatus.OUTCOME_UNKNOWN,
        ExitStatus.NOT_SAVED,
        ExitStatus.OVER_BUDGET,
        ExitStatus.TIMEOUT,
    ),
)
def rerun(
    ctx: typer.Context,
    task: TaskOrRequest,
    parameters: Parameters = None,
    guards: RunGuards = RunGuards(),
    waiting: Waiting = Waiting(),
    saving: Saving = Saving(),
    showing: Showing = Showing(),
    paying: RerunPaying = RerunPaying(),
    tag: Tag = None,
    webhook: Annotated[
        str | None,
        typer.Option(metavar="URL", help="Public HTTPS address to call when the task ends."),
    ] = None,
    async_route: AsyncRoute = None,
    api_key: ApiKey = None,
) -> None:
    """Send the request of a task once more, as a new task that is charged like the first.

    Model and parameters are those that were sent then, but for what -p changes; the tag is the same
    unless --tag gives another, a webhook is called only with --webhook. Parameters are kept on
    this machine for 30 days.
    """
    from modellix_cli.workflows.request import RequestOptions
    from modellix_cli.workflows.rerun import find_request
    from modellix_cli.workflows.run import RunOptions
    from modellix_cli.workflows.single import carry_out

    session = Session.of(ctx)
    session.settings.chosen_async_route = async_route
    earlier = find_request(session, task, resend_unknown=paying.resend_unknown)
    address = None if webhook is None else session.settings.webhook_url(webhook)
    label = earlier.tag if tag is None else parse_tag(tag)
    wanted = RequestOptions(
        earlier.slug,
        None,
        tuple(parameters or ()),
        Body(),
        guards,
        address,
        api_key,
        kept=earlier.body,
    )
    options = RunOptions(waiting, paying.of_run, saving, address, label)
    carry_out(session, wanted, options, showing, given_names(ctx))
