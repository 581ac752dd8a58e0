"""`modellix-cli task download`: save what a task made."""

from typing import Annotated

import typer

from modellix_cli.commands.command import command
from modellix_cli.commands.options import (
    DEFAULT_FILE_TIMEOUT,
    GIB,
    AllowInsecureHttp,
    AllowPrivateNetwork,
    ApiKey,
    MaxBytes,
    MaxResources,
    MaxTotalBytes,
    Overwrite,
    Parallel,
    SaveOptions,
    TaskId,
)
from modellix_cli.commands.session import Session
from modellix_cli.errors import Exit
from modellix_cli.output.sink import Output
from modellix_cli.values import DAY, duration_option


@command(
    default=Output.HUMAN,
    examples=(
        "task download task-abc123 --output-dir pictures",
        "task download @last --json",
    ),
    exits=(Exit.AUTH, Exit.NOT_FOUND, Exit.RATE_LIMITED, Exit.UNAVAILABLE),
)
def download(
    ctx: typer.Context,
    task_id: TaskId,
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
            help="Longest time for one file (10m).",
            show_default=False,
        ),
    ] = DEFAULT_FILE_TIMEOUT,
    api_key: ApiKey = None,
) -> None:
    """Save what a finished task made. Files appear whole or not at all; existing ones stay."""
    from modellix_cli.commands.results import open_downloader, remember, report_errors, save
    from modellix_cli.jobs.download import check_downloadable
    from modellix_cli.output import render

    session = Session.of(ctx)
    wanted = session.task_id(task_id)
    session.path(output_dir)
    session.save_to = output_dir
    client = session.client(api_key)
    task = client.task(wanted)
    remember(session, task)
    check_downloadable(task, max_resources)
    saved = save(session, open_downloader(session, SaveOptions.of(ctx, timeout), client.task), task)
    if saved.errors and not saved.files and len(saved.errors) == 1:
        raise saved.errors[0]
    render.downloaded(session.out, task.task_id, saved)
    if saved.errors:
        raise typer.Exit(report_errors(session, saved.errors))
