"""The slugs that the API listed lately: for completion and "Did you mean", never for a decision.

One small file for each base URL. It may vanish, be old, broken or foreign at any time: then there
is none, and nobody is told.
"""

from hashlib import sha256
from pathlib import Path
from typing import Final

from modellix_cli.clock import Clock
from modellix_cli.domain.values import DAY
from modellix_cli.models.cache_file import keep_cached, read_cached

LIFETIME: Final = DAY
_MAX_BYTES: Final = 1024 * 1024


class ModelCache:
    """The slugs listed at `base_url`, in `folder`."""

    def __init__(self, folder: Path, base_url: str, clock: Clock) -> None:
        name = sha256(base_url.encode("utf-8", "surrogatepass")).hexdigest()[:16]
        self.path = folder / f"models-{name}.json"
        self._base_url = base_url
        self._clock = clock

    def slugs(self) -> list[str]:
        """Return the slugs in the API's order, none if they are not known or over a day old."""
        kept = read_cached(self.path, _MAX_BYTES)
        if kept.get("baseUrl") != self._base_url:
            return []
        saved, slugs = kept.get("savedAt"), kept.get("slugs")
        if not isinstance(saved, (int, float)) or not isinstance(slugs, list):
            return []
        if not 0 <= self._clock.now() - saved < LIFETIME:
            return []
        return [slug for slug in slugs if isinstance(slug, str)]

    def keep(self, slugs: list[str]) -> None:
        """Replace what is kept, at once and for the user alone; where that fails, keep nothing."""
        kept = {"baseUrl": self._base_url, "savedAt": self._clock.now(), "slugs": slugs}
        keep_cached(self.path, kept)
