"""`modellix-cli auth import-env`: save the key of an environment variable."""

import re
from typing import Annotated

import typer

from modellix_cli.commands._framework.command import command
from modellix_cli.commands._framework.options import Force, StoreIn
from modellix_cli.context.session import Session
from modellix_cli.domain.errors import ErrorCode, ExitStatus, ModellixError, usage
from modellix_cli.output.sink import Output


@command(
    default=Output.HUMAN,
    examples=(
        "auth import-env",
        "auth import-env --env-var WORK_MODELLIX_KEY --profile work --json",
    ),
    exits=(ExitStatus.AUTH, ExitStatus.RATE_LIMITED, ExitStatus.UNAVAILABLE),
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
    from modellix_cli.output import accounts
    from modellix_cli.profiles.credentials import environment_key
    from modellix_cli.workflows.login import Wanted, import_key

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
            ErrorCode.MISSING_API_KEY,
            f"Missing API key: environment variable {name} is empty or missing.",
            hint="Set it, or name another variable with --env-var. To type the key: "
            f"{session.commands.line('auth login')}",
        )
    wanted = Wanted(None, False, False, force, False, store)
    result = import_key(session, environment_key(text, name), wanted)
    accounts.imported(session.out, result, name)
