"""`modellix-cli usage`: what was spent on this machine."""

from typing import Annotated

import typer

from modellix_cli.commands._framework.command import command
from modellix_cli.commands._framework.offers import offer
from modellix_cli.context.session import Session
from modellix_cli.output.sink import Output


@command(
    default=Output.HUMAN,
    outputs=(Output.CSV,),
    examples=(
        "usage",
        "usage --since 7d --by day",
        "usage --tag client=acme --by model",
        "usage --since 2026-11-01 --by tag --output csv",
    ),
)
def usage(
    ctx: typer.Context,
    since: Annotated[
        str | None, typer.Option(metavar="WHEN", help="Submitted since: 12h, 7d, 2026-11-01.")
    ] = None,
    by: Annotated[
        str,
        typer.Option(
            metavar="GROUP",
            help="model, day, profile, tag or batch.",
            autocompletion=offer("usage_groups"),
        ),
    ] = "model",
    tag: Annotated[
        str | None, typer.Option("--tag", metavar="TAG", help="With this tag only.")
    ] = None,
) -> None:
    """Show what was spent: tasks, estimates, what was billed, what is unknown or failed.

    It comes from this machine's ledger, without a request: for all profiles, or the one of
    --profile. Days are those of this machine's time zone. With a budget it shows what is left.
    """
    from modellix_cli.output.usage import show_usage
    from modellix_cli.workflows.usage import chosen_group, find_usage

    session = Session.of(ctx)
    report = find_usage(session, since, chosen_group(by), tag)
    show_usage(session.out, report)
    hint = None if report.groups else session.sandbox_hint("usage")
    if hint is not None:
        session.out.note(hint)
