"""`modellix-cli model get-schema`: the parameters a model takes."""

from typing import Final

import typer

from modellix_cli.commands.command import command
from modellix_cli.commands.options import ModelSlug
from modellix_cli.commands.session import Session
from modellix_cli.errors import Exit
from modellix_cli.output.sink import Output
from modellix_cli.values import parse_slug

ORIGIN: Final = "https://www.modellix.ai"


@command(
    default=Output.JSON,
    examples=(
        "model get-schema bytedance/seedream-4.5-t2i",
        "model get-schema alibaba/qwen-image-plus --output human",
    ),
    exits=(Exit.NOT_FOUND, Exit.RATE_LIMITED, Exit.UNAVAILABLE),
)
def get_schema(ctx: typer.Context, slug: ModelSlug) -> None:
    """Show the parameters of a model as an OpenAPI fragment. Needs no key."""
    from modellix_cli.commands.models import suggesting
    from modellix_cli.output import models

    session = Session.of(ctx)
    model = parse_slug(slug)
    with suggesting(session, model):
        document = session.public_client(ORIGIN).schema(model)
    models.schema(session.out, model.name, document)
