"""The schemas of models: kept from an earlier time while they are fresh, else asked for."""

from typing import TYPE_CHECKING, Final

from modellix_cli.api.routes import PUBLIC_ORIGIN
from modellix_cli.context.session import Session
from modellix_cli.domain.errors import ErrorCode, ModellixError
from modellix_cli.domain.jsontext import Json
from modellix_cli.domain.values import DAY, Slug

if TYPE_CHECKING:
    from modellix_cli.api.client import Client

_FRESH: Final = 7 * DAY
"""Seconds for which a schema that is kept is used without asking for a newer one."""
_QUICK: Final = 1.0
"""Seconds to wait for a schema that is no more than a help."""


class SchemaReader:
    """Gets schemas, and asks for none once asking has shown that nothing answers.

    One that was kept in the last `fresh` seconds is not asked for. With `seconds` a model is asked
    for once, and for so long; without, as patiently as all that is read.
    """

    def __init__(
        self, session: Session, *, fresh: float = 0.0, seconds: float | None = None
    ) -> None:
        self._session = session
        self._fresh = fresh
        self._seconds = seconds
        self._client: Client | None = None
        self._down: ModellixError | None = None

    def read(self, slug: Slug) -> Json:
        """Return the schema document of a model. Raises what asking for it came to."""
        kept = self._session.stores.schema_cache.get(slug)
        if kept is not None and kept.age < self._fresh:
            return kept.document
        self._session.check_models((slug,))
        if self._down is not None:
            raise self._down
        if self._client is None:
            connections = self._session.connections
            self._client = connections.public_client(PUBLIC_ORIGIN, seconds=self._seconds)
        try:
            document = self._client.schema(slug, patient=self._seconds is None)
        except ModellixError as error:
            if error.code is ErrorCode.NETWORK:
                self._down = error
            raise
        return keep_schema(self._session, slug, document)

    def read_or_kept(self, slug: Slug) -> Json:
        """Return the schema document of a model, an old one where asking for it failed.

        Raises `NOT_FOUND`, and what asking came to where none is kept.
        """
        try:
            return self.read(slug)
        except ModellixError as error:
            kept = None if error.code is ErrorCode.NOT_FOUND else kept_schema(self._session, slug)
            if kept is None:
                raise
            return kept

    def if_any(self, slug: Slug) -> Json:
        """Return the schema document of a model, an old one if need be, or None."""
        try:
            return self.read(slug)
        except ModellixError:
            return kept_schema(self._session, slug)


def quick_reader(session: Session) -> SchemaReader:
    """Return a reader for schemas that are no more than a help: kept ones, else for a second."""
    return SchemaReader(session, fresh=_FRESH, seconds=_QUICK)


def needed_schema(session: Session, slug: Slug) -> tuple[Json, ModellixError | None]:
    """Return the schema of a model, asked for as patiently as all that is read; None and why not.

    One that is kept is used while it is fresh, and an old one where asking fails.
    """
    try:
        return SchemaReader(session, fresh=_FRESH).read_or_kept(slug), None
    except ModellixError as error:
        return None, error


def keep_schema(session: Session, slug: Slug, document: Json) -> Json:
    """Keep the schema document of a model, and return it."""
    session.stores.schema_cache.keep(slug, document)
    return document


def kept_schema(session: Session, slug: Slug) -> Json:
    """Return the schema document of a model that is kept, however old, else None."""
    kept = session.stores.schema_cache.get(slug)
    return None if kept is None else kept.document
