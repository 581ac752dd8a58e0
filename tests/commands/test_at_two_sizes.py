"""Every command at a real terminal of 80×24 and of 100×30: what a person sees of it.

A command without a scene fails here: it needs one in scenes.py.
"""

import re
import sys
from collections.abc import Iterator

import pytest

if sys.platform == "win32":
    pytest.skip("no pseudo-terminals", allow_module_level=True)

from tests.commands.scenes import SCENES, Machine, Scene
from tests.commands.test_tree import COMMANDS
from tests.screen import Screen
from tests.terminals import Host

SIZES = ((80, 24), (100, 30))
PATHS = [" ".join(path) for path, _ in COMMANDS]
EVERY = [(name, scene) for name, scenes in SCENES.items() for scene in scenes]
at_both_sizes = pytest.mark.parametrize(
    ("columns", "rows"), SIZES, ids=[f"{columns}x{rows}" for columns, rows in SIZES]
)


@pytest.fixture(scope="module")
def host() -> Iterator[Host]:
    started = Host()
    yield started
    started.close()


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Machine:
    return Machine(tmp_path_factory.mktemp("machine"))


def test_every_command_has_a_scene() -> None:
    assert set(SCENES) == set(PATHS)
    assert all(scene.line.startswith(name) or not scene.line for name, scene in EVERY)


@at_both_sizes
@pytest.mark.parametrize("scene", [scene for _, scene in EVERY], ids=lambda scene: scene.line)
def test_it_shows_what_it_should_and_fits(
    machine: Machine, host: Host, scene: Scene, columns: int, rows: int
) -> None:
    ended = machine.show(scene, host, columns, rows)
    screen = Screen(columns, rows).feed(ended.written)
    seen = "\n".join(screen.all_lines)
    assert ended.status == scene.status, seen
    assert "Traceback" not in seen and "Unexpected failure" not in seen
    texts = (seen, seen.replace("\n", ""), seen.replace("\n", " "))  # as paths and prose go on
    for words in scene.shows:
        assert any(words in text for text in texts), seen
    assert not re.search(r"^\{", seen, re.M) or "Body:" in seen, "people are not shown JSON"
    assert [line for line, _ in screen.wrapped if not may_wrap(line, scene)] == []
    assert screen.cursor_shown
    assert screen.column == 0
    assert ended.modes_kept


@pytest.mark.parametrize("path", PATHS)
def test_its_help_begins_on_one_screen(machine: Machine, host: Host, path: str) -> None:
    """From the usage to the common options there is no need to scroll."""
    screen = Screen(80, 24)
    screen.feed(machine.run(f"{path} --help", host, 80, 24).written)
    lines = screen.all_lines
    common = next(
        place for place, line in enumerate(lines) if line in ("Options:", "Common options:")
    )
    end = lines.index("", common)
    assert end < 24, lines[:end]
    assert [line for line, _ in screen.wrapped if not may_wrap(line)] == []


def may_wrap(row: str, scene: Scene | None = None) -> bool:
    """Whether a row may go on below: a command to paste, JSON, or a word without a blank, such as
    a path. A table's rows may not, nor may prose.
    """
    if scene is not None and scene.is_text_of_a_program:
        return True
    last = re.split(r"\s", row)[-1]
    is_command = re.search(r"(?<!\S)\(?(modellix-cli|curl) ", row)
    return bool(is_command) or "{" in row or "/" in last
