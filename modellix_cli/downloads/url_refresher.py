"""Where results are now, when they are not any more where their task said."""

import threading
from collections.abc import Callable
from contextlib import suppress

from modellix_cli.domain.errors import ModellixError
from modellix_cli.domain.task import Resource, Task


class UrlRefresher:
    """A task that is read anew when that is first needed, and only once; for several threads."""

    def __init__(self, task_id: str, reread: Callable[[str], Task] | None) -> None:
        self._task_id = task_id
        self._reread = reread
        self._lock = threading.Lock()
        self._task: Task | None = None

    def url(self, resource: Resource) -> str | None:
        """Return another URL that the task now has for a resource; None if there is none."""
        with self._lock:
            if self._reread is not None:
                reread, self._reread = self._reread, None
                with suppress(ModellixError):  # the failure that led here says more
                    self._task = reread(self._task_id)
        now = self._task.resources if self._task else ()
        url = now[resource.position - 1].url if resource.position <= len(now) else None
        return url if url != resource.url else None
