"""How the embedded Modellix behaves when it is served. Times in seconds."""

from typing import Annotated

import typer

from modellix_cli.domain.frozen import frozen
from modellix_cli.domain.values import HOUR, duration_option


@frozen(kw_only=True)
class SandboxBehaviour:
    """Limits and speed of the sandbox."""

    rate_limit: Annotated[
        int,
        typer.Option(
            "--rate-limit", min=0, metavar="N", help="Requests in a window; 0 is no limit."
        ),
    ] = 100
    window: Annotated[
        float,
        typer.Option(
            "--window",
            metavar="DURATION",
            parser=duration_option("--window", HOUR),
            help="Length of a window (1m).",
            show_default=False,
        ),
    ] = 60.0
    max_running: Annotated[
        int,
        typer.Option(
            "--max-running", min=0, metavar="N", help="Tasks running at a time; 0 is no limit."
        ),
    ] = 3
    repeat_webhooks: Annotated[
        int,
        typer.Option(
            "--repeat-webhooks",
            min=0,
            metavar="N",
            help="Deliver every Nth webhook twice; 0 repeats none.",
        ),
    ] = 2
    task_time: Annotated[
        float | None,
        typer.Option(
            "--task-time",
            metavar="DURATION",
            parser=duration_option("--task-time", HOUR),
            help="How long each task takes; by default as the model says.",
        ),
    ] = None
