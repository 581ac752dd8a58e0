"""What commands about models share: the list, kept for later, and names near a mistyped slug."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from modellix_cli.context.session import Session
from modellix_cli.domain.errors import ErrorCode, ModellixError
from modellix_cli.domain.text import is_shell_safe
from modellix_cli.domain.values import Slug

if TYPE_CHECKING:
    from modellix_cli.api.catalog import ModelList

PUBLIC_ORIGIN: Final = "https://www.modellix.ai"


def fetch_models(session: Session, api_key: str | None, *, featured: bool = False) -> "ModelList":
    """Ask for the model list; a whole one is kept for completion and suggestions.

    Without a key it is the public list, which does not tell what is featured.
    """
    try:
        listed = session.connections.client(api_key).models(featured=featured)
    except ModellixError as error:
        if error.code is not ErrorCode.MISSING_API_KEY or featured:
            raise
        listed = session.connections.public_client(PUBLIC_ORIGIN).public_models()
    if not featured:
        session.stores.model_cache.keep([model.slug for model in listed.models])
    return listed


def did_you_mean(wanted: str, known: Iterable[str]) -> str:
    """Return `Did you mean a/b?` with up to three slugs near `wanted`, "" if there are none."""
    from difflib import get_close_matches

    by_name = {slug.lower(): slug for slug in known if is_shell_safe(slug) and slug != wanted}
    near = [by_name[name] for name in get_close_matches(wanted.lower(), by_name, n=3)]
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
