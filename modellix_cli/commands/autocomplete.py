"""`modellix-cli autocomplete`: the official CLI's name for setting up completion."""

from typing import Annotated

import typer

from modellix_cli.commands._framework.command import command
from modellix_cli.context.session import Session
from modellix_cli.domain.errors import usage
from modellix_cli.output.sink import Output

_TARGETS = {
    "bash": "~/.local/share/bash-completion/completions/modellix-cli",
    "zsh": '"${fpath[1]}/_modellix-cli"',
    "powershell": "$PROFILE.CurrentUserAllHosts",
}


@command(
    default=Output.HUMAN, examples=("autocomplete bash", "autocomplete script zsh"), hidden=True
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
        out.block(script(shells[0]))
        return
    for shell in shells:
        arrow = ">>" if shell == "powershell" else ">"
        out.line(f"modellix-cli completion {shell} {arrow} {_TARGETS[shell]}")
