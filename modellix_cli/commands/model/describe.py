"""`modellix-cli model describe`: all that the model list says about one model."""

import typer

from modellix_cli.commands._framework.command import command
from modellix_cli.commands._framework.options import ApiKey, ModelSlug
from modellix_cli.context.session import Session
from modellix_cli.domain.errors import ErrorCode, ExitStatus, ModellixError
from modellix_cli.domain.values import parse_slug
from modellix_cli.output.sink import Output


@command(
    default=Output.HUMAN,
    examples=(
        "model describe bytedance/seedream-4.5-t2i",
        "model describe alibaba/wan2.5-t2v --json",
    ),
    exits=(ExitStatus.AUTH, ExitStatus.NOT_FOUND, ExitStatus.RATE_LIMITED, ExitStatus.UNAVAILABLE),
)
def describe(ctx: typer.Context, slug: ModelSlug, api_key: ApiKey = None) -> None:
    """Show what the model list says about a model; upper and lower case are the same."""
    from modellix_cli.output import models
    from modellix_cli.workflows.models import did_you_mean, fetch_models

    session = Session.of(ctx)
    parsed = parse_slug(slug)
    session.check_models((parsed,))
    wanted = parsed.name
    listed = fetch_models(session, api_key).models
    for model in listed:
        if model.slug.casefold() == wanted.casefold():
            models.model(session.out, model, session.commands.line("model params", model.slug))
            return
    every = session.commands.line("model list --output slugs")
    raise ModellixError(
        ErrorCode.NOT_FOUND,
        f"Model not found: {wanted}.",
        hint=f"{did_you_mean(wanted, (model.slug for model in listed))} "
        f"All models are listed by: {every}".strip(),
    )
