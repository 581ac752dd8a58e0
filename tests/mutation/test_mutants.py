"""The wrong changes that the tests of the money rules meet, and how they are put in place."""

import ast
import importlib
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from tests.mutation.mutants import mutants
from tests.mutation.patching import install


def changed(source: str) -> set[str]:
    return {ast.unparse(mutant.tree()) for mutant in mutants(source)}


@pytest.mark.parametrize(
    ("source", "mutant"),
    [
        ("x = a < b", "x = a <= b"),
        ("x = a is b", "x = a is not b"),
        ("x = a and b", "x = a or b"),
        ("x = a and b", "x = b"),
        ("x = not a", "x = a"),
        ("x = 1 if a else 2", "x = 1 if not a else 2"),
        ("x = 200", "x = 201"),
        ("x = True", "x = False"),
        ("x = {400, 401}", "x = {401}"),
        ("x = f(task_id=a)", "x = f(task_id=None)"),
        ("x = min(a, b)", "x = max(a, b)"),
        ("x = a - b", "x = a + b"),
        ("x = 's.a = 1 AND s.b = 2'", "x = 's.a = 1 OR s.b = 2'"),
        ("x = 'SELECT 1 WHERE a IS NULL'", "x = 'SELECT 1 WHERE a IS NOT NULL'"),
        ("def f():\n    return 7", "def f():\n    return None"),
        ("def f(a=False):\n    g(a)", "def f(a=True):\n    g(a)"),
        ("def f():\n    a.b = c", "def f():\n    None"),
        ("if a:\n    b()", "if True:\n    b()"),
    ],
)
def test_each_kind_of_change_is_made(source: str, mutant: str) -> None:
    assert mutant in changed(source)


@pytest.mark.parametrize(
    "source",
    [
        "'''Says 200.'''",
        "x: Literal[200] = y",
        "Path = tuple[str | int, ...]",
        "message = 'Skipped: 3 lines and more'",
        "__slots__ = ('a', 'b')",
        "assert a is not None",
        "@dataclass(frozen=True)\nclass A(B):\n    '''A value.'''",
    ],
)
def test_texts_types_and_declarations_are_left_alone(source: str) -> None:
    assert changed(source) == set()


def test_no_two_mutants_are_the_same() -> None:
    source = "def f(a, b):\n    if a == b and a in (1, 2):\n        return a + 1\n    return b"
    trees = [ast.unparse(mutant.tree()) for mutant in mutants(source)]
    assert len(trees) == len(set(trees)) > 10
    assert ast.unparse(ast.parse(source)) not in trees


RULES = """
LIMIT = 3
class Rule:
    @property
    def holds(self): return LIMIT > 2
    @classmethod
    def of(cls, n=1): return n
def most(): return LIMIT
"""


@pytest.fixture
def rules(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    (tmp_path / "tests_rules.py").write_text(RULES)
    monkeypatch.syspath_prepend(str(tmp_path))
    yield importlib.import_module("tests_rules")
    del sys.modules["tests_rules"]


@pytest.mark.parametrize(
    ("old", "new", "seen"),
    [
        ("LIMIT = 3", "LIMIT = 2", lambda rules: rules.most() == 2 and not rules.Rule().holds),
        ("> 2", "> 3", lambda rules: not rules.Rule().holds),
        ("n=1", "n=5", lambda rules: rules.Rule.of() == 5),
        ("return LIMIT\n", "return 0\n", lambda rules: rules.most() == 0),
    ],
)
def test_a_mutant_is_used_by_whoever_imported_the_module_before(
    rules: Any, old: str, new: str, seen: Callable[[Any], bool]
) -> None:
    known = rules.Rule
    assert not seen(rules)
    install(rules, ast.parse(RULES.replace(old, new)))
    assert seen(rules)
    assert rules.Rule is known
