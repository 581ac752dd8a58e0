"""What the ledger is told of a task, and what it keeps of its files."""

from typing import TYPE_CHECKING

from modellix_cli.domain.frozen import frozen
from modellix_cli.ledger.sql import path_from

if TYPE_CHECKING:
    from modellix_cli.domain.money import Money


@frozen
class KeptFile:
    """A file that was saved of a task: `position` of its resource, size in bytes."""

    position: int
    path: str
    size: int
    sha256: str | None = None
    type: str | None = None
    url: str | None = None

    @classmethod
    def of_row(cls, position: int, path: str | bytes, size: int, *about: str | None) -> "KeptFile":
        """Return the file of a row of the ledger."""
        return cls(position, path_from(path), size, *about)


@frozen
class TaskReport:
    """What a poll says about a task, as the ledger keeps it; times are Unix times."""

    task_id: str
    status: str
    ended_at: float | None = None
    expires_at: float | None = None
    billed_cost: "Money | None" = None
