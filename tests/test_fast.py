"""Which tests `make test-fast` runs."""

from pathlib import Path

import pytest

from tests.fast import ALWAYS, OF_ALL_COMMANDS, ROOT, named_after, select

COMMANDS = sorted(
    path.relative_to(ROOT)
    for path in (ROOT / "modellix_cli/commands").rglob("*.py")
    if "_framework" not in path.parts and path.name not in ("__init__.py", "autocomplete.py")
)


def test_project_wide_checks_are_always_run() -> None:
    found = select([])
    assert {*ALWAYS, "tests/test_words.py", "tests/test_layers.py"} <= set(found)
    assert "tests/ledger" not in found


def test_all_that_is_named_is_there() -> None:
    found = select(["modellix_cli/ledger/claims.py", "modellix_cli/app.py"])
    assert all((ROOT / place.partition("::")[0]).exists() for place in found)


def test_a_package_is_run_with_all_its_tests() -> None:
    assert "tests/ledger" in select(["modellix_cli/ledger/claims.py"])


@pytest.mark.parametrize("command", COMMANDS, ids=str)
def test_every_command_has_tests_of_its_own(command: Path) -> None:
    assert named_after(command)


def test_a_command_is_run_with_the_tests_of_its_name_or_noun() -> None:
    assert "tests/commands/test_run.py" in select(["modellix_cli/commands/model/run.py"])
    assert "tests/commands/test_task_results.py" in select(["modellix_cli/commands/task/url.py"])
    assert "tests/commands/test_doctor.py" in select(["modellix_cli/commands/doctor.py"])


@pytest.mark.parametrize("shared", ["app.py", "commands/task/links.py", "options/saving.py"])
def test_what_commands_share_is_run_with_what_each_must_have(shared: str) -> None:
    assert set(OF_ALL_COMMANDS) <= set(select([f"modellix_cli/{shared}"]))


def test_a_changed_test_is_run_unless_it_starts_processes() -> None:
    found = select(["tests/commands/test_run.py", "tests/e2e/test_main_job.py"])
    assert "tests/commands/test_run.py" in found
    assert not any(place.startswith("tests/e2e") for place in found)


def test_a_test_in_a_folder_that_is_run_whole_is_not_named_twice() -> None:
    found = select(["tests/domain/test_money.py"])
    assert [place for place in found if place.startswith("tests/domain")] == ["tests/domain"]


def test_what_was_removed_is_not_asked_for() -> None:
    gone = ["tests/commands/test_gone.py", "modellix_cli/gone/x.py", "README.md", "Makefile"]
    assert select(gone) == select([])
