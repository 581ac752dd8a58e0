"""Changes laid over a body: what `-p` sets takes the place of what --body has there."""

from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType
from typing import Final

from modellix_cli.domain.errors import usage
from modellix_cli.domain.jsontext import MAX_DEPTH, Json, deeper_than
from modellix_cli.inputs.parameter_keys import Path, Step, write_key
from modellix_cli.inputs.parameters import Edit

_KINDS: Final = {dict: "an object", list: "an array", str: "a text", bool: "true or false"}


def apply(
    body: dict[str, Json],
    edits: Iterable[Edit],
    value_of: Callable[[Edit], Json],
    source: str = "the body",
    origins: Mapping[str, str] = MappingProxyType({}),
) -> dict[str, Json]:
    """Return `body` with the changes; what was passed in stays as it is.

    `value_of` returns the JSON value of a change: it converts texts, reads files and looks results
    up. `source` is what errors call the body, such as `--body`, `origins` what they call some of
    its keys. Raises the usage error where two changes contradict each other, or one does not fit
    what is in the body; it names both.
    """
    changed: dict[str, Json] = _copy(body)
    overlay = _Overlay(changed, source, origins)
    for edit in edits:
        overlay.set(edit, value_of(edit))
    if deeper_than(changed, MAX_DEPTH):
        raise usage(f"With these parameters the body is nested over {MAX_DEPTH} levels deep.")
    return changed


def _copy(value: Json) -> Json:
    if isinstance(value, dict):
        return {key: _copy(inner) for key, inner in value.items()}
    return [_copy(inner) for inner in value] if isinstance(value, list) else value


class _Overlay:
    """A body being changed, and which change made what in it."""

    def __init__(self, body: Json, source: str, origins: Mapping[str, str]) -> None:
        self._body = body
        self._source = source
        self._origins = origins
        self._made: dict[Path, Edit] = {}
        """The places that changes set, or made on their way."""
        self._set: dict[Path, Edit] = {}

    def set(self, edit: Edit, value: Json) -> None:
        """Put a value to its place, with the objects and arrays that lead there."""
        holder = self._body
        place: Path = ()
        *way, last = edit.path
        for step, following in zip(way, edit.path[1:], strict=True):
            key = self._key(holder, place, step, edit)
            place = (*place, key)
            if _lacks(holder, key):
                _put(holder, key, {} if isinstance(following, str) else [])
                self._made[place] = edit
            holder = holder[key]
        key = self._key(holder, place, last, edit)
        place = (*place, key)
        self._refuse_contradiction(place, edit)
        _put(holder, key, value)
        self._made[place] = self._set[place] = edit

    def _key(self, holder: Json, place: Path, step: Step, edit: Edit) -> str | int:
        """Return the name or index that a step means in `holder`, which is at `place`."""
        wanted = dict if isinstance(step, str) else list
        if not isinstance(holder, wanted):
            what = "null" if holder is None else _KINDS.get(type(holder), "a number")
            raise usage(
                f"{edit} conflicts with {self._origin(place)}: {write_key(place)} is {what} there, "
                f"not {_KINDS[wanted]}.",
                hint="Change or leave out one of the two.",
            )
        if isinstance(step, str):
            return step
        if step is not None and step > len(holder):
            raise usage(
                f"{edit} leaves a gap: {write_key(place)} has {_entries(len(holder))}.",
                hint=f"Entries count from 0. To add one, write {write_key((*place, None))}=VALUE.",
            )
        return len(holder) if step is None else step

    def _origin(self, place: Path) -> str:
        """Return what the value at `place` comes from: an earlier change, or the body."""
        for length in range(len(place), 0, -1):
            edit = self._made.get(place[:length])
            if edit is not None:
                return str(edit)
        top = place[0] if place else None
        return self._origins.get(top, self._source) if isinstance(top, str) else self._source

    def _refuse_contradiction(self, place: Path, edit: Edit) -> None:
        for other, earlier in self._set.items():
            if other[: len(place)] == place:
                raise usage(
                    f"{earlier} and {edit} both set {write_key(other)}.",
                    hint="Give one of them.",
                )


def _entries(number: int) -> str:
    return "1 entry" if number == 1 else f"{number} entries"


def _lacks(holder: Json, key: str | int) -> bool:
    return key not in holder if isinstance(holder, dict) else key == len(holder)


def _put(holder: Json, key: str | int, value: Json) -> None:
    if isinstance(holder, list) and key == len(holder):
        holder.append(value)
    else:
        holder[key] = value
