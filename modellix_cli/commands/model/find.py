"""`modellix-cli model find`: the models that fit a wish in words."""

from typing import TYPE_CHECKING, Annotated

import typer

from modellix_cli.commands._framework.command import command
from modellix_cli.commands._framework.options import ApiKey, MaxPrice, ModelType, SortBy
from modellix_cli.context.session import Session
from modellix_cli.domain.errors import ExitStatus, usage
from modellix_cli.domain.text import count
from modellix_cli.output.sink import Output

if TYPE_CHECKING:
    from modellix_cli.api.catalog import Model


@command(
    default=Output.HUMAN,
    outputs=(Output.SLUGS,),
    examples=(
        'model find "photoreal portrait, cheap"',
        "model find turn a photo into a clip",
        "model find fastest --type text-to-image --max-price 0.05 --limit 3 --json",
    ),
    exits=(ExitStatus.AUTH, ExitStatus.RATE_LIMITED, ExitStatus.UNAVAILABLE),
)
def find(
    ctx: typer.Context,
    words: Annotated[
        list[str],
        typer.Argument(metavar="WORDS...", help="What the model should do, and be like."),
    ],
    task_type: ModelType = "",
    max_price: MaxPrice = None,
    sort: SortBy = None,
    limit: Annotated[
        int, typer.Option("--limit", min=1, metavar="N", help="At most N models.")
    ] = 10,
    api_key: ApiKey = None,
) -> None:
    """Find models by what they do, best first: words of slug, type or description, in English.

    Typing errors are forgiven, and words such as photo, clip, voice, transcribe or try-on are
    understood. fast and new move models up; with cheap, models that fit equally well are ranked by
    price. --sort sorts all that fit instead. A price is that of one image, second or million
    characters; of a range the upper end counts. The model list of the last 24 hours is searched on
    this machine; without network an older one. Nothing is charged.
    """
    from modellix_cli.models.ranking import rank
    from modellix_cli.models.selection import Filters, read_max_price, select, sort_key
    from modellix_cli.output import model_search
    from modellix_cli.workflows.models import known_models, tell_unknown_type

    session = Session.of(ctx)
    wish = " ".join(words).strip()
    if not wish:
        raise usage("Say what the model should do, for example: a cheap photo of a person.")
    kept = known_models(session, api_key)
    filters = Filters(type=task_type, max_price=read_max_price(max_price))
    selection = select(kept.models, filters)
    models = selection.models
    if selection.unpriced:
        session.out.note(f"Left out: {count(selection.unpriced, 'model')} without a price.")
    tell_unknown_type(session, kept.models, task_type)
    ranked = rank(models, wish)
    if sort is not None:
        key = sort_key(sort)
        ranked.sort(key=lambda one: key(one.model))
    ranked = ranked[:limit]
    model_search.found(session.out, wish, ranked, kept.seen_at)
    if ranked:
        session.out.note(_next_step(session, ranked[0].model))
    else:
        every = session.commands.line("model list", options=["--output", "human"])
        session.out.note(f"No model fits, of {len(models)}. Use other words, or see all: {every}")


def _next_step(session: Session, best: "Model") -> str:
    """Return what to type next: it costs nothing and shows how the model is run."""
    return f"What the first one takes: {session.commands.line('model params', best.slug)}"
