"""Records of comma-separated values (RFC 4180)."""

import re
from collections.abc import Iterable
from typing import Final

_SPECIAL: Final = re.compile(r'[",]|^\s|\s$')


def csv_record(cells: Iterable[str]) -> str:
    """Return one record, without its line end; cells of one line are quoted where they need it."""
    return ",".join(
        '"' + cell.replace('"', '""') + '"' if _SPECIAL.search(cell) else cell for cell in cells
    )
