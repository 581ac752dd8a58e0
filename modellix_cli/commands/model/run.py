"""`modellix-cli model run`, also `model invoke`: submit a paid task, wait, save."""

from typing import TYPE_CHECKING, Annotated, Final

import typer

from modellix_cli.commands._framework.command import command
from modellix_cli.commands._framework.given_options import given_names
from modellix_cli.commands._framework.options import (
    ApiKey,
    ModelSlugOption,
    OptionalModelSlug,
    Parameters,
    Prompt,
)
from modellix_cli.context.session import Session
from modellix_cli.domain.errors import ExitStatus, usage
from modellix_cli.domain.values import Slug, parse_slug, parse_tag
from modellix_cli.options.body import Body
from modellix_cli.options.guarding import RunGuards
from modellix_cli.options.panels import OTHER
from modellix_cli.options.paying import RunPaying
from modellix_cli.options.routing import AsyncRoute
from modellix_cli.options.saving import Saving
from modellix_cli.options.showing import Showing
from modellix_cli.options.tagging import Tag
from modellix_cli.options.waiting import Waiting
from modellix_cli.output.sink import Output

if TYPE_CHECKING:
    from modellix_cli.project.values import Preset

_MODEL_HINT: Final = (
    "Give it as provider/model, for example: modellix-cli model run "
    """bytedance/seedream-4.5-t2i "a cat\""""
)


@command(
    default=Output.JSON,
    pays=True,
    about_model=True,
    outputs=(Output.TASK_ID,),
    examples=(
        'model run sandbox/image "a cat" --sandbox',
        'model run google/veo-3.1-fast-t2v "waves" -p duration=8 --dry-run',
        'model run alibaba/qwen-image-edit "at night" -p image=@last',
        """model run sandbox/image --body '{"prompt": "a fox"}' --sandbox""",
        "model run alibaba/qwen-image-plus --body-file - < body.json",
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
    showing: Showing = Showing(),
    paying: RunPaying = RunPaying(),
    tag: Tag = None,
    webhook: Annotated[
        str | None,
        typer.Option(
            metavar="URL",
            help="Public HTTPS address to call when the task ends.",
            rich_help_panel=OTHER,
        ),
    ] = None,
    async_route: AsyncRoute = None,
    api_key: ApiKey = None,
) -> None:
    """Submit a paid task: with a prompt and -p parameters, or with a body as JSON.

    At a terminal, with a prompt, it waits for the result and saves it here. Otherwise --wait stays
    until it ends and --output-dir saves. It is sent again only where nothing can have been created.
    """
    from modellix_cli.workflows.request import RequestOptions
    from modellix_cli.workflows.run import RunOptions
    from modellix_cli.workflows.single import carry_out

    session = Session.of(ctx)
    session.settings.chosen_async_route = async_route
    preset, slug, model_slug = with_settings(session, slug, prompt, model_slug, body)
    model, prompt = chosen_model(slug, prompt, model_slug, body)
    address = None if webhook is None else session.settings.webhook_url(webhook)
    label = None if tag is None else parse_tag(tag)
    given = tuple(parameters or ())
    wanted = RequestOptions(model, prompt, given, body, guards, address, api_key, preset=preset)
    options = RunOptions(waiting, paying, saving, address, label)
    carry_out(session, wanted, options, showing, given_names(ctx))


def chosen_model(
    slug: str | None, prompt: str | None, model_slug: str | None, body: Body
) -> tuple[Slug, str | None]:
    """Return the model, which is given once, as an argument or as an option, and the prompt."""
    if model_slug is not None and slug is not None:
        has_body = body.body is not None or body.body_file is not None
        if prompt is not None or looks_like_slug(slug) or has_body:
            from modellix_cli.commands._framework.suggestions import quoting_advice

            raise usage(
                "The model was given twice. Give it once, as SLUG or with --model-slug.",
                hint=quoting_advice(body.body),
            )
        slug, prompt = None, slug
    if slug is None and model_slug is None:
        raise usage("Missing model.", hint=_MODEL_HINT)
    if prompt is not None and body.body is not None:
        from modellix_cli.commands._framework.suggestions import quoting_advice

        if advice := quoting_advice(body.body):
            raise usage("The shell split --body into several words.", hint=advice)
    return parse_slug(slug or model_slug or ""), prompt


def with_settings(
    session: Session, slug: str | None, prompt: str | None, model_slug: str | None, body: Body
) -> tuple["Preset | None", str | None, str | None]:
    """Return the preset that the first argument names, and the two ways to name a model.

    The option is filled in by the preset, or by the default model where no argument is a model.
    """
    preset = None
    if slug is not None and slug.startswith("@"):
        from modellix_cli.workflows.presets import named_preset

        preset = named_preset(session, slug, model_slug)
    if preset is not None:
        slug = None
        model_slug = model_slug or (str(preset.model) if preset.model else None)
    has_body = body.body is not None or body.body_file is not None
    is_model = slug is not None and (prompt is not None or has_body or looks_like_slug(slug))
    if model_slug is None and not is_model:
        from modellix_cli.workflows.presets import default_model

        model_slug = default_model(session, preset)
    return preset, slug, model_slug


def looks_like_slug(word: str) -> bool:
    """Whether an argument is more like a model than like a prompt."""
    return "/" in word and not any(letter.isspace() for letter in word)
