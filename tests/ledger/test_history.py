"""The task history: what is listed, what the official CLI's file adds, what clearing keeps."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from modellix_cli.clock import iso
from modellix_cli.domain.errors import ModellixError
from modellix_cli.domain.values import DAY
from modellix_cli.ledger.history import History, Scope
from modellix_cli.ledger.history_json import parse_history
from tests.machine import ALL, API, SANDBOX, Machine, entry


def test_tasks_are_listed_newest_first_up_to_the_limit(machine: Machine) -> None:
    for task_id in ("t-1", "t-2", "t-3"):
        machine.saw(task_id)
    machine.saw("t-1")
    assert machine.ids() == ["t-1", "t-3", "t-2"]
    records, total = machine.history.entries(ALL, 2)
    assert [record.task_id for record in records] == ["t-1", "t-3"]
    assert total == 3


def test_a_profile_limits_the_list(machine: Machine) -> None:
    machine.saw("t-1")
    machine.saw("t-2", profile="work")
    assert machine.ids(Scope("work", sandbox=False)) == ["t-2"]
    assert machine.ids() == ["t-2", "t-1"]


def test_the_sandboxs_tasks_are_a_list_of_their_own(machine: Machine) -> None:
    machine.saw("t-1")
    machine.saw("s-1", base_url=SANDBOX)
    assert machine.ids() == ["t-1"]
    assert machine.ids(Scope(None, sandbox=True)) == ["s-1"]


def test_an_entry_shows_what_is_known_in_the_documented_order(machine: Machine) -> None:
    journal = machine.journal()
    journal.settle(journal.intend("a/b", b"{}"), "accepted", slug="a/b", task_id="t-1")
    journal.saved("t-1")
    journal.close()
    shown = machine.only()
    assert list(shown)[:7] == [
        "createdAt",
        "taskId",
        "updatedAt",
        "baseUrl",
        "modelSlug",
        "profile",
        "status",
    ]
    assert shown["status"] == "submitted"
    assert shown["savedAt"] == iso(machine.clock.now())


def test_what_the_official_cli_wrote_is_listed_too(machine: Machine) -> None:
    machine.write(
        entry("h-2", 1_700_000_100.0, modelSlug="a/b", profile="work", status="success"),
        entry("h-1"),
    )
    machine.saw("t-1")
    assert machine.ids() == ["t-1", "h-2", "h-1"]
    assert machine.ids(Scope("default", sandbox=False)) == ["t-1", "h-1"]
    assert machine.history.path == machine.official
    assert machine.warnings == []


def test_an_imported_entry_keeps_its_times_to_the_millisecond(machine: Machine) -> None:
    machine.write(
        {
            "createdAt": "2026-01-02T03:04:05.678Z",
            "taskId": "h-1",
            "updatedAt": "2026-01-02T03:04:06.999Z",
        }
    )
    assert machine.only() == {
        "createdAt": "2026-01-02T03:04:05.678Z",
        "taskId": "h-1",
        "updatedAt": "2026-01-02T03:04:06.999Z",
        "baseUrl": API,
        "profile": "default",
    }


def test_the_file_of_the_official_cli_is_never_touched(machine: Machine) -> None:
    machine.write(entry("h-1"))
    before = machine.official.read_bytes(), machine.official.stat().st_mtime_ns
    machine.ids()
    machine.history.clear(ALL)
    assert (machine.official.read_bytes(), machine.official.stat().st_mtime_ns) == before


def test_it_is_read_once_and_again_when_it_changed(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    reads: list[Path] = []

    def counted(path: Path) -> Any:
        reads.append(path)
        return parse_history(path.read_bytes())

    monkeypatch.setattr("modellix_cli.ledger.history.read_history", counted)
    machine.write(entry("h-1"))
    machine.ids()
    machine.ids()
    assert len(reads) == 1
    machine.write(entry("h-2"), entry("h-1"))
    assert machine.ids() == ["h-2", "h-1"]
    assert len(reads) == 2


def test_the_later_record_of_a_task_says_its_status(machine: Machine) -> None:
    machine.write(entry("t-1", machine.clock.now() - 60, modelSlug="a/b", status="submitted"))
    machine.saw("t-1")
    shown = machine.only()
    assert (shown["status"], shown["modelSlug"]) == ("success", "a/b")
    assert shown["createdAt"] == iso(machine.clock.now() - 67)
    machine.write(entry("t-1", machine.clock.now() + 60, status="failed"))
    assert machine.only()["status"] == "failed"
    machine.write(entry("t-1", machine.clock.now() + 90))
    assert machine.only()["status"] == "failed"


def test_the_same_id_elsewhere_is_another_task(machine: Machine) -> None:
    machine.write(entry("t-1"), entry("t-1", profile="work"), entry("t-1", baseUrl="https://x.io"))
    assert machine.ids() == ["t-1", "t-1", "t-1"]


def test_clearing_forgets_what_is_in_scope(machine: Machine) -> None:
    machine.saw("t-1")
    machine.saw("t-2", profile="work")
    machine.saw("s-1", base_url=SANDBOX)
    assert machine.history.clear(Scope("work", sandbox=False)).anything
    assert machine.ids() == ["t-1"]
    assert machine.history.clear(ALL).anything
    assert machine.ids() == []
    assert machine.ids(Scope(None, sandbox=True)) == ["s-1"]
    assert not machine.history.clear(ALL).anything


def test_what_was_cleared_does_not_come_back_with_the_official_file(machine: Machine) -> None:
    machine.write(entry("h-1"), entry("w-1", profile="work"))
    machine.history.clear(Scope("work", sandbox=False))
    assert machine.ids() == ["h-1"]
    later = entry("w-2", machine.clock.now() + 5, profile="work")
    machine.write(later, entry("h-1"), entry("w-1", profile="work"))
    assert machine.ids() == ["w-2", "h-1"]


def submit(machine: Machine, body: bytes, state: str | None) -> None:
    journal = machine.journal()
    number = journal.intend("a/b", body)
    if state is not None:
        task_id = "t-1" if state == "accepted" else None
        journal.settle(number, state, slug="a/b", task_id=task_id)
    journal.close()


def remembered(machine: Machine, body: bytes) -> bool:
    journal = machine.journal()
    known = journal.earlier("a/b", body, 0)
    journal.close()
    return known is not None


@pytest.mark.parametrize(
    ("state", "kept"), [(None, True), ("unknown", True), ("accepted", False), ("rejected", False)]
)
def test_clearing_keeps_submissions_of_unknown_outcome_for_a_day(
    machine: Machine, state: str | None, kept: bool
) -> None:
    submit(machine, b"{}", state)
    assert machine.history.clear(ALL).kept == int(kept)
    assert remembered(machine, b"{}") is kept
    machine.clock.sleep(DAY + 1)
    assert machine.history.clear(ALL).kept == 0
    assert not remembered(machine, b"{}")


def test_the_tally_counts_tasks_and_unsettled_submissions(machine: Machine) -> None:
    submit(machine, b"{}", "accepted")
    submit(machine, b"[]", "unknown")
    tally = machine.history.tally()
    assert tally is not None
    assert (tally.tasks, tally.unsettled) == (1, 1)


@pytest.mark.parametrize(
    "use", [lambda history: history.entries(ALL, 1), lambda history: history.clear(ALL)]
)
def test_a_journal_that_cannot_be_used_is_an_error_not_an_empty_list(
    machine: Machine, use: Callable[[History], object]
) -> None:
    (machine.folder / "state").write_text("")
    with pytest.raises(ModellixError, match="cannot be used"):
        use(machine.history)
    assert machine.history.tally() is None
    assert len(machine.warnings) == 1
