"""`modellix-cli model docs`: the page of a model, to read."""

from typing import Final

import typer

from modellix_cli.commands.command import command
from modellix_cli.commands.options import ModelSlug
from modellix_cli.commands.session import Session
from modellix_cli.errors import Exit
from modellix_cli.output.sink import Output
from modellix_cli.values import parse_slug

ORIGIN: Final = "https://docs.modellix.ai"


@command(
    default=Output.HUMAN,
    examples=(
        "model docs bytedance/seedream-4.5-t2i",
        "model docs alibaba/qwen-image-plus > qwen-image-plus.md",
    ),
    exits=(Exit.NOT_FOUND, Exit.RATE_LIMITED, Exit.UNAVAILABLE),
)
def docs(ctx: typer.Context, slug: ModelSlug) -> None:
    """Show the page of a model: Markdown, laid out at a terminal. Needs no key."""
    from modellix_cli.commands.models import suggesting
    from modellix_cli.output import models

    session = Session.of(ctx)
    model = parse_slug(slug)
    with suggesting(session, model):
        page = session.public_client(ORIGIN).page(model)
    models.page(session.out, model.name, page)
