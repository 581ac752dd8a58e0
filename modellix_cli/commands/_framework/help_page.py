"""How help is laid out: what it does, examples, common options, other groups, details.

Headings and names of options are coloured; `Sink.styled` leaves the colours out where none are
shown.
"""

import re
from collections.abc import Iterable, Sequence
from inspect import cleandoc
from typing import TYPE_CHECKING, Final

from modellix_cli.commands._framework.command import PROGRAM
from modellix_cli.commands._framework.global_options import GLOBAL_PANEL
from modellix_cli.context.session import Session
from modellix_cli.domain.exit_status import ExitStatus
from modellix_cli.options.panels import COMMON, PANELS
from modellix_cli.output.sink import Output

if TYPE_CHECKING:
    from modellix_cli.commands._framework.command import Command, Group
    from modellix_cli.commands._framework.typer_types import Context, HelpFormatter, Parameter

HEADING: Final = "1"
NAME: Final = "36"
"""Terminal styles, as the numbers of SGR."""

_FEW: Final = 9
"""Up to so many options of a command's own are one list."""
_STYLE: Final = r"\x1b\[[\d;]*m"
_RANGE: Final = r"(\d+)<=x<=(\d+)"
_LONE_RANGE: Final = r"  \[(?:1<=x<=\d+|x>=1)\]$"
"""Of a number that just must not be 0 or absurd, which goes without saying."""
_ORDER: Final = {panel: place for place, panel in enumerate(PANELS)}

Row = tuple[str, str]


def styled(text: str, style: str) -> str:
    """Return `text` in a terminal style."""
    return f"\x1b[{style}m{text}\x1b[0m" if text else text


def without_styles(text: str) -> str:
    """Return `text` without the terminal styles of `styled`."""
    return re.sub(_STYLE, "", text)


def write_command(command: "Command", ctx: "Context", formatter: "HelpFormatter") -> None:
    """Write the page of a command; of the model that was named, if it is about one, what it takes.

    What it does, examples, arguments, options, details, and where to read on.
    """
    write_usage(ctx, formatter, command.collect_usage_pieces(ctx))
    write_summary(formatter, command.help)
    examples = (f"{PROGRAM} {example}" for example in command.spec.examples)
    write_lines(formatter, "Examples", examples)
    write_arguments(command, ctx, formatter)
    write_options(command, ctx, formatter)
    slug = command.given_with_help.get("slug") or command.given_with_help.get("model_slug")
    if command.spec.about_model and isinstance(slug, str):
        from modellix_cli.commands._framework.model_help import write_parameters

        write_parameters(Session.of(ctx), formatter, slug)
    write_details(formatter, command.help)
    write_pointers(formatter, command.spec.exits)


def write_group(group: "Group", ctx: "Context", formatter: "HelpFormatter") -> None:
    """Write the page of a noun: its commands, what it adds itself, and where to read on."""
    write_usage(ctx, formatter, group.collect_usage_pieces(ctx))
    write_summary(formatter, group.help)
    write_commands(group, ctx, formatter)
    if group.more is not None:
        formatter.write_paragraph()
        formatter.write(group.more() + "\n")
    write_pointers(formatter, ())


def write_usage(ctx: "Context", formatter: "HelpFormatter", pieces: Iterable[str]) -> None:
    """Write the line that shows how a command is typed."""
    prefix = f"{styled('Usage:', HEADING)} "
    formatter.write_usage(ctx.command_path, " ".join(pieces), prefix=prefix)


def write_summary(formatter: "HelpFormatter", text: str | None) -> None:
    """Write the first paragraph of a description."""
    formatter.write_paragraph()
    with formatter.indentation():
        formatter.write_text(cleandoc(text or "").partition("\n\n")[0])


def write_details(formatter: "HelpFormatter", text: str | None) -> None:
    """Write the paragraphs of a description after the first, where there are any."""
    rest = cleandoc(text or "").partition("\n\n")[2]
    if rest:
        with formatter.section(styled("Details", HEADING)):
            formatter.write_text(rest)


def write_rows(formatter: "HelpFormatter", title: str, rows: Sequence[Row]) -> None:
    """Write a section of names and what they mean; nothing where there are none."""
    if rows:
        with formatter.section(styled(title, HEADING)):
            formatter.write_dl([(styled(name, NAME), told) for name, told in rows])


def write_lines(formatter: "HelpFormatter", title: str, lines: Iterable[str]) -> None:
    """Write a section of lines that are never wrapped."""
    with formatter.section(styled(title, HEADING)):
        for line in lines:
            formatter.write(f"  {line}\n")


def write_pointer(formatter: "HelpFormatter", title: str, told: str) -> None:
    """Write one line that says where to read on."""
    formatter.write(f"{styled(f'{title}:', HEADING)} {told}\n")


def write_arguments(command: "Command", ctx: "Context", formatter: "HelpFormatter") -> None:
    """Write what a command takes without a name."""
    records = (
        param.get_help_record(ctx)
        for param in command.get_params(ctx)
        if param.param_type_name == "argument"
    )
    write_rows(formatter, "Arguments", [plain(record) for record in records if record])


def write_commands(group: "Group", ctx: "Context", formatter: "HelpFormatter") -> None:
    """Write the commands of a noun, each with the first sentence of its description."""
    commands = ((name, group.get_command(ctx, name)) for name in group.list_commands(ctx))
    rows = [
        (name, first_sentence(found.help)) for name, found in commands if found and not found.hidden
    ]
    write_rows(formatter, "Commands", rows)


def write_options(command: "Command", ctx: "Context", formatter: "HelpFormatter") -> None:
    """Write a command's own options: the common ones and --output first, then group by group."""
    panels = panels_of(command.get_params(ctx), ctx)
    if sum(map(len, panels.values())) <= _FEW:
        panels = {"Options": [row for rows in panels.values() for row in rows]}
    first = next(iter(panels))
    panels[first].append(("--output FORMAT", output_choices(command.spec.outputs)))
    for title, rows in panels.items():
        write_rows(formatter, title, rows)


def panels_of(params: Iterable["Parameter"], ctx: "Context") -> dict[str, list[Row]]:
    """Return the rows of a command's own options by their panel, in the order of the panels."""
    found: dict[str, list[Row]] = {COMMON: []}
    for param in params:
        own = param.param_type_name == "option" and param.name != "help"
        panel = getattr(param, "rich_help_panel", None) or COMMON
        record = param.get_help_record(ctx) if own and panel != GLOBAL_PANEL else None
        if record is not None:
            found.setdefault(panel, []).append(plain(record))
    return dict(sorted(found.items(), key=lambda entry: _ORDER.get(entry[0], len(_ORDER))))


def plain(record: Row) -> Row:
    """Return what Typer tells about a parameter, with its range in words."""
    name, told = record
    told = re.sub(_LONE_RANGE, "", told).replace("; x>=1]", "]")
    return name, re.sub(_RANGE, r"\1 to \2", told).replace("x>=", "at least ")


def output_choices(outputs: Sequence[Output]) -> str:
    """Return which values --output takes, as one line."""
    return f"How results are written: {', '.join(outputs)}."


def write_pointers(formatter: "HelpFormatter", statuses: Iterable[ExitStatus]) -> None:
    """Write where to read about global options, and about the exit statuses of a command."""
    formatter.write_paragraph()
    write_pointer(formatter, "Global options", f"see {PROGRAM} help globals")
    numbers = " ".join(str(int(status)) for status in statuses)
    if numbers:
        write_pointer(formatter, "Exit status", f"{numbers}; see {PROGRAM} help exit-status")


def first_sentence(text: str | None) -> str:
    """Return the first sentence of a command's description, on one line."""
    paragraph = " ".join((text or "").strip().partition("\n\n")[0].split())
    return paragraph.partition(". ")[0].removesuffix(".") + "." if paragraph else ""
