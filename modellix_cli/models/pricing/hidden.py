"""Numbers, parameters and addresses that strings hold."""

import re
from collections.abc import Iterator
from typing import Final

from modellix_cli.domain.jsontext import Json, JsonError, loads
from modellix_cli.models.pricing.amounts import number_of

_MAX_EMBEDDED: Final = 100_000
_MAX_FLAGS: Final = 50
_FLAG: Final = re.compile(r"(?<!\S)--([A-Za-z][A-Za-z_-]{0,40})[ =]{1,3}(\S{1,20})")
_ADDRESS: Final = re.compile(r"\s*(?:https?://|data:|file:|s3:|gs:)", re.IGNORECASE)


def is_address(text: str) -> bool:
    """Whether a string names a file elsewhere, or holds one: `https://…`, `data:…`."""
    return _ADDRESS.match(text) is not None


def flags(text: str) -> Iterator[tuple[str, str]]:
    """Yield the flags that some models read in their prompt: `--duration 10`."""
    if "--" in text:
        for number, match in enumerate(_FLAG.finditer(text)):
            if number == _MAX_FLAGS:
                return
            yield match[1], match[2].rstrip(",.;")


def embedded(text: str) -> Json:
    """Return the object or list that a string is the JSON of, else None."""
    written = text.strip()
    if not written.startswith(("{", "[")) or len(written) > _MAX_EMBEDDED:
        return None
    try:
        return loads(written)
    except JsonError:
        return None


def looks_numeric(text: str) -> bool:
    """Whether a string is a number, of whatever sense: `4`, `-1`."""
    return number_of(text) is not None or text.strip().lstrip("+-").replace(".", "", 1).isdigit()
