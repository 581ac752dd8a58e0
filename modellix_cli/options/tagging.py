"""What the user calls requests, to find them again."""

from typing import Annotated

import typer

from modellix_cli.options.panels import OTHER

Tag = Annotated[
    str | None,
    typer.Option(
        "--tag",
        metavar="TAG",
        help="A word to find it by later, up to 64 characters; see task history --tag.",
        rich_help_panel=OTHER,
    ),
]
