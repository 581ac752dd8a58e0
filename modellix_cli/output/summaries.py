"""Short summaries of tasks for people: model, status, what it made, what it took and cost."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

from modellix_cli.domain.frozen import frozen
from modellix_cli.domain.task import Resource, Task
from modellix_cli.domain.text import clip, duration, size
from modellix_cli.output.links import FileLink
from modellix_cli.output.sink import Sink

if TYPE_CHECKING:
    from modellix_cli.domain.money import Money


LONGEST_URL: Final = 2000
_GAP: Final = 2
_SHORTEST: Final = 0.1
"""Seconds from which on it is told how long a task ran."""
_LABEL: Final = "1"
_DETAIL: Final = "2"
_GOOD, _BAD, _RUNNING = "32", "31", "33"


@frozen
class ShownFile:
    """A file that was saved; `bytes` is its size, `position` that of its resource, from 1."""

    path: str
    bytes: int
    type: str | None
    position: int


@frozen
class LocalInfo:
    """What this machine knows of a task beside the server's words.

    `age` is how long ago it was submitted, in seconds, None where that is not known.
    """

    slug: str | None = None
    age: float | None = None
    files: tuple[ShownFile, ...] = ()

    def has_all_of(self, task: Task) -> bool:
        """Whether everything that a task made is saved here."""
        saved = {file.position for file in self.files}
        return all(resource.position in saved for resource in task.resources)


@frozen
class Field:
    """One fact: its label, its text, and details that may go to a line of their own.

    `path` is the file that the text stands for, if it does.
    """

    label: str
    text: str
    details: str = ""
    style: str = ""
    path: str | None = None


def bill(sink: Sink, amount: "Money", *, watched: bool) -> str:
    """Return what a task was billed; people see of the sandbox's bills whose they are."""
    return f"{amount.words} (sandbox)" if watched and sink.sandbox else amount.words


def summary(sink: Sink, task: Task, local: LocalInfo, *, reason: bool = False) -> None:
    """Show a task: model, status, cost, results or saved files; `reason` says why it failed.

    The failures of commands that wait are told on stderr.
    """
    write_fields(sink, [*_facts(sink, task, local, reason=reason), *_results(task, local)])


def submitted(sink: Sink, task_id: str, slug: str, status: str) -> None:
    """Show a task that was just accepted."""
    fields = [Field("Task", task_id), Field("Model", slug), Field("Status", status)]
    write_fields(sink, fields)


def _facts(sink: Sink, task: Task, local: LocalInfo, *, reason: bool) -> Iterator[Field]:
    yield Field("Task", task.task_id)
    model = local.slug or task.model
    if model:
        yield Field("Model", model)
    yield Field("Status", status_words(task, local.age), style=status_style(task))
    if reason and task.failed and task.reason:
        yield Field("Reason", task.reason)
    if task.billed is not None:
        yield Field("Billed", bill(sink, task.billed, watched=sink.stdout_is_terminal))


def status_words(task: Task, age: float | None = None) -> str:
    """Return a status with the time it took, or has taken so far: `success in 3.5s`."""
    if task.finished:
        seconds = task.seconds or 0.0
        return f"{task.status} in {duration(seconds)}" if seconds >= _SHORTEST else task.status
    return task.status if age is None else f"{task.status}, submitted {duration(age)} ago"


def status_style(task: Task) -> str:
    """Return the style of a status: green, red, or yellow while it runs."""
    if not task.finished:
        return _RUNNING
    return _GOOD if task.succeeded else _BAD


def _results(task: Task, local: LocalInfo) -> Iterator[Field]:
    """Yield the files that were saved, and what the task made that was not."""
    resources = {resource.position: resource for resource in task.resources}
    for file in local.files:
        details = file_details(file, resources.get(file.position))
        yield Field("Saved", shown_path(file.path), details, path=file.path)
    saved = {file.position for file in local.files}
    for resource in task.resources:
        if resource.position not in saved:
            yield Field("Result", shown(resource), _resource_details(resource))


def file_details(file: ShownFile, resource: Resource | None) -> str:
    """Return what is known of a file: `png, 1024×1024, 1.2 MiB`."""
    form = (resource.format if resource else None) or Path(file.path).suffix[1:]
    known = [form or file.type, *_measures(resource), size(file.bytes)]
    return ", ".join(part for part in known if part)


def _resource_details(resource: Resource) -> str:
    form = resource.format or resource.type
    length = size(resource.size) if resource.size else None
    return ", ".join(part for part in (form, *_measures(resource), length) if part)


def _measures(resource: Resource | None) -> Iterator[str]:
    if resource is not None and resource.width and resource.height:
        yield f"{resource.width}×{resource.height}"
    if resource is not None and resource.duration:
        yield duration(resource.duration)


def shown(resource: Resource) -> str:
    """Return a resource as people want to see it: its URL, not the bytes of a `data:` URL."""
    if resource.url is None:
        return clip(resource.text or "(empty)", LONGEST_URL)
    if resource.url[:5].lower() == "data:":
        return f"{clip(resource.url, 40)} ({len(resource.url)} characters; task download saves it)"
    return resource.url


def shown_path(path: str) -> str:
    """Return a path as one would type it: relative where it is in the current folder."""
    try:
        return str(Path(path).relative_to(Path.cwd()))
    except (ValueError, OSError):  # it is elsewhere, or the current folder is gone
        return path


def write_fields(sink: Sink, fields: Sequence[Field]) -> None:
    """Write facts under each other, labels aligned; a label that repeats is written once."""
    indent = max(len(field.label) for field in fields) + 1 + _GAP
    before = ""
    for field in fields:
        label = "" if field.label == before else f"{field.label}:"
        before = field.label
        head = (label.ljust(indent), _LABEL if label else "")
        details = f"  ({field.details})" if field.details else ""
        text = (field.text, field.style)
        fact = text if field.path is None else FileLink(*text, field.path)
        fits = indent + len(field.text) + len(details) <= sink.width
        if fits or not details:
            sink.parts(head, fact, (details, _DETAIL), indent=indent)
        else:
            sink.parts(head, fact, indent=indent)
            sink.parts((" " * indent, ""), (details.strip(), _DETAIL))
