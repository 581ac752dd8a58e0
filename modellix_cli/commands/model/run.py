"""`modellix-cli model run`, also `model invoke`: submit a paid task, wait, save."""

from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Final

import typer

from modellix_cli.commands._framework.command import command
from modellix_cli.commands._framework.options import (
    ApiKey,
    ModelSlugOption,
    OptionalModelSlug,
    Parameters,
    Prompt,
)
from modellix_cli.commands._framework.suggestions import quoting_advice
from modellix_cli.context.session import Session
from modellix_cli.domain.errors import ExitStatus, usage
from modellix_cli.domain.text import count
from modellix_cli.domain.values import Slug, parse_slug, parse_tag
from modellix_cli.downloads.name_template import BY_PROMPT, parse_name_template
from modellix_cli.options.body import Body
from modellix_cli.options.guarding import RunGuards
from modellix_cli.options.paying import RunPaying
from modellix_cli.options.routing import AsyncRoute
from modellix_cli.options.saving import Saving
from modellix_cli.options.tagging import Tag
from modellix_cli.options.waiting import Waiting
from modellix_cli.output.sink import Output

if TYPE_CHECKING:
    from modellix_cli.engine.core.lines import LineOutcome
    from modellix_cli.workflows.request import ShownRequest

_MODEL_HINT: Final = (
    "Give it as provider/model, for example: modellix-cli model run "
    """bytedance/seedream-4.5-t2i "a cat\""""
)


@command(
    default=Output.JSON,
    pays=True,
    outputs=(Output.TASK_ID,),
    examples=(
        'model run bytedance/seedream-4.5-t2i "a lighthouse at dawn"',
        'model run google/veo-3.1-fast-t2v "waves at dawn" -p duration=8 --dry-run',
        """model run alibaba/qwen-image-edit "make it night" -p image=@last""",
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
    prompt: Prompt = None,
    model_slug: ModelSlugOption = None,
    parameters: Parameters = None,
    body: Body = Body(),
    guards: RunGuards = RunGuards(),
    waiting: Waiting = Waiting(),
    saving: Saving = Saving(),
    paying: RunPaying = RunPaying(),
    tag: Tag = None,
    webhook: Annotated[
        str | None,
        typer.Option(metavar="URL", help="Public HTTPS address to call when the task ends."),
    ] = None,
    async_route: AsyncRoute = None,
    api_key: ApiKey = None,
) -> None:
    """Submit a paid task: with a prompt and -p parameters, or with a body as JSON.

    At a terminal, with a prompt, it waits for the result and saves it here. Otherwise --wait stays
    until it ends and --output-dir saves. It is sent again only where nothing can have been created.
    """
    from modellix_cli.output import render
    from modellix_cli.workflows.models import suggesting
    from modellix_cli.workflows.request import RequestOptions, ShownRequest, make_request
    from modellix_cli.workflows.run import RunOptions, run_model, submission_of
    from modellix_cli.workflows.saving import open_downloader

    session = Session.of(ctx)
    session.settings.chosen_async_route = async_route
    model, prompt = chosen_model(slug, prompt, model_slug, body)
    if prompt is not None or parameters or body.edit:
        waiting, saving = for_people(session, waiting, saving)
    check_saving(waiting, saving)
    address = None if webhook is None else session.settings.webhook_url(webhook)
    wanted = RequestOptions(model, prompt, tuple(parameters or ()), body, guards, address, api_key)
    request = make_request(session, wanted)
    if isinstance(request, ShownRequest):
        show_request(session, request)
        return
    label = None if tag is None else parse_tag(tag)
    client, options = request.client, RunOptions(waiting, paying, saving, address, label)
    session.save_to = saving.output_dir
    downloader = open_downloader(session, saving, client)
    with suggesting(session, model):
        outcome = run_model(session, client, model, request.body, options, downloader)
    if not waiting.wait:
        render.submission(session.out, submission_of(outcome))
        return
    conclude_run(session, outcome)


def chosen_model(
    slug: str | None, prompt: str | None, model_slug: str | None, body: Body
) -> tuple[Slug, str | None]:
    """Return the model, which is given once, as an argument or as an option, and the prompt."""
    if model_slug is not None and slug is not None:
        looks_like_slug = "/" in slug and not any(letter.isspace() for letter in slug)
        has_body = body.body is not None or body.body_file is not None
        if prompt is not None or looks_like_slug or has_body:
            raise usage(
                "The model was given twice. Give it once, as SLUG or with --model-slug.",
                hint=quoting_advice(body.body),
            )
        slug, prompt = None, slug
    if slug is None and model_slug is None:
        raise usage("Missing model.", hint=_MODEL_HINT)
    if prompt is not None and body.body is not None and quoting_advice(body.body):
        raise usage("The shell split --body into several words.", hint=quoting_advice(body.body))
    return parse_slug(slug or model_slug or ""), prompt


def for_people(session: Session, waiting: Waiting, saving: Saving) -> tuple[Waiting, Saving]:
    """Return what is meant at a terminal where neither was said: wait, and save here."""
    if not session.for_people or waiting.wait is not None:
        return waiting, saving
    folder, names = saving.output_dir or ".", saving.name_template or BY_PROMPT
    return replace(waiting, wait=True), replace(saving, output_dir=folder, name_template=names)


def check_saving(waiting: Waiting, saving: Saving) -> None:
    """Refuse options of saving that have nothing to save, or cannot be followed."""
    if saving.output_dir is not None and not waiting.wait:
        raise usage("--output-dir saves results, so it needs --wait.")
    if saving.name_template is not None:
        parse_name_template(saving.name_template)


def show_request(session: Session, shown: "ShownRequest") -> None:
    """Print a request that is not to be sent; one with faults ends the command with 2."""
    from modellix_cli.output.request_plan import plan

    if shown.plan is None:
        session.out.block(shown.code)
        return
    plan(session.out, shown.plan)
    if shown.plan.faults:
        raise typer.Exit(ExitStatus.USAGE)


def conclude_run(session: Session, outcome: "LineOutcome") -> None:
    """Show the task that ended and its files, say what went wrong or until when results live."""
    from modellix_cli.output import render
    from modellix_cli.workflows.results import report_errors, tell_expiry
    from modellix_cli.workflows.run import ended_errors
    from modellix_cli.workflows.saving import naming_saved

    task, saved = outcome.task, outcome.saved
    errors = [session.name_submitted(error) for error in ended_errors(outcome)]
    with naming_saved(session, [saved] if saved else [], task.task_id):
        render.run_result(session.out, task, saved, errors)
    if saved is not None and saved.files and session.out.mode is Output.JSON:
        session.out.note(f"Saved {count(len(saved.files), 'file')} to {saved.folder}.")
    if errors:
        raise typer.Exit(report_errors(session, errors))
    if saved is None:
        tell_expiry(session, [task])
