"""Completion: the scripts in completions/ are what the program prints, and Tab is answered."""

import subprocess
from pathlib import Path

import pytest

from completions.generate import FILES
from tests.conftest import Cli
from tests.e2e.conftest import COMMAND

FOLDER = Path(__file__).parent.parent / "completions"


@pytest.mark.parametrize("shell", FILES)
def test_the_committed_script_is_the_one_that_is_printed(cli: Cli, shell: str) -> None:
    assert (FOLDER / FILES[shell]).read_text(encoding="utf-8") == cli("completion", shell).stdout


@pytest.mark.parametrize(("words", "wanted"), [
    ("modellix-cli ", {"model", "task", "sandbox"}),
    ("modellix-cli task ", {"get", "wait", "download", "history"}),
    ("modellix-cli file ", {"upload", "delete"}),
    ("modellix-cli task w", {"wait"}),
    ("modellix-cli model run --body", {"--body", "--body-file"}),
    ("modellix-cli --sandbox task get --q", {"--quiet"}),
    ("modellix-cli completion z", {"zsh"}),
])  # fmt: skip
def test_bash_is_told_what_could_follow(words: str, wanted: set[str]) -> None:
    env = {
        "COMP_WORDS": words,
        "COMP_CWORD": str(len(words.split(" ")) - 1),
        "_MODELLIX_CLI_COMPLETE": "complete_bash",
    }
    ran = subprocess.run([COMMAND], env=env, capture_output=True, check=True, text=True)
    assert wanted <= set(ran.stdout.split())
    assert ran.stderr == ""


def test_an_unknown_shell_is_refused(cli: Cli) -> None:
    result = cli("completion", "cmd")
    assert result.status == 2
    assert "powershell" in result.stderr
