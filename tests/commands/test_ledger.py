"""`ledger path` and `ledger acknowledge`."""

from pathlib import Path

import pytest

from tests.conftest import Cli


@pytest.fixture
def path(cli: Cli, env: dict[str, str]) -> Path:
    cli("task", "history", "-q")
    return Path(env["XDG_STATE_HOME"]) / "modellix" / "ledger.db"


def test_the_path_is_printed(cli: Cli, path: Path) -> None:
    assert cli("ledger", "path").stdout == f"{path}\n"
    assert cli("ledger", "path", "--json").json == {"ok": True, "path": str(path), "exists": True}


def test_where_nothing_is_missing_there_is_nothing_to_say(cli: Cli, path: Path) -> None:
    assert (
        cli("ledger", "acknowledge").stdout == "Nothing is known to be missing from the ledger.\n"
    )
    assert cli("ledger", "acknowledge", "--json").json == {
        "ok": True,
        "acknowledged": False,
        "path": str(path),
    }


class TestAfterALoss:
    @pytest.fixture(autouse=True)
    def lost(self, path: Path) -> None:
        path.write_bytes(b"")

    def test_it_is_acknowledged_once(self, cli: Cli) -> None:
        shown = cli("ledger", "acknowledge", "--json").json
        assert shown["acknowledged"]
        assert "empty" in shown["reason"]
        assert not cli("ledger", "acknowledge", "--json").json["acknowledged"]

    def test_a_person_reads_what_was_lost(self, cli: Cli) -> None:
        assert cli("ledger", "acknowledge").stdout.startswith("Acknowledged: ")
