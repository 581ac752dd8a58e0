"""Where the results of a task are: as files that were saved here, and at their addresses."""

import sys
from pathlib import Path

from modellix_cli.context.session import Session
from modellix_cli.domain.errors import ErrorCode, ModellixError, usage
from modellix_cli.domain.frozen import frozen
from modellix_cli.domain.task import Resource, Task
from modellix_cli.domain.text import count
from modellix_cli.workflows.results import record_status
from modellix_cli.workflows.task_trace import find_trace

_EVERY = 1_000_000
_COUNTING = "Results are counted from 1, as in file names. (In @task:ID[0] they are from 0.)"


@frozen
class Target:
    """What is to be opened: a file that was saved, else the address of a result."""

    task_id: str
    position: int
    path: Path | None = None
    url: str | None = None

    def __str__(self) -> str:
        return str(self.path or self.url)


def read_results(session: Session, api_key: str | None, task_id: str) -> Task:
    """Ask the service once for a task that is done. Raises why there are no results."""
    from modellix_cli.downloads.downloader import check_downloadable

    task = session.connections.client(api_key).task(task_id)
    record_status(session, task)
    check_downloadable(task, _EVERY)
    return task


def check_number(number: int | None) -> None:
    """Raise the usage error for a number that no result of any task can have."""
    if number is not None and number < 1:
        raise usage(f"There is no result {number}.", hint=_COUNTING)


def addresses(task: Task, position: int | None) -> list[Resource]:
    """Return the results that have an address, or the one at `position`, from 1.

    Raises `NO_RESOURCES` where what is wanted is inside the reply, and has none.
    """
    wanted = list(task.resources)
    if position is not None:
        _check_position(task.task_id, position, len(wanted))
        wanted = [wanted[position - 1]]
    found = [resource for resource in wanted if _has_address(resource)]
    if not found:
        raise ModellixError(
            ErrorCode.NO_RESOURCES,
            f"Task {task.task_id} has no address for that: the result is inside its reply.",
            task_id=task.task_id,
            hint=f"Save it with: modellix-cli task download {task.task_id}",
        )
    return found


def find_target(
    session: Session, api_key: str | None, task_id: str, position: int | None
) -> Target:
    """Return the saved file of a result, the first if no position is given, else its address.

    The service is asked only for what was not saved here or is not there any more.
    """
    saved = _saved(session, task_id, position or 1)
    if saved is not None:
        return saved
    task = read_results(session, api_key, task_id)
    (resource,) = addresses(task, position or 1)
    return Target(task_id, resource.position, url=resource.url)


def show_target(session: Session, target: Target) -> None:
    """Show a target in the system's viewer. Raises `NO_VIEWER`, naming how to do without."""
    from modellix_cli.workflows.viewer import System, show_address, show_file

    system = System(sys.platform, session.runtime.env)
    try:
        if target.path is not None:
            show_file(target.path, system)
        elif session.settings.sandbox:
            raise ModellixError(
                ErrorCode.NO_VIEWER, "What the sandbox made has no address outside this program."
            )
        else:
            show_address(target.url or "", system)
    except ModellixError as error:
        named = [target.task_id, str(target.position)]
        printed = session.commands.line("task open", *named, options=["--print"])
        saving = session.commands.line("task download", target.task_id)
        hint = f"See where it is with: {printed}"
        if target.path is None:
            hint = f"Save it with: {saving}"
        raise error.copy_with(hint=hint, task_id=target.task_id) from error.__cause__


def _saved(session: Session, task_id: str, position: int) -> Target | None:
    """Return the file that was saved last of a result and is still there."""
    try:
        record = find_trace(session, task_id).record
    except ModellixError as error:
        if error.code is not ErrorCode.NOT_FOUND:
            raise
        return None
    files = [file for file in record.files if file.position == position]
    there = [path for path in (Path(file.path) for file in files) if path.is_file()]
    return Target(record.task_id or task_id, position, path=there[-1]) if there else None


def _has_address(resource: Resource) -> bool:
    return resource.url is not None and resource.url.lower().startswith(("https://", "http://"))


def _check_position(task_id: str, position: int, results: int) -> None:
    if position > results:
        raise usage(
            f"Task {task_id} has {count(results, 'result')}, so there is no {position}.",
            hint=_COUNTING,
        )
