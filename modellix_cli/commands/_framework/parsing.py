"""What is done with the words of a command line beside what Typer does with them."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import typer
from typer.core import TyperOption

from modellix_cli.domain.errors import usage

if TYPE_CHECKING:
    from modellix_cli.commands._framework.typer_types import AnyCommand, Context


def without_open_option(command: "AnyCommand", args: list[str]) -> list[str]:
    """Leave out a last option whose value is being completed.

    It would fail for want of the value, and the arguments before it, such as the model, be lost.
    """
    valued = {
        name
        for param in command.params
        if isinstance(param, TyperOption) and not param.is_flag
        for name in param.opts
    }
    return args[:-1] if args and args[-1] in valued else args


def refuse_repeats(command: "AnyCommand", ctx: "Context", args: list[str]) -> None:
    """Refuse an option with a value that is given twice: which one is meant cannot be known."""
    if ctx.resilient_parsing:
        return
    _, _, order = command.make_parser(ctx).parse_args(list(args))
    seen: set[str] = set()
    for param in order:
        if isinstance(param, TyperOption) and not param.is_flag and not param.multiple:
            option = param.opts[0]
            if option in seen:
                raise usage(f"{option} can only be given once.")
            seen.add(option)


def given(command: "AnyCommand", ctx: "Context", args: Sequence[str]) -> dict[str, object]:
    """Return the values on a command line beside --help, as far as they can be read."""
    words = [word for word in args if word not in ("-h", "--help")]
    try:
        values, _, _ = command.make_parser(ctx).parse_args(words)
    except typer.TyperException:
        return {}
    return dict(values)
