"""What `modellix-cli help TOPIC` shows: pages of plain text, at most 100 columns and 60 rows.

A page is a file beside this one, or made from what the program knows.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from modellix_cli.commands._framework import help_page as page
from modellix_cli.domain.exit_status import ExitStatus

TOPICS: Final[Mapping[str, str]] = {
    "globals": "The options that every command takes.",
    "exit-status": "What the exit statuses mean, and what to do then.",
    "environment": "The environment variables that the program reads.",
    "automation": "Scripts, CI jobs and programs that start modellix-cli.",
    "sandbox": "The embedded Modellix: no key, no network, no cost.",
    "pricing": "What tasks cost, and how to keep it in bounds.",
    "support": "Keys, console, documentation, and what to do when nothing works.",
}
"""The topics, each with one line about it, in the order in which help lists them."""
_WIDTH: Final = 100
_AFTER_STATUSES: Final = """
Run the same command again after 6 or 7, and after 124 with task wait. Not after 8: the task may
exist and be charged. modellix-cli task history lists it, modellix-cli task resolve settles it.
After 9 the task is paid for: modellix-cli task download TASKID saves what it made.

With --json the error is on stdout too, as error.code, error.exitCode and error.charged.
Every code: docs/reference.md. After a signal the program tells what it knows, then dies by that
signal. Where several failures are told, the first of these counts: a signal, 8, 4, 3, 10, 9, 6, 7,
1; and 2, 5 and 124 only where all have the same (lines of a batch have 1 for 2 and 5). Where the
ledger was lost, 1 comes before 9.
"""


def topic_page(name: str) -> str:
    """Return the page of a topic, with headings and names in terminal styles."""
    if name == "exit-status":
        return exit_statuses()
    if name == "globals":
        return global_page()
    text = (Path(__file__).parent / f"{name}.txt").read_text(encoding="utf-8")
    return "\n".join(map(_styled, text.splitlines()))


def _styled(line: str) -> str:
    """Return a line of a page; one that stands at the left and ends with a colon is a heading."""
    heading = line.endswith(":") and not line.startswith(" ")
    return page.styled(line, page.HEADING) if heading else line


def exit_statuses() -> str:
    """Return the page about exit statuses."""
    rows = [f"  {int(status):3}  {status.meaning}" for status in ExitStatus]
    return "\n".join(("How a command ends, as its exit status:", "", *rows, _AFTER_STATUSES))


def global_page() -> str:
    """Return the page about the options that every command takes."""
    from modellix_cli.commands._framework.command import PROGRAM, Group
    from modellix_cli.commands._framework.global_options import version_option

    group = Group(PROGRAM, "", {})
    group.params.append(version_option())
    context = group.make_context(PROGRAM, [], resilient_parsing=True)
    formatter = context.make_formatter()
    formatter.width = min(formatter.width, _WIDTH)
    records = [param.get_help_record(context) for param in group.get_params(context)]
    formatter.write("Options of every command, before or after its name.\n")
    page.write_rows(formatter, "Global options", [row for row in records if row is not None])
    formatter.write(
        "\n-q wins over --json, --json over --output; without them each command has its default.\n"
        f"Variables with the same effect: {PROGRAM} help environment\n"
    )
    return str(formatter.getvalue())
