"""What may refuse a batch before it begins; the same for a run and for its rehearsal."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial

from modellix_cli.context.session import Session
from modellix_cli.domain.errors import ModellixError, usage
from modellix_cli.domain.text import count
from modellix_cli.inputs.batch_file import BatchInput
from modellix_cli.options.guarding import BatchGuards
from modellix_cli.workflows.batch_plan import BatchOptions
from modellix_cli.workflows.writable import check_results, check_saving


def guards_of(
    session: Session, tasks: BatchInput, options: BatchOptions
) -> tuple[Callable[[], None], ...]:
    """Return what is checked, in this order: each raises what refuses the batch."""
    return (
        partial(_check_waits, tasks, options),
        partial(_check_number, tasks.total, options.guards),
        partial(check_saving, session, options.saving),
        partial(check_results, session, options.results, options.source, options.tasks.words),
    )


@contextmanager
def collecting(faults: list[ModellixError]) -> Iterator[None]:
    """Keep what is raised within as a fault, and go on."""
    try:
        yield
    except ModellixError as error:
        faults.append(error)


def _check_waits(tasks: BatchInput, options: BatchOptions) -> None:
    """Let nobody pay for half a chain."""
    if tasks.uses and not options.waiting.wait:
        raise usage(
            "Lines of this batch use the results of others (@line:…), so it needs --wait.",
            hint='Nothing was sent. For the text itself, write "@@line:…".',
        )


def _check_number(total: int, guards: BatchGuards) -> None:
    """Let nobody pay for more tasks than was said (docs/spec/official-cli.md 4.14)."""
    if guards.max_tasks is None and not guards.yes and not guards.dry_run:
        raise usage(
            f"Refusing to submit {total} potentially paid tasks without --max-tasks or explicit "
            "--yes.",
            hint="See what they may cost with --dry-run. Nothing was sent.",
        )
    if guards.max_tasks is not None and total > guards.max_tasks:
        raise usage(
            f"Batch input exceeds the --max-tasks limit of {guards.max_tasks}.",
            hint=f"It has {count(total, 'task')}. Nothing was sent.",
        )
