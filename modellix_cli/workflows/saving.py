"""Saving what tasks made: the options, the downloader, and the engine's way to it."""

import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from modellix_cli.context.session import Session
from modellix_cli.domain.errors import ErrorCode, ModellixError
from modellix_cli.domain.jsontext import Json, loads
from modellix_cli.domain.task import RESULT_LIFETIME
from modellix_cli.engine.core import effects, events
from modellix_cli.engine.notices import BytesSaved
from modellix_cli.engine.progress import Progress
from modellix_cli.options.saving import Saving

if TYPE_CHECKING:
    from modellix_cli.domain.saved import Saved
    from modellix_cli.domain.task import Task
    from modellix_cli.downloads.downloader import Downloader, TaskReader
    from modellix_cli.downloads.name_template import NameTemplate, TemplateNames
    from modellix_cli.workflows.file_records import RecordWriter, RequestOf

FINAL: frozenset[ErrorCode] = frozenset({ErrorCode.RESULT_EXPIRED})
"""Failures of a download after which no further run can save more."""


def open_downloader(
    session: Session, options: Saving, reread: "TaskReader | None" = None
) -> "Downloader | None":
    """Prepare saving: the folder is made and known to be writable before anything is paid.

    Returns None where nothing is to be saved. `reread` reads a task again where its results have
    moved.
    """
    if options.output_dir is None:
        return None
    from modellix_cli.downloads.downloader import Downloader, Limits
    from modellix_cli.downloads.files import prepare_folder
    from modellix_cli.workflows.writable import media_fetcher

    folder = session.settings.path(options.output_dir)
    prepare_folder(folder)
    downloader = Downloader(
        media_fetcher(session, options),
        folder,
        Limits(
            options.max_bytes,
            options.max_total_bytes,
            options.max_resources,
            options.file_timeout,
            options.parallel,
        ),
        overwrite=options.overwrite,
        clock=session.runtime.clock,
        reread=reread,
        listener=ShownTransfers(session),
    )
    session.closing.callback(downloader.close)
    return downloader


class ShownTransfers:
    """Shows how downloads go; `shown` is the display of the moment."""

    def __init__(self, session: Session) -> None:
        self.shown = Progress()
        self._notice = session.connections.retry_notice

    def progress(self, name: str, done: int, total: int | None) -> None:
        """Show how much of a file has arrived."""
        self.shown.tell(BytesSaved(name, done, total))

    def notice(self, text: str) -> None:
        """Show a sentence about another try."""
        self._notice(text)


class EngineSaver:
    """Saves for the engine what a line's task made, under names made from `template` if given.

    With `keep`, what an earlier command saved in the same folder, and is still there, stays.
    `records` writes into the files, and beside them, how they were made.
    """

    def __init__(
        self,
        session: Session,
        downloader: "Downloader",
        template: "NameTemplate | None" = None,
        *,
        keep: bool = False,
        records: "RecordWriter | None" = None,
    ) -> None:
        self._records = records
        self._session = session
        self._downloader = downloader
        self._template = template
        self._keep = keep
        now = session.runtime.clock.now()
        self._date = time.strftime("%Y-%m-%d", time.localtime(now))
        self._idle = threading.Condition()
        self._active = 0
        self.saved: list[Saved] = []
        """What was saved, complete or not, in the order in which it came to an end."""

    def save(self, effect: effects.Save) -> events.Saved:
        """Save everything; what failed is in the answer."""
        from modellix_cli.domain.saved import Saved

        task = effect.task
        with self._idle:
            self._active += 1
        try:
            saved = self._kept(task) or self._downloader.save(
                self._dated(task), self._names(effect)
            )
            if self._records is not None:
                self._records.write(saved, task, effect.ref)
        except ModellixError as error:
            saved = Saved(self._downloader.folder)
            saved.fail(error)
        with self._idle:
            self._active -= 1
            self.saved.append(saved)
            self._idle.notify_all()
        explain(self._session, saved, task.task_id)
        files = tuple(file.as_dict() for file in saved.files)
        final = all(error.code in FINAL for error in saved.errors)
        return events.Saved(effect.ref, files, tuple(saved.errors), final, saved)

    def _dated(self, task: "Task") -> "Task":
        """Return a task with the time until which results are kept at least, if it is not told.

        One that was submitted from here did not end before that.
        """
        if task.expires_at is not None:
            return task
        try:
            known = self._session.stores.tasks.known_task(task.task_id)
        except ModellixError:
            return task
        return (
            task if known is None else replace(task, expires_at=known.created_at + RESULT_LIFETIME)
        )

    def _kept(self, task: "Task") -> "Saved | None":
        """Return the files of an earlier command, if all of them are there, whole by their size."""
        from modellix_cli.domain.saved import Saved, SavedFile

        if not self._keep or not task.resources:
            return None
        saved = Saved(self._downloader.folder, kept=True)
        try:
            files = self._session.stores.files.of_task(task.task_id)
        except ModellixError:
            return None
        for file in files:
            path = Path(file.path)
            if path.parent == saved.folder and _has_size(path, file.size):
                facts = (file.size, file.type, file.url, file.sha256 or "", file.position)
                saved.add(SavedFile(path, *facts))
        return saved if len(saved.files) == len(task.resources) else None

    def settle(self, seconds: float = 0.3) -> None:
        """Wait a moment for downloads that were stopped, so that `saved` is complete."""
        with self._idle:
            self._idle.wait_for(lambda: not self._active, seconds)

    def _names(self, effect: effects.Save) -> "TemplateNames | None":
        from modellix_cli.downloads.name_template import TemplateNames, short_id

        if self._template is None:
            return None
        task_id = effect.task.task_id
        values = {
            "index": effect.ref,
            "id": _id_in_name(effect.name, effect.ref),
            "task_id": task_id,
            "short_id": short_id(task_id),
            "slug": effect.slug,
            "date": self._date,
        }
        if self._template.needs_request:
            values |= request_names(self._session, task_id)
        return TemplateNames(self._template, values)

    def stop(self) -> None:
        """End all saving at once and leave nothing incomplete."""
        self._downloader.stop()


def open_saver(
    session: Session,
    downloader: "Downloader | None",
    saving: Saving,
    request_of: "RequestOf | None" = None,
    *,
    keep: bool = True,
) -> EngineSaver | None:
    """Return what saves for the engine with this downloader; None where nothing is saved.

    `request_of` tells what the lines send; else it is what the ledger kept of it.
    """
    if downloader is None:
        return None
    from modellix_cli.downloads.name_template import parse_name_template
    from modellix_cli.workflows.file_records import record_writer

    template = None
    if saving.name_template is not None:
        template = parse_name_template(saving.name_template)
    records = record_writer(session, saving, request_of)
    return EngineSaver(session, downloader, template, keep=keep, records=records)


def request_names(session: Session, task_id: str) -> dict[str, str]:
    """Return what names take from the request of a task: `prompt`, `seed` and `input`.

    From the ledger; where it does not know, words that stand for nothing.
    """
    from modellix_cli.downloads.name_template import prompt_words

    try:
        origin = session.stores.origins.of(session.stores.account.base_url, task_id)
    except ModellixError:
        origin = None
    body = loads(origin.body) if origin is not None and origin.body else {}
    text = next((body[name] for name in ("prompt", "text") if isinstance(body.get(name), str)), "")
    seed = body.get("seed")
    return {
        "prompt": prompt_words(text),
        "seed": str(seed) if isinstance(seed, (int, str)) else "none",
        "input": _input_name(body),
    }


def _input_name(body: Json) -> str:
    """Return the name of the first file in a body, without its ending; `none` if there is none."""
    if isinstance(body, str):
        name = unquote(urlsplit(body).path).rpartition("/")[2] if body.startswith("http") else ""
        return name.partition(".")[0]
    inner = body.values() if isinstance(body, dict) else body if isinstance(body, list) else ()
    return next((name for name in map(_input_name, inner) if name), "") or "none"


def _id_in_name(name: str | None, ref: int) -> str:
    """Return what stands for a line's id in a file name; some, as `..`, leave nothing usable."""
    from modellix_cli.downloads.files import safe_name

    if name is None:
        return str(ref)
    return name.strip(". ") if safe_name(name) else f"line-{ref}"


def _has_size(path: Path, size: int) -> bool:
    try:
        return path.stat().st_size == size
    except OSError:
        return False


def explain(session: Session, saved: "Saved", task_id: str) -> None:
    """Name the task in every failure, and the command that tries again where that may help."""
    resume = session.commands.line("task download", task_id, options=session.saving)
    for position, failure in saved.failures.items():
        lasting = failure.code in FINAL
        saved.failures[position] = failure.copy_with(
            task_id=task_id, resume=None if lasting else resume
        )


@contextmanager
def naming_saved(
    session: Session, outcomes: "Iterable[Saved]", task_id: str | None = None
) -> Iterator[None]:
    """Name on stderr what is on disk where the result cannot be shown; nothing is saved again.

    The command to go on with then shows the task of that id, if one is given.
    """
    try:
        yield
    except ModellixError as error:
        paths = [file.path for saved in outcomes for file in saved.files]
        if error.code is not ErrorCode.OUTPUT_UNWRITABLE or not paths:
            raise
        for path in paths:
            session.out.alert(f"Saved: {path}")
        show = None if task_id is None else session.commands.line("task get", task_id)
        raise error.copy_with(resume=show) from error.__cause__


def tell_saved(session: Session, outcomes: "Iterable[Saved]") -> None:
    """Name on stderr what is on disk, for a command that cannot show it any more."""
    for saved in outcomes:
        for file in saved.files:
            session.out.note(f"Saved: {file.path}")
