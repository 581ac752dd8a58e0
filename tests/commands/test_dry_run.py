"""`--dry-run` is the rehearsal: it tells what a real run would be refused for, and costs nothing."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest
import respx

from tests.commands.batches import Batches, Service, batch
from tests.commands.test_budget import BUDGET, Runs
from tests.conftest import Cli
from tests.support import Result

__all__ = ["batch"]

HIGH = {"MODELLIX_BUDGET": "9"}
COST = pytest.approx(0.04)
RESUME = "modellix-cli model batch tasks.jsonl --yes --concurrency 1 --resume"


@pytest.fixture
def run(cli: Cli) -> Iterator[Runs]:
    with respx.mock(assert_all_called=False) as router:
        yield Runs(cli, Service(router))


def codes(result: Result) -> list[str]:
    return [fault["code"] for fault in result.json["faults"]]


# --- single runs


def test_a_run_that_the_budget_does_not_allow_is_exit_10_and_tells_what_is_left(run: Runs) -> None:
    assert [run(number).status for number in (1, 2)] == [0, 0]
    rehearsed = run(3, "--dry-run")
    fault = rehearsed.json["faults"][0]
    assert (rehearsed.status, fault["code"], fault["exitCode"]) == (10, "BUDGET_EXCEEDED", 10)
    assert "$0.02 is left" in fault["message"]
    assert rehearsed.json["budget"]["leftUsd"] == pytest.approx(0.02)
    assert fault["message"] in rehearsed.stderr
    assert run.service.posts == [1, 2]


def test_a_run_over_max_cost_is_exit_10(run: Runs) -> None:
    rehearsed = run(1, "--dry-run", "--max-cost", "0.03", env={})
    assert (rehearsed.status, codes(rehearsed)) == (10, ["COST_LIMIT"])
    assert run(1, "--dry-run", "--max-cost", "0.04", env={}).status == 0


def test_a_run_without_a_price_is_refused_under_a_limit_unless_that_is_allowed(run: Runs) -> None:
    run.service.models.respond(json={"models": [{"slug": "a/b"}]})
    rehearsed = run(1, "--dry-run")
    assert (rehearsed.status, codes(rehearsed)) == (10, ["COST_LIMIT"])
    assert "no price is listed" in rehearsed.json["faults"][0]["message"]
    assert run(1, "--dry-run", "--allow-unpriced").status == 0


def test_a_rehearsal_reserves_nothing(run: Runs) -> None:
    assert [run(1, "--dry-run").status for _ in range(5)] == [0] * 5
    assert run(1, "--dry-run").json["budget"]["leftUsd"] == pytest.approx(0.1)
    assert run.cli("task", "history", "--json").json["entries"] == []


def test_without_a_limit_there_is_no_word_of_a_budget(run: Runs) -> None:
    assert "budget" not in run(1, "--dry-run", env={}).json


def test_a_run_that_was_paid_for_says_that_a_real_one_pays_again(run: Runs) -> None:
    run(1, env={})
    rehearsed = run(1, "--dry-run", env={})
    assert (rehearsed.status, codes(rehearsed)) == (0, [])
    assert "paid for before, as task task-1" in rehearsed.json["warnings"][0]
    assert "--resume" in rehearsed.json["warnings"][0]
    assert run(2, "--dry-run", env={}).json["warnings"] == []


@pytest.mark.parametrize("how", [("--resume",), ("--request-key", "k")])
def test_a_run_that_an_earlier_task_answers_costs_nothing(run: Runs, how: tuple[str, ...]) -> None:
    run(1, "--request-key", "k", env={})
    rehearsed = run(1, "--dry-run", *how, env={"MODELLIX_BUDGET": "0"})
    assert (rehearsed.status, codes(rehearsed)) == (0, [])
    assert (rehearsed.json["reused"], rehearsed.json["taskId"]) == (True, "task-1")


def test_a_request_key_of_another_request_is_a_fault(run: Runs) -> None:
    run(1, "--request-key", "k", env={})
    rehearsed = run(2, "--dry-run", "--request-key", "k", env={})
    assert (rehearsed.status, codes(rehearsed)) == (2, ["REQUEST_KEY_REUSED"])


def test_a_run_whose_outcome_is_unknown_would_be_refused(run: Runs) -> None:
    run.service.replies[1] = httpx.ReadError("cut")
    assert run(1, env={}).status == 8
    rehearsed = run(1, "--dry-run", env={})
    assert (rehearsed.status, codes(rehearsed)) == (8, ["SUBMISSION_UNKNOWN"])
    assert run(1, "--dry-run", "--resend-unknown", env={}).status == 0
    assert run.service.posts == [1]


def test_what_is_rehearsed_is_what_happens(run: Runs) -> None:
    for options in ((), ("--max-cost", "0.01"), ("--resume",), ("--request-key", "k")):
        for number in (1, 2, 3):
            rehearsed = run(number, "--dry-run", *options)
            assert rehearsed.status == run(number, *options).status


def test_a_run_is_rehearsed_without_a_key_too(run: Runs) -> None:
    run.cli("model", "list")
    nobody = {"MODELLIX_API_KEY": None}
    assert run(1, "--dry-run", env=nobody).status == 0
    assert run(1, "--dry-run", env=BUDGET | nobody).status == 0
    assert run(1, "--dry-run", env=nobody | {"MODELLIX_BUDGET": "0.01"}).status == 10
