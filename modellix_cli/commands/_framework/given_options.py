"""The options that a command was given, as words to repeat it with."""

from collections.abc import Collection, Mapping

import typer

from modellix_cli.domain.values import format_duration

_DURATIONS = ("interval", "timeout")


def given_names(ctx: typer.Context) -> frozenset[str]:
    """Return the names of the parameters that stood on the command line."""
    sources = {name: ctx.get_parameter_source(name) for name in ctx.params}
    return frozenset(
        name
        for name, source in sources.items()
        if source is not None and source.name == "COMMANDLINE"
    )


def given_options(
    ctx: typer.Context,
    *,
    leaving_out: Collection[str],
    instead: Mapping[str, object] | None = None,
) -> list[str]:
    """Return the options that stood on the command line, but for some parameters by name.

    `instead` has values that take the place of what was given, by parameter. Global options are
    not among the words.
    """
    words: list[str] = []
    for param in ctx.command.params:
        name = param.name or ""
        value = (instead or ctx.params).get(name, ctx.params.get(name))
        source = ctx.get_parameter_source(name)
        off = value is False and param.default is None  # as --no-async-route says
        unset = value in (None, []) or (value is False and not off)  # not 0, which is a limit
        if name in leaving_out or unset or source is None or source.name != "COMMANDLINE":
            continue
        option = max(param.secondary_opts if off else param.opts, key=len)
        if isinstance(value, (list, tuple)):
            words += [word for one in value for word in (option, str(one))]
            continue
        words.append(option)
        if isinstance(value, float) and name in _DURATIONS:
            words.append(format_duration(value))
        elif value is not True and not off:
            words.append(str(value))
    return words
