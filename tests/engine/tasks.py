"""Tasks as the server tells them, for tests of the core."""

from modellix_cli.domain.task import Resource, Task


def task_of(
    task_id: str,
    status: str = "processing",
    *,
    reason: str | None = None,
    seconds: float | None = None,
    urls: tuple[str, ...] = (),
) -> Task:
    """Return a task in a status; `seconds` is how long it ran, `urls` are what it made."""
    resources = tuple(
        Resource(position, "image", url, None, None) for position, url in enumerate(urls, 1)
    )
    return Task(task_id, status, resources, reason, None, seconds, {})
