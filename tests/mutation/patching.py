"""Puts a mutant into modules that are imported already, and used by everybody."""

import ast
import sys
from collections.abc import Iterator, Mapping
from functools import cached_property
from types import FunctionType, ModuleType
from typing import Any


def install(module: ModuleType, tree: ast.Module) -> None:
    """Make a module, and whoever imported from it, behave as `tree` says.

    Functions get the code and the defaults of the mutant, so that classes and references stay.
    A constant that differs is replaced wherever it is known by the same name.
    """
    mutant = ModuleType(module.__name__)
    mutant.__file__ = module.__file__
    exec(compile(tree, module.__file__ or "", "exec"), vars(mutant))
    _install(vars(module), vars(mutant), module.__name__)
    for name, new in vars(mutant).items():
        old = vars(module).get(name)
        if _is_constant(name, old) and not _same(old, new):
            _replace_everywhere(name, old, new)


def _install(old: Mapping[str, Any], new: Mapping[str, Any], module: str) -> None:
    for name, value in old.items():
        if isinstance(value, type) and value.__module__ == module and isinstance(new[name], type):
            _install(vars(value), vars(new[name]), module)
            continue
        for before, after in zip(_functions(value), _functions(new.get(name)), strict=False):
            if before.__module__ == module and before.__code__.co_filename != "<string>":
                before.__code__ = after.__code__
                before.__defaults__ = after.__defaults__
                before.__kwdefaults__ = after.__kwdefaults__


def _functions(value: object) -> Iterator[FunctionType]:
    if isinstance(value, FunctionType):
        yield value
    elif isinstance(value, (classmethod, staticmethod)):
        yield from _functions(value.__func__)
    elif isinstance(value, property):
        yield from _functions(value.fget)
    elif isinstance(value, cached_property):
        yield from _functions(value.func)


def _is_constant(name: str, value: object) -> bool:
    return not (name.startswith("__") or isinstance(value, (type, FunctionType, ModuleType)))


def _same(old: object, new: object) -> bool:
    return type(old) is type(new) and (old == new or repr(old) == repr(new))


def _replace_everywhere(name: str, old: object, new: object) -> None:
    for known_as, module in list(sys.modules.items()):
        ours = known_as.startswith(("modellix_cli", "tests"))
        if ours and vars(module).get(name) is old:
            setattr(module, name, new)
