"""`task rerun`: the same request once more, as a new paid task."""

import json
from pathlib import Path
from typing import Any

import httpx
import pytest
import respx

from tests.conftest import Cli
from tests.ledger.ledgers import sql
from tests.support import API, accepted, problem

RERUN = ("task", "rerun")
ODD = '{"prompt": "a fox",  "seed": 12345678901234567890, "b": 1.0e0, "a": 1, "a": 2}'
ROUTE = f"{API}/a/b/async"


def sending(*task_ids: str) -> respx.Route:
    replies = [httpx.Response(200, json=accepted(task_id)) for task_id in task_ids]
    return respx.post(ROUTE).mock(side_effect=replies)


def run(cli: Cli, *options: str, body: str = ODD, **keywords: Any) -> None:
    result = cli("model", "run", "a/b", "--body", body, *options, **keywords)
    assert result.status == 0, result.stderr


@respx.mock
@pytest.mark.parametrize("name", ["t-1", "1", "@last"])
def test_the_same_bytes_are_sent_as_a_new_task(cli: Cli, name: str) -> None:
    route = sending("t-1", "t-2")
    run(cli)
    result = cli(*RERUN, name)
    assert (result.status, result.json) == (0, accepted("t-2"))
    assert [call.request.content.decode() for call in route.calls] == [ODD, ODD]


@respx.mock
def test_parameters_are_laid_over(cli: Cli) -> None:
    route = sending("t-1", "t-2")
    run(cli)
    respx.get(url__startswith="https://www.modellix.ai/").respond(404)
    result = cli(*RERUN, "t-1", "-p", "seed:=8", "-p", "style=ink", "-q")
    assert result.stdout == "t-2\n"
    sent = json.loads(route.calls[1].request.content)
    assert sent == {"prompt": "a fox", "seed": 8, "b": 1.0, "a": 2, "style": "ink"}


@respx.mock
def test_a_conflict_names_the_earlier_request(cli: Cli) -> None:
    sending("t-1")
    run(cli)
    respx.get(url__startswith="https://www.modellix.ai/").respond(404)
    result = cli(*RERUN, "t-1", "-p", "prompt.x=1")
    assert result.status == 2
    assert "conflicts with the earlier request" in result.stderr


@respx.mock
def test_the_tag_is_inherited_or_another(cli: Cli) -> None:
    sending("t-1", "t-2", "t-3")
    run(cli, "--tag", "spring")
    cli(*RERUN, "t-1")
    cli(*RERUN, "t-1", "--tag", "autumn")
    tags = [entry["tag"] for entry in cli("task", "history", "--json").json["entries"]]
    assert sorted(tags) == ["autumn", "spring", "spring"]


@respx.mock
def test_a_webhook_is_called_only_when_given(cli: Cli) -> None:
    route = sending("t-1", "t-2", "t-3")
    run(cli, "--webhook", "https://example.com/a")
    cli(*RERUN, "t-1")
    cli(*RERUN, "t-1", "--webhook", "https://example.com/b")
    hooks = [call.request.headers.get("x-webhook-url") for call in route.calls]
    assert hooks == ["https://example.com/a", None, "https://example.com/b"]


@respx.mock
def test_a_dry_run_prints_the_request_and_sends_nothing(cli: Cli) -> None:
    route = sending("t-1")
    run(cli)
    respx.get(url__startswith="https://www.modellix.ai/").respond(404)
    respx.get(f"{API}/models").respond(json={"models": []})
    result = cli(*RERUN, "t-1", "-p", "seed:=8", "--dry-run")
    assert result.status == 0, result.stderr
    shown = result.json
    assert (shown["dryRun"], shown["model"], shown["body"]["seed"]) == (True, "a/b", 8)
    assert route.call_count == 1


def test_it_waits_and_saves_like_a_run(cli: Cli, work: Path) -> None:
    body = '{"prompt": "a"}'
    made = ("model", "run", "sandbox/image", "--body", body, "--sandbox", "-q")
    task_id = cli(*made).stdout.strip()
    result = cli(
        *(*RERUN, task_id, "-p", "seed=8", "--wait", "--output-dir", "out", "--sandbox"),
        *("--sidecar", "--json"),
    )
    assert result.status == 0, result.stderr
    (file,) = result.json["files"]
    record = json.loads(Path(file["sidecar"]).read_text())
    assert record["parameters"] == {"prompt": "a", "seed": 8}
    assert cli("which", file["path"], "-q").stdout.strip() == result.json["data"]["task_id"]


@respx.mock
def test_a_refused_request_can_be_run_again_by_its_number(cli: Cli) -> None:
    respx.post(ROUTE).mock(
        side_effect=[
            httpx.Response(400, json=problem(400, "Invalid parameters: too red")),
            httpx.Response(200, json=accepted("t-2")),
        ]
    )
    assert cli("model", "run", "a/b", "--body", ODD).status == 2
    assert cli(*RERUN, "1", "-q").stdout == "t-2\n"


@respx.mock
def test_a_request_of_unknown_outcome_is_not_sent_unless_the_user_says_so(cli: Cli) -> None:
    route = respx.post(ROUTE).respond(502)
    assert cli("model", "run", "a/b", "--body", ODD).status == 8
    posted = route.call_count
    result = cli(*RERUN, "1", "--json")
    assert result.status == 8
    error = result.json["error"]
    assert (error["code"], error["charged"]) == ("SUBMISSION_UNKNOWN", "no")
    assert "--resend-unknown" in error["hint"]
    assert route.call_count == posted
    route.respond(json=accepted("t-1"))
    assert cli(*RERUN, "1", "--resend-unknown", "-q").stdout == "t-1\n"


@respx.mock
@pytest.mark.parametrize("why", ["switched off", "too large", "old", "cleared"])
def test_without_the_body_it_is_refused(cli: Cli, env: dict[str, str], why: str) -> None:
    route = sending("t-1")
    body = json.dumps({"prompt": "x" * 300_000}) if why == "too large" else ODD
    run(cli, body=body, env={"MODELLIX_KEEP_BODIES": "0" if why == "switched off" else None})
    ledger = Path(env["XDG_STATE_HOME"]) / "modellix" / "ledger.db"
    if why == "old":
        sql(ledger, "DELETE FROM bodies")
    if why == "cleared":
        cli("task", "history", "--clear", "--yes")
    result = cli(*RERUN, "t-1" if why != "cleared" else "1", "--json")
    assert result.status == 2
    error = result.json["error"]
    assert "not kept here any more" in error["message"]
    assert "30 days" in error["hint"]
    assert "modellix-cli model run a/b" in error["hint"]
    assert error["charged"] == "no"
    assert route.call_count == 1


@respx.mock
def test_what_was_tried_in_the_sandbox_is_not_paid_for_by_mistake(cli: Cli) -> None:
    route = sending("t-1")
    made = ("model", "run", "sandbox/image", "--body", '{"prompt": "a"}', "--sandbox", "-q")
    task_id = cli(*made).stdout.strip()
    result = cli(*RERUN, task_id)
    assert result.status == 2
    assert f"modellix-cli task rerun {task_id}" in result.stderr
    assert "--sandbox" in result.stderr
    assert not route.called


@respx.mock
def test_nor_is_what_was_paid_for_taken_for_the_sandboxs(cli: Cli) -> None:
    sending("t-1")
    run(cli)
    result = cli(*RERUN, "t-1", "--sandbox")
    assert result.status == 2
    assert "leave out --sandbox" in result.stderr
    assert "task rerun" not in result.stderr


def test_an_unknown_task_is_exit_5(cli: Cli) -> None:
    assert cli(*RERUN, "task-x").status == 5


@respx.mock
def test_a_task_of_elsewhere_is_refused(cli: Cli) -> None:
    respx.get(f"{API}/tasks/t-9").respond(json=accepted("t-9"))
    cli("task", "get", "t-9")
    result = cli(*RERUN, "t-9")
    assert result.status == 2
    assert "was not submitted from this machine" in result.stderr
