"""What SQLite takes and gives back, as types."""

from collections.abc import Mapping
from typing import Any

SqlValue = str | int | float | bytes | None
Values = Mapping[str, object]
"""What a statement asks for, by the names in it."""
Row = tuple[Any, ...]
"""A row whose columns are known only where it is read; where they are always the same, a row is
a frozen value instead.
"""
