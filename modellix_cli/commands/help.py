"""`modellix-cli help`: the help of any command."""

from typing import Annotated, Any

import typer

from modellix_cli.commands._framework.command import Group, command, suggestion
from modellix_cli.context.session import Session
from modellix_cli.domain.errors import usage
from modellix_cli.output.sink import Output


@command(
    default=Output.HUMAN, examples=("help task wait", "help model run", "help --nested-commands")
)
def help(  # noqa: A001 - the command's name
    ctx: typer.Context,
    words: Annotated[
        list[str] | None, typer.Argument(metavar="[COMMAND]...", help="The command's name.")
    ] = None,
    nested_commands: Annotated[
        bool,
        typer.Option("--nested-commands", "-n", help="List the commands below it as well."),
    ] = False,
) -> None:
    """Show the help of a command, as its --help does."""
    session = Session.of(ctx)
    context: Any = ctx.find_root()
    found: Any = context.command
    for word in words or ():
        below = found.get_command(context, word) if isinstance(found, Group) else None
        if below is None:
            near = suggestion(word, found, context) if isinstance(found, Group) else ""
            raise usage(f"Command {' '.join(words or ())} not found.{near}")
        found, context = below, typer.Context(below, info_name=word, parent=context)
    session.out.block(found.get_help(context))
    if nested_commands and isinstance(found, Group):
        session.out.block("\nNested commands:\n" + "\n".join(nested(found, context)))


def nested(group: Group, context: Any) -> list[str]:
    """Return a line for each command below a noun."""
    lines = []
    for name in group.list_commands(context):
        below = group.get_command(context, name)
        inner = typer.Context(below, info_name=name, parent=context)
        if isinstance(below, Group):
            lines += nested(below, inner)
        else:
            path = inner.command_path.partition(" ")[2]
            lines.append(f"  {path:20} {below.get_short_help_str(70)}")
    return lines
