"""`modellix-cli autocomplete`: the official CLI's name for setting up completion."""

from typing import Annotated

import typer

from modellix_cli.commands._framework.command import command
from modellix_cli.context.session import Session
from modellix_cli.domain.errors import usage
from modellix_cli.domain.jsontext import Json
from modellix_cli.output.sink import Output

_TARGETS = {
    "bash": "~/.local/share/bash-completion/completions/modellix-cli",
    "zsh": '"${fpath[1]}/_modellix-cli"',
    "powershell": "$PROFILE.CurrentUserAllHosts",
}


@command(
    default=Output.HUMAN,
    script=True,
    examples=("autocomplete bash", "autocomplete script zsh"),
    hidden=True,
)
def autocomplete(
    ctx: typer.Context,
    words: Annotated[
        list[str] | None,
        typer.Argument(metavar="[SHELL]...", help="bash, zsh or powershell; script SHELL."),
    ] = None,
    refresh_cache: Annotated[
        bool, typer.Option("--refresh-cache", "-r", help="Accepted; there is nothing to refresh.")
    ] = False,
) -> None:
    """Say how to set up completion; `autocomplete script SHELL` prints the script itself."""
    from modellix_cli.commands._framework.completing import script

    out = Session.of(ctx).out
    for word in words or ():
        if word not in (*_TARGETS, "script", "create"):
            raise usage(f"{word} is not a shell known here: {', '.join(_TARGETS)}.")
    shells = [word for word in words or () if word in _TARGETS] or list(_TARGETS)
    if "script" in (words or ()):
        printed = script(shells[0])
        told: dict[str, Json] = {"ok": True, "script": printed, "shell": shells[0]}
    else:
        commands = [
            f"modellix-cli completion {shell} {'>>' if shell == 'powershell' else '>'}"
            f" {_TARGETS[shell]}"
            for shell in shells
        ]
        printed = "\n".join(commands)
        told = {"ok": True, "commands": [*commands]}
    if out.mode is Output.JSON:
        out.json(told)
    else:
        out.block(printed)
