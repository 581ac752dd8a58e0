"""`modellix-cli task download`: save what a task made."""

from dataclasses import replace
from typing import TYPE_CHECKING, Annotated

import typer

from modellix_cli.commands._framework.command import command
from modellix_cli.commands._framework.given_options import given_names
from modellix_cli.commands._framework.options import ApiKey, OptionalTaskId
from modellix_cli.context.session import Session
from modellix_cli.domain.errors import ExitStatus, ModellixError, usage
from modellix_cli.domain.text import count
from modellix_cli.downloads.name_template import BY_PROMPT, parse_name_template
from modellix_cli.options.saving import DownloadSaving
from modellix_cli.options.showing import Open
from modellix_cli.output.sink import Output

if TYPE_CHECKING:
    from modellix_cli.domain.saved import Saved


@command(
    default=Output.HUMAN,
    uses_project=True,
    examples=(
        "task download task-abc123 --output-dir pictures",
        "task download @last --json",
        "task download --pending --output-dir pictures",
    ),
    exits=(ExitStatus.AUTH, ExitStatus.NOT_FOUND, ExitStatus.RATE_LIMITED, ExitStatus.UNAVAILABLE),
)
def download(
    ctx: typer.Context,
    task_id: OptionalTaskId = None,
    pending: Annotated[
        bool,
        typer.Option(
            "--pending",
            help="Save every result that this machine has not saved yet and that has not expired.",
        ),
    ] = False,
    saving: DownloadSaving = DownloadSaving(),
    open_: Open = False,
    api_key: ApiKey = None,
) -> None:
    """Save what a finished task made. Files appear whole or not at all; existing ones stay.

    A download that breaks off continues where it stopped. With --pending, the tasks that were
    submitted or polled from this machine are polled once each, the first to expire first.
    """
    from modellix_cli.workflows.results import report_errors
    from modellix_cli.workflows.saving_settings import with_saving_settings
    from modellix_cli.workflows.showing import open_first

    session = Session.of(ctx)
    if task_id is not None and pending:
        raise usage("TASKID and --pending exclude each other: --pending saves every task.")
    if task_id is None and not pending:
        raise usage(
            "Missing argument 'TASKID'.", hint="Give a task's id, @last, or --pending for all."
        )
    saving = with_saving_settings(session, saving, given_names(ctx))
    if session.for_people and saving.name_template is None:
        saving = replace(saving, name_template=BY_PROMPT)
    wanted = None if task_id is None else session.task_id(task_id)
    if saving.name_template is not None:
        parse_name_template(saving.name_template)
    session.saving = saving.words()
    saved, errors = (
        save_pending(session, saving, api_key)
        if wanted is None
        else save_one(session, saving, api_key, wanted)
    )
    if open_:
        open_first(session, [file.path for one in saved for file in one.files])
    if errors:
        raise typer.Exit(report_errors(session, errors))


def save_pending(
    session: Session, saving: DownloadSaving, api_key: str | None
) -> "tuple[list[Saved], list[ModellixError]]":
    """Save every result that is not saved yet and show them; return them and what went wrong."""
    from modellix_cli.output import render
    from modellix_cli.workflows import download as workflow
    from modellix_cli.workflows.saving import naming_saved

    collected = workflow.download_pending(session, api_key, saving)
    if collected is None:
        session.out.note("Nothing to save: every result is saved or has expired.")
        hint = session.sandbox_hint("task download", options=["--pending"])
        if hint is not None:
            session.out.note(hint)
        collected = workflow.Collected({}, [], [])
    folder = session.settings.path(saving.output_dir)
    with naming_saved(session, collected.saved.values()):
        render.collected(session.out, folder, collected.saved, collected.running)
    tell_running(session, collected.running)
    return list(collected.saved.values()), collected.errors


def save_one(
    session: Session, saving: DownloadSaving, api_key: str | None, task_id: str
) -> "tuple[list[Saved], list[ModellixError]]":
    """Save what one task made and show it; return it and what went wrong."""
    from modellix_cli.output import render
    from modellix_cli.workflows.download import download_task
    from modellix_cli.workflows.saving import naming_saved

    downloaded = download_task(session, api_key, saving, task_id)
    with naming_saved(session, [downloaded.saved]):
        render.downloaded(session.out, task_id, downloaded.saved, downloaded.task)
    return [downloaded.saved], downloaded.saved.errors


def tell_running(session: Session, running: list[str]) -> None:
    """Name the tasks that have not ended yet, and how to wait for them."""
    if running and session.out.mode is not Output.QUIET:
        waiting = session.commands.line("task wait", *running)
        session.out.note(f"Still running: {count(len(running), 'task')}. See {waiting}")
