"""What changed between two model lists."""

from collections.abc import Sequence
from typing import Literal

from modellix_cli.api.catalog import Model
from modellix_cli.domain.frozen import frozen

Field = Literal["type", "price"]


@frozen
class Change:
    """A field of a model that is another one now; `before` and `after` are None where not told."""

    before: Model
    after: Model
    field: Field


@frozen
class Changes:
    """The models that came and went, in the order of their list, and those that changed."""

    added: tuple[Model, ...] = ()
    removed: tuple[Model, ...] = ()
    changed: tuple[Change, ...] = ()

    def __bool__(self) -> bool:
        """Whether there is any difference."""
        return bool(self.added or self.removed or self.changed)


def compare(before: Sequence[Model], after: Sequence[Model]) -> Changes:
    """Return what changed: models by slug, their types and prices. Descriptions do not count."""
    old = {model.slug: model for model in before}
    new = {model.slug: model for model in after}
    changed: list[Change] = []
    for slug in new.keys() & old.keys():
        if old[slug].type != new[slug].type:
            changed.append(Change(old[slug], new[slug], "type"))
        if not _same_price(old[slug], new[slug]):
            changed.append(Change(old[slug], new[slug], "price"))
    places = {slug: place for place, slug in enumerate(new)}
    changed.sort(key=lambda change: places[change.after.slug])
    return Changes(
        tuple(model for slug, model in new.items() if slug not in old),
        tuple(model for slug, model in old.items() if slug not in new),
        tuple(changed),
    )


def _same_price(before: Model, after: Model) -> bool:
    """Whether two prices are the same amount of the same unit, however it is written."""
    if before.rate is not None and after.rate is not None:
        return before.rate == after.rate
    return bool(before.record.get("price") == after.record.get("price"))
