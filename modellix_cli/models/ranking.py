"""Which models fit a wish in words, best first: `photoreal portrait, cheap`.

Each word of the wish is looked for in slugs, types and descriptions: as it is, by its stem, as the
beginning of a word, with a typo, or by a word that stands for it (`wishes.py`). Rare words count
more than common ones, slugs more than types, types more than descriptions. Words such as `cheap`,
`fast` and `new` find nothing by themselves; they move what was found. With `cheap` and the like
prices decide between models that answer equally many of the other words.

No I/O, no chance: the same list and the same words give the same order.
"""

from collections.abc import Sequence
from dataclasses import replace
from math import log
from typing import Final, Literal

from modellix_cli.api.catalog import Model
from modellix_cli.domain.frozen import frozen
from modellix_cli.models.qualities import Measured, measure
from modellix_cli.models.wishes import Quality, Term, read_wish
from modellix_cli.models.words import likeness, words_of

FieldName = Literal["slug", "type", "description", "price"]
_WEIGHTS: Final[dict[FieldName, float]] = {"slug": 3.0, "type": 2.0, "description": 1.0}
_STANDS_FOR: Final = 0.8
"""What a match counts that was found by another word than the one that was written."""
_NOISE: Final = 0.2
"""Models below this part of the best score are left out: they share a common word at most."""
_SECOND_TYPE: Final = 0.8
_OTHER_FIELDS: Final = 0.15
_WORTH_TELLING: Final = 0.5
_DIGITS: Final = 6
_PRICE: Final = 0.9
"""What the lowest price counts where cheap is wished for: less than another word answered."""
_BETWEEN_EQUALS: Final = 0.001


@frozen
class Match:
    """A word of the wish, and the word of a model's field that answers it."""

    word: str
    field: FieldName
    found: str


@frozen
class Ranked:
    """A model that fits, how well (more is better, zero never), and why."""

    model: Model
    score: float
    matches: tuple[Match, ...]


_Answer = tuple[float, Match]
_NO_ANSWER: Final = (0.0, Match("", "slug", ""))


def rank(models: Sequence[Model], wish: str) -> list[Ranked]:
    """Return the models that fit, best first; none for a wish without a word that says anything."""
    wanted = read_wish(wish)
    found = _find(models, wanted.terms)
    told = [(quality, measure(models, quality.kind)) for quality in wanted.qualities]
    ranked = []
    for place, model in enumerate(models):
        score, matches = found[place]
        factor, reasons = _moved([(quality, measured[place]) for quality, measured in told])
        if not wanted.terms and reasons:
            score = 1.0
        if score:
            ranked.append(Ranked(model, round(score * factor, _DIGITS), matches + reasons))
    ranked.sort(key=lambda one: -one.score)  # equal ones stay in the order of the API
    least = _NOISE * ranked[0].score if ranked else 0.0
    kept = [one for one in ranked if one.score >= least]
    cheap = next((measured for quality, measured in told if quality.kind == "cheap"), None)
    if cheap is None or not wanted.terms:
        return kept
    return _by_price(kept, {model.slug: of.value for model, of in zip(models, cheap, strict=True)})


def _by_price(ranked: list[Ranked], cheapness: dict[str, float]) -> list[Ranked]:
    """Return models in the order of their prices where they answer equally many of the words.

    Prices are compared within their unit; how well the words are answered decides between equals.
    """
    most = ranked[0].score if ranked else 1.0
    scored = [
        replace(
            one,
            score=round(
                sum(match.field != "price" for match in one.matches)
                + _PRICE * cheapness[one.model.slug]
                + _BETWEEN_EQUALS * one.score / most,
                _DIGITS,
            ),
        )
        for one in ranked
    ]
    return sorted(scored, key=lambda one: -one.score)


def _find(
    models: Sequence[Model], terms: tuple[Term, ...]
) -> list[tuple[float, tuple[Match, ...]]]:
    """Return a score for each model, 0 where no term is answered, and what answers them.

    A term that few models answer counts more, and a model that answers more of the terms.
    """
    words = [_words(model) for model in models]
    answers = [
        [_answer(term, model, of) for model, of in zip(models, words, strict=True)]
        for term in terms
    ]
    scores = [0.0] * len(models)
    matches: list[list[Match]] = [[] for _ in models]
    for row in answers:
        answered = sum(1 for value, _ in row if value)
        for place, (value, match) in enumerate(row):
            if value:
                scores[place] += value * log(1 + len(models) / answered)
                matches[place].append(match)
    return [
        (score * len(why) / len(terms) if why else 0.0, tuple(why))
        for score, why in zip(scores, matches, strict=True)
    ]


def _words(model: Model) -> dict[FieldName, tuple[str, ...]]:
    return {
        "slug": words_of(model.slug),
        "type": words_of(model.type or ""),
        "description": words_of(model.description),
    }


def _answer(term: Term, model: Model, words: dict[FieldName, tuple[str, ...]]) -> _Answer:
    """Return how well a model answers a term, and the best match; other fields add a little.

    A term that means types is not looked for in them: `image` is not the image of image-to-video.
    """
    fields = [field for field in words if field != "type" or not term.types]
    found = [_best(term, field, words[field]) for field in fields]
    for place, wanted in enumerate(term.types):
        if model.type and _is_type(model.type, wanted):
            value = _WEIGHTS["type"] * (_SECOND_TYPE if place else 1.0)
            found.append((value, Match(term.word, "type", model.type)))
            break
    found.sort(key=lambda answer: -answer[0])
    (best, match), *others = found
    return best + _OTHER_FIELDS * sum(value for value, _ in others), match


def _best(term: Term, field: FieldName, words: tuple[str, ...]) -> _Answer:
    best = _NO_ANSWER
    for word in words:
        value = likeness(term.word, word)
        for other in term.instead:
            value = max(value, _STANDS_FOR * likeness(other, word, typos=False))
        if value * _WEIGHTS[field] > best[0]:
            best = (value * _WEIGHTS[field], Match(term.word, field, word))
    return best


def _is_type(text: str, wanted: str) -> bool:
    kind = text.casefold()
    return kind.endswith(wanted) if wanted.startswith("-") else kind == wanted


def _moved(told: list[tuple[Quality, Measured]]) -> tuple[float, tuple[Match, ...]]:
    """Return by how much a score grows for the qualities of a model, and those worth telling."""
    factor = 1.0 + sum(quality.weight * measured.value for quality, measured in told)
    reasons = [
        Match(quality.word, measured.field, measured.found)
        for quality, measured in told
        if measured.value >= _WORTH_TELLING
    ]
    return factor, tuple(reasons)
