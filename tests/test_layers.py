"""Imports go one way, from commands down to the domain (docs/architecture.md).

`make layers` checks the same with import-linter, chains of imports included; this test needs
nothing installed and names the line.
"""

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

PACKAGE = Path(__file__).parent.parent / "modellix_cli"

BELOW: dict[str, set[str]] = {
    "domain": set(),
    "clock": {"mailbox"},
    "mailbox": set(),
    "garbage": set(),
    "deferred_modules": set(),
    "api": {"domain", "clock"},
    "inputs": {"domain", "clock", "cache_file"},
    "cache_file": {"domain", "paths"},
    "options": {"domain", "inputs", "downloads"},
    "sandbox": {"domain", "clock"},
    "paths": {"domain"},
    "runtime": {"clock", "domain"},
    "deferred_signals": {"domain"},
    "models": {"domain", "clock", "paths", "api", "inputs", "cache_file"},
    "profiles": {"domain", "clock", "paths"},
    "downloads": {"domain", "clock", "api"},
    "provenance": {"domain", "clock", "downloads"},
    "project": {"domain", "downloads"},
    "webhooks": {"domain", "clock", "mailbox", "api"},
    "ledger": {"domain", "clock", "paths"},
    "engine": {"domain", "clock", "mailbox", "api", "ledger"},
    "output": {
        *("domain", "clock", "runtime", "api", "downloads"),
        *("engine", "ledger", "models", "profiles", "provenance"),
        "webhooks",
    },
    "context": {
        *("domain", "paths", "runtime", "api", "engine", "inputs", "ledger", "models", "output"),
        *("deferred_signals", "downloads", "profiles", "project", "sandbox"),
    },
    "workflows": {
        *("domain", "clock", "paths", "deferred_signals", "api", "context", "downloads"),
        *("engine", "inputs", "ledger", "models", "options", "output", "profiles"),
        *("project", "provenance", "webhooks", "garbage"),
    },
}
"""Which rooms a room may import; the version of the program belongs to all."""

PURE = {
    *("__future__", "abc", "array", "bisect", "collections", "dataclasses", "enum", "functools"),
    *("heapq", "itertools", "math", "random", "typing"),
}


class Import(NamedTuple):
    module: str
    line: int
    target: str


def imports(folder: Path) -> Iterator[Import]:
    """Yield every import below a folder, those inside functions and for types included."""
    for path in sorted(folder.rglob("*.py")):
        module = ".".join(path.relative_to(PACKAGE).with_suffix("").parts)
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and node.module:
                if node.module == "modellix_cli":
                    for name in node.names:
                        yield Import(module, node.lineno, f"modellix_cli.{name.name}")
                else:
                    yield Import(module, node.lineno, node.module)
            elif isinstance(node, ast.Import):
                for name in node.names:
                    yield Import(module, node.lineno, name.name)


def against_the_direction() -> set[tuple[str, str]]:
    found = set()
    for module, _line, target in imports(PACKAGE):
        room, (first, _, rest) = module.split(".")[0], target.partition(".")
        to = rest.split(".")[0]
        allowed = BELOW.get(room)
        if first != "modellix_cli" or allowed is None or to in (room, "__version__"):
            continue
        if to not in allowed:
            found.add((module, rest))
    return found


@pytest.mark.slow
def test_imports_go_one_way() -> None:
    assert against_the_direction() == set()


def test_every_room_has_a_rule() -> None:
    rooms = {path.name for path in PACKAGE.iterdir() if (path / "__init__.py").is_file()}
    assert rooms - BELOW.keys() == {"commands"}


@pytest.mark.parametrize("room", sorted(BELOW))
def test_no_room_allows_an_import_in_a_circle(room: str) -> None:
    reached, new = set[str](), set(BELOW[room])
    while new:
        reached |= new
        new = set().union(*(BELOW[other] for other in new)) - reached
    assert room not in reached


def test_the_core_of_the_engine_has_no_clock_thread_file_or_socket() -> None:
    ours = ("modellix_cli.domain", "modellix_cli.engine.core", "modellix_cli.engine.notices")
    wrong = [
        f"{module}:{line} imports {target}"
        for module, line, target in imports(PACKAGE / "engine" / "core")
        if not target.startswith(ours) and target.split(".")[0] not in PURE
    ]
    assert wrong == []
