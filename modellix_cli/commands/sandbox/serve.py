"""`modellix-cli sandbox serve`: the embedded Modellix on a port, for curl and other programs."""

from typing import TYPE_CHECKING, Annotated

import typer

from modellix_cli.commands._framework.command import command
from modellix_cli.context.session import Session
from modellix_cli.domain.errors import ErrorCode, ModellixError
from modellix_cli.options.sandbox import SandboxBehaviour
from modellix_cli.output.sink import Output

if TYPE_CHECKING:
    from modellix_cli.sandbox.service import Sandbox


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
    behaviour: SandboxBehaviour = SandboxBehaviour(),
) -> None:
    """Serve the sandbox on 127.0.0.1 until Ctrl-C. Any key is accepted.

    Point a program at it with MODELLIX_BASE_URL and any MODELLIX_API_KEY. Keys that begin with
    "other" belong to another team. Webhooks are delivered to addresses of this machine only.
    """
    from modellix_cli.context.sandbox_state import open_state
    from modellix_cli.sandbox.server import serve as serve_app
    from modellix_cli.sandbox.service import Limits

    session = Session.of(ctx)
    limits = Limits(
        requests_per_window=behaviour.rate_limit,
        window_seconds=behaviour.window,
        running_tasks=behaviour.max_running,
        task_seconds=behaviour.task_time,
        repeat_webhooks=behaviour.repeat_webhooks,
    )
    app = open_state(session.settings, "sandbox-server", limits)

    try:
        serve_app(app, "127.0.0.1", port, lambda bound: tell_address(session, app, bound))
        session.out.stopped("Stopped.")
    except OSError as error:
        raise ModellixError(
            ErrorCode.USAGE,
            f"Cannot listen on port {port}: {error.strerror or error}.",
            hint="Choose another with --port, or --port 0 for any free one.",
        ) from error
    finally:
        app.courier.stop()
        app.store.close()


def tell_address(session: Session, app: "Sandbox", port: int) -> None:
    """Say where the sandbox is served, now that it is, and let it deliver webhooks."""
    address = f"http://127.0.0.1:{port}"
    app.courier.start()
    if session.out.mode is Output.JSON:
        session.out.json({"url": address, "ok": True})
    else:
        session.out.line(address)
    session.out.note("Serving the sandbox; stop with Ctrl-C. For example:")
    session.out.note(
        f"  MODELLIX_API_KEY=any MODELLIX_BASE_URL={address} "
        'modellix-cli model run sandbox/image "a cat"'
    )
