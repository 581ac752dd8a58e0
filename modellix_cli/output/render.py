"""How results look in each output mode; shapes and quiet forms are those of official-cli.md 4."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Protocol

from modellix_cli.domain.errors import ModellixError
from modellix_cli.domain.exit_status import worst
from modellix_cli.domain.jsontext import JsonObject
from modellix_cli.domain.task import Resource, Submission, Task
from modellix_cli.domain.text import count, duration
from modellix_cli.output import summaries
from modellix_cli.output.links import FileLink
from modellix_cli.output.sink import Output, Sink
from modellix_cli.output.summaries import LocalInfo, ShownFile

if TYPE_CHECKING:
    from pathlib import Path

    from modellix_cli.domain.saved import Saved


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

    def entry(self, task_id: str) -> JsonObject:
        """What every JSON result of `task wait` says of a task: id, status, saved files."""

    def local_info(self, task_id: str) -> LocalInfo:
        """What this machine knows of a task: its model, and what was saved of it."""


def submission(sink: Sink, submitted: Submission, slug: str) -> None:
    """Show a task that was accepted, and its model (4.13)."""
    if sink.mode is Output.JSON:
        sink.json(submitted.document)
    elif sink.mode is Output.HUMAN:
        summaries.submitted(sink, submitted.task_id, slug, submitted.status)
    else:
        sink.line(submitted.task_id)


def run_result(
    sink: Sink, task: Task, slug: str, saved: "Saved | None", errors: Sequence[ModellixError]
) -> None:
    """Show the task that `model run --wait` waited for, and the files if it saved any (4.13).

    Where errors are wanted as JSON, the reply also carries those of this run.
    """
    if sink.mode is Output.JSON:
        more: JsonObject = {}
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
        summaries.summary(sink, task, LocalInfo(slug, files=shown_files(saved)))


def shown_files(saved: "Saved | None") -> tuple[ShownFile, ...]:
    """Return the files that a command saved, as summaries show them."""
    files = () if saved is None else saved.files
    return tuple(ShownFile(str(f.path), f.bytes, f.type, f.position) for f in files)


def task_state(sink: Sink, task: Task, local: LocalInfo) -> None:
    """Show a task's status (4.15)."""
    if sink.mode is Output.JSON:
        sink.json(task.document)
    elif sink.mode is Output.QUIET:
        _quiet_result(sink, task, None)
    else:
        summaries.summary(sink, task, local, reason=True)


def waited_one(sink: Sink, waited: WaitedTasks, errors: Sequence[ModellixError] = ()) -> None:
    """Show the only task that was waited for (4.16), and in JSON what went wrong with it."""
    (task,) = waited.finished
    if sink.mode is Output.JSON:
        sink.json(task.document | {"tasks": [waited.entry(task.task_id)]} | _told(errors))
    elif sink.mode is Output.QUIET:
        _quiet_result(sink, task, None)
    else:
        summaries.summary(sink, task, waited.local_info(task.task_id))


def waited_many(sink: Sink, waited: WaitedTasks, errors: Sequence[ModellixError] = ()) -> None:
    """Show several tasks in the order they were asked for; those in error say so (4.16).

    In JSON the worst of `errors` stands beside them, and all of them.
    """
    if sink.mode is not Output.JSON:
        _waited_lines(sink, waited)
        return
    entries: list[JsonObject] = []
    for task_id in waited.task_ids:
        entry = waited.entry(task_id)
        if task_id in waited.errors:
            entries.append({"error": waited.errors[task_id].as_dict()} | entry)
        elif task_id in waited.tasks:
            entries.append({"response": waited.tasks[task_id].document} | entry)
    every = {"errors": [error.as_dict() for error in errors]} if errors else {}
    sink.json({"tasks": entries} | _told(errors) | every)


def _told(errors: Sequence[ModellixError]) -> JsonObject:
    """Return the keys that say that something went wrong: the worst of all errors."""
    if not errors:
        return {}
    status = worst(error.exit_status for error in errors)
    error = next(error for error in errors if error.exit_status == status)
    return {"ok": False, "error": error.as_dict()}


def waited_partly(sink: Sink, waited: WaitedTasks, error: JsonObject) -> None:
    """Show what is known when waiting ended early (4.16): the finished, the rest by id."""
    if sink.mode is not Output.JSON:
        _waited_lines(sink, waited)
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


def downloaded(sink: Sink, task_id: str, saved: "Saved", task: Task | None = None) -> None:
    """Show the files that were saved of a task (4.17); at a terminal with what is known of them."""
    if sink.mode is Output.JSON:
        result: JsonObject = {
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
    resources = {} if task is None else {r.position: r for r in task.resources}
    for file in shown_files(saved):
        _saved_line(sink, file, resources.get(file.position))


def _saved_line(sink: Sink, file: ShownFile, resource: Resource | None = None) -> None:
    """Write the path of a file; people also see its type, measures and size."""
    if sink.mode is Output.HUMAN and sink.stdout_is_terminal:
        details = summaries.file_details(file, resource)
        shown = FileLink(summaries.shown_path(file.path), "", file.path)
        sink.parts(shown, (f"  ({details})", "2"))
    else:
        sink.line(file.path)


def collected(
    sink: Sink, folder: "Path", outcomes: Mapping[str, "Saved"], running: Sequence[str]
) -> None:
    """Show the files that were saved of several tasks, and the tasks that still run."""
    if sink.mode is Output.JSON:
        tasks: list[JsonObject] = []
        for task_id, saved in outcomes.items():
            entry = {"taskId": task_id, "ok": not saved.errors}
            error = {"error": saved.errors[0].as_dict()} if saved.errors else {}
            tasks.append(entry | {"files": [file.as_dict() for file in saved.files]} | error)
        result = {"ok": all(entry["ok"] for entry in tasks), "outputDirectory": str(folder)}
        sink.json(result | {"tasks": tasks, "running": list(running)})
        return
    files = [file for saved in outcomes.values() for file in shown_files(saved)]
    for file in files:
        _saved_line(sink, file)
    if sink.mode is Output.HUMAN and (outcomes or running):
        if not files:
            rest = f"; still running: {len(running)}" if running else ""
            sink.sentence(f"Nothing was downloaded{rest}.")
            return
        tasks_saved = sum(bool(saved.files) for saved in outcomes.values())
        summary = f"Downloaded {count(len(files), 'file')} of {count(tasks_saved, 'task')}"
        rest = f"; still running: {len(running)}" if running else ""
        sink.sentence(f"{summary} to {folder}{rest}.")


def _waited_lines(sink: Sink, waited: WaitedTasks) -> None:
    """Show the tasks that ended: a table at a terminal, else a line each and its results."""
    if sink.mode is Output.HUMAN and sink.stdout_is_terminal and waited.finished:
        rows = [_waited_cells(task, waited.local_info(task.task_id)) for task in waited.finished]
        sink.table(("Task", "Status", "Took", "Billed", "Results"), rows)
        return
    for task in waited.finished:
        if sink.mode is Output.QUIET:
            _quiet_result(sink, task, None)
            continue
        sink.line(f"{task.task_id}  {task.status}")
        for resource in task.resources:
            sink.line(f"  {summaries.shown(resource)}")


def _waited_cells(task: Task, local: LocalInfo) -> tuple[str, ...]:
    """Return the row of a task that ended; what is saved is named, the rest counted."""
    took = duration(task.seconds) if task.seconds else "-"
    made = [summaries.shown_path(file.path) for file in local.files]
    unsaved = len(task.resources) - len(made)
    results = [", ".join(made)] if made else []
    results += [f"{count(unsaved, 'result')} to save"] if unsaved > 0 else []
    cost = task.billed.words if task.billed is not None else "-"
    return task.task_id, task.status, took, cost, "; ".join(results) or "-"


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
