"""What commands about models share: the list, kept for later, and names near a mistyped slug."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from modellix_cli.api.routes import PUBLIC_ORIGIN
from modellix_cli.clock import clock_time
from modellix_cli.context.session import Session
from modellix_cli.domain.errors import ErrorCode, ModellixError
from modellix_cli.domain.frozen import frozen
from modellix_cli.domain.text import is_shell_safe, quoted
from modellix_cli.domain.values import DAY, Slug

if TYPE_CHECKING:
    from modellix_cli.api.catalog import Model, ModelList
    from modellix_cli.models.changes import Changes
    from modellix_cli.models.kept_lists import KeptList

UNREACHABLE: Final = frozenset(
    {
        *(ErrorCode.NETWORK, ErrorCode.TLS, ErrorCode.BAD_REPLY),
        *(ErrorCode.RATE_LIMITED, ErrorCode.SERVICE_UNAVAILABLE, ErrorCode.API_ERROR),
    }
)
"""Failures that say nothing about what was asked for, and may have passed the next time."""


@frozen
class Comparison:
    """The model list as it is now, and what changed `since` a Unix time, None at the first look."""

    listed: "ModelList"
    since: float | None
    changes: "Changes"


def fetch_models(
    session: Session, api_key: str | None, *, featured: bool = False, patient: bool = True
) -> "ModelList":
    """Ask for the model list; a whole one is kept, for completion, suggestions and `model find`.

    Without a key it is the public list, which does not tell what is featured. Without `patient`
    it is asked for once.
    """
    listed = ask_for_models(session, api_key, featured=featured, patient=patient)
    if not featured:
        keep_list(session, listed)
    return listed


def keep_list(session: Session, listed: "ModelList") -> None:
    """Keep a whole list for completion, suggestions and `model find`."""
    session.stores.model_cache.keep([model.slug for model in listed.models])
    session.stores.model_lists.keep(listed)


def ask_for_models(
    session: Session, api_key: str | None, *, featured: bool = False, patient: bool = True
) -> "ModelList":
    """As `fetch_models`, and keep nothing."""
    try:
        return session.connections.client(api_key).models(featured=featured, patient=patient)
    except ModellixError as error:
        if error.code is not ErrorCode.MISSING_API_KEY or featured:
            raise
        return session.connections.public_client(PUBLIC_ORIGIN).public_models(patient=patient)


def known_models(session: Session, api_key: str | None) -> "KeptList":
    """Return the kept list if it is of the last 24 hours, else a new one.

    Where the service cannot be reached, an older list does; a note tells how old it is.
    """
    from modellix_cli.models.kept_lists import KeptList

    kept, now = session.stores.model_lists.last(), session.runtime.clock.now()
    if kept is not None and 0 <= now - kept.seen_at < DAY:
        return kept
    try:
        listed = fetch_models(session, api_key, patient=kept is None)
    except ModellixError as error:
        if kept is None or error.code not in UNREACHABLE:
            raise
        seen = clock_time(kept.seen_at)
        session.out.note(f"The model list could not be updated: {error.message}")
        session.out.note(f"Searching the list of {seen}.")
        return kept
    return KeptList(listed.models, now)


def compare_models(session: Session, api_key: str | None) -> "Comparison":
    """Ask for the model list and return what changed since the baseline, which stays as it is."""
    from modellix_cli.models.changes import Changes, compare

    listed = ask_for_models(session, api_key)
    baseline = session.stores.model_lists.baseline(public=listed.public)
    if baseline is None:
        return Comparison(listed, None, Changes())
    return Comparison(listed, baseline.seen_at, compare(baseline.models, listed.models))


def tell_unknown_type(session: Session, models: Sequence["Model"], wanted: str) -> None:
    """Name the types there are if `wanted` is given and none of them."""
    from modellix_cli.models.selection import known_types

    types = known_types(models)
    if wanted.strip() and wanted.strip().casefold() not in types:
        session.out.note(f"No model is of type {quoted(wanted)}. Types: {', '.join(types)}.")


def did_you_mean(wanted: str, known: Iterable[str]) -> str:
    """Return `Did you mean a/b?` with up to three slugs near `wanted`, "" if there are none.

    A name without its provider is held against the names of models alone.
    """
    from difflib import get_close_matches

    by_name: dict[str, list[str]] = {}
    for slug in known:
        if is_shell_safe(slug) and slug != wanted:
            name = slug if "/" in wanted else slug.rpartition("/")[2]
            by_name.setdefault(name.lower(), []).append(slug)
    same = by_name.get(wanted.lower(), []) if "/" not in wanted else []
    names = get_close_matches(wanted.lower(), by_name, n=3)
    near = (same or [slug for name in names for slug in by_name[name]])[:3]
    if not near:
        return ""
    *others, last = near
    return f"Did you mean {', '.join(others) + ' or ' if others else ''}{last}?"


@contextmanager
def suggesting(session: Session, slug: Slug) -> Iterator[None]:
    """Name slugs of the kept list in the hint of a `NOT_FOUND` that is raised within."""
    try:
        yield
    except ModellixError as error:
        if error.code is ErrorCode.NOT_FOUND:
            meant = did_you_mean(slug.name, session.stores.model_cache.slugs())
            raise error.copy_with(hint=f"{meant} {error.hint}".strip()) from None
        raise
