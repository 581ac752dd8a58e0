"""Reading the input of a batch: what is wrong with it is told together, in the order of lines."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from modellix_cli.context.session import Session
from modellix_cli.domain.errors import ErrorCode, ModellixError
from modellix_cli.domain.values import DAY
from modellix_cli.inputs.batch_faults import Faults
from modellix_cli.inputs.batch_file import BatchInput, Examine, read_batch
from modellix_cli.inputs.batch_format import format_of
from modellix_cli.workflows.batch_check import check_of, line_fault, unless_missing
from modellix_cli.workflows.batch_expand import Expansion
from modellix_cli.workflows.batch_plan import BatchOptions
from modellix_cli.workflows.batch_references import References
from modellix_cli.workflows.parameter_types import ParameterTypes
from modellix_cli.workflows.schemas import SchemaReader

if TYPE_CHECKING:
    from modellix_cli.domain.task import Task


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
    types = ParameterTypes(session, options.api_key, strict=options.guards.strict)
    references = References(session, types, _task_reader(session, options))
    default = session.settings.defaults.model
    expansion = Expansion(
        options.tasks, types, references, None if default is None else default.value
    )
    examine = examiner(session, options)

    def examine_read(found: BatchInput, faults: Faults) -> None:
        found.unknown = types.unknown
        examine(found, faults)

    found = read_batch(
        source,
        lambda: stdin.buffer,  # type: ignore[union-attr]
        path=session.settings.path(source or "-"),
        form=options.tasks.form or format_of(source or ""),
        expand=expansion,
        max_body_bytes=options.limits.max_body_bytes,
        max_input_bytes=options.limits.max_input_bytes,
        webhook_url=session.settings.webhook_url,
        examine=examine_read,
    )
    found.unresolved, found.unknown = references.unresolved, types.unknown
    if expansion.used_default and default is not None:
        found.default_model = str(default.value)
        session.out.note(f"Model {default.value}, from {default.where}, for lines that name none.")
    return found


def _task_reader(session: Session, options: BatchOptions) -> Callable[[str], "Task | str"]:
    """Return what looks up the tasks that options name; in a dry run it may say why not."""
    if options.guards.dry_run:
        from modellix_cli.workflows.body_values import look_up

        return look_up(session, options.api_key)
    return lambda task_id: session.connections.client(options.api_key).task(task_id)


def examiner(session: Session, options: BatchOptions) -> Examine:
    """Return what finds further faults in lines that can be read, where others have some.

    That is what their models' schemas say, where the user wants to know before paying.
    """

    def examine(found: BatchInput, faults: Faults) -> None:
        if not (options.guards.checks or options.guards.dry_run):
            return
        read = SchemaReader(session, fresh=DAY).read_or_kept
        schema_of = unless_missing(session, read, options.api_key)
        report = check_of(found, found.lines(), schema_of, strict=options.guards.strict)
        for problem in report.problems:
            faults.note(line_fault(session, found, problem), problem.number)
        faults.count(report.failed - len(report.problems))

    return examine
