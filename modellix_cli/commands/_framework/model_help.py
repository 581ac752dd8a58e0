"""The parameters of a model at the end of `model run SLUG --help`."""

from math import inf
from typing import TYPE_CHECKING, Final

from modellix_cli.commands._framework import help_page as page
from modellix_cli.context.session import Session
from modellix_cli.domain.text import clip, one_line

if TYPE_CHECKING:
    from modellix_cli.commands._framework.typer_types import HelpFormatter
    from modellix_cli.models.parameters import Parameter

_SECONDS: Final = 1.0
"""How long help may wait for a schema that is not kept."""
_MOST: Final = 60


def write_parameters(session: Session, formatter: "HelpFormatter", slug: str) -> None:
    """Write what a model takes, or where to read it. Never fails: help is help."""
    from modellix_cli.output.parameters import told_in_help

    named = clip(one_line(slug), 80)
    try:
        taken = _parameters(session, slug)
        rows = [told_in_help(one) for one in taken[:_MOST]]
    except Exception:  # noqa: BLE001 - no key, no network, no model: the rest of help stands
        rows = []
    if rows:
        page.write_rows(formatter, f"Parameters of {named}", rows)
    else:
        formatter.write_paragraph()
        told = f"see modellix-cli model params {named}"
        page.write_pointer(formatter, "Parameters of the model", told)


def _parameters(session: Session, slug: str) -> "list[Parameter]":
    """Return the parameters of the schema that is kept, else asked for once; required first."""
    from modellix_cli.domain.values import parse_slug
    from modellix_cli.models.parameters import read_parameters
    from modellix_cli.workflows.schemas import SchemaReader

    document = SchemaReader(session, fresh=inf, seconds=_SECONDS).read(parse_slug(slug))
    return sorted(read_parameters(document), key=lambda one: not one.required)
