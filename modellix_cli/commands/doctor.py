"""`modellix-cli doctor`: whether everything is in place, and if not, what is not."""

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
    """Check key, connection, balance and machine. Exits 1 if something required fails.

    Nothing is charged. With --json the result is always the list of checks, never an error.
    """
    from modellix_cli.output.setup import examined
    from modellix_cli.workflows.diagnosis import examine
    from modellix_cli.workflows.setup import find_setup

    session = Session.of(ctx)
    found = find_setup(session, api_key)
    checks = examine(session, api_key, found)
    passed = all(check.ok for check in checks if check.required)
    examined(session.out, found, checks, passed=passed)
    if not passed:
        raise typer.Exit(1)
