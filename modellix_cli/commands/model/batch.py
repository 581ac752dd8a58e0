"""`modellix-cli model batch`: submit many paid tasks from a file, each once."""

from typing import Annotated

import typer

from modellix_cli.commands._framework.command import command
from modellix_cli.commands._framework.given_options import given_names, given_options
from modellix_cli.commands._framework.options import ApiKey
from modellix_cli.context.session import Session
from modellix_cli.domain.errors import ExitStatus
from modellix_cli.domain.values import parse_tag
from modellix_cli.options.body import InputLimits
from modellix_cli.options.guarding import BatchGuards
from modellix_cli.options.panels import LIMITS
from modellix_cli.options.paying import BatchPaying
from modellix_cli.options.routing import AsyncRoute
from modellix_cli.options.saving import BatchSaving
from modellix_cli.options.tagging import Tag
from modellix_cli.options.tasks import BatchTasks
from modellix_cli.options.waiting import Waiting
from modellix_cli.output.sink import Output


@command(
    default=Output.JSON,
    pays=True,
    outputs=(Output.JSONL,),
    examples=(
        "model batch tasks.jsonl --yes --wait --output-dir pictures",
        "model batch tasks.jsonl --yes --resume",
        "model batch - --dry-run < tasks.jsonl",
        "model batch shots.csv --model a/b --set size=2K --max-tasks 20",
        "model batch --model a/b --set prompt='a cat' --matrix seed=1..4",
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
        str | None,
        typer.Argument(
            metavar="FILE",
            help='JSON Lines, {"modelSlug": …, "body": {…}, "id": …} each, or a table (.csv, .tsv) '
            "whose columns are parameters; - for standard input.",
        ),
    ] = None,
    tasks: BatchTasks = BatchTasks(),
    guards: BatchGuards = BatchGuards(),
    paying: BatchPaying = BatchPaying(),
    concurrency: Annotated[
        int,
        typer.Option(
            min=1, max=100, metavar="N", help="Submissions at a time.", rich_help_panel=LIMITS
        ),
    ] = 3,
    waiting: Waiting = Waiting(),
    results: Annotated[
        str | None,
        typer.Option(metavar="FILE", help="Write each line's result there as it comes (JSONL)."),
    ] = None,
    saving: BatchSaving = BatchSaving(),
    limits: InputLimits = InputLimits(),
    async_route: AsyncRoute = None,
    tag: Tag = None,
    api_key: ApiKey = None,
) -> None:
    """Submit many paid tasks, each once: nothing twice, even after a kill.

    Tasks that were refused are sent again. Everything is read and checked before the first
    request. Lines that were paid for are known by what they ask, in whichever file they stand:
    --resume pays only for the others.
    """
    from modellix_cli.workflows import batch_plan
    from modellix_cli.workflows.batch_reading import read_tasks
    from modellix_cli.workflows.batch_references import pin_last
    from modellix_cli.workflows.batch_run import run_batch
    from modellix_cli.workflows.saving_settings import with_saving_settings
    from modellix_cli.workflows.unused_options import refuse_unused, tell_unused

    session = Session.of(ctx)
    session.settings.chosen_async_route = async_route
    tasks = pin_last(session, tasks)
    given = given_names(ctx)
    waiting = waiting.to_save(given)
    if waiting.wait:
        saving = with_saving_settings(session, saving, given)
    refuse_unused(given, waiting, saving)
    tell_unused(session, given, waiting)
    options = batch_plan.BatchOptions(
        source=source,
        tasks=tasks,
        on_paid=batch_plan.chosen_on_paid(session, paying),
        guards=guards,
        paying=paying,
        waiting=waiting,
        saving=saving,
        limits=limits,
        concurrency=concurrency,
        results=results,
        tag=None if tag is None else parse_tag(tag),
        api_key=api_key,
    )
    batch_plan.check_options(options)
    session.saving = saving.words()
    with read_tasks(session, options) as found:
        resume = resume_words(session, ctx, tasks, found.default_model)
        run_batch(session, found, options, resume)


def resume_words(
    session: Session, ctx: typer.Context, tasks: BatchTasks, default_model: str | None
) -> list[str]:
    """Return the command line that continues this batch, with the options it was given.

    Those that may pay twice are left out: they are decided each time. The default model is named,
    so that the lines stay the same requests where the settings change.
    """
    decided = ("resume", "new", "resend_unknown", "retry_failed")
    words = given_options(
        ctx,
        leaving_out=("source", "dry_run", "api_key", *decided),
        instead={"settings": tasks.settings, "matrix": tasks.matrix},
    )
    words += [] if default_model is None else ["--model", default_model]
    words += ["--resume", *session.commands.output_words()]
    source = ctx.params["source"]
    arguments = [] if source is None else [source]
    return session.commands.words("model batch", *arguments, options=words)
