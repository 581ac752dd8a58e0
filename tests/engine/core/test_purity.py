"""The engine's core is pure: it knows no clock, thread, socket, file or SQL."""

import ast
from pathlib import Path

import pytest

import modellix_cli.engine.core

ROOM = Path(modellix_cli.engine.core.__file__).parent
OURS = ("modellix_cli.domain.", "modellix_cli.engine.core", "modellix_cli.engine.notices")
STANDARD = {
    "bisect",
    "collections",
    "collections.abc",
    "dataclasses",
    "enum",
    "heapq",
    "itertools",
    "math",
    "random",
    "typing",
}
"""Modules of the standard library without side effects."""
MODULES = sorted(ROOM.glob("*.py"))


def imports(module: Path) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(ast.parse(module.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "relative import"
            found.add(node.module or "")
    return found


@pytest.mark.parametrize("module", MODULES, ids=lambda path: path.stem)
def test_the_core_imports_the_domain_and_the_notices_only(module: Path) -> None:
    for name in imports(module):
        assert name in STANDARD or (name + ".").startswith(OURS) or name in OURS, name


@pytest.mark.parametrize("module", MODULES, ids=lambda path: path.stem)
def test_the_core_opens_prints_and_asks_for_nothing(module: Path) -> None:
    calls = {
        node.func.id
        for node in ast.walk(ast.parse(module.read_text()))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
    }
    assert not calls & {"open", "print", "input", "exec", "eval", "__import__"}


@pytest.mark.parametrize("module", MODULES, ids=lambda path: path.stem)
def test_chance_in_the_core_has_a_seed(module: Path) -> None:
    """Only the class `Random` is used, whose seed the driver chooses."""
    for node in ast.walk(ast.parse(module.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module == "random":
            assert [alias.name for alias in node.names] == ["Random"]
