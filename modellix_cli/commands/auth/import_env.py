"""`modellix-cli auth import-env`: save the key of an environment variable."""

import re
from typing import Annotated

import typer

from modellix_cli.commands.command import command
from modellix_cli.commands.options import Force, StoreIn
from modellix_cli.commands.session import Session
from modellix_cli.errors import Code, Exit, ModellixError, usage
from modellix_cli.output.sink import Output


@command(
    default=Output.HUMAN,
    examples=(
        "auth import-env",
        "auth import-env --env-var WORK_MODELLIX_KEY --profile work --json",
    ),
    exits=(Exit.AUTH, Exit.RATE_LIMITED, Exit.UNAVAILABLE),
)
def import_env(
    ctx: typer.Context,
    env_var: Annotated[
        str, typer.Option(metavar="NAME", help="The variable that holds the key.")
    ] = "MODELLIX_API_KEY",
    force: Force = False,
    store: StoreIn = None,
) -> None:
    """Validate the API key of an environment variable and save it. Nothing is charged."""
    from modellix_cli.commands.signing_in import Wanted, import_key
    from modellix_cli.local.credentials import ApiKey
    from modellix_cli.output import accounts
    from modellix_cli.values import parse_api_key

    session = Session.of(ctx)
    name = env_var.strip()
    if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", name, re.ASCII):
        raise usage(
            "Environment variable name is invalid.",
            hint="Give the name, without $ and without the key: --env-var MODELLIX_API_KEY",
        )
    text = session.runtime.env.get(name, "")
    if not text.strip():
        raise ModellixError(
            Code.MISSING_API_KEY,
            f"Environment variable {name} is empty or missing.",
            hint=f"Set it, or name another with --env-var. At a prompt: "
            f"{session.command_line('auth login')}",
        )
    wanted = Wanted(None, False, False, force, False, store)
    result = import_key(session, ApiKey(parse_api_key(text), "environment"), wanted)
    accounts.imported(session.out, result, name)
