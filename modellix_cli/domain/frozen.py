"""Frozen values whose classes cost next to nothing.

A dataclass compiles its methods, which takes about a millisecond, and a command imports some
hundred classes: half of its start-up. Here all classes share their methods, which ask the fields;
only a class of which many values are made gets an `__init__` of its own.
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import MISSING, Field, FrozenInstanceError, dataclass, field, fields
from typing import Final, NamedTuple, TypeVar, cast, dataclass_transform, overload

T = TypeVar("T")


_MANY: Final = 20
"""Values of a class from which on compiling their `__init__` costs less than asking the fields."""


class _Plan(NamedTuple):
    """The fields of a class: their names in order, themselves, and which make values equal."""

    names: tuple[str, ...]
    fields: dict[str, "Field[object]"]
    compared: tuple[str, ...]


_PLANS: Final[dict[type, _Plan]] = {}
_FROZEN: Final[set[type]] = set()
_MADE: Final[Counter[type]] = Counter()


@overload
def frozen(cls: type[T], /) -> type[T]: ...
@overload
def frozen(*, kw_only: bool) -> Callable[[type[T]], type[T]]: ...
@dataclass_transform(frozen_default=True, field_specifiers=(field,))
def frozen(
    cls: type[T] | None = None, /, *, kw_only: bool = False
) -> type[T] | Callable[[type[T]], type[T]]:
    """Make a class behave as `dataclass(frozen=True)` would make it.

    `dataclasses.replace` takes its values; a subclass has to be `frozen` too. That `kw_only` fields
    are named is for the type checker to see.
    """
    if cls is None:
        return _frozen
    return _frozen(cls)


def _frozen(cls: type[T]) -> type[T]:
    _FROZEN.add(cls)
    for name, method in _METHODS.items():
        if name not in cls.__dict__ or (name == "__hash__" and cls.__hash__ is None):
            setattr(cls, name, method)
    return cls


def is_frozen(cls: object) -> bool:
    """Whether this is a class of frozen values."""
    return cls in _FROZEN


def fields_of(cls: type) -> tuple["Field[object]", ...]:
    """Return the fields of a class of frozen values, in their order."""
    return tuple(_plan_of(cls).fields.values())


def _plan_of(cls: type) -> _Plan:
    """Return the fields of a class; they are read when the first value is made."""
    found = _PLANS.get(cls)
    if found is None:
        for base in reversed(cls.__mro__):
            if base in _FROZEN and base not in _PLANS:
                _PLANS[base] = _read_fields(base)
        found = _PLANS[cls]
    return found


def _read_fields(cls: type) -> _Plan:
    """Let `dataclasses` read the fields from a copy of the class, and the class have them.

    Several threads may do so at once, so the class stays usable meanwhile, and its own names are
    copied in one step: while they are walked through, another thread may add to them.
    """
    own = vars(cls).copy()
    for name in ("__dict__", "__weakref__"):
        own.pop(name, None)
    copy: type = type(cls.__name__, cls.__bases__, own)
    dataclass(init=False, repr=False, eq=False)(copy)
    for name in ("__match_args__", "__dataclass_params__", "__dataclass_fields__"):
        setattr(cls, name, getattr(copy, name))
    every = fields(copy)
    names = tuple(one.name for one in every)
    compared = tuple(one.name for one in every if one.compare)
    return _Plan(names, {one.name: one for one in every}, compared)


def _init(self: object, *args: object, **kwargs: object) -> None:
    cls, values = type(self), self.__dict__
    plan = _plan_of(cls)
    _MADE[cls] += 1
    if _MADE[cls] >= _MANY:
        setattr(cls, "__init__", _compiled_init(cls))  # noqa: B010 - mypy knows another one
    values.update(zip(plan.names, args, strict=False))
    if len(args) > len(plan.names) or not values.keys().isdisjoint(kwargs):
        raise TypeError(f"{cls.__name__} was given too many values")
    values.update(kwargs)
    if len(values) < len(plan.names):
        for name in plan.names:
            if name not in values:
                values[name] = _default(self, plan.fields[name])
    if len(values) > len(plan.names):
        unknown = ", ".join(values.keys() - set(plan.names))
        raise TypeError(f"{cls.__name__} has no field {unknown}")
    check = getattr(self, "__post_init__", None)
    if check is not None:
        check()


def _compiled_init(cls: type) -> Callable[..., None]:
    """Return what does the same for a class as `_init`, several times as fast."""
    known: dict[str, object] = {"__default": _default}
    parameters, lines, optional = ["self"], ["__values = self.__dict__"], False
    for number, (name, one) in enumerate(_plan_of(cls).fields.items()):
        value, preset = name, f"__{number}"  # no name of ours, whatever a field is called
        if one.default is not MISSING:
            known[preset] = one.default
        elif optional or one.default_factory is not MISSING:  # `__default` makes it, or refuses
            known[preset] = one
            value = f"__default(self, {preset}) if {name} is {preset} else {name}"
        parameters.append(f"{name}={preset}" if preset in known else name)
        optional |= preset in known
        lines.append(f"__values[{name!r}] = {value}")
    if hasattr(cls, "__post_init__"):
        lines.append("self.__post_init__()")
    source = f"def __init__({', '.join(parameters)}):\n " + "\n ".join(lines)
    exec(source, known)  # noqa: S102 - made of the names of fields
    return cast("Callable[..., None]", known["__init__"])


def _default(self: object, one: "Field[object]") -> object:
    if one.default is not MISSING:
        return one.default
    if one.default_factory is not MISSING:
        return one.default_factory()
    raise TypeError(f"{type(self).__name__} needs a value for {one.name}")


def _compared(self: object) -> tuple[object, ...]:
    return tuple(self.__dict__[name] for name in _plan_of(type(self)).compared)


def _eq(self: object, other: object) -> bool:
    return _compared(self) == _compared(other) if type(other) is type(self) else NotImplemented


def _hash(self: object) -> int:
    return hash(_compared(self))


def _repr(self: object) -> str:
    fields_shown = (one.name for one in _plan_of(type(self)).fields.values() if one.repr)
    shown = (f"{name}={self.__dict__[name]!r}" for name in fields_shown)
    return f"{type(self).__qualname__}({', '.join(shown)})"


def _refuse(self: object, name: str, _value: object = None) -> None:
    raise FrozenInstanceError(f"cannot change {name!r} of a frozen {type(self).__name__}")


_METHODS: Final = {
    "__init__": _init,
    "__eq__": _eq,
    "__hash__": _hash,
    "__repr__": _repr,
    "__setattr__": _refuse,
    "__delattr__": _refuse,
}
