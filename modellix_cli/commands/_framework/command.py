"""What every command has: help with examples and exit statuses, the global options, `-h`.

A command module applies `@command(…)` to a plain function with Typer annotations. Modules load
when their command is named, so that start-up does not grow with the number of commands.
"""

from collections.abc import Callable, Iterable, Mapping
from importlib import import_module
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

import typer
from typer.core import TyperCommand, TyperGroup, TyperOption
from typer.main import get_command as build_typer_command

from modellix_cli.commands._framework.global_options import global_options, keep_for_help
from modellix_cli.commands._framework.option_groups import expand
from modellix_cli.commands._framework.parsing import given, refuse_repeats, without_open_option
from modellix_cli.context.session import Session
from modellix_cli.domain.errors import ErrorCode, ExitStatus, ModellixError, interrupted
from modellix_cli.domain.frozen import frozen
from modellix_cli.domain.text import one_line
from modellix_cli.output.sink import Output

if TYPE_CHECKING:
    from modellix_cli.commands._framework.typer_types import (
        AnyCommand,
        Context,
        HelpFormatter,
        Parameter,
    )

PROGRAM: Final = "modellix-cli"
CONTEXT: Final[dict[str, object]] = {
    "help_option_names": ["-h", "--help"],
    "max_content_width": 100,
    "auto_envvar_prefix": None,
}


@frozen
class Spec:
    """A command as its module declares it."""

    function: Callable[..., None]
    default: Output
    outputs: tuple[Output, ...]
    examples: tuple[str, ...]
    exits: tuple[ExitStatus, ...]
    hidden: bool
    pays: bool
    about_model: bool
    script: bool
    uses_project: bool


def command(
    *,
    default: Output,
    examples: Iterable[str],
    exits: Iterable[ExitStatus] = (),
    outputs: Iterable[Output] = (),
    hidden: bool = False,
    pays: bool = False,
    about_model: bool = False,
    script: bool = False,
    uses_project: bool = False,
) -> Callable[[Callable[..., None]], Spec]:
    """Declare a command: its default output, output values beyond human, json and quiet, its
    examples (without the program's name), exit statuses beyond 0, 1, 2 and 130, whether help and
    completion pass over it, whether it can spend money, whether its help shows the parameters of
    the model that is named, whether it prints a script, which settings of output leave alone, and
    whether it takes more from modellix.toml than those, as all that pay.
    """
    every = (Output.HUMAN, Output.JSON, Output.QUIET, *outputs)
    statuses = sorted(
        {ExitStatus.DONE, ExitStatus.FAILED, ExitStatus.USAGE, ExitStatus.INTERRUPTED, *exits}
    )

    def declare(function: Callable[..., None]) -> Spec:
        shown = (tuple(examples), tuple(statuses))
        uses = uses_project or pays
        return Spec(function, default, every, *shown, hidden, pays, about_model, script, uses)

    return declare


class Command(TyperCommand):
    """One command: its own options, then the global ones."""

    spec: Spec
    given_with_help: Mapping[str, object] = MappingProxyType({})
    """What else the command line with --help has."""

    def parse_args(self, ctx: "Context", args: list[str]) -> list[str]:
        """Parse; `--help` anywhere before `--` wins, an option given twice is refused."""
        if isinstance(ctx.obj, Session):
            ctx.obj.command_path = ctx.command_path
            ctx.obj.pays = self.spec.pays
            ctx.obj.uses_project = self.spec.uses_project
        before = args[: args.index("--")] if "--" in args else args
        if {"-h", "--help"} & set(before):
            self.given_with_help = given(self, ctx, before)
            keep_for_help(ctx, self.given_with_help)
            args = ["--help"]
        if ctx.resilient_parsing:
            args = without_open_option(self, args)
        refuse_repeats(self, ctx, args)
        rest = super().parse_args(ctx, args)
        if isinstance(ctx.obj, Session) and not ctx.resilient_parsing:
            spec = self.spec
            ctx.obj.choose_output(spec.default, spec.outputs, script=spec.script)
        return rest

    def invoke(self, ctx: "Context") -> object:
        """Run the command; tell what it did not: of Ctrl-C, and which models were meant."""
        if self.spec.pays:  # before anything is paid: what cannot be read must not count as none
            session = Session.of(ctx)
            session.settings.defaults.check()
            _ = session.settings.budget
            ignored = session.settings.ignored_budget
            if ignored is not None:
                session.out.note(
                    f"{ignored} does not count in the sandbox; MODELLIX_SANDBOX_BUDGET does."
                )
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt as stop:  # Typer would make a silent exit of it
            raise interrupted(stop, "Interrupted.") from stop
        except ModellixError as error:
            if not any(one.wanted for one in (error, *error.faults)):
                raise
            from modellix_cli.workflows.slug_advice import with_meant

            raise with_meant(Session.of(ctx), error) from error.__cause__

    def get_help_option(self, ctx: "Context") -> TyperOption | None:
        """Return `--help`, which prints with colours where they are wanted."""
        return with_pages(super().get_help_option(ctx))

    def format_help(self, ctx: "Context", formatter: "HelpFormatter") -> None:
        """Write its page of help."""
        from modellix_cli.commands._framework.help_page import write_command

        write_command(self, ctx, formatter)


class Group(TyperGroup):
    """A noun: its verbs are modules of the package `commands.NOUN`, loaded when named.

    `verbs` maps each verb to the module that implements it; aliases share one. `more` returns what
    its help ends with.
    """

    def __init__(
        self,
        name: str,
        help: str,  # noqa: A002
        verbs: dict[str, str],
        more: Callable[[], str] | None = None,
    ) -> None:
        super().__init__(
            name=name,
            help=help,
            params=global_options(),
            context_settings=CONTEXT,
            rich_markup_mode=None,
        )
        self._verbs = verbs
        self.more = more

    @property
    def verbs(self) -> list[str]:
        """The names of its commands."""
        return list(self._verbs)

    @property
    def nouns(self) -> tuple[str, ...]:
        """Which of its commands are nouns: groups of commands."""
        return ()

    def list_commands(self, ctx: "Context") -> list[str]:
        """Return the verbs in the order in which they are registered."""
        return list(self._verbs)

    def get_command(self, ctx: "Context", cmd_name: str) -> "Command | Group | None":
        """Load the command, or return None if there is none of that name."""
        module = self._verbs.get(cmd_name)
        return None if module is None else load(module, cmd_name)

    def parse_args(self, ctx: "Context", args: list[str]) -> list[str]:
        """Parse; with nothing left to run, do what `without_command` says."""
        if {"-h", "--help"} & set(args) and given(self, ctx, args).get("no_color"):
            keep_for_help(ctx, {"no_color": True})  # it may stand behind --help
        refuse_repeats(self, ctx, args)
        rest = super().parse_args(ctx, args)
        if not ctx._protected_args and not rest and not ctx.resilient_parsing:
            instead = self.without_command(ctx)
            if instead is not None:
                ctx._protected_args = [instead]
                return rest
            _print_page(ctx)
            ctx.exit()
        return rest

    def without_command(self, ctx: "Context") -> str | None:
        """Return the command to run where none was named, or None for the help."""
        return None

    def resolve_command(
        self, ctx: "Context", args: list[str]
    ) -> "tuple[str | None, AnyCommand | None, list[str]]":
        """Find the command, or say which one may have been meant; it is never run."""
        name, colon, verb = args[0].partition(":")
        words = [name, verb, *args[1:]] if colon else args
        found = self.get_command(ctx, words[0])
        if found is not None:
            return words[0], found, words[1:]
        if ctx.resilient_parsing:  # a completion says nothing about it
            return None, None, []
        from modellix_cli.commands._framework.suggestions import answer, close_answer

        path = ctx.command_path.partition(" ")[2]
        wanted = one_line(f"{path} {args[0]}".strip())
        known = answer(path, args[0])
        meant = "" if known else suggestion(args[0], self, ctx)
        known = known or (None if meant else close_answer(path, args[0]))
        raise ModellixError(
            ErrorCode.UNKNOWN_COMMAND,
            f"{wanted} is not a {PROGRAM} command.{meant}",
            hint=known or f"Run {ctx.command_path} --help for the list.",
        )

    def get_help_option(self, ctx: "Context") -> TyperOption | None:
        """Return `--help`, which prints with colours where they are wanted."""
        return with_pages(super().get_help_option(ctx))

    def format_help(self, ctx: "Context", formatter: "HelpFormatter") -> None:
        """Write its page of help."""
        from modellix_cli.commands._framework.help_page import write_group

        write_group(self, ctx, formatter)


def with_pages(option: TyperOption | None) -> TyperOption | None:
    """Let the option `--help` print through the session."""
    if option is not None:
        option.callback = _show_help
    return option


def _show_help(ctx: "Context", param: "Parameter", value: bool) -> None:
    if value and not ctx.resilient_parsing:
        _print_page(ctx)
        ctx.exit()


def _print_page(ctx: "Context") -> None:
    """Print the help of a command on stdout, with colours where they are wanted."""
    session = Session.of(ctx)
    session.out.color_allowed = not session.globals.no_color
    session.out.styled(ctx.get_help())


def suggestion(word: str, group: Group, ctx: "Context") -> str:
    """Return a sentence that names the command of `group` that may have been meant, or ""."""
    from modellix_cli.commands._framework.suggestions import close_command, elsewhere

    path = ctx.command_path.partition(" ")[2]
    root = ctx.find_root().command
    places = elsewhere(word, root, ctx) if isinstance(root, Group) else []
    if places:
        return f" Did you mean {' or '.join(places)}?"
    near = close_command(word, group.list_commands(ctx))
    return "" if near is None else f" Did you mean {f'{path} {near}'.strip()}?"


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
