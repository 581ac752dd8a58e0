"""A batch and the fate of one of its lines, as the journal keeps them."""

import json
from dataclasses import dataclass
from typing import Any, Final

from modellix_cli.clock import iso

_STATES: Final = ("intent", "accepted", "rejected", "unknown")


@dataclass(frozen=True, slots=True)
class Batch:
    """A batch; `state` is `running` (or interrupted without a word), `stopped` or `done`."""

    id: int
    created_at: float
    updated_at: float
    source: str
    total: int
    state: str


@dataclass(frozen=True, slots=True)
class Fate:
    """What became of a line. `state` is `intent`, `accepted`, `rejected` or `unknown`.

    `status` is the final one of its task, None while it is not known to have ended; `detail` says
    what went wrong; `urls` and `files` are what the task made and what was saved of it, `files`
    None if it was not. `again` says that a further run has something left to do.
    """

    index: int
    slug: str
    name: str | None
    state: str
    task_id: str | None = None
    status: str | None = None
    detail: str | None = None
    urls: tuple[str, ...] = ()
    files: tuple[dict[str, Any], ...] | None = None
    again: bool = False


def as_dict(batch: Batch, tally: dict[str, int]) -> dict[str, Any]:
    """Return a batch as JSON shows it, with the number of its lines in each state."""
    counts = {state: tally.get(state, 0) for state in ("accepted", "rejected", "unknown")}
    counts["unknown"] += tally.get("intent", 0)
    return {
        "batch": batch.id,
        "createdAt": iso(batch.created_at),
        "updatedAt": iso(batch.updated_at),
        "source": batch.source,
        "state": batch.state,
        "total": batch.total,
        **counts,
        "notStarted": batch.total - sum(tally.values()),
    }


def read_fate(row: tuple[Any, ...]) -> Fate:
    """Read a line's row; what is odd, as another version's, is never taken for unpaid."""
    index, slug, name, state, task_id, status, detail, text = row
    if state not in _STATES or (state == "accepted" and not task_id):
        state, detail = "unknown", f'The journal says "{state}" of this line.'
    made = _made(text)
    files = made.get("files")
    return Fate(
        index,
        slug,
        name,
        state,
        task_id,
        status,
        detail,
        urls=tuple(url for url in made.get("urls") or () if isinstance(url, str)),
        files=None if files is None else tuple(file for file in files if "path" in file),
    )


def _made(text: Any) -> dict[str, Any]:
    try:
        made = json.loads(text or "{}")
    except (ValueError, TypeError):
        return {}
    lists = isinstance(made, dict) and all(
        isinstance(made.get(name), list | None) for name in ("urls", "files")
    )
    files = (made.get("files") or ()) if lists else (None,)
    return made if all(isinstance(file, dict) for file in files) else {}
