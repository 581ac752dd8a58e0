"""`modellix-cli task show`: all that is known here of one task."""

import typer

from modellix_cli.commands._framework.command import command
from modellix_cli.commands._framework.options import TaskOrRequest
from modellix_cli.context.session import Session
from modellix_cli.domain.errors import ExitStatus
from modellix_cli.domain.submission_state import SubmissionState
from modellix_cli.output.sink import Output


@command(
    default=Output.HUMAN,
    examples=("task show task-abc123", "task show @last --json", "task show 7"),
    exits=(ExitStatus.NOT_FOUND,),
)
def show(ctx: typer.Context, task: TaskOrRequest) -> None:
    """Show what is known here of a task: prompt, parameters, cost, time, files, how it came about.

    A submission without a task is shown by its number in task history: why it was refused, or that
    its outcome is unknown. The server is not asked; task get does that.
    """
    from modellix_cli.output.task_show import ShownTask, task_trace
    from modellix_cli.workflows.task_trace import find_trace, rerun_words, settle_words

    session = Session.of(ctx)
    trace = find_trace(session, task)
    record = trace.record
    again = settle = None
    if record.state is SubmissionState.UNKNOWN and record.number is not None:
        settle = settle_words(record.number, record.base_url, record.profile)
    elif record.body is not None:
        name = record.task_id or str(record.number)
        again = rerun_words(name, record.base_url, record.profile)
    ask = session.commands.line("task get", record.task_id or "")
    task_trace(session.out, ShownTask(trace, session.runtime.clock.now(), again, ask, settle))
