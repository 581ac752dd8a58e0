"""The run of `model batch`: from the first thing that is recorded to the summary and the status."""

import os
import time
from contextlib import ExitStack
from typing import TYPE_CHECKING, Final

import typer

from modellix_cli.context.session import Session
from modellix_cli.deferred_signals import DeferredSignals
from modellix_cli.domain.errors import Charged, ExitStatus, ModellixError, interrupted, usage
from modellix_cli.domain.text import count
from modellix_cli.downloads.name_template import parse_name_template
from modellix_cli.engine.batch import BatchRun
from modellix_cli.engine.batch_means import Means, Orders
from modellix_cli.engine.batch_result import Ledger, Tally, entry_of
from modellix_cli.engine.poll_schedule import PollScheduler
from modellix_cli.ledger.batch_facts import Batch, Fate
from modellix_cli.output import batch as show
from modellix_cli.output.sink import Output, ReaderGone
from modellix_cli.workflows.batch_plan import (
    BatchOptions,
    Job,
    check,
    choose,
    client_if_any,
    estimate,
    guard,
)
from modellix_cli.workflows.results import open_downloader

if TYPE_CHECKING:
    from collections.abc import Callable

    from modellix_cli.api.client import Client
    from modellix_cli.api.documents import Task
    from modellix_cli.downloads.downloader import Downloader, Saved
    from modellix_cli.engine.progress import Progress

_NOT_BEGUN: Final = "Interrupted before anything was submitted; nothing was charged."
_ABOUT_UNKNOWN: Final = (
    "of unknown outcome: see the usage page of https://modellix.ai/console. To submit again, and "
    "perhaps pay twice, add --resend-unknown to"
)
_ABOUT_REJECTED: Final = (
    "A resume sends rejected lines again as they are. Mend them in a file of their own: a changed "
    "file is another batch, and pays for all its lines."
)


def run_job(session: Session, job: Job) -> None:
    """Run the batch, or say why not. Ends the command with the status that fits its result."""
    try:
        _run_job(session, job)
    except KeyboardInterrupt as stop:
        raise interrupted(stop, _NOT_BEGUN) from stop


def _run_job(session: Session, job: Job) -> None:
    tasks, options = job.tasks, job.options
    if not options.dry_run:
        guard(tasks.total, options)
    if options.check:
        check(session, tasks)
    if options.dry_run:
        cost = estimate(session, client_if_any(session, options), tasks, options)
        show.plan(session.out, tasks.total, tasks.slugs, cost)
        return
    client = session.client(options.api_key)
    estimate(session, client, tasks, options)
    downloader = open_downloader(session, job.save, client.task) if job.save else None
    with ExitStack() as stack:
        file = _results_file(session, options, stack)
        calm = stack.enter_context(DeferredSignals())
        found = choose(session, job)
        try:
            stack.enter_context(session.batches.hold(found.id))
            _Running(session, client, found, job, downloader, file).run(calm)
        except KeyboardInterrupt as stop:  # a second one: what is on disk is what is known
            raise interrupted(
                stop,
                "Interrupted at once. Submissions may have been under way; the journal knows them.",
                charged="unknown",
                resume=job.again,
            ) from stop


def _results_file(
    session: Session, options: BatchOptions, stack: ExitStack
) -> show.ResultsFile | None:
    """Open the file of `--results` before anything is paid; it must not be the input."""
    if options.results is None:
        return None
    path = session.path(options.results)
    file = stack.enter_context(show.ResultsFile(path, session.out))
    try:
        stdin = session.runtime.stdin
        given: os.stat_result | None = None
        if options.source != "-":
            given = session.path(options.source).stat()
        elif stdin is not None:
            given = os.fstat(stdin.fileno())
    except (OSError, ValueError):  # it is gone, or is no file
        given = None
    if given is not None and file.is_file(given):
        raise usage("--results names the input, which it would overwrite.")
    return file


class _Running:
    """A batch that no other process works on: each line's end is counted, kept and written.

    What cannot be written any more is told once; then no further line is started.
    """

    def __init__(
        self,
        session: Session,
        client: "Client",
        found: Batch,
        job: Job,
        downloader: "Downloader | None",
        file: show.ResultsFile | None,
    ) -> None:
        self._session = session
        self._out = session.out
        self._client = client
        self._found = found
        self._job = job
        self._downloader = downloader
        self._file = file
        self._tally = Tally(job.tasks.total)
        self._ledger = Ledger(job.tasks.total)
        self._jsonl = session.out.mode is Output.JSONL
        self._trouble: Exception | None = None
        self._run: BatchRun | None = None

    def run(self, calm: DeferredSignals) -> None:
        """Run it, show its result, end the command with its status."""
        book, batch = self._session.batches, self._found.id
        with self._ledger:
            book.doubt(batch)
            if self._file is not None:
                self._file.clear()
            try:
                with self._session.progress() as progress:
                    self._go(calm, progress)
            except Exception as error:
                self._say_how_to_go_on()
                if isinstance(error, ModellixError):
                    raise error.copy_with(charged=self._charged) from error.__cause__
                raise
            finally:
                book.finish(batch, "done" if self._tally.done else "stopped")
            try:
                if not isinstance(self._trouble, ReaderGone):
                    show.result(self._out, self._ledger, self._tally)
            except (ReaderGone, ModellixError) as error:
                self._trouble = error
        self._conclude(None if self._tally.done else calm.stop)

    def _go(self, calm: DeferredSignals, progress: "Progress") -> None:
        means = _means(self._session, self._client, self._job.options, progress, self._downloader)
        orders = _orders(self._session, self._job.options)
        total = self._job.tasks.total
        self._run = run = BatchRun(self._found.id, total, orders, means, self._emit)
        calm.then = run.interrupt
        if calm.stop is not None:  # it came before there was anything to interrupt
            run.interrupt()
        run.run(self._job.tasks.lines(), self._session.batches.fates(self._found.id))

    def _emit(self, fate: Fate) -> None:
        entry = entry_of(fate, self._session.resume)
        self._tally.add(entry, again=fate.again)
        try:
            self._ledger.add(entry)
        except ModellixError as error:
            self._cannot_write(error)
        try:
            if self._file is not None:
                self._file.add(entry)
        except ModellixError as error:
            self._file = None
            self._cannot_write(error)
        try:
            if self._jsonl:
                self._out.json_line(entry)
        except (ReaderGone, ModellixError) as error:
            self._jsonl = False
            self._cannot_write(error)

    def _cannot_write(self, error: Exception) -> None:
        assert self._run is not None
        if self._trouble is None:
            self._trouble = error
        if isinstance(error, ModellixError):
            self._run.stop(error)
        else:
            self._run.interrupt()

    def _conclude(self, stop: KeyboardInterrupt | None) -> None:
        """Say how the batch ended and how to go on; end the command (4.14: 0, 124, else 1)."""
        tally, summary = self._tally, f"Batch {self._found.id}: {self._tally.words}"
        if stop is not None:
            if tally.unknown:
                self._tell_unknown()
            again = self._job.again
            raise interrupted(stop, f"Interrupted. {summary}", charged=self._charged, resume=again)
        self._out.envelope = False  # the result is on stdout already
        told = [self._trouble, self._run.stopped_by if self._run else None]
        for error in dict.fromkeys(told):
            if isinstance(error, ModellixError):
                self._out.error(self._session.explain(error))
        if isinstance(self._trouble, ReaderGone) and tally.skipped:
            self._out.alert("The reader of stdout left, so no further line was started.")
        if tally.failed or self._trouble:
            self._out.alert(summary)
        elif self._out.mode is not Output.QUIET:
            self._out.note(summary)
        self._say_how_to_go_on()
        if isinstance(self._trouble, ReaderGone):
            raise self._trouble
        if self._trouble is not None:
            raise typer.Exit(ExitStatus.FAILED)
        if tally.failed:
            raise typer.Exit(
                ExitStatus.TIMEOUT if tally.failed == tally.timeouts else ExitStatus.FAILED
            )

    @property
    def _charged(self) -> Charged:
        return "unknown" if self._tally.unknown else "yes" if self._tally.accepted else "no"

    def _say_how_to_go_on(self) -> None:
        tally, stopped_by = self._tally, self._run and self._run.stopped_by
        if tally.unknown:
            self._tell_unknown()
        if tally.rejected and stopped_by is None:
            self._out.alert(_ABOUT_REJECTED)
        if tally.done:
            if self._trouble is not None:
                show_it = self._session.command_line(f"batch show {self._found.id}")
                self._out.alert(f"See every line with: {show_it}")
            elif self._job.save is None and tally.succeeded and self._out.mode is not Output.QUIET:
                command = self._session.command_line("task download", options=["--pending"])
                self._out.note(f"Results are kept for 24 hours. Save them with: {command}")
        elif self._session.journal_file.renewed:
            self._out.warn("The journal was lost on the way: a resume would not know what is paid.")
        else:
            if self._job.options.source == "-":
                self._out.alert("To resume, pipe the same tasks to stdin again.")
            self._out.alert(f"Resume with: {self._job.again}")

    def _tell_unknown(self) -> None:
        self._out.alert(f"{count(self._tally.unknown, 'line')} {_ABOUT_UNKNOWN} the command below.")


def _orders(session: Session, options: BatchOptions) -> Orders:
    return Orders(
        options.concurrency,
        options.wait,
        options.timeout,
        options.continue_on_unknown,
        options.resend_unknown,
        session.retry_policy.max_wait,
    )


def _means(
    session: Session,
    client: "Client",
    options: BatchOptions,
    progress: "Progress",
    downloader: "Downloader | None",
) -> Means:
    def saw(task: "Task") -> None:
        session.journal.saw(task.task_id, task.status.lower(), task.ended_at)
        session.governor.saw(task)

    clock = session.runtime.clock
    return Means(
        client,
        session.governor,
        PollScheduler(session.expectations, clock, interval=options.interval, reached=True),
        session.batches,
        clock,
        progress,
        saw,
        session.expectations.usual,
        session.out.warn,
        _saver(session, downloader, options) if downloader else None,
        downloader.stop if downloader else lambda: None,
    )


def _saver(
    session: Session, downloader: "Downloader", options: BatchOptions
) -> "Callable[[Fate, Task], Saved]":
    """Return what saves the results of a line's task, under names made from the template."""
    from modellix_cli.downloads.downloader import Saved
    from modellix_cli.engine.progress import Progress

    names = parse_name_template(options.name_template)
    date = time.strftime("%Y-%m-%d", time.localtime(session.runtime.clock.now()))

    def save(fate: Fate, task: "Task") -> "Saved":
        values = {
            "index": fate.index,
            "id": fate.name or fate.index,
            "task_id": task.task_id,
            "slug": fate.slug,
            "date": date,
        }
        saved = Saved(downloader.folder)
        downloader.save(
            task,
            saved,
            Progress(),
            name=lambda resource, extension: names.name(values | {"ext": extension}),
        )
        if not saved.errors:
            session.journal.saved(task.task_id)
        return saved

    return save
