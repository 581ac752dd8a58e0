"""`modellix-cli task history`: the tasks this machine knows."""

from typing import Annotated

import typer

from modellix_cli.commands._framework.command import command
from modellix_cli.context.session import Session
from modellix_cli.domain.errors import usage
from modellix_cli.output.sink import Output


@command(
    default=Output.HUMAN,
    examples=(
        "task history",
        "task history --limit 100 --json",
        "task history --profile work --clear --yes",
    ),
)
def history(
    ctx: typer.Context,
    limit: Annotated[
        int, typer.Option("--limit", min=1, metavar="N", help="How many tasks to list at most.")
    ] = 20,
    clear: Annotated[
        bool, typer.Option("--clear", help="Forget the tasks instead of listing them.")
    ] = False,
    yes: Annotated[
        bool, typer.Option("--yes", "-y", help="Clear without asking; needed in scripts.")
    ] = False,
) -> None:
    """List the tasks known here, newest first. Those of the official CLI are among them.

    Submissions whose outcome is unknown are listed too, each with the number for task resolve.
    A profile chosen with --profile or MODELLIX_PROFILE limits what is listed or cleared. Nothing
    is asked of the server; what it keeps is not affected.
    """
    from modellix_cli.context.prompts import confirm
    from modellix_cli.ledger.history import Scope
    from modellix_cli.output import history as show

    session = Session.of(ctx)
    if yes and not clear:
        raise usage("--yes is only for --clear.")
    chosen = session.settings.profile
    named = chosen.source in ("flag", "environment")
    scope = Scope(chosen.name if named else None, session.settings.sandbox)
    again = session.commands.line("task history")
    if not clear:
        entries, total = session.stores.history.entries(scope, limit)
        unknown = session.stores.history.unknown(scope)
        show.entries(
            session.out, entries, total, unknown, session.stores.history, scope.profile, again
        )
        return
    whose = f"of profile {scope.profile}" if scope.profile else "of all profiles"
    question = f"Clear the local Modellix task history {whose}?"
    unattended = "Pass --yes to clear the task history where nobody can answer."
    if not yes:
        confirm(session, question, unasked=unattended)
    show.cleared(session.out, session.stores.history.clear(scope), session.stores.history, again)
