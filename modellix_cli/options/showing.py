"""Whether saved results are looked at, for commands that make one task."""

from enum import StrEnum
from typing import Annotated

import typer

from modellix_cli.domain.frozen import frozen
from modellix_cli.options.panels import SAVING


class Preview(StrEnum):
    """Whether saved results are drawn in the terminal; AUTO: where it is known to show pictures."""

    AUTO = "auto"
    ON = "on"
    OFF = "off"


Open = Annotated[
    bool,
    typer.Option(
        "--open", help="Show the first saved result in the system's viewer.", rich_help_panel=SAVING
    ),
]


@frozen(kw_only=True)
class Showing:
    """How saved results are looked at: drawn in the terminal, opened in the system's viewer."""

    preview: Annotated[
        Preview,
        typer.Option(
            "--preview",
            help="Draw saved results in the terminal; auto: where it is known to show pictures.",
            rich_help_panel=SAVING,
        ),
    ] = Preview.AUTO
    open_: Open = False
