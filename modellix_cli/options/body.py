"""What is sent: a body, or the tasks of a batch. Sizes in bytes."""

from typing import Annotated, ClassVar

import typer

from modellix_cli.domain.frozen import frozen
from modellix_cli.inputs.body import MAX_BODY_BYTES
from modellix_cli.options.panels import LIMITS, REQUEST
from modellix_cli.options.saving import GIB

MaxBodyBytes = Annotated[
    int,
    typer.Option(
        "--max-body-bytes",
        metavar="N",
        min=1,
        max=MAX_BODY_BYTES,
        help="Largest body, in bytes (64 MiB).",
        rich_help_panel=LIMITS,
        show_default=False,
    ),
]


@frozen(kw_only=True)
class Body:
    """The body of a single request."""

    PANEL: ClassVar[str] = REQUEST

    body: Annotated[
        str | None,
        typer.Option("--body", metavar="JSON", help="The model's parameters, a JSON object."),
    ] = None
    body_file: Annotated[
        str | None,
        typer.Option("--body-file", metavar="PATH", help="A file with them; - for standard input."),
    ] = None
    edit: Annotated[
        bool, typer.Option("--edit", help="Write the body in your editor (env: VISUAL, EDITOR).")
    ] = False
    max_body_bytes: MaxBodyBytes = MAX_BODY_BYTES


@frozen(kw_only=True)
class InputLimits:
    """How large the input of a batch may be."""

    PANEL: ClassVar[str] = LIMITS

    max_body_bytes: MaxBodyBytes = MAX_BODY_BYTES
    max_input_bytes: Annotated[
        int,
        typer.Option(
            "--max-input-bytes",
            metavar="N",
            min=1,
            help="Largest input, in bytes (1 GiB).",
            show_default=False,
        ),
    ] = GIB
