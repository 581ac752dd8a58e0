"""Which tests `make test-fast` runs."""

from pathlib import Path

from tests.fast import ALWAYS, ROOT, select


def test_the_rules_of_the_house_are_always_run() -> None:
    found = select([])
    assert {*ALWAYS, "tests/test_words.py", "tests/test_layers.py"} <= set(found)
    assert "tests/ledger" not in found


def test_all_that_is_named_is_there() -> None:
    assert all((ROOT / place).exists() for place in select(["modellix_cli/ledger/claims.py"]))


def test_a_room_is_run_with_all_its_tests() -> None:
    assert "tests/ledger" in select(["modellix_cli/ledger/claims.py"])


def test_a_command_is_run_with_the_select_its_name() -> None:
    assert "tests/commands/test_run.py" in select(["modellix_cli/commands/model/run.py"])
    assert "tests/commands/test_task_show.py" in select(["modellix_cli/commands/task/show.py"])
    assert not any("commands" in place for place in select(["modellix_cli/commands/__init__.py"]))


def test_a_changed_test_is_run_unless_it_starts_processes() -> None:
    found = select(["tests/commands/test_run.py", "tests/e2e/test_main_job.py"])
    assert "tests/commands/test_run.py" in found
    assert not any(place.startswith("tests/e2e") for place in found)


def test_a_test_in_a_room_that_is_run_whole_is_not_named_twice() -> None:
    found = select(["tests/domain/test_money.py"])
    assert [place for place in found if Path(place).parts[:2] == ("tests", "domain")] == [
        "tests/domain"
    ]


def test_what_was_removed_is_not_asked_for() -> None:
    gone = ["tests/commands/test_gone.py", "modellix_cli/gone/x.py", "README.md", "Makefile"]
    assert select(gone) == select([])
