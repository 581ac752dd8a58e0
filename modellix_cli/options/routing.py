"""To which of its addresses a task is submitted."""

from typing import Annotated

import typer

from modellix_cli.options.panels import OTHER

AsyncRoute = Annotated[
    bool | None,
    typer.Option(
        "--async-route/--no-async-route",
        help="Submit to the address with /async, or to the one without (env: "
        "MODELLIX_ASYNC_ROUTE). Both are served; the default is with.",
        show_default=False,
        rich_help_panel=OTHER,
    ),
]
