"""How models that fit a wish look, and what changed in the catalogue."""

from collections.abc import Sequence
from typing import Final

from modellix_cli.api.catalog import Model
from modellix_cli.clock import clock_time, iso
from modellix_cli.domain.jsontext import Json
from modellix_cli.domain.text import clip, count
from modellix_cli.models.changes import Change, Changes
from modellix_cli.models.ranking import Ranked
from modellix_cli.output.models import rows_of, shown_price
from modellix_cli.output.sink import Output, Sink

_LONGEST_DESCRIPTION: Final = 80
_NOT_TOLD: Final = "-"


def found(sink: Sink, wish: str, ranked: Sequence[Ranked], seen_at: float) -> None:
    """Show the models that fit `wish`, best first; in words it is the caller's to say none does.

    `seen_at` is the Unix time at which the API listed them.
    """
    if sink.mode is Output.JSON:
        models = [_entry(one) for one in ranked]
        sink.json({"models": models, "query": wish, "listedAt": iso(seen_at)})
    elif sink.mode is not Output.HUMAN:
        for one in ranked:
            sink.line(one.model.slug)
    elif ranked:
        rows = [_cells(sink, one.model) for one in ranked]
        rows_of(sink, ("Slug", "Type", "Price", "Description"), rows)


def _entry(one: Ranked) -> dict[str, Json]:
    """Return a model as the list has it, with its score and what answers the wish."""
    matched = [{"word": m.word, "field": m.field, "found": m.found} for m in one.matches]
    return {"slug": one.model.slug} | one.model.record | {"score": one.score, "matched": matched}


def _cells(sink: Sink, model: Model) -> tuple[str, ...]:
    description = clip(model.description, _LONGEST_DESCRIPTION)
    return (
        model.slug,
        model.type or _NOT_TOLD,
        shown_price(sink, model) or _NOT_TOLD,
        description or _NOT_TOLD,
    )


def changes(sink: Sink, changed: Changes, since: float | None, total: int) -> None:
    """Show what changed since a Unix time, None at the first look; `total` models are there now."""
    if sink.mode is Output.JSON:
        sink.json(_document(changed, since))
    elif sink.mode is not Output.HUMAN:
        for slug in dict.fromkeys(row[1] for row in _change_rows(changed)):
            sink.line(slug)
    elif changed:
        rows_of(sink, ("Change", "Slug", "Details"), _change_rows(changed))
    if sink.mode is Output.HUMAN:
        sink.note(_summary(changed, since, total))


def _document(changed: Changes, since: float | None) -> dict[str, Json]:
    return {
        "since": None if since is None else iso(since),
        "added": [{"slug": model.slug} | model.record for model in changed.added],
        "removed": [{"slug": model.slug} | model.record for model in changed.removed],
        "changed": [
            {
                "slug": change.after.slug,
                "field": change.field,
                "before": change.before.record.get(change.field),
                "after": change.after.record.get(change.field),
            }
            for change in changed.changed
        ],
    }


def _change_rows(changed: Changes) -> list[tuple[str, str, str]]:
    rows = [("added", model.slug, _details(model)) for model in changed.added]
    rows += [("removed", model.slug, _details(model)) for model in changed.removed]
    return rows + [(change.field, change.after.slug, _step(change)) for change in changed.changed]


def _details(model: Model) -> str:
    return ", ".join(filter(None, (model.type, model.price))) or _NOT_TOLD


def _step(change: Change) -> str:
    before, after = (
        getattr(model, change.field) or _NOT_TOLD for model in (change.before, change.after)
    )
    return f"{before} -> {after}"


def _summary(changed: Changes, since: float | None, total: int) -> str:
    if since is None:
        return f"First look: nothing to compare with. {count(total, 'model')} noted."
    if not changed:
        return f"Nothing has changed since {clock_time(since)}: {count(total, 'model')}."
    counts = (
        f"{len(changed.added)} added",
        f"{len(changed.removed)} removed",
        f"{len({change.after.slug for change in changed.changed})} changed",
    )
    return f"Since {clock_time(since)}: {', '.join(counts)}. {count(total, 'model')} now."
