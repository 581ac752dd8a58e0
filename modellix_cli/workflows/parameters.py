"""What a model takes: its schema, asked for or kept from an earlier time."""

from contextlib import suppress
from typing import Final

from modellix_cli.api.routes import PUBLIC_ORIGIN
from modellix_cli.context.session import Session
from modellix_cli.domain.errors import ErrorCode, ModellixError
from modellix_cli.domain.jsontext import Json
from modellix_cli.domain.text import duration
from modellix_cli.domain.values import Slug
from modellix_cli.models.parameter_example import example_settings, example_text
from modellix_cli.models.parameters import main_text, read_parameters
from modellix_cli.models.schema_cache import CachedSchema
from modellix_cli.output.facts import ModelParameters
from modellix_cli.workflows.models import suggesting
from modellix_cli.workflows.schemas import keep_schema

_UNREACHABLE: Final = frozenset(
    {
        ErrorCode.NETWORK,
        ErrorCode.TLS,
        ErrorCode.RATE_LIMITED,
        ErrorCode.SERVICE_UNAVAILABLE,
        ErrorCode.BAD_REPLY,
    }
)
"""Failures that say nothing about the model: a schema that is kept is used instead."""


def fetch_schema(session: Session, slug: Slug, *, patient: bool = True) -> Json:
    """Ask for the schema document of a model and keep it; one that is gone is forgotten.

    Raises `NOT_FOUND`, with slugs that may have been meant.
    """
    cache = session.stores.schema_cache
    client = session.connections.public_client(PUBLIC_ORIGIN)
    try:
        document = client.schema(slug, patient=patient)
    except ModellixError as error:
        if error.code is not ErrorCode.NOT_FOUND:
            raise
        cache.forget(slug)
        _list_models(session)
        with suggesting(session, slug):
            raise
    return keep_schema(session, slug, document)


def find_schema(session: Session, slug: Slug) -> CachedSchema:
    """Ask for the schema document of a model; where that fails, take the one that is kept.

    Raises `NOT_FOUND`, and why asking failed where none is kept.
    """
    kept = session.stores.schema_cache.get(slug)
    try:
        return CachedSchema(fetch_schema(session, slug, patient=kept is None), 0.0)
    except ModellixError as error:
        if kept is None or error.code not in _UNREACHABLE:
            raise
        session.out.note(
            f"{error.message} The parameters shown are those of {duration(kept.age)} ago."
        )
        return kept


def model_parameters(session: Session, slug: Slug) -> ModelParameters:
    """Find out what a model takes, with an example of a command that runs it."""
    found = find_schema(session, slug)
    parameters = read_parameters(found.document)
    main = main_text(parameters)
    settings = [word for one in example_settings(parameters, main) for word in ("-p", one)]
    arguments = [slug.name] if main is None else [slug.name, example_text(main)]
    example = session.commands.words("model run", *arguments, options=settings)
    age = found.age or None
    return ModelParameters(slug.name, parameters, main, tuple(example), age)


def _list_models(session: Session) -> None:
    """Keep the public list, where none is kept, to find what a mistyped slug may have meant."""
    cache = session.stores.model_cache
    if not cache.slugs():
        with suppress(ModellixError):
            listed = session.connections.public_client(PUBLIC_ORIGIN).public_models()
            cache.keep([model.slug for model in listed.models])
