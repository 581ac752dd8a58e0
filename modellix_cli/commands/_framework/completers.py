"""What Tab offers for values: from the cache and the ledger, without network or words.

Only values of characters that mean nothing to any shell are offered; scripts pass them to `eval`.
"""

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

import typer
from typer.core import TyperGroup

from modellix_cli.context.session import LAST, Session
from modellix_cli.domain.errors import ModellixError
from modellix_cli.domain.text import hide_secrets, is_shell_safe
from modellix_cli.domain.values import TASK_TYPES
from modellix_cli.output.sink import Output

if TYPE_CHECKING:
    from modellix_cli.domain.values import Slug
    from modellix_cli.models.parameters import Parameter

_MOST_TASKS: Final = 50

Offer = Callable[[typer.Context, str], list[str]]


def _offering(find: Callable[[Session], list[str]]) -> Offer:
    """As `_offering_for` where the words before do not matter."""
    return _offering_for(lambda ctx, incomplete: find(Session.of(ctx)))


def _offering_for(find: Offer) -> Offer:
    """Return what Typer calls: the safe ones of what `find` returns; a failure offers nothing."""

    def offer(ctx: typer.Context, incomplete: str) -> list[str]:
        try:
            found = find(ctx, incomplete)
        except Exception:  # noqa: BLE001 - nobody asked for words while typing
            return []
        return [value for value in found if value.startswith(incomplete) and is_shell_safe(value)]

    return offer


@_offering_for
def slugs(ctx: typer.Context, incomplete: str) -> list[str]:
    """Offer the slugs that were listed lately; after a type and a slash, those of that type."""
    return _slugs(Session.of(ctx), incomplete)


def _slugs(session: Session, incomplete: str) -> list[str]:
    task_type, slash, _ = incomplete.partition("/")
    if not slash or task_type not in TASK_TYPES:
        return session.stores.model_cache.slugs()
    kept = session.stores.model_lists.last()
    listed = kept.models if kept else ()
    return [f"{task_type}/{model.slug}" for model in listed if model.type == task_type]


@_offering_for
def outputs(ctx: typer.Context, incomplete: str) -> list[str]:
    """Offer what --output takes: for a command what it declares."""
    spec = getattr(ctx.command, "spec", None)
    return list(spec.outputs if spec else (Output.HUMAN, Output.JSON, Output.QUIET))


@_offering
def profiles(session: Session) -> list[str]:
    """Offer the names of saved profiles; no key is read."""
    from modellix_cli.profiles.credentials import profile_names, read_config

    return profile_names(read_config(session.runtime.env))


@_offering
def batches(session: Session) -> list[str]:
    """Offer the numbers of the batches begun last."""
    from modellix_cli.ledger.recent import recent_batches
    from modellix_cli.paths import state_dir

    folder = state_dir(session.runtime.env)
    return [str(number) for number in recent_batches(folder, session.stores.account, _MOST_TASKS)]


@_offering
def tags(session: Session) -> list[str]:
    """Offer the tags used last."""
    from modellix_cli.ledger.recent import recent_tags
    from modellix_cli.paths import state_dir

    folder = state_dir(session.runtime.env)
    return recent_tags(folder, session.stores.account.base_url, _MOST_TASKS)


@_offering
def unknown_requests(session: Session) -> list[str]:
    """Offer the numbers of submissions whose outcome is not known."""
    from modellix_cli.ledger.recent import recent_unknown
    from modellix_cli.paths import state_dir

    folder, base_url = state_dir(session.runtime.env), session.stores.account.base_url
    return [str(number) for number in recent_unknown(folder, base_url, _MOST_TASKS)]


@_offering
def uploads(session: Session) -> list[str]:
    """Offer the files that were uploaded lately for requests."""
    from modellix_cli.inputs.upload_cache import kept_uploads
    from modellix_cli.paths import cache_dir

    return kept_uploads(cache_dir(session.runtime.env), session.stores.account.base_url)


@_offering_for
def runnable(ctx: typer.Context, incomplete: str) -> list[str]:
    """Offer what `model run` takes: the default model, presets, and what `slugs` offers."""
    session = Session.of(ctx)
    try:
        defaults = session.settings.defaults
        model, presets = defaults.model, [f"@{name}" for name in defaults.presets]
    except ModellixError:  # whoever runs the command is told
        model, presets = None, []
    first = [] if model is None else [str(model.value)]
    return list(dict.fromkeys([*first, *presets, *_slugs(session, incomplete)]))


@_offering
def providers(session: Session) -> list[str]:
    """Offer the providers of the models that were listed lately."""
    return list(dict.fromkeys(slug.split("/")[0] for slug in session.stores.model_cache.slugs()))


@_offering
def task_types(session: Session) -> list[str]:
    """Offer the task types that the API documents."""
    return list(TASK_TYPES)


@_offering
def usage_groups(session: Session) -> list[str]:
    """Offer what usage can be grouped by."""
    from modellix_cli.ledger.usage import UsageBy

    return list(UsageBy)


@_offering
def statuses(session: Session) -> list[str]:
    """Offer what is known to become of a request."""
    return ["success", "failed", "canceled", "submitted", "pending", "rejected", "unknown"]


@_offering_for
def help_words(ctx: typer.Context, incomplete: str) -> list[str]:
    """Offer the commands below those typed so far, and topics at first."""
    from modellix_cli.commands._framework.topics import TOPICS

    found: object = ctx.find_root().command
    typed = ctx.params.get("words") or []
    for word in typed:
        found = found.get_command(ctx, word) if isinstance(found, TyperGroup) else None
    names = found.list_commands(ctx) if isinstance(found, TyperGroup) else []
    return list(dict.fromkeys([*names, *([] if typed else TOPICS)]))


@_offering
def task_ids(session: Session) -> list[str]:
    """Offer the tasks submitted or seen last, and @last."""
    from modellix_cli.ledger.recent import recent_task_ids
    from modellix_cli.paths import state_dir
    from modellix_cli.profiles.credentials import known_keys

    known = recent_task_ids(state_dir(session.runtime.env), session.stores.account, _MOST_TASKS)
    keys = known_keys(session.runtime.env)
    known = [task_id for task_id in known if hide_secrets(task_id, keys) == task_id]
    return [LAST, *known] if known else []


@_offering_for
def parameters(ctx: typer.Context, incomplete: str) -> list[str]:
    """Offer `name=` for each parameter of the model named before, then `name=value` for choices.

    From the schema that is kept of the model. Behind `name=@` files are offered, and `@last`.
    """
    from modellix_cli.models.parameters import read_parameters

    session = Session.of(ctx)
    head, at, path = incomplete.partition("=@")
    if at:
        return [f"{head}=@{found}" for found in (*_paths(session, path), LAST[1:])]
    kept = session.stores.schema_cache.get(_model(ctx, session))
    taken = read_parameters(kept.document) if kept else ()
    name, sign, _ = incomplete.partition("=")
    if not sign:
        return [f"{one.name}=" for one in taken]
    chosen = next((one for one in taken if one.name == name), None)
    return [f"{name}={value}" for value in _choices(chosen)] if chosen else []


def _paths(session: Session, begun: str) -> list[str]:
    """Return the files and folders whose path begins so, as it is written; hidden ones if asked."""
    folder, slash, name = begun.rpartition("/")
    place = session.settings.path(f"{folder}{slash}" or ".")
    entries = sorted(place.iterdir())
    hidden = name.startswith(".")
    fitting = [one for one in entries if one.name.startswith(name)]
    found = [one for one in fitting if hidden or not one.name.startswith(".")]
    return [f"{folder}{slash}{one.name}{'/' if one.is_dir() else ''}" for one in found]


def _model(ctx: typer.Context, session: Session) -> "Slug":
    """Return the model that the words before name: itself, by a preset, or not at all."""
    from modellix_cli.context.defaults import PRESET_WORD
    from modellix_cli.domain.values import parse_slug

    word, option = ctx.params.get("slug"), ctx.params.get("model_slug") or ctx.params.get("model")
    preset = re.fullmatch(PRESET_WORD, word or "")
    if preset is not None:
        chosen = session.settings.defaults.preset(preset[1]).model
        word = None if chosen is None else str(chosen)
    default = session.settings.defaults.model if word is None and option is None else None
    return default.value if default is not None else parse_slug(word or option or "")


def _choices(parameter: "Parameter") -> list[str]:
    from modellix_cli.domain.jsontext import dumps

    values = parameter.allowed or ((True, False) if parameter.types == ("boolean",) else ())
    return [value if isinstance(value, str) else dumps(value) for value in values]
