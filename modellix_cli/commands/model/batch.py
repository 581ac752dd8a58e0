"""`modellix-cli model batch`: submit many paid tasks from a file, each once."""

from typing import Annotated, Final

import typer

from modellix_cli.commands._framework.command import command
from modellix_cli.commands._framework.options import (
    DEFAULT_TIMEOUT,
    GIB,
    AllowInsecureHttp,
    AllowPrivateNetwork,
    ApiKey,
    Interval,
    MaxBytes,
    MaxResources,
    Overwrite,
    Parallel,
    SaveOptions,
    Timeout,
)
from modellix_cli.context.session import Session
from modellix_cli.domain.errors import ExitStatus
from modellix_cli.downloads.name_template import DEFAULT
from modellix_cli.output.sink import Output

MIB_64: Final = 64 * 1024 * 1024


@command(
    default=Output.JSON,
    outputs=(Output.JSONL,),
    examples=(
        "model batch tasks.jsonl --max-tasks 50",
        "model batch tasks.jsonl --yes --wait --output-dir pictures --results results.jsonl",
        "model batch tasks.jsonl --yes --resume",
        "model batch - --dry-run --check < tasks.jsonl",
    ),
    exits=(
        ExitStatus.AUTH,
        ExitStatus.NOT_FOUND,
        ExitStatus.RATE_LIMITED,
        ExitStatus.UNAVAILABLE,
        ExitStatus.TIMEOUT,
    ),
)
def batch(
    ctx: typer.Context,
    source: Annotated[
        str,
        typer.Argument(
            metavar="FILE",
            help='JSON Lines, {"modelSlug": …, "body": {…}, "id": …} each; - for standard input.',
        ),
    ],
    max_tasks: Annotated[
        int | None,
        typer.Option(min=1, max=1_000_000, metavar="N", help="Refuse more tasks than this."),
    ] = None,
    yes: Annotated[
        bool, typer.Option("--yes", "-y", help="Submit however many tasks there are.")
    ] = False,
    max_cost: Annotated[
        float | None,
        typer.Option(min=0, metavar="USD", help="Refuse if listed prices may exceed this."),
    ] = None,
    check: Annotated[
        bool, typer.Option("--check", help="First check each body against its model's schema.")
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Read, check and estimate; submit nothing.")
    ] = False,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on with an earlier run of the same tasks.")
    ] = False,
    new: Annotated[
        bool, typer.Option("--new", help="Start over, and pay for all tasks again.")
    ] = False,
    resend_unknown: Annotated[
        bool,
        typer.Option(
            "--resend-unknown",
            help="With --resume: submit lines of unknown outcome again. This may pay twice.",
        ),
    ] = False,
    continue_on_unknown: Annotated[
        bool,
        typer.Option("--continue-on-unknown", help="Start further lines after an unknown outcome."),
    ] = False,
    concurrency: Annotated[
        int, typer.Option(min=1, max=10, metavar="N", help="Submissions at a time.")
    ] = 3,
    wait: Annotated[
        bool, typer.Option("--wait/--no-wait", help="Stay until the tasks end.", show_default=False)
    ] = False,
    interval: Interval = None,
    timeout: Timeout = DEFAULT_TIMEOUT,
    results: Annotated[
        str | None,
        typer.Option(metavar="FILE", help="Write each line's result there as it comes (JSONL)."),
    ] = None,
    output_dir: Annotated[
        str | None, typer.Option(metavar="DIR", help="With --wait: save the results here.")
    ] = None,
    name_template: Annotated[
        str,
        typer.Option(
            metavar="TEMPLATE",
            help="Names of saved files: {index}, {id}, {task_id}, {slug}, {ext}, {date}.",
        ),
    ] = DEFAULT,
    overwrite: Overwrite = False,
    allow_insecure_http: AllowInsecureHttp = False,
    allow_private_network: AllowPrivateNetwork = False,
    max_bytes: MaxBytes = GIB,
    max_total_bytes: Annotated[
        int,
        typer.Option(
            metavar="N", min=1, help="All files together, in bytes (1 TiB).", show_default=False
        ),
    ] = 1024 * GIB,
    max_resources: MaxResources = 100,
    parallel: Parallel = 4,
    max_body_bytes: Annotated[
        int,
        typer.Option(
            metavar="N",
            min=1,
            max=MIB_64,
            help="Largest body, in bytes (64 MiB).",
            show_default=False,
        ),
    ] = MIB_64,
    max_input_bytes: Annotated[
        int,
        typer.Option(
            metavar="N", min=1, help="Largest input, in bytes (1 GiB).", show_default=False
        ),
    ] = GIB,
    api_key: ApiKey = None,
) -> None:
    """Submit many paid tasks, each once: refused ones again, nothing twice, even after a kill.

    Everything is read and checked before the first POST. The journal knows each line's fate, so
    that --resume goes on where an earlier run ended, whatever ended it.
    """
    from modellix_cli.process_start import started_at
    from modellix_cli.workflows.batch_plan import Job, check_options, read_tasks, resume_command
    from modellix_cli.workflows.batch_run import run_job

    session = Session.of(ctx)
    begun = started_at(session.runtime)
    options = check_options(ctx)
    save = SaveOptions.of(ctx) if output_dir is not None else None
    session.save_to = output_dir
    with read_tasks(session, options) as tasks:
        run_job(session, Job(tasks, options, save, resume_command(session, ctx), begun))
