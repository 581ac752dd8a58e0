"""Records of comma-separated values (RFC 4180)."""

import re
from collections.abc import Iterable
from typing import Final

_FORMULA: Final = ("=", "+", "-", "@")
_SPECIAL: Final = re.compile(r'[",]|^\s|\s$')


def csv_record(cells: Iterable[str]) -> str:
    """Return one record, without its line end; cells of one line are quoted where they need it."""
    return ",".join(
        '"' + cell.replace('"', '""') + '"' if _SPECIAL.search(cell) else cell for cell in cells
    )


def no_formula(text: str) -> str:
    """Return a text that no spreadsheet takes for a formula, as it may be anybody's words."""
    return f"'{text}" if text.lstrip().startswith(_FORMULA) else text
