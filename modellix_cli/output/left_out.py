"""Telling which columns a table has no room for."""

from collections.abc import Sequence
from typing import Final

from modellix_cli.output.sink import Sink

WIDER: Final = "--json or a wider terminal"
"""What shows all columns of any table."""


def tell_left_out(sink: Sink, headings: Sequence[str], see: str) -> None:
    """Name on stderr the columns that were left out, and what shows them."""
    if headings:
        sink.note(f"No room for {', '.join(headings)}: see {see}.")
