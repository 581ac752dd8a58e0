"""Prints which tests `make test-fast` runs: those of what was changed, and project-wide checks.

Changed is what git tells: since the branch left its upstream or `main`, committed or not. A command
has the tests that are named after it, else those of its noun. What starts processes, and the
simulator, is left to `make test`.
"""

import subprocess
from collections.abc import Iterable, Iterator
from pathlib import Path

ROOT = Path(__file__).parent.parent
ALWAYS = ("tests/domain", "tests/engine", "tests/inputs", "tests/output", "tests/workflows")
"""Tests that take few seconds and notice most mistakes."""
NEVER = ("tests/e2e", "tests/engine/simulator", "tests/test_completions.py")
OF_ALL_COMMANDS = (
    "tests/commands/test_at_two_sizes.py::test_every_command_has_a_scene",
    "tests/commands/test_suggestions.py",
    "tests/commands/test_tree.py",
)
_SHARED = {"app.py", "__main__.py", "commands", "context", "options"}
"""What all commands are made of."""
_OWN_TESTS = {path.name for path in ROOT.glob("tests/*") if path.is_dir()} - {"commands"}


def select(changed: Iterable[str]) -> list[str]:
    """Return the files and folders of tests to run where the files `changed` were."""
    found = {*ALWAYS, *(f"tests/{path.name}" for path in ROOT.glob("tests/test_*.py"))}
    for name in changed:
        found.update(_tests_for(Path(name)))
    folders = [place for place in found if ".py" not in place]
    return sorted(
        place
        for place in found
        if not place.startswith(NEVER)
        and not any(place.startswith(f"{folder}/") for folder in folders)
    )


def _tests_for(changed: Path) -> Iterator[str]:
    top, *rest = changed.parts
    if top == "tests" and changed.name.startswith("test_") and (ROOT / changed).is_file():
        yield changed.as_posix()
    if top != "modellix_cli":
        return
    if rest[0] in _OWN_TESTS:
        yield f"tests/{rest[0]}"
    if rest[0] in _SHARED:
        yield from OF_ALL_COMMANDS
    if rest[0] == "commands" and rest[1] != "_framework":
        yield from named_after(changed)


def named_after(command: Path) -> list[str]:
    """Return the tests that are named after a command's module, else those of its noun."""
    for name in (command.stem, command.parent.name):
        found = sorted((ROOT / "tests/commands").glob(f"test_{name}*.py"))
        if found:
            return [f"tests/commands/{path.name}" for path in found]
    return []


def changed_files() -> list[str]:
    """Return the files that git calls changed or new; none without git."""
    base = _git("merge-base", "HEAD", "@{upstream}") or _git("merge-base", "HEAD", "main")
    return [
        *_git("diff", "--name-only", *(base or ["HEAD"])),
        *_git("ls-files", "--others", "--exclude-standard"),
    ]


def _git(*words: str) -> list[str]:
    try:
        done = subprocess.run(["git", *words], cwd=ROOT, capture_output=True, text=True)
    except OSError:
        return []
    return done.stdout.split("\n")[:-1] if done.returncode == 0 else []


if __name__ == "__main__":
    print(*select(changed_files()))
