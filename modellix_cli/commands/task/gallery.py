"""`modellix-cli task gallery`: look at what was made, in the browser."""

from typing import Annotated

import typer

from modellix_cli.commands._framework.command import command
from modellix_cli.commands._framework.offers import offer
from modellix_cli.context.session import Session
from modellix_cli.domain.errors import usage
from modellix_cli.output.sink import Output


@command(
    default=Output.HUMAN,
    examples=(
        "task gallery --open",
        "task gallery --since 7d --model qwen-image --out week.html",
        "task gallery --folder ./results --open",
        "task gallery --serve --open",
    ),
)
def gallery(
    ctx: typer.Context,
    folder: Annotated[
        str | None,
        typer.Option(metavar="DIR", help="Show the media in a folder instead of saved tasks."),
    ] = None,
    out: Annotated[
        str | None,
        typer.Option(
            metavar="FILE",
            help="Where to write the page (modellix-gallery.html).",
        ),
    ] = None,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace FILE even if it is not a gallery.")
    ] = False,
    since: Annotated[
        str | None,
        typer.Option(metavar="WHEN", help="Only what is newer: 12h, 7d, or a date."),
    ] = None,
    model: Annotated[
        str | None,
        typer.Option(
            metavar="TEXT",
            help="Only models whose slug has this text.",
            autocompletion=offer("slugs"),
        ),
    ] = None,
    limit: Annotated[
        int, typer.Option(min=1, max=100_000, metavar="N", help="The newest tasks, at most.")
    ] = 2000,
    open_: Annotated[bool, typer.Option("--open", help="Open it in the browser.")] = False,
    serve: Annotated[
        bool,
        typer.Option("--serve", help="Serve it on 127.0.0.1, up to date, until Ctrl-C."),
    ] = False,
    port: Annotated[
        int | None,
        typer.Option(
            min=0, max=65535, metavar="PORT", help="Port for --serve (8788); 0 picks a free one."
        ),
    ] = None,
) -> None:
    """Make a web page of what your tasks made: pictures, video and audio with their prompts.

    The page needs no network and no server. It searches, filters and compares, and gives the
    command that made each result. Files stay where they are: the page refers to them. With
    --folder, results that were moved or renamed are recognised by their content.
    """
    from modellix_cli.ledger.history import Scope
    from modellix_cli.workflows import gallery as workflow

    session = Session.of(ctx)
    if port is not None and not serve:
        raise usage("--port is only for --serve.")
    if serve and (out is not None or overwrite):
        raise usage("--serve writes no file: leave --out and --overwrite out.")
    chosen = session.settings.profile
    profile = chosen.name if chosen.source in ("flag", "environment") else None
    wanted = workflow.Wanted(
        scope=Scope(profile, session.settings.sandbox),
        limit=limit,
        folder=None if folder is None else workflow.existing_folder(session, folder),
        since=0.0 if since is None else workflow.parse_since(since, session.runtime.clock.now()),
        model=model,
    )
    if serve:
        workflow.serve_gallery(session, wanted, 8788 if port is None else port, show=open_)
    else:
        page = session.settings.path(out or workflow.DEFAULT_NAME)
        workflow.make_gallery(session, wanted, page, overwrite=overwrite, show=open_)
