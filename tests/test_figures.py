"""How big things are, counted: what is long or untyped may become less, not more.

Where a figure here is higher than what the test finds, lower it in the same commit.
"""

import ast
import re
from collections.abc import Iterator
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Final

import pytest

PACKAGE: Final = Path(__file__).parent.parent / "modellix_cli"
LONGEST_FUNCTION: Final = 50
LONGEST_FILE: Final = 320
LONG_FILES: Final = {
    "domain/error_registry.py",
}
"""Files over 320 lines; none may be added."""
MOST_ANYS: Final = 6
"""`Json`, a parsed document, is one of them."""

LIKE_A_TYPE: Final = re.compile(r"[A-Za-z_][\w\[\], |.]*")
"""A text that may be an annotation."""

Function = ast.FunctionDef | ast.AsyncFunctionDef


@cache
def modules() -> dict[str, ast.Module]:
    """Return the modules of the package by their paths in it."""
    paths = {path.relative_to(PACKAGE).as_posix(): path for path in sorted(PACKAGE.rglob("*.py"))}
    return {name: ast.parse(path.read_text(encoding="utf-8")) for name, path in paths.items()}


def trees(*rooms: str) -> Iterator[tuple[str, ast.Module]]:
    """Yield the modules in rooms of the package, in all of it without any."""
    for name, tree in modules().items():
        if not rooms or name.split("/")[0] in rooms:
            yield name, tree


def long_functions() -> list[str]:
    return [
        f"{name}:{node.lineno} {node.name}"
        for name, tree in trees()
        for node in ast.walk(tree)
        if isinstance(node, Function)
        and (node.end_lineno or 0) - node.lineno + 1 > LONGEST_FUNCTION
    ]


def long_files() -> set[str]:
    paths = ((path, path.read_text(encoding="utf-8")) for path in PACKAGE.rglob("*.py"))
    return {
        path.relative_to(PACKAGE).as_posix()
        for path, text in paths
        if text.count("\n") > LONGEST_FILE
    }


def names(tree: ast.AST) -> Iterator[str]:
    """Yield the names in a tree, those in annotations that are texts included."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Name):
            yield node.id
        elif isinstance(node, ast.Attribute):
            yield node.attr
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield from names_in_text(node.value)


def names_in_text(text: str) -> Iterator[str]:
    """Yield the names in an annotation that is a text."""
    if LIKE_A_TYPE.fullmatch(text):
        with suppress(SyntaxError):
            yield from names(ast.parse(text, mode="eval"))


@cache
def callable_types() -> set[str]:
    """Return the names by which types of callables are known in the package."""
    found = {"Callable"}
    aliases = [
        node
        for _name, tree in trees()
        for node in tree.body
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Subscript)
    ]
    for _ in range(2):  # an alias of an alias
        for node in aliases:
            if found & set(names(node.value)):
                found |= {name.id for name in node.targets if isinstance(name, ast.Name)}
    return found


def callables(*rooms: str) -> list[str]:
    """Return the parameters of functions, and fields of values, that are callables."""
    types = callable_types()
    found = []
    for name, tree in trees(*rooms):
        for node in ast.walk(tree):
            if isinstance(node, ast.arg) and node.annotation is not None:
                annotation, what = node.annotation, node.arg
            elif isinstance(node, ast.ClassDef):
                fields = [item for item in node.body if isinstance(item, ast.AnnAssign)]
                found += [
                    f"{name}:{field.lineno} {ast.unparse(field.target)}"
                    for field in fields
                    if types & set(names(field.annotation))
                ]
                continue
            else:
                continue
            if types & set(names(annotation)):
                found.append(f"{name}:{node.lineno} {what}")
    return found


def anys() -> list[str]:
    """Return the module of every `Any` in types, imports left out."""
    return [name for name, tree in trees() for used in names(tree) if used == "Any"]


@pytest.mark.slow
def test_few_functions_are_longer_than_a_screen() -> None:
    assert len(long_functions()) <= 3, long_functions()


def test_no_more_files_are_long() -> None:
    assert long_files() == LONG_FILES


def test_few_callables_are_passed_about_in_the_engine_and_in_downloads() -> None:
    found = callables("engine", "downloads")
    assert len(found) <= 15, found


@pytest.mark.slow
def test_any_is_written_no_more_often_than_it_was() -> None:
    assert len(anys()) <= MOST_ANYS


def test_the_figures_count() -> None:
    assert len(callables("workflows")) > 3
    assert len(callable_types()) > 1
