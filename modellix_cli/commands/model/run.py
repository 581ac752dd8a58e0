"""`modellix-cli model run`, also `model invoke`: submit a paid task, wait, save."""

from typing import TYPE_CHECKING, Annotated, Final

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
    MaxTotalBytes,
    ModelSlugOption,
    OptionalModelSlug,
    Overwrite,
    Parallel,
    SaveOptions,
    Timeout,
)
from modellix_cli.commands._framework.suggestions import quoting_advice
from modellix_cli.context.session import Session, unreadable_stdin
from modellix_cli.domain.errors import ExitStatus, usage
from modellix_cli.domain.text import count
from modellix_cli.domain.values import Slug, parse_slug
from modellix_cli.inputs.body import MAX_BODY_BYTES, read_body
from modellix_cli.output.sink import Output

if TYPE_CHECKING:
    from modellix_cli.api.client import Client
    from modellix_cli.api.documents import Submission, Task
    from modellix_cli.domain.errors import ModellixError
    from modellix_cli.downloads.downloader import Saved

_MODEL_HINT: Final = (
    "Give it as provider/model, for example: modellix-cli model run "
    """bytedance/seedream-4.5-t2i --body '{"prompt": "a cat"}'"""
)


@command(
    default=Output.JSON,
    outputs=(Output.TASK_ID,),
    examples=(
        """model run bytedance/seedream-4.5-t2i --body '{"prompt": "a cat"}' --wait""",
        "model run --model-slug alibaba/qwen-image-plus --body-file body.json --output task-id",
        "model run sandbox/image --sandbox --body-file - --wait --output-dir . < body.json",
    ),
    exits=(
        ExitStatus.AUTH,
        ExitStatus.BALANCE,
        ExitStatus.NOT_FOUND,
        ExitStatus.RATE_LIMITED,
        ExitStatus.UNAVAILABLE,
        ExitStatus.OUTCOME_UNKNOWN,
        ExitStatus.TIMEOUT,
    ),
)
def run(
    ctx: typer.Context,
    slug: OptionalModelSlug = None,
    model_slug: ModelSlugOption = None,
    body: Annotated[
        str | None, typer.Option(metavar="JSON", help="The model's parameters, a JSON object.")
    ] = None,
    body_file: Annotated[
        str | None, typer.Option(metavar="PATH", help="A file with them; - for standard input.")
    ] = None,
    wait: Annotated[
        bool, typer.Option("--wait/--no-wait", help="Stay until the task ends.", show_default=False)
    ] = False,
    interval: Interval = None,
    timeout: Timeout = DEFAULT_TIMEOUT,
    output_dir: Annotated[
        str | None, typer.Option(metavar="DIR", help="With --wait: save the results here.")
    ] = None,
    overwrite: Overwrite = False,
    allow_insecure_http: AllowInsecureHttp = False,
    allow_private_network: AllowPrivateNetwork = False,
    max_bytes: MaxBytes = GIB,
    max_total_bytes: MaxTotalBytes = 2 * GIB,
    max_resources: MaxResources = 100,
    parallel: Parallel = 4,
    max_body_bytes: Annotated[
        int,
        typer.Option(
            metavar="N",
            min=1,
            max=MAX_BODY_BYTES,
            help="Largest body, in bytes (64 MiB).",
            show_default=False,
        ),
    ] = MAX_BODY_BYTES,
    resend_unknown: Annotated[
        bool,
        typer.Option(
            "--resend-unknown",
            help="Send again when the outcome is unknown. This may pay twice.",
        ),
    ] = False,
    api_key: ApiKey = None,
) -> None:
    """Submit a paid task. With --wait stay until it ends, with --output-dir save what it made.

    The body is sent byte for byte. It is sent again only where nothing can have been created.
    """
    from modellix_cli.downloads.downloader import task_failed
    from modellix_cli.engine.wait import Schedule
    from modellix_cli.output import render
    from modellix_cli.workflows.results import open_downloader, save
    from modellix_cli.workflows.wait import wait_for_submitted

    session = Session.of(ctx)
    if slug is not None and model_slug is not None:
        raise usage(
            "The model was given twice. Give it once, as SLUG or with --model-slug.",
            hint=quoting_advice(body),
        )
    if slug is None and model_slug is None:
        raise usage("Missing model.", hint=_MODEL_HINT)
    if output_dir is not None and not wait:
        raise usage("--output-dir saves results, so it needs --wait.")
    if body_file == "-" and body is None and session.runtime.stdin_is_terminal:
        raise unreadable_stdin("--body-file")
    file = body_file if body_file in (None, "-") else str(session.path(body_file))
    request = read_body(body, file, session.runtime.read_stdin, max_body_bytes)
    model = parse_slug(slug or model_slug or "")
    client = session.client(api_key)
    session.save_to = output_dir
    save_options = None if output_dir is None else SaveOptions.of(ctx)
    downloader = save_options and open_downloader(session, save_options, client.task)

    submitted = submit(session, client, model, request, resend_unknown=resend_unknown)
    if not wait:
        render.submission(session.out, submitted)
        return
    schedule = Schedule(timeout, interval)
    task = wait_for_submitted(session, client, submitted.task_id, schedule)
    saved = save(session, downloader, task) if downloader and task.succeeded else None
    errors = [task_failed(task)] if task.failed else saved.errors if saved else []
    for error in errors:
        session.name_submitted(error)
    render.run_result(session.out, task, saved, errors)
    conclude_run(session, task, saved, errors)


def submit(
    session: Session, client: "Client", model: Slug, body: bytes, *, resend_unknown: bool
) -> "Submission":
    """Submit once; from here on every end of the command names the task."""
    from modellix_cli.engine.submit import Submitter
    from modellix_cli.workflows.models import suggesting

    submitter = Submitter(
        client,
        session.journal,
        session.gate,
        now=session.runtime.clock.now,
        warn=session.out.warn,
        resume=session.resume,
    )
    with suggesting(session, model):
        submitted = submitter.submit(model, body, resend_unknown=resend_unknown)
    session.submitted = submitted.task_id
    return submitted


def conclude_run(
    session: Session, task: "Task", saved: "Saved | None", errors: "list[ModellixError]"
) -> None:
    """Say what was saved and what went wrong, or until when results are kept."""
    from modellix_cli.workflows.results import report_errors, tell_expiry

    if saved is not None and saved.files and session.out.mode is Output.JSON:
        session.out.note(f"Saved {count(len(saved.files), 'file')} to {saved.folder}.")
    if errors:
        raise typer.Exit(report_errors(session, errors))
    if saved is None:
        tell_expiry(session, [task])
