"""The routes that more than one module needs (docs/spec/service.md 2)."""

from typing import TYPE_CHECKING, Final
from urllib.parse import quote

if TYPE_CHECKING:
    from modellix_cli.domain.values import Slug

API_PREFIX: Final = "/api/v1"
PUBLIC_ORIGIN: Final = "https://www.modellix.ai"
"""Where the pages are that need no key."""


def submission_path(slug: "Slug", *, async_route: bool = True) -> str:
    """Return the path that a request of a model is posted to; a task type needs `/async`."""
    return f"{API_PREFIX}/" + (f"{slug.path}/async" if async_route else slug.untyped.path)


def task_path(task_id: str) -> str:
    """Return the path under which a task is."""
    return f"{API_PREFIX}/tasks/{quote(task_id, safe='')}"
