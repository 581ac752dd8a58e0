"""What set a parameter, where that is not the command line: a line of a file of settings."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Final

Origins = Mapping[str, str]
"""By a key of the body, where it is set: `/home/me/film/modellix.toml:4`."""

NOWHERE: Final[Origins] = MappingProxyType({})


def set_in(path: Sequence[object], origins: Origins) -> str:
    """Return in brackets, after a blank, where what stands at `path` is set; "" where unknown.

    >>> set_in(("n",), {"n": "modellix.toml:4"}), set_in(("seed",), {})
    (' (set in modellix.toml:4)', '')
    """
    place = origins.get(str(path[0])) if path else None
    return "" if place is None else f" (set in {place})"
