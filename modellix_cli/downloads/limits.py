"""What saving a task's results is given, and which tasks have results to save."""

from typing import Final, Protocol

from modellix_cli.domain.errors import ErrorCode, ModellixError
from modellix_cli.domain.frozen import frozen
from modellix_cli.domain.task import Resource, Task
from modellix_cli.domain.text import clip, count, one_line

GIB: Final = 1024**3


class NameChooser(Protocol):
    """Who chooses file names; they are made safe and unique afterwards."""

    def name(self, resource: Resource, extension: str) -> str:
        """Return the name for a resource; `extension` has no dot and may be "".

        It is asked from any thread, more than once.
        """


@frozen
class Limits:
    """What a download may use.

    Sizes in bytes; `timeout` in seconds for each file, over all its tries; `parallel` files are
    fetched at once.
    """

    max_bytes: int = GIB
    max_total_bytes: int = 2 * GIB
    max_resources: int = 100
    timeout: float = 600.0
    parallel: int = 4


def check_downloadable(task: Task, max_resources: int) -> None:
    """Raise unless the task succeeded with at least one and at most `max_resources` resources."""
    if task.failed:
        raise task_failed(task)
    if not task.succeeded:
        raise ModellixError(
            ErrorCode.TASK_NOT_FINISHED,
            f"Task {task.task_id} is not complete (current status: {task.status}).",
            task_id=task.task_id,
        )
    if not task.resources:
        raise ModellixError(
            ErrorCode.NO_RESOURCES,
            f"Task {task.task_id} does not contain downloadable resources.",
            task_id=task.task_id,
        )
    if len(task.resources) > max_resources:
        raise ModellixError(
            ErrorCode.RESOURCE_LIMIT,
            f"Task has {count(len(task.resources), 'resource')}, "
            f"more than the allowed {max_resources}.",
        )


def task_failed(task: Task) -> ModellixError:
    """Return the error for a task that ended without a result, with the server's reason."""
    reason = clip(one_line(task.reason or "the server gave no reason"), 500)
    return ModellixError(
        ErrorCode.TASK_FAILED, f"Task {task.task_id} {task.status}: {reason}", task_id=task.task_id
    )
