"""`modellix-cli model run`, also `model invoke`: submit a paid task, wait, save."""

from typing import TYPE_CHECKING, Annotated, Final

import typer

from modellix_cli.commands._framework.command import command
from modellix_cli.commands._framework.options import (
    ApiKey,
    ModelSlugOption,
    OptionalModelSlug,
)
from modellix_cli.commands._framework.suggestions import quoting_advice
from modellix_cli.context.session import Session
from modellix_cli.domain.addresses import parse_webhook_url
from modellix_cli.domain.errors import ExitStatus, usage
from modellix_cli.domain.text import count
from modellix_cli.domain.values import Slug, parse_slug
from modellix_cli.inputs.body import read_body, unreadable_stdin
from modellix_cli.options.body import Body
from modellix_cli.options.paying import RunPaying
from modellix_cli.options.saving import Saving
from modellix_cli.options.waiting import Waiting
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
    body: Body = Body(),
    waiting: Waiting = Waiting(),
    saving: Saving = Saving(),
    paying: RunPaying = RunPaying(),
    webhook: Annotated[
        str | None,
        typer.Option(metavar="URL", help="Public HTTPS address to call when the task ends."),
    ] = None,
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
    model = chosen_model(slug, model_slug, body)
    if saving.output_dir is not None and not waiting.wait:
        raise usage("--output-dir saves results, so it needs --wait.")
    request = read_request(session, body)
    options = RunOptions(
        waiting, paying, webhook=None if webhook is None else parse_webhook_url(webhook)
    )
    client = session.connections.client(api_key)
    session.save_to = saving.output_dir
    downloader = open_downloader(session, saving, client)
    with suggesting(session, model):
        outcome = run_model(session, client, model, request, options, downloader)
    if not waiting.wait:
        render.submission(session.out, submission_of(outcome))
        return
    conclude_run(session, outcome)


def chosen_model(slug: str | None, model_slug: str | None, body: Body) -> Slug:
    """Return the model, which is given once: as an argument or as an option."""
    if slug is not None and model_slug is not None:
        raise usage(
            "The model was given twice. Give it once, as SLUG or with --model-slug.",
            hint=quoting_advice(body.body),
        )
    if slug is None and model_slug is None:
        raise usage("Missing model.", hint=_MODEL_HINT)
    return parse_slug(slug or model_slug or "")


def read_request(session: Session, body: Body) -> bytes:
    """Return the bytes to send."""
    file = body.body_file
    if file == "-" and body.body is None and session.runtime.stdin_is_terminal:
        raise unreadable_stdin("--body-file")
    if file not in (None, "-"):
        file = str(session.settings.path(file))
    return read_body(body.body, file, session.runtime.read_stdin, body.max_body_bytes)


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
