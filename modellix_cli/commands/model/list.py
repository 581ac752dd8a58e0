"""`modellix-cli model list`: which models there are, what they do and cost."""

from typing import TYPE_CHECKING, Annotated

import typer

from modellix_cli.commands._framework import completers as complete
from modellix_cli.commands._framework.command import command
from modellix_cli.commands._framework.options import ApiKey
from modellix_cli.context.session import Session
from modellix_cli.domain.errors import ExitStatus
from modellix_cli.output.sink import Output

if TYPE_CHECKING:
    from modellix_cli.api.catalog import Model


@command(
    default=Output.JSON,
    outputs=(Output.SLUGS,),
    examples=(
        "model list --output human",
        "model list --type text-to-video --provider alibaba --output slugs",
        "model list --search qwen --limit 5",
    ),
    exits=(ExitStatus.AUTH, ExitStatus.RATE_LIMITED, ExitStatus.UNAVAILABLE),
)
def list_(
    ctx: typer.Context,
    task_type: Annotated[
        str,
        typer.Option(
            "--type",
            metavar="TYPE",
            help="Only models of a type, such as text-to-image.",
            autocompletion=complete.task_types,
        ),
    ] = "",
    provider: Annotated[
        str,
        typer.Option(
            metavar="NAME", help="Only a provider's models.", autocompletion=complete.providers
        ),
    ] = "",
    search: Annotated[
        str, typer.Option(metavar="TEXT", help="Only models with TEXT in slug or description.")
    ] = "",
    featured: Annotated[bool, typer.Option("--featured", help="Only featured models.")] = False,
    limit: Annotated[int | None, typer.Option(min=1, metavar="N", help="At most N models.")] = None,
    api_key: ApiKey = None,
) -> None:
    """List the models; --type, --provider and --search ignore case. Nothing is charged."""
    from modellix_cli.output import models
    from modellix_cli.workflows.models import fetch_models

    session = Session.of(ctx)
    listed = fetch_models(session, api_key, featured=featured)
    chosen = [model for model in listed.models if matches(model, task_type, provider, search)]
    models.models(session.out, listed, chosen[:limit])


def matches(model: "Model", task_type: str, provider: str, search: str) -> bool:
    """Whether a model passes the filters; a blank one lets everything pass."""
    wanted_type, wanted_provider, text = (
        wanted.strip().casefold() for wanted in (task_type, provider, search)
    )
    return (
        wanted_type in ("", (model.type or "").casefold())
        and wanted_provider in ("", model.provider.casefold())
        and text in f"{model.slug} {model.description}".casefold()
    )
