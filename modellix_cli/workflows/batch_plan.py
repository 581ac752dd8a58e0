"""What `model batch` does before it runs: options, lines, guards, checks, cost."""

from collections.abc import Callable, Iterable, Iterator
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
from modellix_cli.downloads.name_template import DEFAULT, parse_name_template
from modellix_cli.inputs.batch_file import BatchInput, Line, read_batch
from modellix_cli.inputs.batch_format import format_of
from modellix_cli.inputs.line_uses import write_body
from modellix_cli.models.pricing import Estimator, Total, total
from modellix_cli.options.body import InputLimits
from modellix_cli.options.guarding import BatchGuards
from modellix_cli.options.paying import BatchPaying
from modellix_cli.options.saving import BatchSaving
from modellix_cli.options.tasks import BatchTasks
from modellix_cli.options.waiting import Waiting
from modellix_cli.output.sink import Output
from modellix_cli.workflows.batch_expand import Expansion
from modellix_cli.workflows.parameter_types import ParameterTypes

if TYPE_CHECKING:
    from modellix_cli.api.client import Client

_SCHEMA_ORIGIN: Final = "https://www.modellix.ai"


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchOptions:
    """What the user chose for a batch; `on_paid` counts with the variable's word.

    `source` is the file as it was named, `-` for standard input, None where options say it all.
    """

    source: str | None
    tasks: BatchTasks
    on_paid: OnPaid
    guards: BatchGuards
    paying: BatchPaying
    waiting: Waiting
    saving: BatchSaving
    limits: InputLimits
    concurrency: int
    results: str | None
    tag: str | None
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
    if options.source is None and not (options.tasks.settings or options.tasks.matrix):
        raise usage(
            "FILE is missing: it holds the tasks, - is standard input.",
            hint="Or describe them by options: --model SLUG --set prompt=… --matrix seed=1..4",
        )
    if options.paying.resend_unknown and options.on_paid is not OnPaid.RESUME:
        raise usage("--resend-unknown is about lines of an earlier run, so it needs --resume.")
    if options.paying.retry_failed and options.on_paid is not OnPaid.RESUME:
        raise usage("--retry-failed is about lines of an earlier run, so it needs --resume.")
    if options.saving.output_dir is not None and not options.waiting.wait:
        raise usage("--output-dir saves results, so it needs --wait.")
    if options.guards.max_cost is not None and isnan(options.guards.max_cost):
        raise usage("--max-cost must be a number of dollars, such as 2.50.")
    parse_name_template(options.saving.name_template or DEFAULT)


def read_tasks(session: Session, options: BatchOptions) -> BatchInput:
    """Read the whole input; what is wrong with it is known before anything is sent.

    Schemas are asked for where texts have to become what a model takes.
    """
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
        path=session.settings.path(source or "-"),
        form=options.tasks.form or format_of(source or ""),
        expand=Expansion(options.tasks, ParameterTypes(session)),
        max_body_bytes=options.limits.max_body_bytes,
        max_input_bytes=options.limits.max_input_bytes,
        webhook_url=session.settings.webhook_url,
    )


def guard(tasks: BatchInput, options: BatchOptions) -> None:
    """Let nobody pay for more than was said (official-cli.md 4.14), nor for half a chain."""
    total = tasks.total
    if tasks.uses and not options.waiting.wait:
        raise usage(
            "Lines of this batch use the results of others (@line:…), so it needs --wait.",
            hint='Nothing was sent. For the text itself, write "@@line:…".',
        )
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


def as_input(tasks: BatchInput) -> Iterator[dict[str, Json]]:
    """Yield the tasks as lines of an input that is the same batch, with everything laid over."""
    for line in tasks.lines():
        parts: dict[str, Json] = {
            "id": line.name,
            "modelSlug": str(line.slug),
            "body": write_body(line.body, line.uses),
            "requestKey": line.request_key,
            "webhook": line.webhook,
            "tag": line.tag,
        }
        yield {name: value for name, value in parts.items() if value is not None}


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
        place = f"{tasks.unit.capitalize()} {problem.number}" if problem.number else "The task"
        session.out.note(f"{place} ({problem.slug}): {problem.problem}")
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
) -> Total | None:
    """Tell what `lines` may cost; None without prices. `left`: others were paid for before.

    With `--max-cost`, raises `COST_LIMIT` if it may be more, or cannot be known. Schemas, for
    their defaults, are asked for where the user wants to know before paying.
    """
    limited = options.guards.max_cost is not None
    try:
        listed = client.models(patient=limited) if client else None
    except ModellixError:
        if limited:
            raise
        listed = None
    if listed is None:
        return None
    thorough = limited or options.guards.dry_run or options.guards.check
    estimator = Estimator(listed, schemas_if_any(session)) if thorough else Estimator(listed)
    found = total(estimator.of(line.slug, line.body) for line in lines)
    if options.guards.max_cost is not None:
        keep_to_limit(found, options.guards.max_cost, allow_unpriced=options.guards.allow_unpriced)
    if found.words and session.out.mode is not Output.QUIET:
        remaining = " left to submit" if left else ""
        session.out.note(f"{count(found.lines, 'task')}{remaining}, listed prices: {found.words}.")
    return found


def keep_to_limit(cost: Total, max_cost: float, *, allow_unpriced: bool) -> None:
    """Refuse what may cost more than `max_cost` (USD), or has no price. Raises `COST_LIMIT`."""
    limit = Decimal(str(max_cost))
    if cost.amount.usd > limit:
        raise ModellixError(
            ErrorCode.COST_LIMIT,
            f"The tasks may cost more than --max-cost {limit}: {cost.words}.",
            hint="Nothing was sent. Raise --max-cost, or submit fewer tasks.",
        )
    if cost.unpriced_lines and not allow_unpriced:
        raise ModellixError(
            ErrorCode.COST_LIMIT,
            f"The tasks may cost more than --max-cost {limit}: "
            f"{cost.unpriced_lines} of {count(cost.lines, 'task')} cannot be priced. "
            f"{cost.unpriced_words()}.",
            hint="Nothing was sent. With --allow-unpriced they are submitted all the same, and do "
            "not count for --max-cost.",
        )


def schemas_if_any(session: Session) -> Callable[[Slug], Json]:
    """Return what gets a model's schema, or None: an estimate does without it if it must."""
    read = SchemaReader(session.connections.public_client(_SCHEMA_ORIGIN))

    def schema_of(slug: Slug) -> Json:
        try:
            return read(slug)
        except ModellixError:
            return None

    return schema_of


def client_if_any(session: Session, options: BatchOptions) -> "Client | None":
    """Return a client to ask for prices, None where there is no key to ask with."""
    try:
        return session.connections.client(options.api_key)
    except ModellixError as error:
        if error.code is not ErrorCode.MISSING_API_KEY or options.guards.max_cost is not None:
            raise
        return None
