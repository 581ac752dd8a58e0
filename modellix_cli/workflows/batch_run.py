"""The run of `model batch`: from the first thing that is recorded to the summary and the status."""

from collections.abc import Iterator
from contextlib import ExitStack
from typing import TYPE_CHECKING, Final

from modellix_cli.context.session import Session
from modellix_cli.deferred_signals import DeferredSignals
from modellix_cli.domain.errors import ModellixError, interrupted
from modellix_cli.domain.jsontext import JsonObject
from modellix_cli.domain.on_paid import OnPaid
from modellix_cli.domain.values import parse_slug
from modellix_cli.domain.wait_limit import wait_limit
from modellix_cli.engine.batch_book import BatchBook
from modellix_cli.engine.core.config import EngineConfig, Follow
from modellix_cli.engine.core.engine import Engine
from modellix_cli.inputs.batch_file import BatchInput, Line
from modellix_cli.ledger.records import StartedBatch
from modellix_cli.output import batch as show
from modellix_cli.output.sink import Output
from modellix_cli.output.streams import ReaderGone
from modellix_cli.workflows import batch_plan
from modellix_cli.workflows.batch_begin import begin_batch, is_left, tell_first_run, tell_open_ends
from modellix_cli.workflows.batch_check import check, checked_facts, refuse_paths
from modellix_cli.workflows.batch_end import BatchEnd
from modellix_cli.workflows.batch_guards import guards_of
from modellix_cli.workflows.batch_links import LineLinks, LineResults
from modellix_cli.workflows.batch_plan import BatchOptions
from modellix_cli.workflows.batch_reading import examiner
from modellix_cli.workflows.batch_references import SentInputs
from modellix_cli.workflows.batch_results import BatchResults, open_results_file
from modellix_cli.workflows.batch_source import BatchKeys, BatchSource
from modellix_cli.workflows.costs import Costs
from modellix_cli.workflows.refusals import recording_batch
from modellix_cli.workflows.saving import open_downloader, open_saver
from modellix_cli.workflows.work import run_engine

if TYPE_CHECKING:
    from modellix_cli.api.client import Client
    from modellix_cli.downloads.downloader import Downloader
    from modellix_cli.output.results_file import ResultsFile

_NOT_BEGUN: Final = "Interrupted before anything was submitted."


def run_batch(
    session: Session, tasks: BatchInput, options: BatchOptions, resume: list[str]
) -> None:
    """Run the batch, or say why not. Ends the command with the status that fits its result.

    `resume` is the command line that continues it, as a list of words.
    """
    try:
        _run_batch(session, tasks, options, resume)
    except KeyboardInterrupt as stop:
        raise interrupted(stop, _NOT_BEGUN, charged="no") from stop


def _run_batch(
    session: Session, tasks: BatchInput, options: BatchOptions, resume: list[str]
) -> None:
    session.check_models(map(parse_slug, tasks.slugs))
    links = LineLinks(tasks, examiner(session, options))
    if options.guards.dry_run:
        from modellix_cli.workflows.batch_rehearsal import rehearse_batch

        rehearse_batch(session, tasks, links, options, session.commands.join(resume))
        return
    for guard in guards_of(session, tasks, options):
        guard()
    report = check(session, tasks, options) if options.guards.checks else None
    refuse_paths(session, tasks, options)
    client = session.connections.client(options.api_key)
    downloader = open_downloader(session, options.saving, client)
    keys = BatchKeys(tasks, session.settings.base_url, links)
    with ExitStack() as stack:
        file = open_results_file(session, options.results, stack)
        signals = stack.enter_context(session.deferred_signals())
        with recording_batch(session, options, tasks.lines):
            started = begin_batch(session, client, tasks, keys, options, resume)
        running = _Running(session, client, started, tasks, links, options, resume, file)
        running.checked = checked_facts(tasks, report)
        try:
            running.run(keys, downloader, signals)
        except KeyboardInterrupt as stop:  # a second one: what is on disk is what is known
            raise interrupted(
                stop,
                "Interrupted at once. Submissions may have been under way; the ledger knows them.",
                charged="unknown",
                resume=session.commands.join(resume),
            ) from stop


class _Running:
    """A batch that was begun."""

    def __init__(
        self,
        session: Session,
        client: "Client",
        started: StartedBatch,
        tasks: BatchInput,
        links: LineLinks,
        options: BatchOptions,
        resume: list[str],
        file: "ResultsFile | None",
    ) -> None:
        self._session = session
        self._out = session.out
        self._client = client
        self._batch = started.batch
        self._started = started
        self._tasks = tasks
        self._links = links
        self._options = options
        self._resume = resume
        self._file = file
        self._results = BatchResults(session, started.batch.number, tasks.total, file)
        self._tally = self._results.tally
        self._faults: list[ModellixError] = []
        self._engine: Engine | None = None
        self._costs = Costs()
        self.checked: JsonObject = {}
        """What the JSON result says of the check of its lines."""

    def run(
        self, keys: BatchKeys, downloader: "Downloader | None", signals: DeferredSignals
    ) -> None:
        """Run it, show its result, end the command with its status."""
        session, number = self._session, self._batch.number
        results = self._results
        with results.entries:
            self._tell_start()
            self._estimate()
            try:
                if self._file is not None:
                    self._file.clear()
                saves = downloader is not None
                with session.progress(self._tasks.total, saves=saves) as results.progress:
                    self._go(keys, downloader, signals)
            except ModellixError as error:
                charged = error.charged or self._tally.charged
                self._end().say_how_to_continue()
                raise error.copy_with(charged=charged) from error.__cause__
            except Exception:
                self._end().say_how_to_continue()
                raise
            finally:
                self._finish(number)
            try:
                if not isinstance(results.trouble, ReaderGone):
                    entries, facts = results.entries.entries(), self._facts(signals)
                    seen = results.progress.showed_every_line and self._out.stdout_is_terminal
                    show.result(self._out, entries, facts, self._tally.total, seen=seen)
                    results.closing.tell(session, self._batch.number)
            except (ReaderGone, ModellixError) as error:
                results.trouble = error
        self._end().conclude(None if self._tally.done else signals.stop)

    def _finish(self, number: int) -> None:
        try:
            self._session.stores.batches.finish(number, "done" if self._tally.done else "stopped")
        except ModellixError as error:
            if error.message not in [fault.message for fault in self._faults]:
                self._faults.append(error)

    def _tell_start(self) -> None:
        earlier = self._started.earlier
        if self._options.on_paid is not OnPaid.RESUME or self._out.mode is Output.QUIET:
            return
        if not earlier.any:
            tell_first_run(self._session, self._batch.number, self._options.source)
        elif self._options.paying.retry_failed:
            tell_open_ends(self._session, self._batch.number, wait=bool(self._options.waiting.wait))

    def _estimate(self) -> None:
        """Tell what the lines may cost that are left to send; if it is too much, nothing began."""
        session, options, number = self._session, self._options, self._batch.number
        left = self._started.earlier.any
        try:
            self._costs = batch_plan.costs_of(session, self._client, options)
            with recording_batch(session, options, self._unsent):
                batch_plan.estimate(session, self._costs, self._unsent(), options, left=left)
        except BaseException:
            session.stores.batches.withdraw(number)
            raise

    def _unsent(self) -> Iterator[Line]:
        recorded = self._session.stores.batches.lines(self._batch.number)
        return (
            line
            for line, known in zip(self._tasks.lines(), recorded, strict=False)
            if is_left(self._session, known, self._options)
        )

    def _go(
        self, keys: BatchKeys, downloader: "Downloader | None", signals: DeferredSignals
    ) -> None:
        session, options = self._session, self._options
        clock, number = session.runtime.clock, self._batch.number
        folder = options.saving.output_dir
        self._results.source = source = BatchSource(
            self._tasks,
            keys,
            session.stores.batches,
            number,
            session.stores.tasks,
            clock,
            self._line_results(),
            self._costs,
            folder=None if folder is None else session.settings.path(folder),
            resend_unknown=options.paying.resend_unknown,
            retry_failed=options.paying.retry_failed,
            tag=options.tag,
        )
        book = BatchBook(
            session.stores.batches,
            number,
            session.stores.submissions,
            session.stores.tasks,
            session.stores.files,
            clock,
            source,
            session.out.clean,
        )
        saver = open_saver(session, downloader, options.saving, source.request)
        config = EngineConfig(
            concurrency=options.concurrency,
            follow=Follow.TO_THE_END if options.waiting.wait else Follow.NOT,
            save=saver is not None,
            timeout=self._wait_limit(),
            interval=options.waiting.interval,
            patience=session.settings.patience,
            continue_on_unknown=options.paying.continue_on_unknown,
        )
        self._engine = run_engine(
            session, self._client, config, source, book, self._results, signals, saver=saver
        )
        if self._engine.stopped_by is not None:
            self._faults.append(self._engine.stopped_by)
        self._faults += self._results.repeated.faults

    def _line_results(self) -> LineResults:
        """Return what fills in the places of bodies that stand for results of other lines."""
        return LineResults(
            self._links,
            self._client.task,
            self._session.runtime.clock,
            self._options.limits.max_body_bytes,
            SentInputs(self._session, self._client).address,
        )

    def _wait_limit(self) -> float:
        """Return how long to wait for each task, in seconds."""
        tasks = self._session.stores.tasks
        slugs = {slug: parse_slug(slug).name for slug in self._tasks.slugs}
        taken = {slug: tasks.durations(name) for slug, name in slugs.items()}
        return wait_limit(self._options.waiting.timeout, taken).seconds

    def _facts(self, signals: DeferredSignals) -> JsonObject:
        """Return what the JSON result says beside the official keys."""
        tally = self._tally
        facts: JsonObject = {
            "batch": self._batch.number,
            **self.checked,
            **self._results.closing.facts,
            "failed": tally.failed,
            "faults": [fault.as_dict() for fault in self._faults],
            "interrupted": tally.interrupted,
            "newlySubmitted": tally.newly_submitted,
            "ok": not tally.unsuccessful and not self._faults and signals.stop is None,
            "reused": tally.reused,
            "skipped": tally.skipped,
            "succeeded": tally.succeeded,
        }
        again = not tally.done
        facts["resume"] = self._session.commands.join(self._continuing) if again else None
        facts["resumeArgv"] = self._continuing if again else None
        return facts

    @property
    def _continuing(self) -> list[str]:
        """The command line that goes on: with `--new` again where that has sent nothing yet.

        The ledger knows that, also where a defect ended the run before its lines were counted.
        """
        if self._options.on_paid is not OnPaid.NEW or self._tally.charged != "no":
            return self._resume
        try:
            lines = self._session.stores.batches.lines(self._batch.number)
            if any(line.attempt and line.attempt.state.may_be_charged for line in lines):
                return self._resume
        except ModellixError:
            return self._resume
        return ["--new" if word == "--resume" else word for word in self._resume]

    def _end(self) -> BatchEnd:
        """Return what there is to say in the end, as things stand."""
        return BatchEnd(
            self._session,
            self._batch.number,
            self._options,
            self._continuing,
            self._tally,
            tuple(self._faults),
            self._results.trouble,
            None if self._engine is None else self._engine.stopped_by,
            chained=self._tasks.uses > 0,
        )
