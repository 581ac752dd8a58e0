"""`modellix-cli init`: save an API key and show the first commands."""

from typing import Final

import typer

from modellix_cli.commands._framework.command import command
from modellix_cli.commands._framework.options import ApiKey, ApiKeyStdin, Check, Force, StoreIn, Yes
from modellix_cli.context.session import Session
from modellix_cli.domain.errors import ExitStatus
from modellix_cli.output.sink import Output

QUESTION: Final = "Enter your Modellix API key (https://www.modellix.ai/console/api-key):"


@command(
    default=Output.HUMAN,
    examples=("init", "init --api-key-stdin < key.txt", "init --check --json"),
    exits=(ExitStatus.AUTH, ExitStatus.RATE_LIMITED, ExitStatus.UNAVAILABLE),
)
def init(
    ctx: typer.Context,
    api_key: ApiKey = None,
    api_key_stdin: ApiKeyStdin = False,
    check: Check = False,
    force: Force = False,
    yes: Yes = False,
    store: StoreIn = None,
) -> None:
    """Set up: validate an API key, save it, and show what to do next. Nothing is charged.

    The key comes from --api-key, from stdin, from MODELLIX_API_KEY (then it is not saved), from
    the saved profile, or from a hidden prompt. A saved key that no longer works is replaced.
    """
    from modellix_cli.output import accounts
    from modellix_cli.workflows.login import Wanted, sign_in

    session = Session.of(ctx)
    wanted = Wanted(api_key, api_key_stdin, check, force, yes, store)
    accounts.set_up(session.out, sign_in(session, wanted, QUESTION), session.stores.accounts.path)
