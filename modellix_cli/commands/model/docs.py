"""`modellix-cli model docs`: the page of a model, to read."""

import typer

from modellix_cli.commands._framework.command import command
from modellix_cli.commands._framework.options import ModelSlug
from modellix_cli.context.session import Session
from modellix_cli.domain.errors import ExitStatus
from modellix_cli.domain.values import parse_slug
from modellix_cli.output.sink import Output


@command(
    default=Output.HUMAN,
    examples=(
        "model docs bytedance/seedream-4.5-t2i",
        "model docs alibaba/qwen-image-plus > qwen-image-plus.md",
    ),
    exits=(ExitStatus.NOT_FOUND, ExitStatus.RATE_LIMITED, ExitStatus.UNAVAILABLE),
)
def docs(ctx: typer.Context, slug: ModelSlug) -> None:
    """Show the page of a model: Markdown, laid out at a terminal. Needs no key."""
    from modellix_cli.output import models
    from modellix_cli.workflows.docs import model_page
    from modellix_cli.workflows.models import suggesting

    session = Session.of(ctx)
    model = parse_slug(slug)
    session.check_models((model,))
    with suggesting(session, model):
        page = model_page(session, model)
    models.page(session.out, model.name, page)
