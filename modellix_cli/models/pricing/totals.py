"""What many requests may cost together."""

from collections.abc import Iterable
from typing import Final

from modellix_cli.domain.frozen import frozen
from modellix_cli.domain.jsontext import JsonObject
from modellix_cli.domain.money import NOTHING, Money
from modellix_cli.domain.text import clip, count, one_line
from modellix_cli.models.pricing.values import Estimate, in_short, json_amount

_MAX_MODELS: Final = 20
_MAX_REASONS: Final = 10
_MAX_SLUG: Final = 100


@frozen
class UnpricedModel:
    """A model with lines that cannot be priced: how many, and the first few reasons."""

    slug: str
    lines: int
    reasons: tuple[str, ...]


@frozen
class Total:
    """What `lines` may cost together, in US dollars: from `lowest` to `amount`.

    Both leave out the lines that cannot be priced: `unpriced_lines`, of the models in `unpriced`
    (20 at most, and `unpriced_models` tells how many there are).
    """

    lines: int = 0
    amount: Money = NOTHING
    lowest: Money = NOTHING
    unpriced_lines: int = 0
    unpriced_models: int = 0
    unpriced: tuple[UnpricedModel, ...] = ()

    @property
    def words(self) -> str | None:
        """`about $1.20`, `$0.80 to $2.40` or `at least $1.20; 3 lines cannot be estimated`.

        None where there is a price for nothing.
        """
        if self.unpriced_lines == self.lines:
            return None
        low, high = self.lowest.words, self.amount.words
        if self.unpriced_lines:
            return f"at least {low}; {count(self.unpriced_lines, 'line')} cannot be estimated"
        return f"about {low}" if self.lowest == self.amount else f"{low} to {high}"

    def unpriced_words(self, most: int = 5) -> str:
        """Return what cannot be priced, by model: `a/b (2 lines): n is not a usable count`."""
        told = [
            f"{one.slug} ({count(one.lines, 'line')}): {in_short(one.reasons)}"
            for one in self.unpriced[:most]
        ]
        more = self.unpriced_models - len(told)
        return ". ".join(told + ([f"And {count(more, 'more model')}"] if more > 0 else []))

    def as_dict(self) -> JsonObject:
        """Return it as JSON shows it; amounts are numbers, written exactly."""
        models = [
            {"model": one.slug, "lines": one.lines, "reasons": list(one.reasons)}
            for one in self.unpriced
        ]
        return {
            "estimatedUsd": json_amount(self.amount),
            "lowestUsd": json_amount(self.lowest),
            "unpriced": self.unpriced_lines,
            "unpricedModels": models,
        }


def total(estimates: Iterable[Estimate]) -> Total:
    """Add up estimates, however many, exactly."""
    lines = unpriced_lines = 0
    amount = lowest = NOTHING
    counts: dict[str, int] = {}
    reasons: dict[str, dict[str, None]] = {}
    for one in estimates:
        lines += 1
        if one.amount is not None:
            amount, lowest = amount + one.amount, lowest + (one.lowest or NOTHING)
            continue
        unpriced_lines += 1
        counts[one.slug] = counts.get(one.slug, 0) + 1
        if len(counts) <= _MAX_MODELS or one.slug in reasons:
            known = reasons.setdefault(one.slug, {})
            known |= dict.fromkeys(one.unpriced[: _MAX_REASONS - len(known)])
    unpriced = tuple(
        UnpricedModel(clip(one_line(slug), _MAX_SLUG), counts[slug], tuple(known))
        for slug, known in reasons.items()
    )
    return Total(lines, amount, lowest, unpriced_lines, len(counts), unpriced)
