"""`task watch` where there is no terminal for it; at one, see tests/e2e/test_watch.py."""

import pytest

from tests.conftest import Cli


def test_without_a_terminal_it_names_what_to_use_instead(cli: Cli) -> None:
    result = cli("task", "watch")
    assert result.status == 2
    assert "needs a terminal" in result.stderr
    assert "modellix-cli task history" in result.stderr


@pytest.mark.parametrize("option", ["--json", "--quiet"])
def test_for_scripts_there_is_the_history(cli: Cli, option: str) -> None:
    result = cli("task", "watch", option)
    assert result.status == 2
    assert "task history --json" in result.stdout + result.stderr


def test_a_wrong_id_is_refused(cli: Cli) -> None:
    assert "unsupported characters" in cli("task", "watch", "a b").stderr
