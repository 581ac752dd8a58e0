"""`modellix-cli model params`: the parameters a model takes, to read."""

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
        "model params alibaba/qwen-image-plus",
        "model params google/veo-3.1-fast-t2v --json",
    ),
    exits=(ExitStatus.NOT_FOUND, ExitStatus.RATE_LIMITED, ExitStatus.UNAVAILABLE),
)
def params(ctx: typer.Context, slug: ModelSlug) -> None:
    """Show the parameters of a model: type, default, allowed values. Needs no key.

    Where the service cannot be reached, those that were shown last are shown again.
    """
    from modellix_cli.output.parameters import parameters
    from modellix_cli.workflows.parameters import model_parameters

    session = Session.of(ctx)
    model = parse_slug(slug)
    session.check_models((model,))
    shown = model_parameters(session, model)
    parameters(session.out, shown, session.commands.join(shown.example))
