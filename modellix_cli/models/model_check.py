"""A body against all that its model documents: its schema, and what a schema check passes over."""

import time
from collections.abc import Callable
from typing import Final

from modellix_cli.domain.frozen import frozen
from modellix_cli.domain.jsontext import Json, JsonError, loads
from modellix_cli.domain.text import clip, one_line
from modellix_cli.models.body_warnings import paths_for_addresses, unknown_parameters
from modellix_cli.models.documented_names import DocumentedNames
from modellix_cli.models.origins import NOWHERE, Origins
from modellix_cli.models.parameters import read_parameters

_MAX_REASON: Final = 300
_FOR_ALL: Final = 10.0
_FOR_EACH: Final = 0.02
"""Seconds."""


@frozen
class CheckedBody:
    """What is wrong with a body, and what may be; `unchecked` is why its schema told nothing.

    `faults` are sentences; `unknown` are names of parameters that are not documented, each with a
    sentence about it. `names_unchecked` is why such names may have been passed over.
    """

    faults: tuple[str, ...] = ()
    unknown: tuple[tuple[str, str], ...] = ()
    unchecked: str | None = None
    names_unchecked: str | None = None

    def strictly(self) -> "CheckedBody":
        """Return the same where names must be documented: what may be wrong is a fault."""
        unchecked = self.unchecked or self.names_unchecked
        return CheckedBody((*self.faults, *self.warnings), (), unchecked)

    @property
    def warnings(self) -> tuple[str, ...]:
        """What may be wrong, as sentences."""
        return tuple(sentence for _, sentence in self.unknown)


class ModelCheck:
    """Checks bodies for one model, by the schema document that the service publishes for it.

    All of them together take at most ten seconds, and a fiftieth of one more for each; the rest
    stays unchecked. `clock` tells seconds.
    """

    def __init__(self, document: Json, clock: Callable[[], float] = time.monotonic) -> None:
        # jsonschema takes long to load and only checks need it.
        from modellix_cli.models.body_check import BodyCheck
        from modellix_cli.models.schema_keywords import CannotCheck

        self._cannot = CannotCheck
        self._clock = clock
        self._left = _FOR_ALL
        self._parameters = read_parameters(document)
        self._names = DocumentedNames(document)
        self._schema: BodyCheck | None = None
        self._unusable: str | None = None
        try:
            self._schema = BodyCheck(document)
        except CannotCheck as error:
            self._unusable = _reason(error)

    def look(self, body: bytes, origins: Origins = NOWHERE) -> CheckedBody:
        """Return what is to be said about a body; `origins` say what set some of its keys."""
        if self._left <= 0:
            return CheckedBody(unchecked="to check so many bodies takes too long")
        began = self._clock()
        found = self._look(body, origins)
        self._left += _FOR_EACH - (self._clock() - began)
        return found

    def _look(self, body: bytes, origins: Origins) -> CheckedBody:
        problem, unchecked = None, self._unusable
        if self._schema is not None:
            try:
                problem = self._schema.problem(body, origins)
            except self._cannot as error:
                unchecked = _reason(error)
        try:
            whole = loads(body)
        except JsonError:  # which is the problem then
            whole = {}
        faults = paths_for_addresses(whole, self._parameters, origins)
        faults += [] if problem is None else [f"{problem}."]
        names = self._names.look(whole)
        unknown = tuple(unknown_parameters(names, origins).items())
        return CheckedBody(tuple(faults), unknown, unchecked, names.unchecked)


def _reason(error: Exception) -> str:
    return clip(one_line(str(error)), _MAX_REASON)
