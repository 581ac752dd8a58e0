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
    Timeout,
    save_options,
)
from modellix_cli.commands._framework.suggestions import quoting_advice
from modellix_cli.context.session import Session
from modellix_cli.domain.addresses import parse_webhook_url
from modellix_cli.domain.errors import ExitStatus, usage
from modellix_cli.domain.text import count
from modellix_cli.domain.values import parse_request_key, parse_slug
from modellix_cli.inputs.body import MAX_BODY_BYTES, read_body, unreadable_stdin
from modellix_cli.output.sink import Output

if TYPE_CHECKING:
    from modellix_cli.engine.core.lines import LineOutcome

_MODEL_HINT: Final = (
    "Give it as provider/model, for example: modellix-cli model run "
    """bytedance/seedream-4.5-t2i --body '{"prompt": "a cat"}'"""
)


@command(
    default=Output.JSON,
    pays=True,
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
        ExitStatus.NOT_SAVED,
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
    resume: Annotated[
        bool,
        typer.Option(
            "--resume", help="Take the task of an earlier run of the same request, if there is one."
        ),
    ] = False,
    request_key: Annotated[
        str | None,
        typer.Option(metavar="KEY", help="Pay for this key once, however often it is sent."),
    ] = None,
    webhook: Annotated[
        str | None,
        typer.Option(metavar="URL", help="Public HTTPS address to call when the task ends."),
    ] = None,
    same_account: Annotated[
        bool,
        typer.Option(
            "--same-account", help="This key belongs to the account that paid with another one."
        ),
    ] = False,
    resend_unknown: Annotated[
        bool,
        typer.Option(
            "--resend-unknown",
            help="Send a request of unknown outcome once more. You may be charged twice.",
        ),
    ] = False,
    api_key: ApiKey = None,
) -> None:
    """Submit a paid task. With --wait stay until it ends, with --output-dir save what it made.

    The body is sent byte for byte. It is sent again only where nothing can have been created.
    """
    from modellix_cli.output import render
    from modellix_cli.workflows.models import suggesting
    from modellix_cli.workflows.run import RunOptions, run_model, submission_of
    from modellix_cli.workflows.saving import open_downloader

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
    file = body_file if body_file in (None, "-") else str(session.settings.path(body_file))
    request = read_body(body, file, session.runtime.read_stdin, max_body_bytes)
    model = parse_slug(slug or model_slug or "")
    client = session.connections.client(api_key)
    session.save_to = output_dir
    downloader = None if output_dir is None else open_downloader(session, save_options(ctx), client)
    options = RunOptions(
        wait=wait,
        timeout=timeout,
        interval=interval,
        resume=resume,
        resend_unknown=resend_unknown,
        same_account=same_account,
        webhook=None if webhook is None else parse_webhook_url(webhook),
        request_key=None if request_key is None else parse_request_key(request_key),
    )
    with suggesting(session, model):
        outcome = run_model(session, client, model, request, options, downloader)
    if not wait:
        render.submission(session.out, submission_of(outcome))
        return
    conclude_run(session, outcome)


def conclude_run(session: Session, outcome: "LineOutcome") -> None:
    """Show the task that ended and its files, say what went wrong or until when results live."""
    from modellix_cli.output import render
    from modellix_cli.workflows.results import report_errors, tell_expiry
    from modellix_cli.workflows.run import ended_errors

    task, saved = outcome.task, outcome.saved
    errors = [session.name_submitted(error) for error in ended_errors(outcome)]
    render.run_result(session.out, task, saved, errors)
    if saved is not None and saved.files and session.out.mode is Output.JSON:
        session.out.note(f"Saved {count(len(saved.files), 'file')} to {saved.folder}.")
    if errors:
        raise typer.Exit(report_errors(session, errors))
    if saved is None:
        tell_expiry(session, [task])
