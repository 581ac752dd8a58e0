"""What Tab offers for values: from the cache and the ledger, without network, files or words.

Only values of characters that mean nothing to any shell are offered; scripts pass them to `eval`.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

import typer

from modellix_cli.context.session import LAST, Session
from modellix_cli.domain.text import hide_secrets, is_shell_safe
from modellix_cli.domain.values import TASK_TYPES

if TYPE_CHECKING:
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


@_offering
def slugs(session: Session) -> list[str]:
    """Offer the slugs that were listed lately."""
    return session.stores.model_cache.slugs()


@_offering
def providers(session: Session) -> list[str]:
    """Offer the providers of the models that were listed lately."""
    return list(dict.fromkeys(slug.split("/")[0] for slug in session.stores.model_cache.slugs()))


@_offering
def task_types(session: Session) -> list[str]:
    """Offer the task types that the API documents."""
    return list(TASK_TYPES)


@_offering_for
def help_words(ctx: typer.Context, incomplete: str) -> list[str]:
    """Offer the commands below those typed so far, and topics at first."""
    from modellix_cli.commands._framework.topics import TOPICS

    found: Any = ctx.find_root().command
    typed = ctx.params.get("words") or []
    for word in typed:
        found = found.get_command(ctx, word)
    names = found.list_commands(ctx) if hasattr(found, "list_commands") else []
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

    From the schema that is kept of the model.
    """
    from modellix_cli.domain.values import parse_slug
    from modellix_cli.models.parameters import read_parameters

    slug = ctx.params.get("slug") or ctx.params.get("model_slug")
    kept = Session.of(ctx).stores.schema_cache.get(parse_slug(slug or ""))
    taken = read_parameters(kept.document) if kept else ()
    name, sign, _ = incomplete.partition("=")
    if not sign:
        return [f"{one.name}=" for one in taken]
    chosen = next((one for one in taken if one.name == name), None)
    return [f"{name}={value}" for value in _choices(chosen)] if chosen else []


def _choices(parameter: "Parameter") -> list[str]:
    from modellix_cli.domain.jsontext import dumps

    values = parameter.allowed or ((True, False) if parameter.types == ("boolean",) else ())
    return [value if isinstance(value, str) else dumps(value) for value in values]
