"""`modellix-cli auth login`: save a key for a profile."""

import typer

from modellix_cli.commands._framework.command import command
from modellix_cli.commands._framework.options import ApiKey, ApiKeyStdin, Check, Force, StoreIn, Yes
from modellix_cli.context.session import Session
from modellix_cli.domain.errors import ExitStatus
from modellix_cli.output.sink import Output


@command(
    default=Output.HUMAN,
    examples=(
        "auth login",
        "auth login --profile work --api-key-stdin < key.txt",
        "auth login --store keychain",
    ),
    exits=(ExitStatus.AUTH, ExitStatus.RATE_LIMITED, ExitStatus.UNAVAILABLE),
)
def login(
    ctx: typer.Context,
    api_key: ApiKey = None,
    api_key_stdin: ApiKeyStdin = False,
    check: Check = False,
    force: Force = False,
    yes: Yes = False,
    store: StoreIn = None,
) -> None:
    """Validate an API key, save it for the selected profile, and make that profile current.

    A saved key that no longer works is replaced; to replace one that works, pass --force. A key
    that is only in MODELLIX_API_KEY is not saved; auth import-env saves it. Nothing is charged.
    """
    from modellix_cli.output import accounts
    from modellix_cli.workflows.login import Wanted, sign_in

    session = Session.of(ctx)
    question = f"Enter the Modellix API key for profile {session.settings.profile.name}:"
    wanted = Wanted(api_key, api_key_stdin, check, force, yes, store)
    accounts.logged_in(
        session.out, sign_in(session, wanted, question), session.stores.accounts.path
    )
