"""`--dry-run` is the rehearsal: it tells what a real run would be refused for."""

from collections.abc import Iterator

import httpx
import pytest
import respx

from tests.commands.batches import Batches, Service, batch
from tests.commands.test_budget import BUDGET, Runs
from tests.conftest import Cli
from tests.support import Result, problem, task_reply

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


@pytest.mark.parametrize("how", [("--resume",), ("--request-key", "k")])
def test_a_task_that_failed_and_answers_ends_the_rehearsal_with_1(
    run: Runs, how: tuple[str, ...]
) -> None:
    run.service.tasks["task-1"] = task_reply("task-1", "failed")
    assert run(1, "--request-key", "k", "--wait", env={}).status == 1
    rehearsed, real = run(1, "--dry-run", *how, env={}), run(1, *how, env={})
    assert (rehearsed.status, codes(rehearsed)) == (real.status, ["TASK_FAILED"])
    assert real.status == 1
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


@pytest.mark.slow
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


def test_a_run_with_a_key_that_is_refused_says_so(run: Runs) -> None:
    run.service.models.respond(401, json=problem(401, "Invalid API key"))
    rehearsed = run(1, "--dry-run", env={})
    assert (rehearsed.status, codes(rehearsed)) == (3, ["UNAUTHORIZED"])


def test_a_run_of_a_model_that_does_not_exist_says_so(cli: Cli) -> None:
    line = ("model", "run", "sandbox/imag", "a cat", "--sandbox", "--json")
    rehearsed = cli(*line, "--dry-run")
    assert rehearsed.status == cli(*line).status == 5
    assert codes(rehearsed) == ["NOT_FOUND"]
    assert "Did you mean sandbox/image" in rehearsed.json["faults"][0]["hint"]


def test_a_run_of_a_listed_model_without_a_schema_passes(run: Runs) -> None:
    run.service.schema.respond(404)
    assert run(1, "--dry-run", env={}).status == run(1, env={}).status == 0


# --- batches


def paid(batch: Batches, *numbers: int) -> None:
    batch.write(*numbers)
    batch()
    batch.write(1, 2, 3, 4)
    batch.service.posts.clear()


def test_a_batch_that_was_paid_for_in_part_is_refused_in_rehearsal_too(batch: Batches) -> None:
    paid(batch, 1, 3, 4)
    rehearsed = batch("--dry-run")
    fault = rehearsed.json["faults"][0]
    assert (rehearsed.status, fault["code"], fault["exitCode"]) == (2, "ALREADY_PAID", 2)
    assert "Of 4 lines, 3 are paid for: batch 1" in fault["message"]
    assert fault["resume"] == RESUME
    assert fault["message"] in rehearsed.stderr


def test_it_tells_what_a_resume_would_cost(batch: Batches) -> None:
    paid(batch, 1, 3, 4)
    rehearsed = batch("--dry-run").json
    assert (rehearsed["total"], rehearsed["estimate"]["estimatedUsd"]) == (4, pytest.approx(0.16))
    unpaid = rehearsed["unpaid"]
    assert (unpaid["total"], unpaid["estimate"]["estimatedUsd"]) == (1, COST)
    words = batch("--dry-run", "--output", "human").stderr
    assert "With --resume: 1 task, listed prices: about $0.04." in words


@pytest.mark.parametrize("option", ["--new", "--resume"])
def test_a_decision_about_paid_lines_is_no_fault(batch: Batches, option: str) -> None:
    paid(batch, 1, 3, 4)
    rehearsed = batch("--dry-run", option)
    assert (rehearsed.status, codes(rehearsed)) == (0, [])
    cost = {"--new": 0.16, "--resume": 0.04}[option]
    assert rehearsed.json["estimate"]["estimatedUsd"] == pytest.approx(cost)
    assert batch.service.posts == []


def test_what_no_run_paid_for_has_no_word_about_it(batch: Batches) -> None:
    rehearsed = batch("--dry-run")
    assert (rehearsed.status, codes(rehearsed)) == (0, [])
    assert "unpaid" not in rehearsed.json


def test_a_batch_over_max_cost_shows_its_plan_and_is_exit_10(batch: Batches) -> None:
    rehearsed = batch("--dry-run", "--max-cost", "0.15")
    assert (rehearsed.status, codes(rehearsed)) == (10, ["COST_LIMIT"])
    assert rehearsed.json["estimate"]["estimatedUsd"] == pytest.approx(0.16)


def test_limits_are_held_against_what_is_not_paid_for(batch: Batches) -> None:
    paid(batch, 1, 3, 4)
    assert codes(batch("--dry-run", "--max-cost", "0.04")) == ["ALREADY_PAID"]
    assert codes(batch("--dry-run", "--max-cost", "0.03")) == ["ALREADY_PAID", "COST_LIMIT"]
    assert codes(batch("--dry-run", "--resume", "--max-cost", "0.03")) == ["COST_LIMIT"]


def test_a_batch_that_the_budget_would_stop_is_exit_10_and_tells_where(batch: Batches) -> None:
    rehearsed = batch("--dry-run", env=BUDGET)
    fault = rehearsed.json["faults"][0]
    assert (rehearsed.status, fault["code"], fault["exitCode"]) == (10, "BUDGET_EXCEEDED", 10)
    assert "$0.10 is left" in fault["message"]
    assert "after 2 of 4 tasks" in fault["message"]
    assert rehearsed.json["budget"]["leftUsd"] == pytest.approx(0.1)
    assert batch("--dry-run", env=HIGH).status == 0
    assert batch("--dry-run", "--resume", env=BUDGET).status == 10


def test_a_batch_without_prices_is_refused_under_a_budget(batch: Batches) -> None:
    batch.service.models.respond(json={"models": [{"slug": "a/b"}]})
    rehearsed = batch("--dry-run", env=BUDGET)
    assert (rehearsed.status, codes(rehearsed)) == (10, ["COST_LIMIT"])
    assert batch("--dry-run", "--allow-unpriced", env=BUDGET).status == 0


def test_more_tasks_than_allowed_are_a_fault(batch: Batches) -> None:
    rehearsed = batch.cli("model", "batch", "tasks.jsonl", "--dry-run", "--max-tasks", "3")
    assert (rehearsed.status, codes(rehearsed)) == (2, ["USAGE"])
    assert batch.cli("model", "batch", "tasks.jsonl", "--dry-run", "--max-tasks", "4").status == 0


def test_json_lines_of_a_batch_that_would_be_refused_say_so_on_stderr(batch: Batches) -> None:
    paid(batch, 1)
    rehearsed = batch("--dry-run", "--output", "jsonl")
    assert (rehearsed.status, len(rehearsed.stdout.splitlines())) == (2, 4)
    assert "1 is paid for" in rehearsed.stderr


def test_a_rehearsed_batch_is_not_recorded(batch: Batches) -> None:
    paid(batch, 1, 2)
    before = batch.sql("SELECT count(*) FROM batch_lines")
    for options in ((), ("--resume",), ("--new",)):
        batch("--dry-run", *options)
    assert batch.sql("SELECT count(*) FROM batch_lines") == before
    assert len(batch.cli("batch", "list", "--json").json["batches"]) == 1
