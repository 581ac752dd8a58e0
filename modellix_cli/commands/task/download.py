"""`modellix-cli task download`: save what a task made."""

from typing import Annotated

import typer

from modellix_cli.commands._framework.command import command
from modellix_cli.commands._framework.options import (
    DEFAULT_FILE_TIMEOUT,
    GIB,
    AllowInsecureHttp,
    AllowPrivateNetwork,
    ApiKey,
    MaxBytes,
    MaxResources,
    MaxTotalBytes,
    OptionalTaskId,
    Overwrite,
    Parallel,
    SaveOptions,
)
from modellix_cli.context.session import Session
from modellix_cli.domain.errors import ExitStatus, usage
from modellix_cli.domain.text import count
from modellix_cli.domain.values import DAY, duration_option
from modellix_cli.output.sink import Output


@command(
    default=Output.HUMAN,
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
            help="Save all results of the last 24 hours that this machine has not saved yet.",
        ),
    ] = False,
    output_dir: Annotated[str, typer.Option(metavar="DIR", help="Folder for the files.")] = ".",
    overwrite: Overwrite = False,
    allow_insecure_http: AllowInsecureHttp = False,
    allow_private_network: AllowPrivateNetwork = False,
    max_bytes: MaxBytes = GIB,
    max_total_bytes: MaxTotalBytes = 2 * GIB,
    max_resources: MaxResources = 100,
    parallel: Parallel = 4,
    timeout: Annotated[
        float,
        typer.Option(
            metavar="DURATION",
            parser=duration_option("--timeout", DAY),
            help="Longest time for one file, over all its tries (10m).",
            show_default=False,
        ),
    ] = DEFAULT_FILE_TIMEOUT,
    api_key: ApiKey = None,
) -> None:
    """Save what a finished task made. Files appear whole or not at all; existing ones stay.

    A download that breaks off goes on where it stopped. With --pending, the tasks that were
    submitted or looked at from this machine are asked once each, the first to expire first.
    """
    session = Session.of(ctx)
    if task_id is not None and pending:
        raise usage("TASKID and --pending exclude each other: --pending saves every task.")
    if task_id is None and not pending:
        raise usage("Missing argument 'TASKID'.", hint="Give a task's id, or --pending for all.")
    wanted = None if task_id is None else session.task_id(task_id)
    session.path(output_dir)
    session.save_to = output_dir
    options = SaveOptions.of(ctx, timeout)
    if wanted is None:
        download_pending(session, api_key, options)
    else:
        download_task(session, api_key, options, wanted)


def download_task(
    session: Session, api_key: str | None, options: SaveOptions, task_id: str
) -> None:
    """Save what one task made and show the files."""
    from modellix_cli.downloads.downloader import check_downloadable
    from modellix_cli.output import render
    from modellix_cli.workflows.results import open_downloader, remember, report_errors, save

    client = session.client(api_key)
    task = client.task(task_id)
    remember(session, task)
    check_downloadable(task, options.max_resources)
    saved = save(session, open_downloader(session, options, client), task)
    if saved.errors and not saved.files and len(saved.errors) == 1:
        raise saved.errors[0]
    render.downloaded(session.out, task.task_id, saved)
    if saved.errors:
        raise typer.Exit(report_errors(session, saved.errors))


def download_pending(session: Session, api_key: str | None, options: SaveOptions) -> None:
    """Save what every task made that was not saved yet, and show the files."""
    from modellix_cli.output import render
    from modellix_cli.workflows.pending import save_pending
    from modellix_cli.workflows.results import report_errors

    collected = save_pending(session, api_key, options)
    folder = session.path(options.output_dir)
    render.collected(session.out, folder, collected.saved, collected.running)
    if collected.running and session.out.mode is not Output.QUIET:
        waiting = session.command_line("task wait", *collected.running)
        session.out.note(f"Still running: {count(len(collected.running), 'task')}. See {waiting}")
    if collected.errors:
        raise typer.Exit(report_errors(session, collected.errors))
