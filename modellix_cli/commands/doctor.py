"""`modellix-cli doctor`: whether everything works, and if not, what to fix first."""

import typer

from modellix_cli.commands._framework.command import command
from modellix_cli.commands._framework.options import ApiKey
from modellix_cli.context.session import Session
from modellix_cli.output.sink import Output


@command(
    default=Output.HUMAN,
    examples=("doctor", "doctor --json", "doctor --sandbox"),
)
def doctor(ctx: typer.Context, api_key: ApiKey = None) -> None:
    """Check the API key, the connection, the balance and this machine.

    Exits 1 if a required check fails, and says what to fix first. Without a key the connection is
    still checked. Nothing is charged, and the ledger is only read. With --json the result is
    always the list of checks.
    """
    from modellix_cli.output.setup import examined
    from modellix_cli.workflows.diagnosis import examine
    from modellix_cli.workflows.setup import find_setup

    session = Session.of(ctx)
    found = find_setup(session, api_key)
    seen = examine(session, api_key, found)
    examined(session.out, found, seen)
    if not seen.passed:
        raise typer.Exit(1)
