"""`modellix-cli model diff`: what changed in the catalogue."""

from typing import Annotated

import typer

from modellix_cli.commands._framework.command import command
from modellix_cli.commands._framework.options import ApiKey
from modellix_cli.context.session import Session
from modellix_cli.domain.errors import ExitStatus
from modellix_cli.output.sink import Output


@command(
    default=Output.HUMAN,
    outputs=(Output.SLUGS,),
    examples=("model diff", "model diff --keep --json"),
    exits=(ExitStatus.AUTH, ExitStatus.RATE_LIMITED, ExitStatus.UNAVAILABLE),
)
def diff(
    ctx: typer.Context,
    keep: Annotated[
        bool, typer.Option("--keep", help="Show the same changes again next time.")
    ] = False,
    api_key: ApiKey = None,
) -> None:
    """Show which models came, went, or changed type or price since the last model diff.

    The first time, changes are those since the first model list that was seen on this machine. The
    account's list and the public one, shown without a key, are compared each with itself.
    """
    from modellix_cli.output import model_search
    from modellix_cli.workflows.models import compare_models, keep_list

    session = Session.of(ctx)
    found = compare_models(session, api_key)
    model_search.changes(session.out, found.changes, found.since, len(found.listed.models))
    keep_list(session, found.listed)
    if not keep and not session.stores.model_lists.move_baseline(found.listed):
        session.out.warn("The list could not be saved: the next model diff shows the same again.")
