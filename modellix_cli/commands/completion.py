"""`modellix-cli completion`: what a shell needs to complete commands with Tab."""

from typing import Annotated, Literal

import typer

from modellix_cli.commands._framework.command import command
from modellix_cli.commands._framework.completing import SHELLS, script
from modellix_cli.context.session import Session
from modellix_cli.domain.errors import usage
from modellix_cli.output.sink import Output

Shell = Literal["bash", "zsh", "fish", "powershell"]
Wish = Literal["bash", "zsh", "fish", "powershell", "install", "remove"]


@command(
    default=Output.HUMAN,
    script=True,
    examples=(
        "completion install",
        "completion install --shell zsh",
        "completion remove",
        "completion fish > ~/.config/fish/completions/modellix-cli.fish",
    ),
)
def completion(
    ctx: typer.Context,
    wish: Annotated[
        Wish,
        typer.Argument(
            metavar="install|remove|SHELL",
            help="install, remove, or a shell whose script to print: bash, zsh, fish, powershell.",
        ),
    ],
    shell: Annotated[
        Shell | None,
        typer.Option("--shell", help="The shell to install for; by default the one of $SHELL."),
    ] = None,
) -> None:
    """Let Tab complete commands, options and values: install it, or print a shell's script.

    install writes the script and, for bash, zsh and PowerShell, one line at the end of the file
    that the shell reads at its start; remove takes both away. Completion reads what is kept on this
    machine: Tab never waits for the network. In bash, aliases of modellix-cli are completed too.
    """
    session = Session.of(ctx)
    if wish in SHELLS:
        if shell is not None:
            raise usage("--shell is for install and remove.")
        if session.out.mode is Output.JSON:
            session.out.json({"ok": True, "script": script(wish), "shell": wish})
        else:
            session.out.block(script(wish))
        return
    from modellix_cli.output.setup import completed
    from modellix_cli.workflows import completion_setup as setup

    chosen = shell or setup.running_shell(session.runtime.env)
    place = setup.place_of(session, chosen)
    installing = wish == "install"
    changes = setup.install(place, script(chosen)) if installing else setup.remove(place)
    completed(session.out, chosen, changes, installed=installing)
