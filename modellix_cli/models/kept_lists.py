"""The model lists kept on this machine: the last one, and the one that `model diff` compares with.

`model find` ranks the last one, without network where it is young enough. The other one, the
baseline, is the first list that was ever seen; only `model diff` replaces it, once it has shown
what changed. Any of them may vanish or be broken at any time: then there is none.
"""

from math import isfinite
from pathlib import Path
from typing import TYPE_CHECKING, Final

from modellix_cli import cache_file
from modellix_cli.clock import Clock
from modellix_cli.domain.errors import ModellixError
from modellix_cli.domain.frozen import frozen
from modellix_cli.domain.jsontext import Json

if TYPE_CHECKING:
    from modellix_cli.api.catalog import Model, ModelList

MAX_BYTES: Final = 8 * 1024 * 1024


@frozen
class KeptList:
    """Models in the order of the API, and the Unix time at which it listed them."""

    models: "tuple[Model, ...]"
    seen_at: float


class KeptLists:
    """The lists of `base_url`, in `folder`. The public list has a baseline of its own."""

    def __init__(self, folder: Path, base_url: str, clock: Clock) -> None:
        self._folder = folder
        self._base_url = base_url
        self._clock = clock

    def last(self) -> KeptList | None:
        """Return the list that was seen last, however old it is."""
        return self._read("model-list")

    def baseline(self, *, public: bool) -> KeptList | None:
        """Return the list that `model diff` compares with, None before the first one was seen."""
        return self._read(_baseline(public=public))

    def keep(self, listed: "ModelList") -> None:
        """Keep a whole list as the last one, and as the baseline if it is the first one ever."""
        self._write("model-list", listed)
        if not self._path(_baseline(public=listed.public)).exists():
            self.move_baseline(listed)

    def move_baseline(self, listed: "ModelList") -> bool:
        """Compare with this list from now on; return whether it could be kept."""
        return self._write(_baseline(public=listed.public), listed)

    def _path(self, kind: str) -> Path:
        return cache_file.path_for(self._folder, kind, self._base_url)

    def _read(self, kind: str) -> KeptList | None:
        kept = cache_file.read(self._path(kind), MAX_BYTES)
        if kept is None or kept.get("baseUrl") != self._base_url:
            return None
        from modellix_cli.api.catalog import read_models

        seen = _seconds(kept.get("savedAt"))
        try:
            models = read_models({"models": kept.get("models")}).models
        except ModellixError:
            return None
        return None if seen is None else KeptList(models, seen)

    def _write(self, kind: str, listed: "ModelList") -> bool:
        # A record of the public list may tell its slug in two parts, which reads as well.
        records = [model.record for model in listed.models]
        kept = {"baseUrl": self._base_url, "savedAt": self._clock.now(), "models": records}
        return cache_file.write(self._path(kind), kept)


def _baseline(*, public: bool) -> str:
    return "model-list-compared-public" if public else "model-list-compared"


def _seconds(value: Json) -> float | None:
    """Read a Unix time that a date can be made of."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    return float(value) if 0 <= value < 1e11 and isfinite(value) else None
