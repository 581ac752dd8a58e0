"""The task history: what is listed, what the official CLI's file adds, what clearing keeps."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from modellix_cli.clock import iso
from modellix_cli.domain.errors import ModellixError
from modellix_cli.domain.jsontext import dumps
from modellix_cli.domain.money import Money
from modellix_cli.domain.on_paid import OnPaid
from modellix_cli.domain.submission_state import SubmissionState
from modellix_cli.ledger.files import FileStore
from modellix_cli.ledger.history import History, Scope
from modellix_cli.ledger.history_json import parse_history
from modellix_cli.ledger.records import BatchLine, Claimed, PaidBefore
from modellix_cli.ledger.task_records import KeptFile, TaskReport
from tests.ledger.ledgers import REJECTED, UNKNOWN, Lines, bodies, end_process, request
from tests.machine import ALL, API, SANDBOX, Machine, entry


def test_tasks_are_listed_newest_first_up_to_the_limit(machine: Machine) -> None:
    for task_id in ("t-1", "t-2", "t-3"):
        machine.saw(task_id)
    machine.saw("t-1", status="failed")
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
    ledger = machine.ledger()
    ledger.sent(task_id="t-1")
    ledger.tasks.mark_saved("t-1")
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


@pytest.mark.parametrize("seconds", [-60, 60])
@pytest.mark.parametrize(
    ("known", "told", "status"),
    [
        ("success", "submitted", "success"),
        ("FAILED", "processing", "FAILED"),
        ("expired", "success", "expired"),
        ("gone", "success", "gone"),
        ("processing", "success", "success"),
        ("reviewing", "Canceled", "Canceled"),
    ],
)
def test_an_end_stays_one_whichever_record_is_the_later(
    machine: Machine, known: str, told: str, status: str, seconds: float
) -> None:
    machine.saw("t-1", status=known)
    machine.write(entry("t-1", machine.clock.now() + seconds, status=told))
    assert machine.only()["status"] == status


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


def test_an_entry_tells_what_a_task_cost_and_until_when_its_result_is_kept(
    machine: Machine,
) -> None:
    cost = Money.parse("0.030")
    report = TaskReport("t-1", "success", 1_700_000_000.0, 1_700_604_800.0, cost)
    machine.ledger().tasks.record_status(report)
    shown = machine.only()
    assert shown["expiresAt"] == iso(1_700_604_800.0)
    assert dumps(shown["billedUsd"]) == "0.03"


def test_addresses_in_another_spelling_are_the_same(machine: Machine) -> None:
    machine.saw("t-1")
    machine.write(entry("t-1", baseUrl="https://API.modellix.ai:443/", modelSlug="a/b"))
    assert machine.only()["modelSlug"] == "a/b"


class TestUnknownOutcomes:
    def test_they_are_listed_newest_first_in_scope(self, machine: Machine) -> None:
        here, work = machine.ledger(), machine.ledger("work")
        here.sent(state=UNKNOWN)
        work.sent(state=UNKNOWN)
        machine.ledger(base_url=SANDBOX).sent(state=UNKNOWN)
        here.sent(request('{"n": 1}'))
        assert [one.number for one in machine.history.unknown(ALL)] == [2, 1]
        assert [one.number for one in machine.history.unknown(Scope("work", sandbox=False))] == [2]
        assert [one.number for one in machine.history.unknown(Scope(None, sandbox=True))] == [3]

    def test_those_that_are_just_being_sent_are_not(self, machine: Machine) -> None:
        ledger = machine.ledger()
        number = ledger.claim().number
        assert machine.history.unknown(ALL) == []
        end_process(ledger, number)
        assert [one.number for one in machine.history.unknown(ALL)] == [number]

    def test_nor_those_that_were_sent_again(self, machine: Machine) -> None:
        ledger = machine.ledger()
        ledger.sent(state=UNKNOWN)
        ledger.sent(resend_unknown=True)
        assert machine.history.unknown(ALL) == []


class TestClearing:
    def test_every_submission_that_may_have_cost_money_stays(self, machine: Machine) -> None:
        ledger, lines = machine.ledger(), Lines(bodies("a", "b"))
        ledger.run(lines)
        ledger.sent(request('{"n": 1}'), UNKNOWN)
        ledger.sent(request('{"n": 2}'), REJECTED)
        done = machine.history.clear(ALL)
        assert (done.anything, done.kept) == (True, 1)
        assert ledger.sql("SELECT count(*) FROM submissions") == [(3,)]
        assert isinstance(ledger.begin(lines), PaidBefore)
        assert ledger.run(lines, OnPaid.RESUME) == 0
        assert not isinstance(ledger.claim(request('{"n": 1}')), Claimed)

    def test_so_does_that_the_user_started_over(self, machine: Machine) -> None:
        ledger, lines = machine.ledger(), Lines(bodies("a", "b"))
        ledger.run(lines)
        number = ledger.begun(lines, OnPaid.NEW).batch.number
        ledger.record(ledger.claim_line(number, lines, 1).number, SubmissionState.ACCEPTED)
        ledger.batches.finish(number, "stopped")
        machine.history.clear(ALL)
        assert ledger.run(lines, OnPaid.RESUME, "d2") == 1

    def test_bodies_and_what_tasks_made_are_gone(self, machine: Machine) -> None:
        ledger, lines = machine.ledger(), Lines(bodies("a"))
        ledger.run(lines)
        ledger.batches.record_end(1, BatchLine(1, "a/b", None, None, "success", urls=("u",)))
        FileStore(ledger.file, API).record("task-1", [KeptFile(1, "/x", 1)])
        machine.history.clear(ALL)
        assert ledger.submissions.body(1) is None
        for table in ("bodies", "files", "tasks"):
            assert ledger.sql(f"SELECT count(*) FROM {table}") == [(0,)]
        assert ledger.sql("SELECT made FROM batch_lines") == [(None,)]

    def test_finished_batches_are_out_of_view_until_they_are_resumed(
        self, machine: Machine
    ) -> None:
        ledger, lines = machine.ledger(), Lines(bodies("a"))
        ledger.run(lines)
        ledger.batches.finish(ledger.begun(Lines(bodies("b")), digest="d2").batch.number, "stopped")
        machine.history.clear(ALL)
        assert [batch.number for batch in ledger.batches.latest(9)] == [2]
        ledger.begun(lines, OnPaid.RESUME)
        assert [batch.number for batch in ledger.batches.latest(9)] == [2, 1]

    def test_other_profiles_and_the_sandbox_are_left_alone(self, machine: Machine) -> None:
        work, sandbox = machine.ledger("work"), machine.ledger(base_url=SANDBOX)
        work.sent()
        sandbox.sent()
        machine.ledger().sent()
        machine.history.clear(Scope("default", sandbox=False))
        assert work.tasks.recent(1) == ["task-1"]
        assert sandbox.tasks.recent(1) == ["task-2"]
        assert machine.ids() == ["task-1"]

    def test_a_second_time_there_is_nothing(self, machine: Machine) -> None:
        ledger = machine.ledger()
        ledger.run(Lines(bodies("a")))
        assert machine.history.clear(ALL).anything
        assert not machine.history.clear(ALL).anything


@pytest.mark.parametrize(
    "use", [lambda history: history.entries(ALL, 1), lambda history: history.clear(ALL)]
)
def test_a_ledger_that_cannot_be_used_is_an_error_not_an_empty_list(
    machine: Machine, use: Callable[[History], object]
) -> None:
    (machine.folder / "state").write_text("")
    with pytest.raises(ModellixError, match="cannot be used"):
        use(machine.history)
