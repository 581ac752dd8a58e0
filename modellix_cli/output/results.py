"""How it looks where the results of a task are."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from modellix_cli.clock import iso
from modellix_cli.domain.jsontext import JsonObject
from modellix_cli.output.sink import Output, Sink

if TYPE_CHECKING:
    from pathlib import Path

    from modellix_cli.domain.task import Resource, Task


def urls(sink: Sink, task: "Task", found: "Sequence[Resource]") -> None:
    """Show the addresses of results, one on each line."""
    if sink.mode is not Output.JSON:
        for resource in found:
            sink.line(resource.url or "")
        return
    entries = []
    for resource in found:
        facts = {"position": resource.position, "type": resource.type, "url": resource.url}
        entries.append({name: value for name, value in facts.items() if value is not None})
    result: JsonObject = {"ok": True, "taskId": task.task_id, "urls": entries}
    if task.expires_at is not None:
        result["expiresAt"] = iso(task.expires_at)
    sink.json(result)


def target(
    sink: Sink,
    task_id: str,
    position: int,
    where: "Path | str",
    *,
    is_file: bool,
    opened: bool,
) -> None:
    """Show what was opened, or would be."""
    if sink.mode is Output.JSON:
        kind = {"path": str(where)} if is_file else {"url": str(where)}
        facts = {"ok": True, "taskId": task_id, "position": position}
        sink.json(facts | kind | {"opened": opened})
    elif not opened:
        sink.line(str(where))
    elif sink.mode is Output.HUMAN:
        sink.note(f"Opened {where}")
