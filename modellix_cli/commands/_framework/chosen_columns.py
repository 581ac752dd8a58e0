"""`--columns`: which columns a list in words has."""

from collections.abc import Collection

from modellix_cli.context.session import Session
from modellix_cli.domain.errors import usage
from modellix_cli.domain.text import quoted
from modellix_cli.output.sink import Output


def chosen_columns(session: Session, text: str | None, known: Collection[str]) -> tuple[str, ...]:
    """Read the names of columns; they make words the output where no other one was asked for."""
    if text is None:
        return ()
    names = tuple(name.strip().lower() for name in text.split(","))
    for name in names:
        if name not in known:
            raise usage(f"Invalid --columns: {quoted(name)} is not one of {', '.join(known)}.")
    if not session.commands.output_words():
        session.out.mode = Output.HUMAN
    elif session.out.mode is not Output.HUMAN:
        raise usage("--columns is for --output human. JSON always has every field.")
    return names
