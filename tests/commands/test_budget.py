"""Limits of cost on the command line: `--max-cost` and the budget of the environment."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import respx

from tests.commands.batches import Batches, Service, batch, states
from tests.conftest import Cli
from tests.support import API, FakeClock, Result, problem, task_reply

__all__ = ["batch"]

BUDGET = {"MODELLIX_BUDGET": "0.10"}


class Runs:
    """Runs `model run` for requests with a number; each costs 0.04."""

    def __init__(self, cli: Cli, service: Service) -> None:
        self.cli = cli
        self.service = service
        service.schema.respond(404, json=problem(404, "Resource not found: model"))

    def __call__(self, number: int, *options: str, env: Any = BUDGET, **body: Any) -> Result:
        text = json.dumps({"line": number} | body)
        return self.cli("model", "run", "a/b", "--body", text, *options, env=env)


@pytest.fixture
def run(cli: Cli) -> Iterator[Runs]:
    with respx.mock(assert_all_called=False) as router:
        yield Runs(cli, Service(router))


def error_of(result: Result) -> Any:
    return json.loads(result.stdout)["error"]


# --- single runs


def test_a_run_over_the_budget_is_exit_10_and_nothing_is_sent(run: Runs) -> None:
    assert [run(number).status for number in (1, 2)] == [0, 0]
    refused = run(3, "--json")
    error = error_of(refused)
    assert (refused.status, error["code"], error["charged"]) == (10, "BUDGET_EXCEEDED", "no")
    assert "$0.02 is left" in error["message"]
    assert error["retryAfterSeconds"] == 86400
    assert run.service.posts == [1, 2]


def test_a_refusal_says_no_more_about_money_than_its_message(run: Runs) -> None:
    refused = run(1, env={"MODELLIX_BUDGET": "0.01"})
    assert "Nothing was charged." not in refused.stderr
    assert "raise MODELLIX_BUDGET" in refused.stderr


def test_the_budget_comes_back_with_time(run: Runs, clock: FakeClock) -> None:
    hourly = BUDGET | {"MODELLIX_BUDGET_PERIOD": "1h"}
    assert [run(number, env=hourly).status for number in (1, 2, 3)] == [0, 0, 10]
    clock.step(7200)
    assert run(3, env=hourly).status == 10
    clock.sleep(3600)
    assert run(3, env=hourly).status == 0


def test_what_was_billed_takes_the_place_of_the_estimate(run: Runs) -> None:
    run.service.tasks["task-1"] = task_reply("task-1", "success", billing={"amount": 0.001})
    assert [run(number).status for number in (1, 2, 3)] == [0, 0, 10]
    run.cli("task", "get", "task-1")
    assert run(3).status == 0


def test_a_request_that_the_server_refuses_frees_the_budget(run: Runs) -> None:
    run.service.replies[1] = httpx.Response(400, json={"code": 400, "message": "no"})
    assert [run(number).status for number in (1, 2, 3, 4)] == [2, 0, 0, 10]


def test_a_request_of_unknown_outcome_does_not(run: Runs) -> None:
    run.service.replies[1] = httpx.ReadError("cut")
    assert [run(number).status for number in (1, 2, 3)] == [8, 0, 10]


def test_taking_an_earlier_task_needs_no_budget(run: Runs) -> None:
    assert run(1).status == 0
    assert run(1, "--resume", env={"MODELLIX_BUDGET": "0"}).status == 0
    assert run.service.posts == [1]


@pytest.mark.parametrize("limit", [("--max-cost", "0.08"), ("--max-cost", ".08"), ()])
def test_a_run_may_have_a_limit_of_its_own(run: Runs, limit: tuple[str, ...]) -> None:
    status = run(1, *limit, env={}, n=3).status
    assert status == {0: 0, 2: 10 if limit and limit[1] == "0.08" else 2}[len(limit)]


@pytest.mark.parametrize("budget", [BUDGET, {}], ids=["budget", "max-cost"])
def test_what_has_no_price_is_refused_unless_that_is_allowed(
    run: Runs, budget: dict[str, str]
) -> None:
    run.service.models.respond(json={"models": [{"slug": "a/b"}]})
    limit = () if budget else ("--max-cost", "9")
    refused = run(1, *limit, "--json", env=budget)
    assert (refused.status, error_of(refused)["code"]) == (10, "COST_LIMIT")
    assert "no price is listed" in error_of(refused)["message"]
    allowed = run(1, *limit, "--allow-unpriced", env=budget)
    assert allowed.status == 0
    assert "no price is listed. It counts as nothing." in allowed.stderr


def test_where_prices_cannot_be_had_nothing_is_sent(run: Runs) -> None:
    run.service.models.respond(401, json={"code": 401, "message": "no"})
    refused = run(1, "--json")
    assert (refused.status, error_of(refused)["charged"]) == (3, "no")
    assert "A limit of cost is set" in error_of(refused)["message"]
    assert run(1, "--allow-unpriced").status == 0


def test_without_a_limit_no_price_is_asked_for(run: Runs) -> None:
    assert run(1, env={}).status == 0
    assert not run.service.models.called
    assert not run.service.schema.called


@pytest.mark.parametrize("later", ["run", "batch"])
def test_what_was_sent_before_there_was_a_budget_is_told_as_not_counted(
    run: Runs, work: Path, later: str
) -> None:
    run(1, env={})
    run(2, env={})
    if later == "run":
        told = run(3)
    else:
        line = json.dumps({"modelSlug": "a/b", "body": {"line": 3}})
        (work / "t.jsonl").write_text(f"{line}\n")
        told = run.cli("model", "batch", "t.jsonl", "--yes", env=BUDGET)
    assert told.status == 0
    assert "The budget does not count 2 earlier requests of unknown cost" in told.stderr
    assert "does not count" not in run(4, env={}).stderr


def test_a_list_that_was_kept_prices_runs_without_a_limit(
    run: Runs, env: dict[str, str], clock: FakeClock
) -> None:
    run.cli("model", "list")
    run(1, env={})
    clock.sleep(2 * 86400)
    run(2, env={})
    estimated = [
        group["estimatedUsd"] for group in run.cli("usage", "--by", "day", "--json").json["groups"]
    ]
    assert estimated == [0.04, 0]
    assert len(run.service.models.calls) == 1


def test_defaults_of_the_schema_count(run: Runs) -> None:
    body = {"type": "object", "properties": {"n": {"default": 3}}}
    post = {"requestBody": {"content": {"application/json": {"schema": body}}}, "responses": {}}
    run.service.schema.respond(json={"servers": [{"url": API}], "post": post})
    assert run(1).status == 10
    assert run(1, n=2).status == 0


@pytest.mark.parametrize("amount", ["$5", "five", "-1", "nan", "5,0", "1e99"])
def test_a_budget_that_is_no_amount_is_refused_before_anything_else(run: Runs, amount: str) -> None:
    refused = run(1, env={"MODELLIX_BUDGET": amount, "MODELLIX_API_KEY": None})
    assert refused.status == 2
    assert f'MODELLIX_BUDGET="{amount}" is not an amount of US dollars.' in refused.stderr
    assert run.service.posts == []


def test_a_period_that_is_none_is_refused(run: Runs) -> None:
    refused = run(1, env=BUDGET | {"MODELLIX_BUDGET_PERIOD": "a day"})
    assert (refused.status, "MODELLIX_BUDGET_PERIOD" in refused.stderr) == (2, True)
    assert "such as 24h, or unset MODELLIX_BUDGET_PERIOD." in refused.stderr


def test_a_wrong_wait_in_a_variable_does_not_point_to_help(run: Runs) -> None:
    refused = run(1, env={"MODELLIX_MAX_RETRY_WAIT": "a day"})
    assert refused.status == 2
    assert "such as 2m, or unset MODELLIX_MAX_RETRY_WAIT." in refused.stderr


def test_where_no_ledger_can_be_kept_a_budget_refuses(run: Runs, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    nowhere = {"XDG_STATE_HOME": str(tmp_path / "file")}
    assert run(1, env=BUDGET | nowhere).status == 1
    assert run(1, "--max-cost", "0.03", env=nowhere).status == 10
    assert run.service.posts == []
    assert run(1, "--max-cost", "0.04", env=nowhere).status == 0


def test_a_request_that_is_made_again_keeps_to_the_limits(run: Runs) -> None:
    assert run(1).status == 0
    assert run.cli("task", "rerun", "task-1", "--max-cost", "0.03").status == 10
    assert run.cli("task", "rerun", "task-1", env={"MODELLIX_BUDGET": "0.07"}).status == 10
    assert run.service.posts == [1]
    assert run.cli("task", "rerun", "task-1", "--max-cost", "0.04", env=BUDGET).status == 0


# --- the sandbox


def test_the_sandbox_has_a_budget_of_its_own(run: Runs) -> None:
    both = {"MODELLIX_BUDGET": "0.05", "MODELLIX_SANDBOX_BUDGET": "0.05"}
    sandbox = ("model", "run", "alibaba/qwen-image-plus", "--sandbox", "--body")
    assert run.cli(*sandbox, '{"prompt": "a"}', env=both).status == 0
    assert run.cli(*sandbox, '{"prompt": "b"}', env=both).status == 10
    assert run.cli(*sandbox, '{"prompt": "b"}', env={"MODELLIX_BUDGET": "0"}).status == 0
    assert run(1, env=both).status == 0


# --- batches


def test_a_batch_stops_when_the_budget_is_used_up(batch: Batches) -> None:
    result = batch("--output", "json", env=BUDGET)
    assert result.status == 10
    assert states(result) == ["accepted", "accepted", "skipped", "skipped"]
    assert [fault["code"] for fault in result.json["faults"]] == ["BUDGET_EXCEEDED"]
    assert result.json["resume"] == (
        "modellix-cli model batch tasks.jsonl --yes --concurrency 1 --resume --output json"
    )
    assert batch.service.posts == [1, 2]


def test_a_batch_that_may_not_fit_says_so_when_it_begins(batch: Batches) -> None:
    words = "Of the budget $0.10 is left, and these tasks may cost $0.16"
    assert words in batch("--dry-run", "--output", "human", env=BUDGET).stderr
    assert words in batch("--output", "human", env=BUDGET).stderr
    assert words not in batch("--dry-run", "--output", "human", env={"MODELLIX_BUDGET": "9"}).stderr


def test_the_resume_goes_on_when_there_is_budget_again(batch: Batches) -> None:
    batch(env=BUDGET)
    assert batch("--resume", env=BUDGET).status == 10
    assert batch("--resume", env={"MODELLIX_BUDGET": "0.12"}).status == 10
    assert batch("--resume", env={"MODELLIX_BUDGET": "0.16"}).status == 0
    assert batch.service.posts == [1, 2, 3, 4]


def test_lines_that_leave_together_use_the_budget_up(batch: Batches) -> None:
    result = batch.cli("model", "batch", "tasks.jsonl", "--yes", env=BUDGET)
    assert result.status == 10
    assert sorted(batch.service.posts) == [1, 2]


def test_a_batch_with_a_line_that_has_no_price_does_not_begin_under_a_budget(
    batch: Batches,
) -> None:
    batch.service.models.respond(json={"models": [{"slug": "a/b"}]})
    result = batch(env=BUDGET)
    assert result.status == 10
    assert "4 of 4 tasks cannot be priced" in result.stderr
    assert batch.service.posts == []
    assert batch.cli("batch", "list", "--json").json == {"batches": []}
    assert batch("--allow-unpriced", env=BUDGET).status == 0


def test_a_line_that_is_refused_and_sent_again_is_reserved_once(batch: Batches) -> None:
    batch.write(1, 2)
    batch.service.replies[1] = httpx.Response(503, json={"code": 503, "message": "later"})
    batch.service.on_post = lambda number: (
        batch.service.replies.clear() if batch.service.posts.count(1) > 2 else None
    )
    assert batch(env={"MODELLIX_BUDGET": "0.08"}).status == 0
    assert batch.service.posts.count(1) > 2


# --- what people are told


def test_a_refusal_names_what_counts_and_how_to_allow_it(run: Runs) -> None:
    assert [run(number).status for number in (1, 2)] == [0, 0]
    words = " ".join(run(3, "--output", "human").stderr.split())
    assert "See what counts: modellix-cli usage." in words
    assert "To allow it now, raise MODELLIX_BUDGET." in words


def test_a_refusal_of_the_sandbox_names_its_own_usage_and_budget(cli: Cli) -> None:
    env = {"MODELLIX_SANDBOX_BUDGET": "0.01"}
    line = ("model", "run", "sandbox/image", "--sandbox")
    assert cli(*line, "a cat", env=env).status == 0
    refused = cli(*line, "a dog", env=env)
    words = " ".join(refused.stderr.split())
    assert refused.status == 10
    assert "modellix-cli usage --sandbox." in words
    assert "raise MODELLIX_SANDBOX_BUDGET." in words


@pytest.mark.parametrize("in_file", [True, False])
def test_a_budget_that_does_not_count_in_the_sandbox_is_noted_once(
    cli: Cli, work: Path, in_file: bool
) -> None:
    if in_file:
        (work / "modellix.toml").write_text('[budget]\nlimit = "5"\n', encoding="utf-8")
    env = {} if in_file else {"MODELLIX_BUDGET": "5"}
    run = ("model", "run", "sandbox/image", "a cat", "--sandbox", "--output", "human")
    noted = "does not count in the sandbox; MODELLIX_SANDBOX_BUDGET does."
    assert cli(*run, env=env).stderr.count(noted) == 1
    assert noted not in cli("task", "history", "--sandbox", env=env).stderr
    both = env | {"MODELLIX_SANDBOX_BUDGET": "5"}
    assert noted not in cli(*run, "--resume", env=both).stderr
    assert noted not in cli(*run[:-3], "-p", "seed=1", "--dry-run", env={}).stderr or in_file
    assert cli(*run[:-2], "--json", "--resume", env=env).stderr == ""


def test_help_pricing_names_budgets(cli: Cli) -> None:
    page = cli("help", "pricing").stdout
    assert "MODELLIX_BUDGET" in page
    assert "MODELLIX_SANDBOX_BUDGET" in page
    assert "modellix-cli usage" in page
