"""How models, their parameters and pages look in each output mode (official-cli.md 4.10-4.12)."""

from collections.abc import Callable, Sequence
from typing import Final

from modellix_cli.api.catalog import Model, ModelList
from modellix_cli.api.pages import Page
from modellix_cli.domain.jsontext import Json, dumps
from modellix_cli.domain.money import Money
from modellix_cli.domain.text import one_line
from modellix_cli.models.parameters import read_parameters
from modellix_cli.output.left_out import WIDER, tell_left_out
from modellix_cli.output.parameters import table
from modellix_cli.output.sink import Output, Sink
from modellix_cli.output.summaries import Field, write_fields


def price_words(model: Model) -> str | None:
    """Return a price as people read it: `$0.07-$0.14/sec`; an odd one as the list has it."""
    rate, price = model.rate, model.record.get("price")
    if rate is None or not rate.unit.startswith("$"):
        return model.price or (_flat(price) if price else None)
    low, high = Money(rate.low).exact, Money(rate.high).exact
    return f"{low if low == high else f'{low}-{high}'}{rate.unit[1:]}"


def _flat(value: Json) -> str:
    """Return JSON of a shape that is not known as words."""
    if isinstance(value, list):
        return "; ".join(map(_flat, value))
    if isinstance(value, dict):
        return ", ".join(f"{name} {_flat(inner)}" for name, inner in value.items())
    return _words(value)


def shown_price(sink: Sink, model: Model) -> str | None:
    """Return a price for people at a terminal; what scripts read stays as the list has it."""
    return price_words(model) if sink.stdout_is_terminal else model.price


COLUMNS: Final[dict[str, Callable[[Model], str | None]]] = {
    "slug": lambda model: model.slug,
    "type": lambda model: model.type,
    "price": lambda model: model.price,
    "description": lambda model: model.description,
    "provider": lambda model: model.provider,
    "docs": lambda model: model.docs_url,
}
"""What a list in words can show of a model, and how."""
_USUAL: Final = ("slug", "type", "price", "description")
_NOT_TOLD: Final = "-"
_TOLD: Final = ("slug", "provider", "type", "price", "description", "docs_url")
"""What the list says of a model that has a name for people."""


def models(
    sink: Sink, listed: ModelList, chosen: Sequence[Model], columns: Sequence[str] = ()
) -> None:
    """Show the models that were chosen from a list (4.10); none in words is a note.

    `columns` are names of `COLUMNS`.
    """
    if sink.mode is Output.JSON:
        sink.json(listed.document | {"models": [model.record for model in chosen]})
    elif sink.mode is not Output.HUMAN:
        for model in chosen:
            sink.line(model.slug)
    elif not chosen:
        sink.note(f"No model matches, of {len(listed.models)}.")
    elif sink.stdout_is_terminal or columns:
        shown, rows = columns or _USUAL, _cells(sink, chosen, columns or _USUAL)
        if not columns and not _has_room(sink, rows):
            short = _cells(sink, chosen, _USUAL[:-1])
            shown, rows = (_USUAL[:-1], short) if _has_room(sink, short) else (shown, rows)
        rows_of(sink, [name.capitalize() for name in shown], rows)
        if not columns and len(shown) < len(_USUAL):
            tell_left_out(sink, ["Description"], f"--columns, {WIDER}")
    else:
        for model in chosen:
            price = [f"price: {model.price}"] if model.price else []
            sink.row(model.slug, model.type or _NOT_TOLD, *price)


def _has_room(sink: Sink, rows: Sequence[Sequence[str]]) -> bool:
    from modellix_cli.output.tables import fits

    return fits([[one_line(cell) for cell in row] for row in rows], sink.width)


def _cells(sink: Sink, chosen: Sequence[Model], names: Sequence[str]) -> list[list[str]]:
    shows = COLUMNS | {"price": lambda model: shown_price(sink, model)}
    return [[shows[name](model) or _NOT_TOLD for name in names] for model in chosen]


def rows_of(sink: Sink, headers: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Show a table at a terminal, else the cells of each row, separated by tabs."""
    if sink.stdout_is_terminal:
        sink.table(headers, rows)
        return
    for row in rows:
        sink.row(*row)


def model(sink: Sink, shown: Model, params: str) -> None:
    """Show all that the list says about a model (4.11); `params` is the command that shows more."""
    if sink.mode is Output.JSON:
        sink.json(shown.record)
    elif sink.mode is Output.QUIET:
        sink.line(shown.slug)
    elif sink.stdout_is_terminal:
        _described(sink, shown)
        sink.note(f"What it takes: {params}")
    else:
        first = {"slug": shown.slug, "provider": shown.record.get("provider", shown.provider)}
        rest = sorted(shown.record.items())
        for name, value in (first | dict(rest)).items():
            sink.line(f"{name}: {_words(value)}")


def _described(sink: Sink, shown: Model) -> None:
    """Show a model to people: what is known by name first, then whatever else the list says."""
    known = {
        "Model": shown.slug,
        "Type": shown.type,
        "Price": price_words(shown),
        "About": shown.description,
        "Page": shown.docs_url,
    }
    more = sorted(name for name in shown.record if name not in _TOLD)
    rest = {name: _words(shown.record[name]) for name in more}
    fields = [Field(label, text) for label, text in (known | rest).items() if text]
    write_fields(sink, fields)


def schema(sink: Sink, slug: str, document: Json) -> None:
    """Show the parameters of a model; `document` is what `read_schema` returned (4.12)."""
    endpoint, post = document["servers"][0]["url"], document["post"]
    if sink.mode is Output.JSON:
        sink.json(document)
    elif sink.mode is Output.QUIET:
        sink.line(endpoint)
    elif sink.stdout_is_terminal and (found := read_parameters(document)):
        sink.line(f"{slug}  {_words(post.get('description') or post.get('summary') or '')}")
        sink.line("")
        table(sink, found)
        sink.line("The whole schema: add --json.")
    else:
        sink.line(f"model: {slug}")
        sink.line(f"endpoint: {endpoint}")
        for name in ("summary", "description"):
            if post.get(name):
                sink.line(f"{name}: {_words(post[name])}")
        for name in ("requestBody", "responses"):
            sink.block(f"{name}: {dumps(post[name])}")


def page(sink: Sink, slug: str, shown: Page) -> None:
    """Show the page of a model: as Markdown, laid out at a terminal."""
    if sink.mode is Output.JSON:
        sink.json({"markdown": shown.markdown, "ok": True, "slug": slug, "url": shown.url})
    elif sink.mode is Output.QUIET:
        sink.line(shown.url)
    else:
        sink.markdown(shown.markdown)


def _words(value: Json) -> str:
    return value if isinstance(value, str) else dumps(value, indent=None)
