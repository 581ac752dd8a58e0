"""Going on with a download where it was cut: what to ask for, and whether the answer fits."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from modellix_cli.api.retry import http_date

_STRONG: Final = re.compile(r'"[\x21\x23-\x7e]{0,200}"')
_CONTENT_RANGE: Final = re.compile(r"bytes ([0-9]{1,18})-([0-9]{1,18})/([0-9]{1,18})")


@dataclass(frozen=True, slots=True)
class Resume:
    """What is there of a file: its first `offset` bytes, of `length` if that is known.

    `validator` is what the host must still say of the file for the rest to fit.
    """

    offset: int
    validator: str
    length: int | None = None

    @property
    def headers(self) -> dict[str, str]:
        """The request headers that ask for the rest, or for all if the file has changed."""
        return {"Range": f"bytes={self.offset}-", "If-Range": self.validator}

    def total(self, content_range: str) -> int | None:
        """Return the length of the file if this Content-Range of a 206 fits, else None."""
        match = _CONTENT_RANGE.fullmatch(content_range.strip())
        if match is None:
            return None
        first, last, total = (int(number) for number in match.groups())
        fits = first == self.offset <= last < total and self.length in (None, total)
        return total if fits else None


def validator(headers: Mapping[str, str]) -> str | None:
    """Return what `If-Range` can compare: a strong ETag, else the time of the last change."""
    tag = headers.get("etag", "").strip()
    if _STRONG.fullmatch(tag):
        return tag
    changed = headers.get("last-modified", "").strip()
    return changed if len(changed) < 64 and http_date(changed) is not None else None
