"""`modellix-cli help`: the help of any command, and pages about topics."""

from collections.abc import Sequence
from difflib import get_close_matches
from typing import TYPE_CHECKING, Annotated

import typer

from modellix_cli.commands._framework.command import PROGRAM, Group, command, suggestion
from modellix_cli.commands._framework.help_page import first_sentence, without_styles
from modellix_cli.commands._framework.offers import offer
from modellix_cli.commands._framework.topics import TOPICS, topic_page
from modellix_cli.context.session import Session
from modellix_cli.domain.errors import usage
from modellix_cli.domain.text import quoted
from modellix_cli.output.sink import Output

if TYPE_CHECKING:
    from modellix_cli.commands._framework.typer_types import AnyCommand, Context


@command(
    default=Output.HUMAN,
    examples=("help model run", "help exit-status", "help --nested-commands"),
)
def help(  # noqa: A001 - the command's name
    ctx: typer.Context,
    words: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[COMMAND|TOPIC]...",
            help="A command's name, or a topic.",
            autocompletion=offer("help_words"),
        ),
    ] = None,
    nested_commands: Annotated[
        bool,
        typer.Option("--nested-commands", "-n", help="List the commands below it as well."),
    ] = False,
) -> None:
    """Show the help of a command, as its --help does, or the page of a topic."""
    session = Session.of(ctx)
    named = words or []
    if len(named) == 1 and named[0] in TOPICS:
        text = topic_page(named[0])
    else:
        found, context = find_command(ctx.find_root(), named)
        text = found.get_help(context)
        if nested_commands and isinstance(found, Group):
            text += "\n\nNested commands:\n" + "\n".join(nested(found, context))
    if session.out.mode is Output.JSON:
        session.out.json({"help": without_styles(text), "ok": True})
    else:
        session.out.styled(text)


def find_command(root: "Context", words: Sequence[str]) -> "tuple[AnyCommand, Context]":
    """Return the command that `words` name, and a context for it. Raises `USAGE`."""
    found: AnyCommand = root.command
    context = root
    for word in words:
        below = found.get_command(context, word) if isinstance(found, Group) else None
        if below is None:
            near = suggestion(word, found, context) if isinstance(found, Group) else ""
            topic = close_topic(word) if len(words) == 1 else None
            meant = f" Did you mean help {topic}?" if topic else near
            raise usage(
                f"Command or topic {quoted(' '.join(words))} not found.{meant}",
                hint=f"Topics: {', '.join(TOPICS)}. Commands: {PROGRAM} --help",
            )
        found, context = below, typer.Context(below, info_name=word, parent=context)
    return found, context


def close_topic(word: str) -> str | None:
    """Return the topic that a misspelt or shortened one means, None if none is close."""
    longer = [topic for topic in TOPICS if len(word) > 2 and topic.startswith(word)]
    return next(iter(longer or get_close_matches(word, TOPICS, n=1, cutoff=0.6)), None)


def nested(group: Group, context: "Context") -> list[str]:
    """Return a line for each command below a noun."""
    lines = []
    for name in group.list_commands(context):
        below = group.get_command(context, name)
        assert below is not None
        inner = typer.Context(below, info_name=name, parent=context)
        if isinstance(below, Group):
            lines += nested(below, inner)
        else:
            path = inner.command_path.partition(" ")[2]
            lines.append(f"  {path:20} {first_sentence(below.help)}")
    return lines
