"""What `model batch` does before it runs: options, tasks, guard, checks, cost, the earlier run."""

from dataclasses import dataclass, fields
from decimal import Decimal
from math import isnan
from typing import TYPE_CHECKING, Final

import typer

from modellix_cli.clock import clock_time
from modellix_cli.commands._framework.options import SaveOptions
from modellix_cli.context.session import Session
from modellix_cli.domain.errors import ErrorCode, ModellixError, usage
from modellix_cli.domain.jsontext import Json
from modellix_cli.domain.text import count
from modellix_cli.domain.values import Slug, format_duration
from modellix_cli.downloads.name_template import parse_name_template
from modellix_cli.inputs.batch_file import BatchInput, read_batch
from modellix_cli.ledger.batch_facts import Batch
from modellix_cli.models.pricing import Estimate, Estimator
from modellix_cli.output.sink import Output

if TYPE_CHECKING:
    from modellix_cli.api.client import Client

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
    """A batch to run: its tasks, its options, how results are saved, the command that resumes.

    `begun` is the Unix time at which the command began.
    """

    tasks: BatchInput
    options: BatchOptions
    save: SaveOptions | None
    again: str
    begun: float


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
            ErrorCode.INPUT_UNREADABLE,
            "Cannot read tasks from an interactive terminal. Pipe JSON Lines to stdin.",
            hint="For example: modellix-cli model batch - --yes < tasks.jsonl",
        )
    if source == "-" and stdin is None:
        raise ModellixError(ErrorCode.INPUT_UNREADABLE, "Standard input is closed.")
    return read_batch(
        source,
        lambda: stdin.buffer,  # type: ignore[union-attr]
        path=session.path(source),
        max_body_bytes=options.max_body_bytes,
        max_input_bytes=options.max_input_bytes,
    )


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
    from modellix_cli.models.batch_check import check_lines

    client, down = session.public_client(_SCHEMA_ORIGIN), list[ModellixError]()

    def schema(slug: Slug) -> Json:
        """Ask for a schema, unless asking for another has shown that nothing answers."""
        try:
            if down:
                raise down[0]
            return client.schema(slug)
        except ModellixError as error:
            if error.code is ErrorCode.NETWORK:
                down.append(error)
            raise

    report = check_lines(tasks.lines(), schema)
    for slug, reason in report.unchecked.items():
        session.out.warn(f"Lines of {slug} were not checked: {reason}")
    for problem in report.problems:
        session.out.note(f"Line {problem.number} ({problem.slug}): {problem.problem}")
    if report.failed:
        hidden = report.failed - len(report.problems)
        first = f", and {hidden} more like them" if hidden else ""
        raise ModellixError(
            ErrorCode.INVALID_BODY,
            f"{report.failed} of {count(tasks.total, 'line')} would be refused.",
            hint=f"Mend the lines that are named above{first}. Nothing was submitted.",
        )
    if not report.checked:
        raise ModellixError(
            ErrorCode.SERVICE_UNAVAILABLE,
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
    if not options.new:
        book.check_journal()
    if options.resume:
        book.check_resume(tasks, options.source)
    elif not options.new:
        _warn_of_change(session, job)
    found, last = book.begin(
        tasks.digest,
        options.source,
        tasks.total,
        anew=options.new,
        resume=options.resume,
        since=job.begun,
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


def _warn_of_change(session: Session, job: Job) -> None:
    """Warn who mended a line in a file, and would pay for the others again."""
    if session.batches.last(job.tasks.digest) is not None:
        return
    batch, paid = session.batches.paid_before(job.tasks, job.options.source)
    if paid:
        session.out.warn(
            f"{paid} of these {count(job.tasks.total, 'task')} were submitted in batch {batch}, "
            f"before {job.options.source} was changed. They are paid for again."
        )


def client_if_any(session: Session, options: BatchOptions) -> "Client | None":
    """Return a client to ask for prices, None where there is no key to ask with."""
    try:
        return session.client(options.api_key)
    except ModellixError as error:
        if error.code is not ErrorCode.MISSING_API_KEY or options.max_cost is not None:
            raise
        return None


def resume_command(session: Session, ctx: typer.Context) -> str:
    """Return the command line that goes on with this batch, with the options it was given."""
    words: list[str] = []
    for param in ctx.command.params:
        value = ctx.params.get(param.name or "")
        if param.name in _NOT_REPEATED or value is None or value is False or value == param.default:
            continue
        words.append(max(param.opts, key=len))
        if isinstance(value, float) and param.name in ("interval", "timeout"):
            words.append(format_duration(value))
        elif value is not True:
            words.append(str(value))
    return session.command_line("model batch", ctx.params["source"], options=[*words, "--resume"])
