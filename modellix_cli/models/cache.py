"""The slugs that the API listed lately: for completion and "Did you mean", never for a decision.

One small file for each base URL. It may vanish, be old, broken or foreign at any time: then there
is none, and nobody is told.
"""

from pathlib import Path
from typing import Final

from modellix_cli import cache_file
from modellix_cli.clock import Clock
from modellix_cli.domain.values import DAY

LIFETIME: Final = DAY
_MAX_BYTES: Final = 1024 * 1024


class ModelCache:
    """The slugs listed at `base_url`, in `folder`."""

    def __init__(self, folder: Path, base_url: str, clock: Clock) -> None:
        self.path = cache_file.path_for(folder, "models", base_url)
        self._base_url = base_url
        self._clock = clock

    def slugs(self) -> list[str]:
        """Return the slugs in the API's order, none if they are not known or over a day old."""
        kept = cache_file.read(self.path, _MAX_BYTES)
        if kept is None or kept.get("baseUrl") != self._base_url:
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
        cache_file.write(self.path, kept)
