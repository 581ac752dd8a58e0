"""Prints which tests `make test-fast` runs: those of what was changed, and of the house's rules.

Changed is what git tells: since the branch left its upstream or `main`, committed or not. Tests of
whole commands belong to the command of the same name; those that start processes, and the
simulator, are left to `make test`.
"""

import subprocess
from collections.abc import Iterable, Iterator
from pathlib import Path

ROOT = Path(__file__).parent.parent
ALWAYS = ("tests/domain", "tests/engine", "tests/inputs", "tests/output", "tests/workflows")
"""Rooms whose tests take few seconds and notice most mistakes."""
NEVER = ("tests/e2e", "tests/engine/simulator", "tests/test_completions.py")

_ROOMS = {path.name for path in ROOT.glob("tests/*") if path.is_dir()} - {"commands"}


def select(changed: Iterable[str]) -> list[str]:
    """Return the files and folders of tests to run where the files `changed` were."""
    found = {*ALWAYS, *(f"tests/{path.name}" for path in ROOT.glob("tests/test_*.py"))}
    for name in changed:
        found.update(_tests_for(Path(name)))
    rooms = [place for place in found if not place.endswith(".py")]
    return sorted(
        place
        for place in found
        if not place.startswith(NEVER) and not any(place.startswith(f"{room}/") for room in rooms)
    )


def _tests_for(changed: Path) -> Iterator[str]:
    top, *rest = changed.parts
    if top == "tests" and changed.name.startswith("test_") and (ROOT / changed).is_file():
        yield changed.as_posix()
    elif top == "modellix_cli" and rest[0] == "commands" and len(rest) > 2:
        for stem in (changed.stem, f"{rest[1]}_{changed.stem}"):
            if (ROOT / f"tests/commands/test_{stem}.py").is_file():
                yield f"tests/commands/test_{stem}.py"
    elif top == "modellix_cli" and rest[0] in _ROOMS:
        yield f"tests/{rest[0]}"


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
