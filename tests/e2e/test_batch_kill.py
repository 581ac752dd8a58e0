"""A few rounds of the kill loop, and proof that its judge sees what it must.

`python benchmarks/kill.py` runs hundreds of rounds.
"""

import signal
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.e2e.conftest import COMMAND, Shell
from tests.e2e.killing import (
    LINES,
    Machine,
    Plan,
    Verdict,
    compare,
    kill_round,
    prompt,
    signal_round,
)
from tests.e2e.served import FakeService, service

PLAN = Plan(1, wait=False, limited=False, kills=1)
TO_STOP = Plan(14, wait=False, limited=False, kills=1)
Account = tuple[list[dict[str, Any]], dict[str, list[str]]]


@pytest.fixture(scope="module")
def served() -> Iterator[FakeService]:
    with service() as running:
        yield running


@pytest.fixture
def machine(shell: Shell, served: FakeService) -> Machine:
    return Machine(COMMAND, shell.env | {"MODELLIX_BASE_URL": served.url}, shell.cwd)


@pytest.mark.parametrize("plan", [
    Plan(11, wait=False, limited=False, kills=2), Plan(12, wait=True, limited=False, kills=1),
    Plan(13, wait=True, limited=True, kills=3),
], ids=["sends", "waits", "killed again and again"])  # fmt: skip
def test_a_killed_batch_resumes_without_loss_and_without_paying_twice(
    machine: Machine, served: FakeService, plan: Plan
) -> None:
    verdict = kill_round(plan, machine, served, usual=1.5)
    assert verdict.good, verdict


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_batch_that_is_told_to_stop_names_the_command_that_completes_it(
    machine: Machine, served: FakeService, number: int
) -> None:
    verdict = signal_round(TO_STOP, machine, served, number, within=30)
    assert verdict is not None
    assert verdict.good, verdict


def account() -> Account:
    """What a batch says and what was made, in agreement."""
    entries: list[dict[str, Any]] = []
    made: dict[str, list[str]] = {}
    for number in range(1, LINES + 1):
        made[prompt(PLAN, number)] = [f"task-{number}"]
        said = {"submissionState": "accepted", "taskId": f"task-{number}", "status": "submitted"}
        entries.append({"index": number} | said)
    return entries, made


def paid_twice(entries: list[dict[str, Any]], made: dict[str, list[str]]) -> None:
    made[prompt(PLAN, 3)].append("task-99")


def paid_an_unknown_line_twice(entries: list[dict[str, Any]], made: dict[str, list[str]]) -> None:
    entries[2] = {"index": 3, "submissionState": "unknown", "status": "error"}
    made[prompt(PLAN, 3)].append("task-99")


def never_sent(entries: list[dict[str, Any]], made: dict[str, list[str]]) -> None:
    entries[2] = {"index": 3, "submissionState": "skipped", "status": "skipped"}
    del made[prompt(PLAN, 3)]


def made_up(entries: list[dict[str, Any]], made: dict[str, list[str]]) -> None:
    del made[prompt(PLAN, 3)]


def left_out(entries: list[dict[str, Any]], made: dict[str, list[str]]) -> None:
    del entries[2]


def told_twice(entries: list[dict[str, Any]], made: dict[str, list[str]]) -> None:
    entries.append(entries[2])


def ids_of_other_lines(entries: list[dict[str, Any]], made: dict[str, list[str]]) -> None:
    entries[2]["taskId"], entries[3]["taskId"] = "task-4", "task-3"


def too_much_unknown(entries: list[dict[str, Any]], made: dict[str, list[str]]) -> None:
    for entry in entries[:5]:
        entry["submissionState"] = "unknown"


@pytest.mark.parametrize("fault", [
    paid_twice, paid_an_unknown_line_twice, never_sent, made_up, left_out, told_twice,
    ids_of_other_lines, too_much_unknown,
])  # fmt: skip
def test_the_judge_sees_a_false_account(
    fault: Callable[[list[dict[str, Any]], dict[str, list[str]]], None],
) -> None:
    entries, made = account()
    verdict = Verdict(kills=1)
    compare(verdict, PLAN, entries, made)
    assert verdict.good
    fault(entries, made)
    compare(verdict, PLAN, entries, made)
    assert not verdict.good


def test_the_judge_accepts_what_a_kill_can_leave_unknown() -> None:
    entries, made = account()
    for entry in entries[:4]:
        entry["submissionState"] = "unknown"
    del made[prompt(PLAN, 1)]
    verdict = Verdict(kills=1)
    compare(verdict, PLAN, entries, made)
    assert (verdict.good, verdict.unknown, verdict.unknown_paid) == (True, 4, 3)
