"""Writes reference.md from the command tree; a test tells when it is out of date."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import typer

from modellix_cli import app
from modellix_cli.commands._framework.command import PROGRAM, Command, Group
from modellix_cli.commands._framework.global_options import global_options
from modellix_cli.commands._framework.help_page import plain
from modellix_cli.commands._framework.topics import TOPICS
from modellix_cli.domain.errors import REGISTRY

TARGET = Path(__file__).with_name("reference.md")


def commands(group: Group, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Command]]:
    context = typer.Context(group)
    for name in group.list_commands(context):
        found = group.get_command(context, name)
        if isinstance(found, Group):
            yield from commands(found, (*path, name))
        elif found is not None and not found.hidden:
            yield (*path, name), found


def table(context: typer.Context, params: list[Any]) -> list[str]:
    rows = []
    for param in params:
        record = param.get_help_record(context)
        if record is not None:
            cells = plain(record)
            name, text = (cell.replace("|", "\\|").replace("\n", " ") for cell in cells)
            rows.append(f"| `{name}` | {text} |")
    return ["| | |", "|---|---|", *rows, ""] if rows else []


def section(path: tuple[str, ...], command: Command) -> list[str]:
    context = typer.Context(command, info_name=" ".join((PROGRAM, *path)))
    shared = {option.name for option in global_options()}
    own = [param for param in command.params if param.name not in shared]
    statuses = ", ".join(str(int(status)) for status in command.spec.exits)
    return [
        f"## {' '.join(path)}",
        "",
        (command.help or "").strip(),
        "",
        f"    {' '.join((context.command_path, *command.collect_usage_pieces(context)))}",
        "",
        *table(context, own),
        "Examples:",
        "",
        *(f"    {PROGRAM} {example}" for example in command.spec.examples),
        "",
        f"Output: {', '.join(command.spec.outputs)}; by default {command.spec.default}. "
        f"Exit status: {statuses}.",
        "",
    ]


def reference() -> str:
    """Return the whole page as Markdown."""
    lines = [
        "# Command reference",
        "",
        "Written by `docs/generate.py` from the program itself; do not edit.",
        "",
        "## Global options",
        "",
        "On every command, before or after its name. What the exit statuses mean:",
        "`modellix-cli help exit-status`; other pages: `modellix-cli help` and one of",
        f"{', '.join(f'`{topic}`' for topic in TOPICS)}.",
        "",
        *table(typer.Context(app.build()), global_options()),
    ]
    for path, command in commands(app.build()):
        lines += section(path, command)
    lines += ["## Error codes", "", "`error.code` in the JSON envelope. Only commands that can"]
    lines += ["spend money tell `charged`: what the table says, or *as it was*: what was done.", ""]
    lines += ["| code | meaning | exit | retryable | charged |", "|---|---|---|---|---|"]
    for code, kind in REGISTRY.items():
        again = "yes" if kind.retryable else "no"
        charged = kind.charged or "as it was"
        lines.append(
            f"| `{code}` | {kind.meaning} | {int(kind.exit_status)} | {again} | {charged} |"
        )
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    TARGET.write_text(reference(), encoding="utf-8")
