"""Which model may have been meant by a word that is no slug: for "Did you mean" alone."""

import re
from collections.abc import Sequence
from functools import cached_property
from typing import Final

from modellix_cli.context.defaults import PRESET_WORD
from modellix_cli.context.session import Session
from modellix_cli.domain.errors import ErrorCode, ModellixError
from modellix_cli.domain.values import Slug
from modellix_cli.workflows.models import did_you_mean, fetch_models

MODEL_LIST: Final = "See the models with: modellix-cli model list"


def with_meant(session: Session, error: ModellixError) -> ModellixError:
    """Return an error that says which models may have been meant, also in those that it sums up."""
    if not any(one.wanted for one in (error, *error.faults)):
        return error
    known = known_slugs(session)
    faults = tuple(_advised(session, fault, known) for fault in error.faults)
    return _advised(session, error, known).copy_with(faults=faults)


def _advised(session: Session, error: ModellixError, known: Sequence[str]) -> ModellixError:
    if error.wanted is None:
        return error
    if re.fullmatch(PRESET_WORD, error.wanted):
        meant = _about_preset(session, error.wanted[1:])
    else:
        meant = did_you_mean(error.wanted, known)
    return error.copy_with(message=f"{error.message} {meant}".strip())


def _about_preset(session: Session, name: str) -> str:
    """Return what to write where a preset cannot stand."""
    from difflib import get_close_matches

    presets = session.settings.defaults.presets
    near = get_close_matches(name, presets, n=1, cutoff=0.6)
    if name not in presets and near:
        return f"Did you mean the preset @{near[0]}? Presets are for model run alone."
    model = presets[name].model if name in presets else None
    instead = "" if model is None else f" Name its model: {model}."
    return f"Presets are for model run alone.{instead}"


class Missing:
    """Says which models are not there, by the list that was kept and, asked for once, a new one."""

    def __init__(self, session: Session, api_key: str | None) -> None:
        self._session = session
        self._api_key = api_key

    def __call__(self, slug: Slug) -> bool:
        """Whether models are listed, and this is none of them; not where no list can be had."""
        if slug.name in self._kept:
            return False
        return self._asked is not None and slug.name not in self._asked

    @cached_property
    def _kept(self) -> Sequence[str]:
        return known_slugs(self._session)

    @cached_property
    def _asked(self) -> Sequence[str] | None:
        try:
            listed = fetch_models(self._session, self._api_key, patient=False)
        except ModellixError:
            return None
        return [model.slug for model in listed.models]


def refuse_missing(session: Session, slug: Slug, api_key: str | None, error: ModellixError) -> None:
    """Raise `NOT_FOUND` for a model that is not listed, and has no schema by that `error`."""
    if error.code is ErrorCode.NOT_FOUND and Missing(session, api_key)(slug):
        meant = did_you_mean(slug.name, known_slugs(session))
        message, hint = f"There is no model {slug.name}.", f"{meant} {MODEL_LIST}".strip()
        raise error.copy_with(message=message, hint=hint) from error.__cause__


def known_slugs(session: Session) -> list[str]:
    """Return the slugs that were listed here, however long ago; in the sandbox all there are."""
    stores = session.stores
    slugs = stores.model_cache.slugs()
    if not slugs:
        kept = stores.model_lists.last()
        slugs = [] if kept is None else [model.slug for model in kept.models]
    if not slugs and session.settings.sandbox:
        try:
            listed = session.connections.client(None).models(patient=False)
        except ModellixError:
            return []
        slugs = [model.slug for model in listed.models]
    return slugs
