"""What the sandbox remembers: one class a table, its fields in the order of the columns."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class TaskRecord:
    """A task: when it was created and ends (Unix times), and what it makes (see `Order`).

    `cost` is in millionths of a dollar; `origin` is where it was submitted, `webhook` where its
    end is told or "". `digest` stands for the body, of which `body` is the text where it is short.
    """

    task_id: str
    team: str
    slug: str
    created: float
    ended: float
    seed: str
    width: int
    height: int
    count: int
    clip_seconds: int
    cost: int = 0
    origin: str = ""
    webhook: str = ""
    digest: str = ""
    body: str = ""


@dataclass(frozen=True, slots=True)
class UploadRecord:
    """An uploaded input; `type` is its media type, `created` a Unix time, `size` in bytes."""

    file_id: str
    team: str
    filename: str
    type: str
    created: float
    size: int
    content: bytes


@dataclass(frozen=True, slots=True)
class Delivery:
    """The news of a task's end, for its webhook.

    It is `due` at a Unix time; it was `sent` so often, and is repeated `repeats` times more
    although it is acknowledged.
    """

    delivery_id: str
    task_id: str
    due: float
    sent: int
    repeats: int
