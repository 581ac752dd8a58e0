"""`modellix-cli webhook listen`: receive webhooks."""

from typing import Annotated

import typer

from modellix_cli.commands._framework.command import command
from modellix_cli.context.session import Session
from modellix_cli.output.sink import Output


@command(
    default=Output.HUMAN,
    outputs=(Output.JSONL,),
    examples=(
        "webhook listen",
        "webhook listen --port 0 --json",
        "webhook listen --path /hook-f3a9 --exec 'notify-send Modellix'",
    ),
)
def listen(
    ctx: typer.Context,
    port: Annotated[
        int, typer.Option(min=0, max=65535, metavar="PORT", help="Port; 0 picks a free one.")
    ] = 8788,
    host: Annotated[
        str, typer.Option(metavar="ADDRESS", help="Address of this machine to listen on.")
    ] = "127.0.0.1",
    path: Annotated[
        str, typer.Option(metavar="URLPATH", help="Path that deliveries go to; one hard to guess.")
    ] = "/",
    exec_: Annotated[
        str | None,
        typer.Option(
            "--exec",
            metavar="CMD",
            help="Run CMD for each delivery, given as JSON on stdin; no shell.",
        ),
    ] = None,
) -> None:
    """Receive webhooks until Ctrl-C: each delivery is told once, as JSON Lines in a pipe.

    Modellix delivers to public HTTPS only: use a tunnel or a proxy, and pass its address to
    --webhook. Webhooks are not signed, so a delivery proves nothing: commands that wait for the
    task poll it at once, and believe the API. CMD finds MODELLIX_TASK_ID and MODELLIX_EVENT in
    its environment, but no API key.
    """
    from modellix_cli.workflows.webhook_setup import ListenOptions, listen_for_webhooks

    session = Session.of(ctx)
    listen_for_webhooks(session, ListenOptions(host, port, path, exec_))
