"""The history as records: tasks, refusals and unknown outcomes with what was asked."""

import json
import tracemalloc
from typing import Any

import pytest

from modellix_cli.domain.money import Money
from modellix_cli.domain.submission_state import SubmissionState
from modellix_cli.ledger.files import FileStore
from modellix_cli.ledger.history import Scope
from modellix_cli.ledger.records import Outcome, Request
from modellix_cli.ledger.request_log import Wanted
from modellix_cli.ledger.request_records import Record
from modellix_cli.ledger.task_records import KeptFile, TaskReport
from tests.ledger.ledgers import REJECTED, UNKNOWN, Ledger, end_process, request
from tests.machine import ALL, API, SANDBOX, Machine, entry


def asked(prompt: str = "a cat", slug: str = "a/b", **other: Any) -> Request:
    return request(json.dumps({"prompt": prompt}), slug, **other)


def ids(machine: Machine, **limits: Any) -> list[str | None]:
    records, total = machine.history.entries(ALL, 100, Wanted(**limits))
    assert total == len(records)
    return [record.task_id for record in records]


def everything(machine: Machine, **limits: Any) -> list[Record]:
    return list(machine.history.everything(ALL, Wanted(**limits)))


class TestLimits:
    def test_a_tag(self, machine: Machine) -> None:
        ledger = machine.ledger()
        ledger.sent(asked("1", tag="spring"), task_id="t-1")
        ledger.sent(asked("2", tag="Spring"), task_id="t-2")
        machine.saw("t-3")
        assert ids(machine, tag="spring") == ["t-1"]

    def test_a_model(self, machine: Machine) -> None:
        ledger = machine.ledger()
        ledger.sent(asked(), task_id="t-1")
        ledger.sent(asked(slug="a/bc"), task_id="t-2")
        assert ids(machine, model="a/b") == ["t-1"]

    def test_a_time(self, machine: Machine) -> None:
        ledger = machine.ledger()
        ledger.sent(asked("1"), task_id="t-1")
        machine.clock.sleep(60)
        moment = machine.clock.now()
        ledger.sent(asked("2"), task_id="t-2")
        machine.saw("t-1")  # heard of later, but submitted before
        assert ids(machine, since=moment) == ["t-2"]

    def test_a_status_whatever_its_case(self, machine: Machine) -> None:
        machine.saw("t-1", status="Failed")
        machine.saw("t-2")
        assert ids(machine, statuses=frozenset({"failed", "error"})) == ["t-1"]

    @pytest.mark.parametrize(
        "text", ["CAT", "été", "a/B", "T-1", "spr", "the-line", 'a "quoted"', "deep", "ein Löwe"]
    )
    def test_a_text_wherever_it_is(self, machine: Machine, text: str) -> None:
        body = json.dumps({
            "prompt": 'a Cat in Été, a "quoted" word', "more": [{"x": "DEEP"}], "n": "EIN LÖWE",
        })  # fmt: skip
        wanted = request(body, "a/b", tag="spring", line_id="the-line")
        ledger = machine.ledger()
        ledger.sent(wanted, task_id="t-1")
        ledger.sent(request("{}", "c/d"), task_id="x-2")
        assert ids(machine, search=text) == ["t-1"]

    def test_names_of_parameters_are_no_text(self, machine: Machine) -> None:
        machine.ledger().sent(asked(), task_id="t-1")
        assert ids(machine, search="prompt") == []

    def test_several_at_once(self, machine: Machine) -> None:
        ledger = machine.ledger()
        ledger.sent(asked("a cat", tag="x"), task_id="t-1")
        ledger.sent(asked("a dog", tag="x"), task_id="t-2")
        assert ids(machine, tag="x", search="dog", model="a/b") == ["t-2"]


def test_a_task_has_the_submission_that_was_accepted(machine: Machine) -> None:
    ledger = machine.ledger()
    ledger.sent(asked(estimated_cost=Money.parse("0.04"), tag="x"), task_id="t-1")
    ((record,), _) = machine.history.entries(ALL, 1)
    assert (record.number, record.state) == (1, SubmissionState.ACCEPTED)
    assert (record.estimated_cost, record.tag, record.body) == ("0.04", "x", b'{"prompt": "a cat"}')


def test_files_come_where_they_are_wanted(machine: Machine) -> None:
    machine.saw("t-1")
    kept = KeptFile(1, "/a.png", 3, "aa", "image")
    FileStore(machine.file, API).record("t-1", [kept])
    assert machine.history.entries(ALL, 1, files=True)[0][0].files == (kept,)
    assert machine.history.entries(ALL, 1)[0][0].files == ()


def test_a_file_whose_path_is_no_utf_8_comes_too(machine: Machine) -> None:
    machine.saw("t-1")
    kept = KeptFile(1, "/caf\udce9/a.png", 3, "aa", "image")
    FileStore(machine.file, API).record("t-1", [kept])
    assert machine.history.entries(ALL, 1, files=True)[0][0].files == (kept,)


def test_a_search_for_what_is_no_utf_8_finds_nothing(machine: Machine) -> None:
    machine.ledger().sent(asked(tag="caf\u00e9?"), task_id="t-1")
    assert ids(machine, search="caf\udce9") == []


def test_unknown_and_refused_submissions_are_limited_too(machine: Machine) -> None:
    ledger = machine.ledger()
    for tag in ("x", "y"):
        ledger.sent(asked(f"1 {tag}", tag=tag), UNKNOWN)
        ledger.sent(asked(f"2 {tag}", tag=tag), REJECTED)
    wanted = Wanted(tag="y")
    assert [record.number for record in machine.history.unknown(ALL, wanted)] == [3]
    assert [record.number for record in machine.history.rejected(ALL, 9, wanted)] == [4]
    assert [record.number for record in machine.history.rejected(ALL, 1)] == [4]
    assert machine.history.unknown(ALL, Wanted(statuses=frozenset({"success"}))) == []
    assert len(machine.history.unknown(ALL, Wanted(statuses=frozenset({"unknown"})))) == 2


class TestEverything:
    def test_it_has_each_submission_and_each_task_of_elsewhere_once(self, machine: Machine) -> None:
        ledger = machine.ledger()
        ledger.sent(asked("1"), task_id="t-1")
        ledger.sent(asked("2"), REJECTED)
        ledger.sent(asked("3"), UNKNOWN)
        ledger.claim(asked("4"))
        machine.saw("t-1", status="success")
        machine.saw("t-9")
        machine.write(entry("h-1"))
        found = everything(machine)
        assert [(r.number, r.task_id, r.word) for r in found] == [
            (1, "t-1", "success"),
            (2, None, "rejected"),
            (3, None, "unknown"),
            (4, None, "sending"),
            (None, "t-9", "success"),
            (None, "h-1", None),
        ]

    def test_a_refusal_has_its_message(self, machine: Machine) -> None:
        ledger = machine.ledger()
        number = ledger.claim(asked()).number
        ledger.submissions.record(number, Outcome(REJECTED, None, "Invalid parameters: no"))
        assert everything(machine)[0].detail == "Invalid parameters: no"

    def test_one_cut_short_is_unknown(self, machine: Machine) -> None:
        ledger = machine.ledger()
        end_process(ledger, ledger.claim(asked()).number)
        assert [record.word for record in everything(machine)] == ["unknown"]
        assert len(everything(machine, statuses=frozenset({"unknown"}))) == 1
        assert everything(machine, statuses=frozenset({"sending"})) == []

    def test_the_cost_is_that_of_the_task(self, machine: Machine) -> None:
        ledger = machine.ledger()
        ledger.sent(asked(), task_id="t-1")
        report = TaskReport("t-1", "success", billed_cost=Money.parse("0.03"))
        ledger.tasks.record_status(report)
        assert [record.billed_cost for record in everything(machine)] == ["0.03"]

    def test_it_keeps_to_the_scope(self, machine: Machine) -> None:
        machine.ledger().sent(asked("1"), task_id="t-1")
        machine.ledger(base_url=SANDBOX).sent(asked("2"), task_id="s-1")
        machine.ledger("work").sent(asked("3"), task_id="w-1")
        work = machine.history.everything(Scope("work", sandbox=False))
        assert [record.task_id for record in work] == ["w-1"]
        sandbox = machine.history.everything(Scope(None, sandbox=True))
        assert [record.task_id for record in sandbox] == ["s-1"]

    def test_pages_lose_and_repeat_nothing(self, machine: Machine) -> None:
        add_many(machine.ledger(), 173, b"{}")
        for number in range(120):
            machine.saw(f"seen-{number}")
        found = everything(machine)
        assert [record.number for record in found[:173]] == list(range(1, 174))
        assert len({record.task_id for record in found}) == 293
        assert len(everything(machine, statuses=frozenset({"success"}))) == 120

    @pytest.mark.slow
    def test_a_long_ledger_takes_little_memory(self, machine: Machine) -> None:
        add_many(machine.ledger(), 1500, b'{"prompt": "' + b"x" * 100_000 + b'"}')
        tracemalloc.start()
        count = sum(1 for _ in machine.history.everything(ALL))
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert count == 1500
        assert most < 30_000_000


def add_many(ledger: Ledger, number: int, body: bytes) -> None:
    """Add accepted submissions of one body, behind the program's back for speed."""
    ledger.sent(request(body.decode()), task_id="task-1")
    ledger.sql(
        "WITH RECURSIVE n (i) AS (SELECT 2 UNION ALL SELECT i + 1 FROM n WHERE i < ?)"
        " INSERT INTO submissions (id, account, base_url, profile, slug, state, task_id,"
        " body_sha256, created_at, updated_at) SELECT 'id-' || i, account, base_url, profile, slug,"
        " state, 'task-' || i, body_sha256, created_at, updated_at FROM submissions, n"
        " WHERE number = 1",
        number,
    )
