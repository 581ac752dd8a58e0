"""The documents say what is true: README's examples run, its tables and the reference match."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from docs.generate import TARGET, reference
from modellix_cli import __version__
from modellix_cli.domain.errors import ExitStatus

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
EXAMPLES = [
    pytest.param(example, id=f"{page.stem}-{number}")
    for page in (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")))
    for number, example in enumerate(
        re.findall(r"```sh\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL)
    )
]


@pytest.mark.parametrize("example", EXAMPLES)
@pytest.mark.slow
def test_an_example_of_the_documents_runs(tmp_path: Path, example: str) -> None:
    env = {
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "HOME": str(tmp_path),
        "XDG_STATE_HOME": str(tmp_path / "state"),
        "XDG_CACHE_HOME": str(tmp_path / "cache"),
        "MODELLIX_SANDBOX": "1",
    }
    ran = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", example],
        cwd=tmp_path, env=env, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert ran.returncode == 0, ran.stderr


def test_the_readme_lists_every_exit_status() -> None:
    rows = dict(re.findall(r"^\| (\d+) \| (.+) \|$", README, re.MULTILINE))
    assert rows == {str(int(status)): status.meaning for status in ExitStatus}


def test_the_reference_is_what_the_program_says() -> None:
    assert TARGET.read_text(encoding="utf-8") == reference()


def test_the_changelog_knows_this_version_or_what_is_unreleased() -> None:
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    assert f"## [{__version__}]" in changelog or "## [Unreleased]" in changelog


def test_the_readme_is_short() -> None:
    assert README.count("\n") < 200


def test_make_demo_is_what_the_readme_says_first() -> None:
    assert README.index("make demo") < README.index("make test") < README.index("## Install")


PAGES = (ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md")))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_a_page_names_files_that_exist(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    named = re.findall(r"`((?:tests|modellix_cli|benchmarks|docs|completions)/[\w./-]+)`", text)
    example = "modellix_cli/commands/task/age.py"  # CONTRIBUTING shows how to add it
    assert [name for name in named if not (ROOT / name).exists() and name != example] == []


def test_the_newcomers_page_names_modules_that_exist() -> None:
    text = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    named = set(re.findall(r"`([a-z_]+/[a-z_/]+\.py)", text))
    package = ROOT / "modellix_cli"
    found = {name for name in named if (package / name).exists() or (ROOT / name).exists()}
    assert named - found == set()


def test_contributing_names_targets_that_make_has() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z-]+):", makefile, re.MULTILINE))
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    told = {word for line in re.findall(r"`make ([a-z -]+)", text) for word in line.split()}
    assert told - targets == set()
