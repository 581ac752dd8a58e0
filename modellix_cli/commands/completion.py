"""`modellix-cli completion`: what a shell needs to complete commands with Tab."""

from typing import Annotated, Literal

import typer

from modellix_cli.commands._framework.command import COMPLETION_VARIABLE, PROGRAM, command
from modellix_cli.context.session import Session
from modellix_cli.output.sink import Output

Shell = Literal["bash", "zsh", "fish", "powershell"]


@command(
    default=Output.HUMAN,
    examples=(
        "completion bash > ~/.local/share/bash-completion/completions/modellix-cli",
        "completion zsh > ~/.zfunc/_modellix-cli",
        "completion fish > ~/.config/fish/completions/modellix-cli.fish",
    ),
)
def completion(
    ctx: typer.Context,
    shell: Annotated[Shell, typer.Argument(help="The shell to complete for.")],
) -> None:
    """Print the completion script of a shell. The same are in completions/ of the source."""
    session = Session.of(ctx)
    if session.out.mode is Output.JSON:
        session.out.json({"ok": True, "script": script(shell), "shell": shell})
    else:
        session.out.block(script(shell))


def script(shell: str) -> str:
    """Return the completion script for a shell."""
    from typer._completion_shared import get_completion_script

    return get_completion_script(prog_name=PROGRAM, complete_var=COMPLETION_VARIABLE, shell=shell)
