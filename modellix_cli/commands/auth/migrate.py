"""`modellix-cli auth migrate`: turn keys saved by version 0.0.7 into the present format."""

from typing import Annotated

import typer

from modellix_cli.commands._framework.command import command
from modellix_cli.commands._framework.options import Yes
from modellix_cli.context.session import Session
from modellix_cli.domain.account import StoreName
from modellix_cli.domain.errors import ExitStatus
from modellix_cli.output.sink import Output


@command(
    default=Output.HUMAN,
    examples=("auth migrate", "auth migrate --to keychain --yes --json"),
    exits=(ExitStatus.AUTH,),
)
def migrate(
    ctx: typer.Context,
    to: Annotated[StoreName, typer.Option("--to", help="Where to save the keys.")] = "file",
    yes: Yes = False,
) -> None:
    """Convert keys saved by version 0.0.7 or older. Nothing is sent.

    Each key is bound to the current API address (--base-url). Version 0.0.7 cannot read the result.
    """
    from modellix_cli.context.prompts import confirm
    from modellix_cli.output import accounts

    session = Session.of(ctx)
    unasked = "Pass --yes to migrate in a non-interactive session."
    moved: list[str] = []
    if session.settings.sandbox:
        session.out.note("Sandbox: the saved login is not changed.")
    else:
        if not yes:
            question = (
                f"Convert all keys in the old format to {to}, for {session.settings.key_origin}?"
            )
            confirm(session, question, unasked=unasked)
        moved = session.stores.accounts.migrate(session.settings.key_origin, to)
    accounts.migrated(session.out, moved, session.settings.key_origin, to, session.stores.accounts)
