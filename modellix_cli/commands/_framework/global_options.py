"""The options that every command takes, before or after its name (official-cli.md 1.2)."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from typer.core import TyperOption

from modellix_cli import version_line
from modellix_cli.commands._framework.offers import offer
from modellix_cli.context.settings import Globals
from modellix_cli.domain.errors import usage
from modellix_cli.domain.values import DAY, parse_duration

if TYPE_CHECKING:
    from modellix_cli.commands._framework.typer_types import Context, Parameter

GLOBAL_PANEL: Final = "Global options"


def global_options() -> list[TyperOption]:
    """Return new option objects, to be added to a command or a noun."""
    return [
        _value(
            "--output",
            "FORMAT",
            "How results are written: human, json, quiet, or what the command adds "
            "(env: MODELLIX_OUTPUT).",
            "outputs",
        ),
        _flag("--json", help="The same as --output json; errors are JSON on stdout too."),
        _flag("--quiet", "-q", help="Only the essential: ids, URLs, paths."),
        _value("--profile", "NAME", "Use a saved profile (env: MODELLIX_PROFILE).", "profiles"),
        _value("--base-url", "URL", "The API's address (env: MODELLIX_BASE_URL)."),
        _flag(
            "--sandbox",
            help="Use the embedded Modellix: no key, no network, no cost "
            "(env: MODELLIX_SANDBOX=1).",
        ),
        _value(
            "--max-retry-wait",
            "DURATION",
            "Longest pause the server may ask for before a retry (2m).",
        ),
        _flag("--allow-http-api", help="Allow a plain-http base URL that is not this machine."),
        _flag("--no-progress", help="Hide progress on stderr."),
        _flag("--no-color", help="No colours (env: NO_COLOR)."),
        _flag("--verbose", "-v", help="Show each request on stderr."),
        _flag("--debug", help="Show each request, and a traceback for a defect."),
    ]


def keep_for_help(ctx: "Context", values: Mapping[str, object]) -> None:
    """Keep what help depends on, of the values beside --help: which Modellix, and colours."""
    chosen = getattr(ctx.obj, "globals", None)
    for name in ("sandbox", "base_url", "allow_http_api", "no_color"):
        if isinstance(chosen, Globals) and values.get(name):
            setattr(chosen, name, values[name])


def version_option() -> TyperOption:
    """Return the option of the program itself that prints its version."""
    return TyperOption(
        param_decls=["--version"],
        is_flag=True,
        is_eager=True,
        expose_value=False,
        callback=_print_version,
        help="Show name, version, system and Python.",
        rich_help_panel=GLOBAL_PANEL,
    )


def _print_version(ctx: "Context", param: "Parameter", value: bool) -> None:
    if value:
        ctx.obj.out.line(version_line())
        ctx.exit()


def _flag(*names: str, help: str) -> TyperOption:  # noqa: A002
    return TyperOption(
        param_decls=list(names),
        is_flag=True,
        default=False,
        expose_value=False,
        callback=_remember,
        help=help,
        rich_help_panel=GLOBAL_PANEL,
    )


def _value(
    name: str,
    metavar: str,
    help: str,  # noqa: A002
    offered: str | None = None,
) -> TyperOption:
    return TyperOption(
        param_decls=[name],
        metavar=metavar,
        expose_value=False,
        callback=_remember,
        help=help,
        autocompletion=None if offered is None else offer(offered),
        rich_help_panel=GLOBAL_PANEL,
    )


def _remember(ctx: "Context", param: "Parameter", value: str | bool | None) -> object:
    """Keep the value in the session; the same option at two levels must not contradict."""
    chosen = getattr(ctx.obj, "globals", None)
    if not isinstance(chosen, Globals) or value in (None, False):
        return value
    assert isinstance(param, TyperOption)
    assert param.name is not None
    kept: object = value
    if param.name == "max_retry_wait":
        kept = parse_duration(str(value), "--max-retry-wait", DAY)
    if not param.is_flag and getattr(chosen, param.name) is not None:
        raise usage(f"{param.opts[0]} can only be given once.")
    setattr(chosen, param.name, kept)
    return kept
