"""`modellix-cli model get-schema`: the parameters a model takes."""

import typer

from modellix_cli.commands._framework.command import command
from modellix_cli.commands._framework.options import ModelSlug
from modellix_cli.context.session import Session
from modellix_cli.domain.errors import ExitStatus
from modellix_cli.domain.values import parse_slug
from modellix_cli.output.sink import Output


@command(
    default=Output.JSON,
    examples=(
        "model get-schema bytedance/seedream-4.5-t2i",
        "model get-schema alibaba/qwen-image-plus --output human",
    ),
    exits=(ExitStatus.NOT_FOUND, ExitStatus.RATE_LIMITED, ExitStatus.UNAVAILABLE),
)
def get_schema(ctx: typer.Context, slug: ModelSlug) -> None:
    """Show the parameters of a model as an OpenAPI fragment. Needs no key."""
    from modellix_cli.output import models
    from modellix_cli.workflows.parameters import fetch_schema

    session = Session.of(ctx)
    model = parse_slug(slug)
    session.check_models((model,))
    models.schema(session.out, model.name, fetch_schema(session, model))
