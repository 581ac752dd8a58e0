"""What every command has: help with examples and exit statuses, the global options, `-h`.

A command module applies `@command(…)` to a plain function with Typer annotations. Modules load
when their command is named, so that start-up does not grow with the number of commands.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from difflib import get_close_matches
from importlib import import_module
from typing import Any, Final

import typer
from typer.core import TyperCommand, TyperGroup, TyperOption
from typer.main import get_command as build_typer_command

from modellix_cli.commands._framework.global_options import GLOBAL_PANEL, global_options
from modellix_cli.commands._framework.option_groups import expand
from modellix_cli.commands._framework.suggestions import answer, elsewhere
from modellix_cli.context.session import Session
from modellix_cli.domain.errors import ErrorCode, ExitStatus, ModellixError, interrupted, usage
from modellix_cli.domain.text import one_line
from modellix_cli.output.sink import Output

PROGRAM: Final = "modellix-cli"
COMPLETION_VARIABLE: Final = "_MODELLIX_CLI_COMPLETE"
"""Set by completion scripts when they ask this program for completions."""
CONTEXT: Final[dict[str, Any]] = {
    "help_option_names": ["-h", "--help"],
    "max_content_width": 100,
    "auto_envvar_prefix": None,
}


@dataclass(frozen=True, slots=True)
class Spec:
    """A command as its module declares it."""

    function: Callable[..., None]
    default: Output
    outputs: tuple[Output, ...]
    examples: tuple[str, ...]
    exits: tuple[ExitStatus, ...]
    hidden: bool
    pays: bool


def command(
    *,
    default: Output,
    examples: Iterable[str],
    exits: Iterable[ExitStatus] = (),
    outputs: Iterable[Output] = (),
    hidden: bool = False,
    pays: bool = False,
) -> Callable[[Callable[..., None]], Spec]:
    """Declare a command: its default output, output values beyond human, json and quiet, its
    examples (without the program's name), exit statuses beyond 0, 1, 2 and 130, whether help and
    completion pass over it, and whether it can spend money.
    """
    every = (Output.HUMAN, Output.JSON, Output.QUIET, *outputs)
    statuses = sorted(
        {ExitStatus.DONE, ExitStatus.FAILED, ExitStatus.USAGE, ExitStatus.INTERRUPTED, *exits}
    )

    def declare(function: Callable[..., None]) -> Spec:
        return Spec(function, default, every, tuple(examples), tuple(statuses), hidden, pays)

    return declare


class Command(TyperCommand):
    """One command: its own options, then the global ones."""

    spec: Spec

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Parse; `--help` anywhere before `--` wins, an option given twice is refused."""
        if isinstance(ctx.obj, Session):
            ctx.obj.command_path = ctx.command_path
            ctx.obj.pays = self.spec.pays
        before = args[: args.index("--")] if "--" in args else args
        if {"-h", "--help"} & set(before):
            args = ["--help"]
        if ctx.resilient_parsing:
            args = without_open_option(self, args)
        refuse_repeats(self, ctx, args)
        rest = super().parse_args(ctx, args)
        if isinstance(ctx.obj, Session) and not ctx.resilient_parsing:
            ctx.obj.choose_output(self.spec.default, self.spec.outputs)
        return rest

    def invoke(self, ctx: Any) -> Any:
        """Run the command; Ctrl-C or a signal that it did not explain itself is told here."""
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt as stop:  # Typer would make a silent exit of it
            raise interrupted(stop, "Interrupted.") from stop

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """Write the command's own arguments and options, then the global ones."""
        write_options(self, ctx, formatter)

    def format_epilog(self, ctx: Any, formatter: Any) -> None:
        """Write examples and exit statuses."""
        with formatter.section("Examples"):
            for example in self.spec.examples:
                formatter.write(f"  {PROGRAM} {example}\n")
        with formatter.section("Exit status"):
            formatter.write_dl([(str(int(status)), status.meaning) for status in self.spec.exits])


class Group(TyperGroup):
    """A noun: its verbs are modules of the package `commands.NOUN`, loaded when named.

    `verbs` maps each verb to the module that implements it; aliases share one.
    """

    def __init__(self, name: str, help: str, verbs: dict[str, str], epilog: str = "") -> None:  # noqa: A002
        super().__init__(
            name=name,
            help=help,
            epilog=epilog,
            params=global_options(),
            context_settings=CONTEXT,
            rich_markup_mode=None,
        )
        self._verbs = verbs

    @property
    def verbs(self) -> list[str]:
        """The names of its commands."""
        return list(self._verbs)

    @property
    def nouns(self) -> tuple[str, ...]:
        """Which of its commands are nouns: groups of commands."""
        return ()

    def list_commands(self, ctx: Any) -> list[str]:
        """Return the verbs in the order in which they are registered."""
        return list(self._verbs)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """Load the command, or return None if there is none of that name."""
        module = self._verbs.get(cmd_name)
        return None if module is None else load(module, cmd_name)

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Parse; with nothing left to run, do what `without_command` says."""
        refuse_repeats(self, ctx, args)
        rest = super().parse_args(ctx, args)
        if not ctx._protected_args and not rest and not ctx.resilient_parsing:
            instead = self.without_command(ctx)
            if instead is not None:
                ctx._protected_args = [instead]
                return rest
            typer.echo(ctx.get_help())
            ctx.exit()
        return rest

    def without_command(self, ctx: Any) -> str | None:
        """Return the command to run where none was named, or None for the help."""
        return None

    def resolve_command(self, ctx: Any, args: list[str]) -> tuple[str | None, Any, list[str]]:
        """Find the command, or say which one may have been meant; it is never run."""
        name, colon, verb = args[0].partition(":")
        words = [name, verb, *args[1:]] if colon else args
        found = self.get_command(ctx, words[0])
        if found is not None:
            return words[0], found, words[1:]
        if ctx.resilient_parsing:  # a completion says nothing about it
            return None, None, []
        path = ctx.command_path.partition(" ")[2]
        wanted = one_line(f"{path} {args[0]}".strip())
        known = answer(path, args[0])
        meant = "" if known else suggestion(args[0], self, ctx)
        raise ModellixError(
            ErrorCode.UNKNOWN_COMMAND,
            f"{wanted} is not a {PROGRAM} command.{meant}",
            hint=known or f"Run {ctx.command_path} --help for the list.",
        )

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """Write the commands, then the options."""
        self.format_commands(ctx, formatter)
        write_options(self, ctx, formatter)

    def format_epilog(self, ctx: Any, formatter: Any) -> None:
        """Write the epilog as it is."""
        if self.epilog:
            formatter.write_paragraph()
            formatter.write(self.epilog + "\n")


def suggestion(word: str, group: Group, ctx: Any) -> str:
    """Return a sentence that names the command of `group` that may have been meant, or ""."""
    path = ctx.command_path.partition(" ")[2]
    places = elsewhere(word, ctx.find_root().command, ctx)
    if places:
        return f" Did you mean {' or '.join(places)}?"
    near = get_close_matches(word, group.list_commands(ctx), n=1, cutoff=0.6)
    if not near:
        return ""
    return f" Did you mean {path} {near[0]}?" if path else f" Did you mean {near[0]}?"


def load(module: str, name: str) -> Command:
    """Import `commands.MODULE` and build its command under `name`.

    The function is named after the module; `list` is written `list_`, to leave the builtin alone.
    """
    verb = module.rsplit(".", 1)[-1]
    members = vars(import_module(f"modellix_cli.commands.{module}"))
    spec: Spec = members.get(verb) or members[f"{verb}_"]
    app = typer.Typer(add_completion=False, rich_markup_mode=None)
    app.command(name, cls=Command, context_settings=CONTEXT)(expand(spec.function))
    built = build_typer_command(app)
    assert isinstance(built, Command)
    built.spec = spec
    built.hidden = spec.hidden
    built.params.extend(global_options())
    return built


def without_open_option(self: Any, args: list[str]) -> list[str]:
    """Leave out a last option whose value is being completed.

    It would fail for want of the value, and the arguments before it, such as the model, be lost.
    """
    valued = {
        name
        for param in self.params
        if isinstance(param, TyperOption) and not param.is_flag
        for name in param.opts
    }
    return args[:-1] if args and args[-1] in valued else args


def refuse_repeats(self: Any, ctx: Any, args: list[str]) -> None:
    """Refuse an option with a value that is given twice: which one is meant cannot be known."""
    if ctx.resilient_parsing:
        return
    _, _, order = self.make_parser(ctx).parse_args(list(args))
    seen: set[str] = set()
    for param in order:
        if isinstance(param, TyperOption) and not param.is_flag and not param.multiple:
            option = param.opts[0]
            if option in seen:
                raise usage(f"{option} can only be given once.")
            seen.add(option)


def write_options(self: Any, ctx: Any, formatter: Any) -> None:
    """Write arguments, options and global options as sections of help."""
    sections: dict[str, list[Any]] = {"Arguments": [], "Options": [], GLOBAL_PANEL: []}
    for param in self.get_params(ctx):
        record = param.get_help_record(ctx)
        if record is None:
            continue
        if param.param_type_name == "argument":
            sections["Arguments"].append(record)
        elif getattr(param, "rich_help_panel", None) == GLOBAL_PANEL or param.name == "help":
            sections[GLOBAL_PANEL].append(record)
        else:
            sections["Options"].append(record)
    for title, records in sections.items():
        if records:
            with formatter.section(title):
                formatter.write_dl(records)
