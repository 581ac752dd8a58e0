"""What `model batch` does, step by step: checks, cost, the earlier run, the run, its end."""

import re
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, fields
from decimal import Decimal
from math import isnan
from typing import TYPE_CHECKING, Final

import typer

from modellix_cli.clock import clock_time
from modellix_cli.commands.options import SaveOptions
from modellix_cli.commands.results import open_downloader
from modellix_cli.commands.session import Session
from modellix_cli.errors import Charged, Code, Exit, ModellixError, interrupted, usage
from modellix_cli.jobs.batch import BatchRun
from modellix_cli.jobs.batch_means import Means, Orders
from modellix_cli.jobs.batch_result import Ledger, Tally, entry_of
from modellix_cli.jobs.cost import Estimate, Estimator
from modellix_cli.jobs.looks import Looks
from modellix_cli.local.batch_input import BatchInput, read_batch
from modellix_cli.local.batches import Batch, Fate
from modellix_cli.local.name_template import parse_name_template
from modellix_cli.output import batch as show
from modellix_cli.output.sink import Output, ReaderGone
from modellix_cli.text import count
from modellix_cli.values import format_duration

if TYPE_CHECKING:
    from modellix_cli.api.client import Client
    from modellix_cli.api.documents import Task
    from modellix_cli.jobs.download import Downloader, Saved
    from modellix_cli.jobs.progress import Progress

_NOTHING_CHARGED: Final = re.compile("; nothing was charged|Nothing was charged. ")
_SCHEMA_ORIGIN: Final = "https://www.modellix.ai"
_NOT_REPEATED: Final = (
    *("source", "resume", "new", "dry_run", "check", "api_key"),
    "resend_unknown",  # it may pay twice, so each time is decided anew
)


@dataclass(frozen=True, slots=True)
class BatchOptions:
    """The options of `model batch`; times in seconds, sizes in bytes, `max_cost` in USD."""

    source: str
    max_tasks: int | None
    yes: bool
    max_cost: float | None
    check: bool
    dry_run: bool
    resume: bool
    new: bool
    resend_unknown: bool
    continue_on_unknown: bool
    concurrency: int
    wait: bool
    interval: float | None
    timeout: float
    results: str | None
    output_dir: str | None
    name_template: str
    max_body_bytes: int
    max_input_bytes: int
    api_key: str | None

    @classmethod
    def of(cls, ctx: typer.Context) -> "BatchOptions":
        """Collect the options of the running command."""
        return cls(**{field.name: ctx.params[field.name] for field in fields(cls)})


@dataclass(frozen=True, slots=True)
class Job:
    """A batch to run: its tasks, its options, how results are saved, the command that resumes."""

    tasks: BatchInput
    options: BatchOptions
    save: SaveOptions | None
    again: str


def check_options(ctx: typer.Context) -> BatchOptions:
    """Refuse options that contradict each other, before anything is read."""
    options = BatchOptions.of(ctx)
    if options.resume and options.new:
        raise usage("--resume and --new contradict each other.")
    if options.resend_unknown and not options.resume:
        raise usage("--resend-unknown is about lines of an earlier run, so it needs --resume.")
    if options.output_dir is not None and not options.wait:
        raise usage("--output-dir saves results, so it needs --wait.")
    if options.max_cost is not None and isnan(options.max_cost):
        raise usage("--max-cost must be a number of dollars, such as 2.50.")
    parse_name_template(options.name_template)
    return options


def read_tasks(session: Session, options: BatchOptions) -> BatchInput:
    """Read the whole input; what is wrong with it is known before anything is sent."""
    source, stdin = options.source, session.runtime.stdin
    if source == "-" and session.runtime.stdin_is_terminal:
        raise ModellixError(
            Code.INPUT_UNREADABLE,
            "Cannot read tasks from an interactive terminal. Pipe JSON Lines to stdin.",
            hint="For example: modellix-cli model batch - --yes < tasks.jsonl",
        )
    if source == "-" and stdin is None:
        raise ModellixError(Code.INPUT_UNREADABLE, "Standard input is closed.")
    return read_batch(
        source,
        lambda: stdin.buffer,  # type: ignore[union-attr]
        path=session.path(source),
        max_body_bytes=options.max_body_bytes,
        max_input_bytes=options.max_input_bytes,
    )


def run_job(session: Session, job: Job) -> None:
    """Run the batch, or say why not. Ends the command with the status that fits its result."""
    tasks, options = job.tasks, job.options
    if not options.dry_run:
        guard(tasks.total, options)
    if options.check:
        check(session, tasks)
    if options.dry_run:
        cost = estimate(session, _client_if_any(session, options), tasks, options)
        show.plan(session.out, tasks.total, tasks.slugs, cost)
        return
    client = session.client(options.api_key)
    estimate(session, client, tasks, options)
    check_results_file(session, options)
    downloader = open_downloader(session, job.save, client.task) if job.save else None
    found = choose(session, job)
    with session.batches.hold(found.id):
        run(session, client, found, job, downloader)


def check_results_file(session: Session, options: BatchOptions) -> None:
    """Refuse a results file that cannot be written, or that would overwrite the tasks."""
    if options.results is None:
        return
    path, source = session.path(options.results), session.path(options.source)
    if options.source != "-" and path.exists() and path.samefile(source):
        raise usage(
            f"--results {options.results} is the file of the tasks: it would be overwritten.",
            hint="Name another file for the results. Nothing was sent.",
        )
    show.ResultsFile.check(path)


def guard(total: int, options: BatchOptions) -> None:
    """Let nobody pay for more than was said (official-cli.md 4.14)."""
    if options.max_tasks is None and not options.yes:
        raise usage(
            f"Refusing to submit {total} potentially paid tasks without --max-tasks or explicit "
            "--yes.",
            hint="See what they may cost with --dry-run. Nothing was sent.",
        )
    if options.max_tasks is not None and total > options.max_tasks:
        raise usage(
            f"Batch input exceeds the --max-tasks limit of {options.max_tasks}.",
            hint=f"It has {count(total, 'task')}. Nothing was sent.",
        )


def check(session: Session, tasks: BatchInput) -> None:
    """Check every body against its model's schema. Raises `INVALID_BODY` naming the lines.

    Raises `SERVICE_UNAVAILABLE` if no line could be checked: who asked for a check wants one.
    """
    from modellix_cli.jobs.checking import check_lines

    report = check_lines(tasks.lines(), session.public_client(_SCHEMA_ORIGIN).schema)
    for slug, reason in report.unchecked.items():
        session.out.warn(f"Lines of {slug} were not checked: {reason}")
    for problem in report.problems:
        session.out.note(f"Line {problem.number} ({problem.slug}): {problem.problem}")
    if report.failed:
        hidden = report.failed - len(report.problems)
        first = f", and {hidden} more like them" if hidden else ""
        raise ModellixError(
            Code.INVALID_BODY,
            f"{report.failed} of {count(tasks.total, 'line')} would be refused.",
            hint=f"Mend the lines that are named above{first}. Nothing was submitted.",
        )
    if not report.checked:
        raise ModellixError(
            Code.SERVICE_UNAVAILABLE,
            "None of the lines could be checked.",
            hint="Try again later, or leave out --check. Nothing was submitted.",
        )
    lines = count(tasks.total, "line")
    session.out.note(f"{report.checked} of {lines} checked, no fault found.")


def estimate(
    session: Session, client: "Client | None", tasks: BatchInput, options: BatchOptions
) -> Estimate | None:
    """Tell what the tasks may cost that are still to be submitted; None without prices.

    With `--max-cost`, raises a usage error if it may be more, or cannot be known.
    """
    limit = None if options.max_cost is None else Decimal(str(options.max_cost))
    try:
        listed = client.models(patient=limit is not None) if client else None
    except ModellixError:
        if limit is not None:
            raise
        listed = None
    if listed is None:
        return None
    estimator = Estimator(listed)
    settled = _settled(session, tasks, options)
    for line in tasks.lines():
        if line.index not in settled:
            estimator.add(line.slug, line.body)
    total = estimator.total
    if limit is not None and (total.high > limit or total.unpriced):
        words = total.words or "no prices are listed"
        raise usage(
            f"The tasks may cost more than --max-cost {limit}: {words}.",
            hint="Nothing was sent. Raise --max-cost, or leave it out where prices are not listed.",
        )
    if total.words and session.out.mode is not Output.QUIET:
        left = " left to submit" if settled else ""
        session.out.note(f"{count(total.lines, 'task')}{left}, listed prices: {total.words}.")
    return total


def _settled(session: Session, tasks: BatchInput, options: BatchOptions) -> set[int]:
    """Return the lines that a resume will not submit again."""
    last = session.batches.last(tasks.digest) if options.resume else None
    if last is None:
        return set()
    again = {"rejected", "intent", "unknown"} if options.resend_unknown else {"rejected"}
    return {fate.index for fate in session.batches.fates(last.id) if fate.state not in again}


def choose(session: Session, job: Job) -> Batch:
    """Return the batch to run: a new one, or with `--resume` the earlier one of these tasks.

    Raises a usage error for an unfinished earlier one, unless `--resume` or `--new` says what to
    do about it.
    """
    book, tasks, options = session.batches, job.tasks, job.options
    if options.resume and book.last(tasks.digest) is None:
        _refuse_changed(book.sent_before(tasks.lines()), tasks.total)
    found, last = book.begin(
        tasks.digest, options.source, tasks.total, anew=options.new, resume=options.resume
    )
    if last is not None and found.id == last.id and not options.resume:
        states = book.tally(found.id)
        accepted = states.get("accepted", 0)
        unknown = states.get("unknown", 0) + states.get("intent", 0)
        with book.hold(found.id):
            pass  # where another process is at it, that is what there is to say
        if accepted or unknown:  # else nothing of it is paid for, and there is nothing to decide
            raise usage(
                f"These tasks are batch {found.id}, begun {clock_time(found.created_at)} and not "
                f"finished: {accepted} of {count(found.total, 'line')} accepted, "
                f"{unknown} of unknown outcome.",
                hint="Nothing was sent. To start over and pay for every line again, pass --new. "
                f"To go on with it: {job.again}",
            )
    if last is not None and found.id != last.id and last.state == "done":
        session.out.warn(
            f"The same tasks were all submitted in batch {last.id}, "
            f"{clock_time(last.created_at)}. They are paid for again."
        )
    if last is None and options.resume:
        session.out.note("There is no earlier run of these tasks: this is the first.")
    return found


def _refuse_changed(sent: int, total: int) -> None:
    """Let nobody pay twice who mends a line of a batch and then asks to go on with it."""
    if sent:
        raise usage(
            f"There is no earlier run of exactly these tasks to resume, but {sent} of the {total} "
            "were submitted from here before. Has the input been changed since?",
            hint="Nothing was sent. A changed input is another batch, and would pay for these "
            "again: put only the lines that are new or mended in a file of their own. To submit "
            "all the same, leave out --resume.",
        )


def run(
    session: Session,
    client: "Client",
    found: Batch,
    job: Job,
    downloader: "Downloader | None",
) -> None:
    """Run a batch that no other process works on, show its result, end with its status."""
    book, total = session.batches, job.tasks.total
    book.doubt(found.id)
    tally = Tally(total)
    stop: KeyboardInterrupt | None = None
    with Ledger(total) as ledger:
        with _results_file(session, job.options) as file, session.progress() as progress:

            def emit(fate: Fate) -> None:
                entry = entry_of(fate, session.resume)
                tally.add(entry)
                ledger.add(entry)
                if file is not None:
                    file.add(entry)
                if session.out.mode is Output.JSONL:
                    session.out.json_line(entry)

            means = _means(session, client, job.options, progress, downloader)
            batch_run = BatchRun(found.id, total, _orders(session, job.options), means, emit)
            try:
                batch_run.run(job.tasks.lines(), book.fates(found.id))
            except KeyboardInterrupt as interrupt:
                stop = interrupt
            except ReaderGone:
                session.out.note(
                    f"The reader of stdout left, so batch {found.id} was stopped: "
                    f"{_so_far(book.tally(found.id), total)}."
                )
                session.out.note(f"Resume with: {job.again}")
                raise
            except ModellixError as error:
                raise _broken_off(session, found, error, job.again) from error
            finally:
                book.finish(found.id, "done" if tally.done and stop is None else "stopped")
        try:
            show.result(session.out, ledger, tally)
        except ModellixError as error:
            raise _broken_off(session, found, error) from error
    _conclude(session, f"Batch {found.id}: {tally.words}", tally, batch_run.stopped_by, stop, job)


def _broken_off(
    session: Session, found: Batch, error: ModellixError, again: str | None = None
) -> ModellixError:
    """Add to a failure of this machine what became of the batch, and how to see it or go on."""
    states = session.batches.tally(found.id)
    doubtful = states.get("unknown", 0) + states.get("intent", 0)
    error.charged = "unknown" if doubtful else "yes" if states.get("accepted") else "no"
    error.retryable = False
    see = session.command_line("batch show", str(found.id))
    error.hint = (
        f"{error.hint} Batch {found.id}: {_so_far(states, found.total)}. See them with: {see}"
    )
    error.resume = again
    return error


def _so_far(states: dict[str, int], total: int) -> str:
    unknown = states.get("unknown", 0) + states.get("intent", 0)
    doubt = f", {unknown} unknown" if unknown else ""
    return f"{states.get('accepted', 0)} of {count(total, 'line')} accepted{doubt}"


def saver(
    session: Session, downloader: "Downloader", options: BatchOptions
) -> "Callable[[Fate, Task], Saved]":
    """Return what saves the results of a line's task, under names made from the template."""
    from modellix_cli.jobs.download import Saved
    from modellix_cli.jobs.progress import Progress

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


def _results_file(
    session: Session, options: BatchOptions
) -> "AbstractContextManager[show.ResultsFile | None]":
    if options.results is None:
        return nullcontext()
    return show.ResultsFile(session.path(options.results), session.out)


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
        Looks(session.expectations, clock, interval=options.interval, reached=True),
        session.batches,
        clock,
        progress,
        saw,
        session.expectations.usual,
        session.out.warn,
        saver(session, downloader, options) if downloader else None,
        downloader.stop if downloader else lambda: None,
    )


def _conclude(
    session: Session,
    summary: str,
    tally: Tally,
    stopped_by: ModellixError | None,
    stop: KeyboardInterrupt | None,
    job: Job,
) -> None:
    """Say how the batch ended and how to go on; end the command (4.14: 0, 124, else 1)."""
    if stop is not None:
        charged: Charged = "unknown" if tally.unknown else "yes" if tally.accepted else "no"
        raise interrupted(stop, f"Interrupted. {summary}", charged=charged, resume=job.again)
    session.out.envelope = False  # the result is on stdout already
    if stopped_by is not None:
        if tally.accepted or tally.unknown:
            stopped_by.hint = _NOTHING_CHARGED.sub("", stopped_by.hint)
        session.out.error(stopped_by)
    if session.out.mode is not Output.QUIET or tally.failed:
        session.out.note(summary)
    _advise(session, tally, stopped_by, job)
    if tally.failed:
        raise typer.Exit(Exit.TIMEOUT if tally.failed == tally.timeouts else Exit.FAILED)


def _advise(session: Session, tally: Tally, stopped_by: ModellixError | None, job: Job) -> None:
    """Say what to type next."""
    if tally.unknown:
        session.out.note(
            "Lines of unknown outcome are not sent again. Where https://modellix.ai/console shows "
            "no task for them, resume with --resend-unknown."
        )
    if tally.rejected and stopped_by is None:
        session.out.note(
            "A resume sends rejected lines again as they are. Mend them in a file of their own: "
            "a changed file is another batch, and pays for all its lines."
        )
    if not tally.done:
        if job.options.source == "-":
            session.out.note("To resume, pipe the same tasks to stdin again.")
        session.out.note(f"Resume with: {job.again}")
    elif job.save is None and tally.succeeded and session.out.mode is not Output.QUIET:
        command = session.command_line("task download", options=["--pending"])
        session.out.note(f"Results are kept for 24 hours. Save them with: {command}")


def _client_if_any(session: Session, options: BatchOptions) -> "Client | None":
    """Return a client to ask for prices, None where there is no key to ask with."""
    try:
        return session.client(options.api_key)
    except ModellixError as error:
        if error.code is not Code.MISSING_API_KEY or options.max_cost is not None:
            raise
        return None


def resume_command(session: Session, ctx: typer.Context) -> str:
    """Return the command line that goes on with this batch, with the options it was given."""
    words: list[str] = []
    for param in ctx.command.params:
        value = ctx.params.get(param.name or "")
        if param.name in _NOT_REPEATED or value in (None, False) or value == param.default:
            continue
        words.append(max(param.opts, key=len))
        if isinstance(value, float) and param.name in ("interval", "timeout"):
            words.append(format_duration(value))
        elif value is not True:
            words.append(str(value))
    return session.command_line("model batch", ctx.params["source"], options=[*words, "--resume"])
