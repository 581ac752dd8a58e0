"""Pictures of the terminal for the documents: commands run in the sandbox, drawn as SVG.

`make screens` writes docs/screens/*.svg; tests/test_screens.py compares them. What differs from
run to run, such as task ids and folders, is replaced.
"""

import io
import re
import shlex
import tempfile
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.text import Text

from tests.support import FakeClock, Terminal, invoke

TARGET: Final = Path(__file__).parent.parent / "docs" / "screens"
COLUMNS: Final = 92
_NOW: Final = 1_800_000_000.0
_LINES: Final = (
    '{"id": "cat", "modelSlug": "sandbox/image", "body": {"prompt": "a cat"}}\n'
    '{"id": "dog", "modelSlug": "sandbox/fails", "body": {"prompt": "a dog"}}\n'
    '{"id": "owl", "modelSlug": "sandbox/image", "body": {"prompt": "an owl"}}\n'
)
SCREENS: Final = {
    "run": ('model run sandbox/image "a lighthouse at dawn" --sandbox',),
    "parameters": ("model params sandbox/image --sandbox",),
    "refused": (
        'model run sandbox/image "a cat" -p n=9 --sandbox',
        'model run sandbox/image "a cat" -p sead=3 --strict --sandbox',
    ),
    "batch": (
        "model batch tasks.jsonl --yes --wait --output-dir pictures --sandbox",
        "batch show 1 --sandbox",
    ),
    "models": (
        'model find "turn a photo into a clip" --limit 3 --sandbox',
        "model describe kling/kling-v3-i2v --sandbox",
        'model run kling/kling-v3-i2v "it moves" -p duration=5 --dry-run --sandbox',
    ),
    "usage": (
        'model run sandbox/image "a stone bridge" --sandbox',
        'model run sandbox/fails "an owl" --sandbox',
        "usage --sandbox",
    ),
    "history": (
        'model run sandbox/image "a stone bridge" --sandbox',
        "task history --limit 3 --sandbox",
        "task show @last --sandbox",
    ),
    "help": ("model list --help",),
}
_VARIES: Final = (
    (re.compile(r"task-[0-9a-f]{16}"), "task-7f3a9c1e5b2d8064"),
    (re.compile(r"(?<=-)[0-9a-f]{4}(?=\.(?:png|mp4|wav))"), "8064"),
    (re.compile(r"\d+(\.\d)? KiB"), "71.8 KiB"),
    (re.compile(r"(?<=Took )[\d.]+s"), "2.1s"),
    (re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f-]{22}"), "5e0c4f1a-2b7d-4c1e-9a53-6d0f8b7e2c91"),
)


def screen(name: str) -> str:
    """Return one picture as SVG: prompts, and what a person sees of stdout and stderr."""
    console = Console(
        record=True, width=COLUMNS, file=io.StringIO(), force_terminal=True, legacy_windows=False
    )
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        (root / "work").mkdir()
        (root / "work" / "tasks.jsonl").write_text(_LINES, encoding="utf-8")
        clock = FakeClock(_NOW)
        for command in SCREENS[name]:
            shown = _run(command, root, clock)
            console.print(Text.assemble(("$ ", "bold green"), f"modellix-cli {command}"))
            console.print(Text.from_ansi(shown))
    return console.export_svg(title="modellix-cli", unique_id=f"modellix-{name}")


def _run(command: str, root: Path, clock: FakeClock) -> str:
    """Return what a command writes at a terminal, without progress, the same each time."""
    env = {
        "HOME": str(root / "home"),
        "XDG_STATE_HOME": str(root / "home" / "state"),
        "XDG_CACHE_HOME": str(root / "home" / "cache"),
        "COLUMNS": str(COLUMNS),
        "TERM": "xterm-256color",
        "MODELLIX_CLI_NO_PROGRESS": "1",
        "TZ": "UTC",
    }
    terminal = Terminal()
    invoke(
        *shlex.split(command),
        env=env,
        cwd=root / "work",
        clock=clock,
        stdout=terminal,
        stderr=terminal,
    )
    text = terminal.getvalue().replace(str(root / "work"), "~/pictures").rstrip("\n")
    for pattern, always in _VARIES:
        text = pattern.sub(always, text)
    return text + "\n"


def main() -> None:
    """Write every picture."""
    TARGET.mkdir(exist_ok=True)
    for name in SCREENS:
        (TARGET / f"{name}.svg").write_text(screen(name), encoding="utf-8")


if __name__ == "__main__":
    main()
