"""What `model batch` does before it runs: options, lines, guards, checks, cost."""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from math import isnan
from typing import TYPE_CHECKING, Final

from modellix_cli.context.session import Session
from modellix_cli.domain.errors import ErrorCode, ModellixError, usage
from modellix_cli.domain.jsontext import Json
from modellix_cli.domain.on_paid import OnPaid
from modellix_cli.domain.text import count
from modellix_cli.domain.values import Slug
from modellix_cli.downloads.name_template import parse_name_template
from modellix_cli.inputs.batch_file import BatchInput, Line, read_batch
from modellix_cli.models.pricing import Estimate, Estimator
from modellix_cli.options.body import InputLimits
from modellix_cli.options.guarding import BatchGuards
from modellix_cli.options.paying import BatchPaying
from modellix_cli.options.saving import BatchSaving
from modellix_cli.options.waiting import Waiting
from modellix_cli.output.sink import Output

if TYPE_CHECKING:
    from modellix_cli.api.client import Client

_SCHEMA_ORIGIN: Final = "https://www.modellix.ai"


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchOptions:
    """What the user chose for a batch; `on_paid` counts with the variable's word."""

    source: str
    on_paid: OnPaid
    guards: BatchGuards
    paying: BatchPaying
    waiting: Waiting
    saving: BatchSaving
    limits: InputLimits
    concurrency: int
    results: str | None
    api_key: str | None


def chosen_on_paid(session: Session, paying: BatchPaying) -> OnPaid:
    """Return what to do about lines that were paid for before: options beat the variable."""
    if paying.resume and paying.new:
        raise usage("--resume and --new contradict each other.")
    if paying.resume or paying.new:
        return OnPaid.RESUME if paying.resume else OnPaid.NEW
    return session.settings.on_paid


def check_options(options: BatchOptions) -> None:
    """Refuse options that contradict each other, before anything is read."""
    if options.paying.resend_unknown and options.on_paid is not OnPaid.RESUME:
        raise usage("--resend-unknown is about lines of an earlier run, so it needs --resume.")
    if options.paying.retry_failed and options.on_paid is not OnPaid.RESUME:
        raise usage("--retry-failed is about lines of an earlier run, so it needs --resume.")
    if options.saving.output_dir is not None and not options.waiting.wait:
        raise usage("--output-dir saves results, so it needs --wait.")
    if options.guards.max_cost is not None and isnan(options.guards.max_cost):
        raise usage("--max-cost must be a number of dollars, such as 2.50.")
    parse_name_template(options.saving.name_template)


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
        path=session.settings.path(source),
        max_body_bytes=options.limits.max_body_bytes,
        max_input_bytes=options.limits.max_input_bytes,
    )


def guard(total: int, options: BatchOptions) -> None:
    """Let nobody pay for more than was said (official-cli.md 4.14)."""
    if options.guards.max_tasks is None and not options.guards.yes:
        raise usage(
            f"Refusing to submit {total} potentially paid tasks without --max-tasks or explicit "
            "--yes.",
            hint="See what they may cost with --dry-run. Nothing was sent.",
        )
    if options.guards.max_tasks is not None and total > options.guards.max_tasks:
        raise usage(
            f"Batch input exceeds the --max-tasks limit of {options.guards.max_tasks}.",
            hint=f"It has {count(total, 'task')}. Nothing was sent.",
        )


class SchemaReader:
    """Asks for schemas, until asking for one has shown that nothing answers."""

    def __init__(self, client: "Client") -> None:
        self._client = client
        self._down: ModellixError | None = None

    def __call__(self, slug: Slug) -> Json:
        """Return the schema document of a model. Raises what asking for it came to."""
        if self._down is not None:
            raise self._down
        try:
            return self._client.schema(slug)
        except ModellixError as error:
            if error.code is ErrorCode.NETWORK:
                self._down = error
            raise


def check(session: Session, tasks: BatchInput) -> None:
    """Check every body against its model's schema. Raises `INVALID_BODY` naming the lines.

    Raises `SERVICE_UNAVAILABLE` if no line could be checked: who asked for a check wants one.
    """
    from modellix_cli.models.batch_check import check_lines

    report = check_lines(
        tasks.lines(), SchemaReader(session.connections.public_client(_SCHEMA_ORIGIN))
    )
    for slug, reason in report.unchecked.items():
        session.out.warn(f"Lines of {slug} were not checked: {reason}")
    for problem in report.problems:
        session.out.note(f"Line {problem.number} ({problem.slug}): {problem.problem}")
    if report.failed:
        hidden = report.failed - len(report.problems)
        more = f", and {hidden} more like them" if hidden else ""
        raise ModellixError(
            ErrorCode.INVALID_BODY,
            f"{report.failed} of {count(tasks.total, 'line')} would be refused.",
            hint=f"Fix the lines listed above{more}. Nothing was submitted.",
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
    session: Session,
    client: "Client | None",
    lines: Iterable[Line],
    options: BatchOptions,
    *,
    left: bool = False,
) -> Estimate | None:
    """Tell what `lines` may cost; None without prices. `left`: others were paid for before.

    With `--max-cost`, raises `COST_LIMIT` if it may be more, or cannot be known.
    """
    limit = None if options.guards.max_cost is None else Decimal(str(options.guards.max_cost))
    try:
        listed = client.models(patient=limit is not None) if client else None
    except ModellixError:
        if limit is not None:
            raise
        listed = None
    if listed is None:
        return None
    estimator = Estimator(listed)
    for line in lines:
        estimator.add(line.slug, line.body)
    total = estimator.total
    if limit is not None and (total.high > limit or total.unpriced):
        words = total.words or "no prices are listed"
        raise ModellixError(
            ErrorCode.COST_LIMIT,
            f"The tasks may cost more than --max-cost {limit}: {words}.",
            hint="Nothing was sent. Raise --max-cost, or leave it out where prices are not listed.",
        )
    if total.words and session.out.mode is not Output.QUIET:
        remaining = " left to submit" if left else ""
        session.out.note(f"{count(total.lines, 'task')}{remaining}, listed prices: {total.words}.")
    return total


def client_if_any(session: Session, options: BatchOptions) -> "Client | None":
    """Return a client to ask for prices, None where there is no key to ask with."""
    try:
        return session.connections.client(options.api_key)
    except ModellixError as error:
        if error.code is not ErrorCode.MISSING_API_KEY or options.guards.max_cost is not None:
            raise
        return None
