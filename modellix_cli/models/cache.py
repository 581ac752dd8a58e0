"""The slugs that the API listed lately: for completion and "Did you mean", never for a decision.

One small file for each base URL. It may vanish, be old, broken or foreign at any time: then there
is none, and nobody is told.
"""

import os
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from typing import Final

from modellix_cli.clock import Clock
from modellix_cli.domain.jsontext import JsonError, dumps, loads
from modellix_cli.domain.values import DAY
from modellix_cli.paths import make_private_dir

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
        try:
            if not self.path.is_file():  # opening a pipe would hang
                return []
            with self.path.open("rb") as file:
                data = file.read(_MAX_BYTES + 1)
            kept = loads(data) if len(data) <= _MAX_BYTES else None
        except (OSError, ValueError, JsonError):
            return []
        if not isinstance(kept, dict) or kept.get("baseUrl") != self._base_url:
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
        data = dumps(kept).encode("utf-8", "surrogatepass")
        part = self.path.with_name(f"{self.path.name}.{os.urandom(4).hex()}.part")
        with suppress(OSError):
            make_private_dir(self.path.parent)
            try:
                descriptor = os.open(part, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
                with os.fdopen(descriptor, "wb") as file:
                    file.write(data)
                part.replace(self.path)
            finally:
                part.unlink(missing_ok=True)
