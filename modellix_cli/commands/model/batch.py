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
    Timeout,
    save_options,
)
from modellix_cli.context.session import Session
from modellix_cli.domain.errors import ExitStatus
from modellix_cli.domain.values import format_duration
from modellix_cli.downloads.name_template import DEFAULT
from modellix_cli.output.sink import Output

_NOT_REPEATED: Final = (
    *("source", "resume", "new", "dry_run", "check", "api_key"),
    *("resend_unknown", "retry_failed"),  # they may pay twice, so they are decided each time
)
MIB_64: Final = 64 * 1024 * 1024


@command(
    default=Output.JSON,
    pays=True,
    outputs=(Output.JSONL,),
    examples=(
        "model batch tasks.jsonl --max-tasks 50",
        "model batch tasks.jsonl --yes --wait --output-dir pictures --results results.jsonl",
        "model batch tasks.jsonl --yes --resume",
        "model batch - --dry-run --check < tasks.jsonl",
    ),
    exits=(
        ExitStatus.AUTH,
        ExitStatus.BALANCE,
        ExitStatus.NOT_FOUND,
        ExitStatus.RATE_LIMITED,
        ExitStatus.UNAVAILABLE,
        ExitStatus.OUTCOME_UNKNOWN,
        ExitStatus.NOT_SAVED,
        ExitStatus.OVER_BUDGET,
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
        bool, typer.Option("--resume", help="Pay only for what is not paid for yet.")
    ] = False,
    new: Annotated[bool, typer.Option("--new", help="Pay for every line again.")] = False,
    retry_failed: Annotated[
        bool,
        typer.Option(
            "--retry-failed", help="With --resume: pay again for lines whose task failed."
        ),
    ] = False,
    resend_unknown: Annotated[
        bool,
        typer.Option(
            "--resend-unknown",
            help="With --resume: submit lines of unknown outcome once more. You may be charged "
            "twice.",
        ),
    ] = False,
    same_account: Annotated[
        bool,
        typer.Option(
            "--same-account", help="This key belongs to the account that paid with another one."
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

    Everything is read and checked before the first request. Lines that were paid for are known by
    what they ask, in whichever file they stand: --resume pays only for the others.
    """
    from modellix_cli.workflows import batch_plan
    from modellix_cli.workflows.batch_run import run_batch

    session = Session.of(ctx)
    options = batch_plan.BatchOptions(
        source=source,
        on_paid=batch_plan.chosen_on_paid(session, resume=resume, new=new),
        max_tasks=max_tasks,
        yes=yes,
        max_cost=max_cost,
        check=check,
        dry_run=dry_run,
        retry_failed=retry_failed,
        resend_unknown=resend_unknown,
        same_account=same_account,
        continue_on_unknown=continue_on_unknown,
        concurrency=concurrency,
        wait=wait,
        interval=interval,
        timeout=timeout,
        results=results,
        save=None if output_dir is None else save_options(ctx),
        name_template=name_template,
        max_body_bytes=max_body_bytes,
        max_input_bytes=max_input_bytes,
        api_key=api_key,
    )
    batch_plan.check_options(options)
    session.save_to = output_dir
    with batch_plan.read_tasks(session, options) as tasks:
        run_batch(session, tasks, options, resume_words(session, ctx))


def resume_words(session: Session, ctx: typer.Context) -> list[str]:
    """Return the command line that continues this batch, with the options it was given."""
    words: list[str] = []
    for param in ctx.command.params:
        value = ctx.params.get(param.name or "")
        given = ctx.get_parameter_source(param.name or "")
        unset = value is None or value is False  # not 0, which is a limit
        if param.name in _NOT_REPEATED or unset or given is None:
            continue
        if given.name != "COMMANDLINE":
            continue
        words.append(max(param.opts, key=len))
        if isinstance(value, float) and param.name in ("interval", "timeout"):
            words.append(format_duration(value))
        elif value is not True:
            words.append(str(value))
    words += ["--resume", *session.commands.output_words()]
    return session.commands.words("model batch", ctx.params["source"], options=words)
