"""What SQLite takes and gives back, as types; and texts of the system, which may be no UTF-8."""

import os
from collections.abc import Mapping
from typing import Any

from modellix_cli.domain.text import is_encodable

SqlValue = str | int | float | bytes | None
Values = Mapping[str, object]
"""What a statement asks for, by the names in it."""
Row = tuple[Any, ...]
"""A row whose columns are known only where it is read; where they are always the same, a row is
a frozen value instead.
"""


def path_value(path: str) -> str | bytes:
    """Return a path as SQLite takes it: as its bytes where they are no UTF-8."""
    return path if is_encodable(path) else os.fsencode(path)


def path_from(value: str | bytes) -> str:
    """Return a path that `path_value` made storable."""
    return value if isinstance(value, str) else os.fsdecode(value)


def search_text(text: str | None) -> str | None:
    """Return a text to look for as SQLite takes it: what is no UTF-8 stands in no text."""
    return None if text is None else text.encode("utf-8", "backslashreplace").decode()
