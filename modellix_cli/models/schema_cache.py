"""The schema documents that models published lately, to be read again without the network.

One small file for each model, at most 300 of them: the oldest goes first. Any of them may vanish,
be broken or foreign at any time: then there is none, and nobody is told.
"""

from contextlib import suppress
from hashlib import sha256
from math import isfinite
from pathlib import Path
from typing import Final

from modellix_cli import cache_file
from modellix_cli.clock import Clock
from modellix_cli.domain.frozen import frozen
from modellix_cli.domain.jsontext import Json
from modellix_cli.domain.values import Slug

MOST_SCHEMAS: Final = 300
MAX_BYTES: Final = 512 * 1024


@frozen
class CachedSchema:
    """A schema document as it was published, and how long ago that was, in seconds."""

    document: Json
    age: float


class SchemaCache:
    """The schema documents of the models at `base_url`, in `folder`."""

    def __init__(self, folder: Path, base_url: str, clock: Clock) -> None:
        self.folder = folder / "schemas"
        self._base_url = base_url
        self._clock = clock

    def get(self, slug: Slug) -> CachedSchema | None:
        """Return what is kept of a model, however old it is; None if it is not known.

        What the clock says is from the future counts as new.
        """
        kept = cache_file.read(self._path(slug), MAX_BYTES) or {}
        saved, document = kept.get("savedAt"), kept.get("schema")
        ours = kept.get("baseUrl") == self._base_url and kept.get("slug") == slug.name
        if not ours or not isinstance(saved, (int, float)) or not isinstance(document, dict):
            return None
        age = self._clock.now() - saved
        return CachedSchema(document, max(0.0, age)) if isfinite(age) else None

    def keep(self, slug: Slug, document: Json) -> None:
        """Keep a document that was just published; a very large one, or where that fails, not."""
        kept = {"baseUrl": self._base_url, "slug": slug.name, "savedAt": self._clock.now()}
        cache_file.write(self._path(slug), kept | {"schema": document}, MAX_BYTES)
        self._remove_oldest()

    def forget(self, slug: Slug) -> None:
        """Remove what is kept of a model that is gone."""
        with suppress(OSError):
            self._path(slug).unlink(missing_ok=True)

    def _path(self, slug: Slug) -> Path:
        name = f"{self._base_url} {slug.name}".encode("utf-8", "surrogatepass")
        return self.folder / f"{sha256(name).hexdigest()[:32]}.json"

    def _remove_oldest(self) -> None:
        with suppress(OSError):
            files = [(path.stat().st_mtime, path) for path in self.folder.iterdir()]
            for _, path in sorted(files)[: max(0, len(files) - MOST_SCHEMAS)]:
                path.unlink(missing_ok=True)
