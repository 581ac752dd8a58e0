"""How results look in each output mode; shapes and quiet forms are those of official-cli.md 4."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol

from modellix_cli.domain.errors import ModellixError
from modellix_cli.domain.task import Resource, Submission, Task
from modellix_cli.domain.text import clip, count
from modellix_cli.output.sink import Output, Sink

if TYPE_CHECKING:
    from pathlib import Path

    from modellix_cli.downloads.downloader import Saved

_LONGEST_SHOWN_URL = 2000


class WaitedTasks(Protocol):
    """What is known of tasks that were waited for, in the order they were asked for."""

    task_ids: list[str]

    @property
    def finished(self) -> list[Task]:
        """The tasks that ended."""

    @property
    def tasks(self) -> dict[str, Task]:
        """The tasks that were polled."""

    @property
    def errors(self) -> dict[str, ModellixError]:
        """Why a task could not be polled."""

    @property
    def unfinished(self) -> list[str]:
        """The ids of tasks that may still run."""

    def entry(self, task_id: str) -> dict[str, Any]:
        """What every JSON result of `task wait` says of a task: id, status, saved files."""


def submission(sink: Sink, submitted: Submission) -> None:
    """Show a task that was accepted (4.13)."""
    if sink.mode is Output.JSON:
        sink.json(submitted.document)
    elif sink.mode is Output.HUMAN:
        sink.line(f"Task: {submitted.task_id}")
    else:
        sink.line(submitted.task_id)


def run_result(
    sink: Sink, task: Task, saved: "Saved | None", errors: Sequence[ModellixError]
) -> None:
    """Show the task that `model run --wait` waited for, and the files if it saved any (4.13).

    Where errors are wanted as JSON, the reply also carries those of this run.
    """
    if sink.mode is Output.JSON:
        more: dict[str, Any] = {}
        if saved:
            more["files"] = [file.as_dict() for file in saved.files]
        if errors and sink.envelope:
            more |= {"ok": False, "error": errors[0].as_dict()}
        sink.json(task.document | more)
    elif sink.mode is Output.TASK_ID:
        sink.line(task.task_id)
    elif sink.mode is Output.QUIET:
        _quiet_result(sink, task, saved)
    else:
        sink.line(f"Task: {task.task_id}")
        if task.succeeded:
            sink.line("Resources:")
            for resource in task.resources:
                sink.line(_shown(resource))
        if saved:
            sink.line("Saved:")
            for file in saved.files:
                sink.line(str(file.path))


def task_state(sink: Sink, task: Task) -> None:
    """Show how a task stands (4.15)."""
    if sink.mode is Output.JSON:
        sink.json(task.document)
    elif sink.mode is Output.QUIET:
        _quiet_result(sink, task, None)
    else:
        sink.line(f"Task: {task.task_id}")
        sink.line(f"Status: {task.status}")
        for resource in task.resources:
            sink.line(f"Resource: {_shown(resource)}")
        if task.failed and task.reason:
            sink.line(f"Reason: {task.reason}")


def waited_one(sink: Sink, waited: WaitedTasks) -> None:
    """Show the only task that was waited for (4.16)."""
    (task,) = waited.finished
    if sink.mode is Output.JSON:
        sink.json(task.document | {"tasks": [waited.entry(task.task_id)]})
    else:
        _waited_line(sink, task)


def waited_many(sink: Sink, waited: WaitedTasks) -> None:
    """Show several tasks in the order they were asked for; those in error say so (4.16)."""
    if sink.mode is not Output.JSON:
        for task in waited.finished:
            _waited_line(sink, task)
        return
    entries: list[dict[str, Any]] = []
    for task_id in waited.task_ids:
        entry = waited.entry(task_id)
        if task_id in waited.errors:
            entries.append({"error": waited.errors[task_id].as_dict()} | entry)
        elif task_id in waited.tasks:
            entries.append({"response": waited.tasks[task_id].document} | entry)
    sink.json({"tasks": entries} | ({"ok": False} if waited.errors else {}))


def waited_partly(sink: Sink, waited: WaitedTasks, error: dict[str, Any]) -> None:
    """Show what is known when waiting ended early (4.16): the finished, the rest by id."""
    if sink.mode is not Output.JSON:
        for task in waited.finished:
            _waited_line(sink, task)
        return
    completed = [
        {"response": task.document, "status": task.status, "taskId": task.task_id}
        for task in waited.finished
    ]
    failed = [
        {"error": failure.as_dict(), "taskId": task_id}
        for task_id, failure in waited.errors.items()
    ]
    known = {"completed": completed, "error": error, "ok": False}
    every = [waited.entry(task_id) for task_id in waited.task_ids]
    rest = {"tasks": every, "unfinishedTaskIds": waited.unfinished}
    sink.json(known | rest | ({"failed": failed} if failed else {}))


def downloaded(sink: Sink, task_id: str, saved: "Saved") -> None:
    """Show the files that were saved (4.17)."""
    if sink.mode is Output.JSON:
        result: dict[str, Any] = {
            "files": [file.as_dict() for file in saved.files],
            "ok": not saved.errors,
            "outputDirectory": str(saved.folder),
            "taskId": task_id,
        }
        if saved.errors:
            result["error"] = saved.errors[0].as_dict()
            result["errors"] = [error.as_dict() for error in saved.errors]
        sink.json(result)
        return
    if sink.mode is Output.HUMAN and saved.files:
        sink.line(f"Downloaded {count(len(saved.files), 'resource')} to {saved.folder}:")
    for file in saved.files:
        sink.line(str(file.path))


def collected(
    sink: Sink, folder: "Path", outcomes: Mapping[str, "Saved"], running: Sequence[str]
) -> None:
    """Show the files that were saved of several tasks, and the tasks that still run."""
    if sink.mode is Output.JSON:
        tasks: list[dict[str, Any]] = []
        for task_id, saved in outcomes.items():
            entry = {"taskId": task_id, "ok": not saved.errors}
            error = {"error": saved.errors[0].as_dict()} if saved.errors else {}
            tasks.append(entry | {"files": [file.as_dict() for file in saved.files]} | error)
        result = {"ok": all(entry["ok"] for entry in tasks), "outputDirectory": str(folder)}
        sink.json(result | {"tasks": tasks, "running": list(running)})
        return
    files = [file for saved in outcomes.values() for file in saved.files]
    for file in files:
        sink.line(str(file.path))
    if sink.mode is Output.HUMAN and (outcomes or running):
        tasks_saved = sum(bool(saved.files) for saved in outcomes.values())
        summary = f"Downloaded {count(len(files), 'file')} of {count(tasks_saved, 'task')}"
        rest = f"; still running: {len(running)}" if running else ""
        sink.line(f"{summary} to {folder}{rest}.")


def _waited_line(sink: Sink, task: Task) -> None:
    if sink.mode is Output.QUIET:
        _quiet_result(sink, task, None)
        return
    sink.line(f"{task.task_id}  {task.status}")
    for resource in task.resources:
        sink.line(f"  {_shown(resource)}")


def _quiet_result(sink: Sink, task: Task, saved: "Saved | None") -> None:
    """Write the paths of what was to be saved, else URLs and texts, else the task id."""
    if saved is not None:
        for file in saved.files:
            sink.line(str(file.path))
        return
    shown = False
    for resource in task.resources if not task.failed else ():
        if resource.url:
            sink.line(resource.url)
        elif resource.text:
            sink.block(resource.text)
        shown = shown or bool(resource.url or resource.text)
    if not shown:
        sink.line(task.task_id)


def _shown(resource: Resource) -> str:
    """Return a resource as people want to see it: its URL, not the bytes of a `data:` URL."""
    if resource.url is None:
        return clip(resource.text or "(empty)", _LONGEST_SHOWN_URL)
    if resource.url[:5].lower() == "data:":
        return f"{clip(resource.url, 40)} ({len(resource.url)} characters; task download saves it)"
    return resource.url
