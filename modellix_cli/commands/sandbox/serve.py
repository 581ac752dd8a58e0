"""`modellix-cli sandbox serve`: the embedded Modellix on a port, for curl and other programs."""

from typing import Annotated

import typer

from modellix_cli.commands._framework.command import command
from modellix_cli.context.session import Session
from modellix_cli.domain.errors import ErrorCode, ModellixError
from modellix_cli.domain.values import HOUR, duration_option
from modellix_cli.output.sink import Output


@command(
    default=Output.HUMAN,
    examples=(
        "sandbox serve",
        "sandbox serve --port 8080 --task-time 500ms --rate-limit 0",
        "sandbox serve --port 0 --quiet",
    ),
)
def serve(
    ctx: typer.Context,
    port: Annotated[
        int, typer.Option(min=0, max=65535, metavar="PORT", help="Port; 0 picks a free one.")
    ] = 8787,
    rate_limit: Annotated[
        int, typer.Option(min=0, metavar="N", help="Requests in a window; 0 is no limit.")
    ] = 100,
    window: Annotated[
        float,
        typer.Option(
            metavar="DURATION",
            parser=duration_option("--window", HOUR),
            help="Length of a window (1m).",
            show_default=False,
        ),
    ] = 60.0,
    max_running: Annotated[
        int, typer.Option(min=0, metavar="N", help="Tasks running at a time; 0 is no limit.")
    ] = 3,
    repeat_webhooks: Annotated[
        int,
        typer.Option(min=0, metavar="N", help="Deliver every Nth webhook twice; 0 repeats none."),
    ] = 2,
    task_time: Annotated[
        float | None,
        typer.Option(
            metavar="DURATION",
            parser=duration_option("--task-time", HOUR),
            help="How long each task takes; by default as the model says.",
        ),
    ] = None,
) -> None:
    """Serve the sandbox on 127.0.0.1 until Ctrl-C. Any key is accepted.

    Point a program at it with MODELLIX_BASE_URL and any MODELLIX_API_KEY. Keys that begin with
    "other" belong to another team. Webhooks are delivered to addresses of this machine only.
    """
    from modellix_cli.paths import state_dir
    from modellix_cli.sandbox import open_sandbox
    from modellix_cli.sandbox.server import serve as serve_app
    from modellix_cli.sandbox.service import Limits

    session = Session.of(ctx)
    limits = Limits(
        requests_per_window=rate_limit,
        window_seconds=window,
        running_tasks=max_running,
        task_seconds=task_time,
        repeat_webhooks=repeat_webhooks,
    )
    folder = state_dir(session.runtime.env) / "sandbox-server"
    app = open_sandbox(folder, session.runtime.clock, limits)

    def ready(bound: int) -> None:
        address = f"http://127.0.0.1:{bound}"
        app.courier.start()
        if session.out.mode is Output.JSON:
            session.out.json({"url": address, "ok": True})
        else:
            session.out.line(address)
        session.out.note(
            f"Serving the sandbox; stop with Ctrl-C. For example:\n  MODELLIX_API_KEY=any "
            f"MODELLIX_BASE_URL={address} modellix-cli model run sandbox/image "
            """--body '{"prompt": "a cat"}' --wait"""
        )

    try:
        serve_app(app, "127.0.0.1", port, ready)
    except OSError as error:
        raise ModellixError(
            ErrorCode.USAGE,
            f"Cannot listen on port {port}: {error.strerror or error}.",
            hint="Choose another with --port, or --port 0 for any free one.",
        ) from error
    finally:
        app.courier.stop()
        app.store.close()
