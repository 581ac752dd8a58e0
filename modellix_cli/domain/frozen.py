"""Frozen values whose classes cost next to nothing until the first one is made.

Generating the methods of a dataclass takes about a millisecond. A command imports more than a
hundred of them and makes values of few, so that their methods are generated when first needed.
"""

from dataclasses import dataclass, field
from threading import Lock
from typing import Any, Final, TypeVar, dataclass_transform

T = TypeVar("T")

_LOCK: Final = Lock()
_UNFINISHED: Final[set[type]] = set()


@dataclass_transform(frozen_default=True, field_specifiers=(field,))
def frozen(cls: type[T]) -> type[T]:
    """Make a class what `dataclass(frozen=True)` makes it, when its first value is made.

    Until then the class has no fields that can be asked for; a subclass has to be `frozen` too.
    """
    _UNFINISHED.add(cls)
    cls.__new__ = _new  # type: ignore[method-assign]
    return cls


def _new(cls: type[T], *args: Any, **kwargs: Any) -> T:
    if cls in _UNFINISHED:
        with _LOCK:
            for base in reversed(cls.__mro__):
                if base in _UNFINISHED:
                    dataclass(frozen=True)(base)
                    _UNFINISHED.discard(base)  # last: other threads may use it from now on
    return object.__new__(cls)
