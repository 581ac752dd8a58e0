"""`modellix-cli task history`: the tasks this machine knows."""

from typing import Annotated

import typer

from modellix_cli.commands._framework.chosen_columns import chosen_columns
from modellix_cli.commands._framework.command import command
from modellix_cli.context.session import Session
from modellix_cli.domain.errors import usage
from modellix_cli.options.history import HistoryColumns, HistoryFilters, HistoryLimit
from modellix_cli.output.sink import Output


@command(
    default=Output.HUMAN,
    outputs=(Output.JSONL, Output.CSV),
    examples=(
        "task history",
        "task history --since 7d --model alibaba/qwen-image-plus --files",
        "task history --columns task,cost,prompt --limit 50",
        "task history --output jsonl > audit.jsonl",
        "task history --profile work --clear --yes",
    ),
)
def history(
    ctx: typer.Context,
    filters: HistoryFilters = HistoryFilters(),
    files: Annotated[
        bool, typer.Option("--files", help="List the files that were saved of each task.")
    ] = False,
    limit: HistoryLimit = None,
    columns: HistoryColumns = None,
    clear: Annotated[
        bool, typer.Option("--clear", help="Forget the tasks instead of listing them.")
    ] = False,
    yes: Annotated[
        bool, typer.Option("--yes", "-y", help="Clear without asking; needed in scripts.")
    ] = False,
) -> None:
    """List the tasks known here, newest first, also those of the official CLI.

    Submissions whose outcome is unknown are listed too, each with the number for task resolve;
    refused ones with --status rejected. --output jsonl writes every record for audits, the oldest
    first: parameters, cost, files, and the message of each refusal; --output csv writes them for
    spreadsheets, without parameters and files. A profile chosen with
    --profile or MODELLIX_PROFILE limits what is listed or cleared. The server is not asked.

    Columns: updated, submitted, task, model, status, cost, prompt, tag, batch, profile, service.
    """
    from modellix_cli.output import history as show
    from modellix_cli.output.history_table import COLUMNS
    from modellix_cli.workflows.history import chosen_scope, show_history

    session = Session.of(ctx)
    if yes and not clear:
        raise usage("--yes is only for --clear.")
    if clear and (filters.any or files or limit or columns):
        raise usage("--clear forgets all that is listed without options; give it alone.")
    if not clear:
        names = chosen_columns(session, columns, COLUMNS)
        show_history(session, filters, limit, files=files, columns=names)
        return
    scope = chosen_scope(session)
    if not yes:
        confirm_clearing(session, scope.profile)
    again = session.commands.line("task history")
    store = session.stores.history
    show.cleared(session.out, store.clear(scope), store, again)


def confirm_clearing(session: Session, profile: str | None) -> None:
    """Ask whether to clear. Raises where nobody can answer, or the answer is no."""
    from modellix_cli.context.prompts import confirm

    whose = f"of profile {profile}" if profile else "of all profiles"
    question = f"Clear the local Modellix task history {whose}?"
    unattended = "Pass --yes to clear the task history where nobody can answer."
    confirm(session, question, unasked=unattended)
