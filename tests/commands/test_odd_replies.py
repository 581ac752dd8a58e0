"""Replies that name several tasks, or a task twice: told, recorded, and nothing sent again."""

import sqlite3
from typing import Any

import httpx
import pytest
import respx

from tests.commands.batches import Batches, batch
from tests.conftest import Cli
from tests.support import API, accepted, problem, task_reply

__all__ = ["batch"]

ROUTE = f"{API}/a/b/async"
RUN = ("model", "run", "a/b", "--body", '{"prompt": "a cat"}')
DOG = ("model", "run", "a/b", "--body", '{"prompt": "a dog"}')
OTHER = {
    "taskId": {"taskId": "TB"},
    "get_result": {"get_result": {"method": "GET", "url": f"{API}/tasks/TB"}},
    "get_result as a text": {"get_result": f"{API}/tasks/TB"},
    "tasks": {"tasks": [{"task_id": "TA"}, {"task_id": "TB"}]},
    "task": {"task": {"id": "TB"}},
}


def two_ids(more: dict[str, Any]) -> dict[str, Any]:
    reply = accepted("TA")
    return reply | {"data": reply["data"] | more}


def details(env: dict[str, str]) -> list[tuple[Any, ...]]:
    with sqlite3.connect(f"{env['XDG_STATE_HOME']}/modellix/ledger.db") as db:
        rows = db.execute("SELECT state, task_id, detail FROM submissions").fetchall()
    db.close()
    return rows


# One reply, several tasks


@respx.mock
@pytest.mark.parametrize("more", OTHER.values(), ids=OTHER)
def test_a_reply_with_two_ids_keeps_and_tells_both(
    cli: Cli, env: dict[str, str], more: dict[str, Any]
) -> None:
    respx.post(ROUTE).respond(json=two_ids(more))
    result = cli(*RUN, "--json")
    assert (result.status, result.json) == (0, two_ids(more))
    assert "TA" in result.stderr
    assert "modellix-cli task get TB" in result.stderr
    assert details(env) == [("accepted", "TA", "The same reply also names task TB.")]


@respx.mock
@pytest.mark.parametrize(
    "more", [{"id": "row-7"}, {"request_id": "r-1"}, {"taskId": "TA"}, {"task": {"id": "TA"}}]
)
def test_a_reply_with_one_task_is_met_in_silence(cli: Cli, more: dict[str, Any]) -> None:
    respx.post(ROUTE).respond(json=two_ids(more))
    assert cli(*RUN, "--json").stderr == ""


@respx.mock
def test_a_failure_that_names_two_tasks_keeps_both_when_the_first_is_found(
    cli: Cli, env: dict[str, str]
) -> None:
    respx.post(ROUTE).respond(500, json=problem(500, "x") | {"task_id": "TA", "taskId": "TB"})
    respx.get(f"{API}/tasks/TA").respond(json=task_reply("TA", "pending"))
    result = cli(*RUN, "--json")
    assert result.status == 0
    assert "modellix-cli task get TB" in result.stderr
    assert details(env) == [("accepted", "TA", "The same reply also names task TB.")]


@respx.mock
def test_a_task_that_a_failure_named_is_one_of_this_run(cli: Cli) -> None:
    """Not one that was paid for before."""
    respx.post(ROUTE).respond(500, json=problem(500, "x") | {"task_id": "TA"})
    respx.get(f"{API}/tasks/TA").respond(json=task_reply("TA", "pending"))
    assert "reused" not in cli(*RUN, "--json").json
    assert cli(*RUN, "--json", "--resume").json["reused"] is True


@respx.mock
def test_a_failure_that_names_two_tasks_tells_both_when_none_is_found(
    cli: Cli, env: dict[str, str]
) -> None:
    respx.post(ROUTE).respond(500, json=problem(500, "x") | {"task_id": "TA", "taskId": "TB"})
    respx.get(f"{API}/tasks/TA").respond(404, json=problem(404, "Resource not found: task"))
    result = cli(*RUN, "--json", "--max-retry-wait", "1s")
    assert (result.status, result.json["error"]["taskId"]) == (8, "TA")
    assert result.json["error"]["otherTaskIds"] == ["TB"]
    ((state, task_id, detail),) = details(env)
    assert (state, task_id) == ("unknown", "TA")
    assert "task TB" in detail


def test_a_line_of_a_batch_says_which_other_tasks_its_reply_named(batch: Batches) -> None:
    batch.service.replies[2] = httpx.Response(200, json=two_ids({"taskId": "TB"}))
    result = batch("--json")
    assert result.status == 0
    assert [entry.get("otherTaskIds") for entry in result.json["tasks"]] == [
        *(None, ["TB"], None, None)
    ]
    assert "modellix-cli task get TB" in result.stderr
    shown = batch.cli("batch", "show", "1", "--json").json
    assert [entry["ok"] for entry in shown["tasks"]] == [True] * 4
    assert shown["tasks"][1]["otherTaskIds"] == ["TB"]


@pytest.mark.parametrize("waiting", [(), ("--wait",), ("--wait", "--output-dir", "out")])
def test_a_batch_that_is_resumed_says_so_again(batch: Batches, waiting: tuple[str, ...]) -> None:
    batch.service.replies[2] = httpx.Response(200, json=two_ids({"taskId": "TB"}))
    batch("--json")
    batch.service.tasks["TA"] = task_reply("TA", "success", "data:text/plain,hello")
    for _ in range(2):  # the second time everything is known to have ended
        result = batch("--resume", "--json", *waiting)
        assert result.json["tasks"][1]["otherTaskIds"] == ["TB"]
        assert "modellix-cli task get TB" in result.stderr


@respx.mock
def test_a_run_that_is_resumed_says_so_again(cli: Cli) -> None:
    respx.post(ROUTE).respond(json=two_ids({"taskId": "TB"}))
    cli(*RUN)
    assert "modellix-cli task get TB" in cli(*RUN, "--resume", "--json").stderr


@respx.mock
def test_an_unknown_outcome_names_both_tasks_again(cli: Cli) -> None:
    respx.post(ROUTE).respond(500, json=problem(500, "x") | {"task_id": "TA", "taskId": "TB"})
    respx.get(f"{API}/tasks/TA").respond(404, json=problem(404, "Resource not found: task"))
    for _ in range(2):
        result = cli(*RUN, "--json", "--max-retry-wait", "1s")
        assert (result.status, result.json["error"]["otherTaskIds"]) == (8, ["TB"])


# One task, several requests


@respx.mock
def test_a_task_that_is_that_of_an_earlier_run_is_told(cli: Cli) -> None:
    route = respx.post(ROUTE).respond(json=accepted("TA"))
    assert cli(*RUN, "--json").stderr == ""
    result = cli(*DOG, "--json")
    assert (result.status, result.json) == (0, accepted("TA"))
    assert "same task" in result.stderr
    assert "TA" in result.stderr
    assert "request 1 " in result.stderr
    assert "request 2" in result.stderr
    assert route.call_count == 2


def test_a_task_that_two_lines_got_is_a_fault_of_the_batch(batch: Batches) -> None:
    for line in (2, 4):
        batch.service.replies[line] = httpx.Response(200, json=accepted("TA"))
    result = batch("--json")
    assert (result.status, result.json["ok"]) == (1, False)
    (fault,) = result.json["faults"]
    assert (fault["code"], fault["taskId"]) == ("TASK_REPEATED", "TA")
    assert "line 2 and line 4" in fault["message"]
    assert [entry["taskId"] for entry in result.json["tasks"]] == ["task-1", "TA", "task-3", "TA"]
    assert fault["message"] in result.stderr
    assert batch.service.posts == [1, 2, 3, 4]


def test_a_task_that_all_lines_got_is_one_fault(batch: Batches) -> None:
    for line in (1, 2, 3, 4):
        batch.service.replies[line] = httpx.Response(200, json=accepted("TA"))
    (fault,) = batch("--json").json["faults"]
    assert all(f"line {line}" in fault["message"] for line in (1, 2, 3, 4))


def test_a_task_that_an_earlier_batch_got_names_that_batch(batch: Batches) -> None:
    batch()
    batch.write(5)
    batch.service.replies[5] = httpx.Response(200, json=accepted("task-3"))
    (fault,) = batch("--json").json["faults"]
    assert "line 3 of batch 1 and line 1" in fault["message"]
