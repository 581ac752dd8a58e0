"""`modellix-cli model list`: which models there are, what they do and cost."""

from typing import TYPE_CHECKING, Annotated

import typer

from modellix_cli.commands._framework.chosen_columns import chosen_columns
from modellix_cli.commands._framework.command import command
from modellix_cli.commands._framework.offers import offer
from modellix_cli.commands._framework.options import ApiKey, MaxPrice, ModelType, SortBy
from modellix_cli.context.session import Session
from modellix_cli.domain.errors import ExitStatus
from modellix_cli.domain.text import count
from modellix_cli.domain.values import SortKey
from modellix_cli.output.sink import Output

if TYPE_CHECKING:
    from modellix_cli.api.catalog import ModelList
    from modellix_cli.models.selection import Filters, Selection


@command(
    default=Output.JSON,
    outputs=(Output.SLUGS,),
    examples=(
        "model list --search qwen --limit 5",
        "model list --type text-to-video --provider alibaba --output slugs",
        "model list --type text-to-image --max-price 0.03 --sort price --columns slug,price",
    ),
    exits=(ExitStatus.AUTH, ExitStatus.RATE_LIMITED, ExitStatus.UNAVAILABLE),
)
def list_(
    ctx: typer.Context,
    task_type: ModelType = "",
    provider: Annotated[
        str,
        typer.Option(
            metavar="NAME", help="Only a provider's models.", autocompletion=offer("providers")
        ),
    ] = "",
    search: Annotated[
        str, typer.Option(metavar="TEXT", help="Only models with TEXT in slug or description.")
    ] = "",
    featured: Annotated[bool, typer.Option("--featured", help="Only featured models.")] = False,
    max_price: MaxPrice = None,
    sort: SortBy = None,
    limit: Annotated[int | None, typer.Option(min=1, metavar="N", help="At most N models.")] = None,
    columns: Annotated[
        str | None,
        typer.Option(
            metavar="NAMES",
            help="What to show in words: slug,type,price,description,provider,docs.",
        ),
    ] = None,
    api_key: ApiKey = None,
) -> None:
    """List the models: what they are for, and their prices. Nothing is charged.

    --type, --provider and --search ignore case. A price is that of one image, second or million
    characters, whichever the model lists; of a range --max-price and --sort take the upper end.
    --sort price puts images first, then seconds, then characters, then models without a price.
    """
    from modellix_cli.models.selection import Filters, read_max_price, select
    from modellix_cli.output import models
    from modellix_cli.workflows.models import fetch_models

    session = Session.of(ctx)
    filters = Filters(task_type, provider, search, read_max_price(max_price))
    shown = chosen_columns(session, columns, models.COLUMNS)
    listed = fetch_models(session, api_key, featured=featured)
    selection = select(listed.models, filters, sort, limit)
    models.models(session.out, listed, selection.models, shown)
    _tell(session, listed, filters, selection, sort)


def _tell(
    session: Session,
    listed: "ModelList",
    filters: "Filters",
    selection: "Selection",
    sort: SortKey | None,
) -> None:
    """Say what the list itself does not: an unknown type, prices that are missing or mixed."""
    from modellix_cli.models.selection import units
    from modellix_cli.workflows.models import tell_unknown_type

    tell_unknown_type(session, listed.models, filters.type)
    if selection.unpriced:
        session.out.note(f"Left out: {count(selection.unpriced, 'model')} without a price.")
    if sort == "price" and len(units(selection.models)) > 1:
        session.out.note("Sorted by unit, then price: prices of different units do not compare.")
