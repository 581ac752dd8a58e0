"""`modellix-cli model describe`: all that the model list says about one model."""

import typer

from modellix_cli.commands.command import command
from modellix_cli.commands.options import ApiKey, ModelSlug
from modellix_cli.commands.session import Session
from modellix_cli.errors import Code, Exit, ModellixError
from modellix_cli.output.sink import Output
from modellix_cli.values import parse_slug


@command(
    default=Output.HUMAN,
    examples=(
        "model describe bytedance/seedream-4.5-t2i",
        "model describe alibaba/wan2.5-t2v --json",
    ),
    exits=(Exit.AUTH, Exit.NOT_FOUND, Exit.RATE_LIMITED, Exit.UNAVAILABLE),
)
def describe(ctx: typer.Context, slug: ModelSlug, api_key: ApiKey = None) -> None:
    """Show what the model list says about a model; upper and lower case are the same."""
    from modellix_cli.commands.models import did_you_mean, fetch_models
    from modellix_cli.output import models

    session = Session.of(ctx)
    wanted = parse_slug(slug).name
    listed = fetch_models(session, session.client(api_key)).models
    for model in listed:
        if model.slug.casefold() == wanted.casefold():
            models.model(session.out, model)
            return
    every = session.command_line("model list --output slugs")
    raise ModellixError(
        Code.NOT_FOUND,
        f"Model not found: {wanted}.",
        hint=f"{did_you_mean(wanted, (model.slug for model in listed))} "
        f"All models are listed by: {every}".strip(),
    )
