"""`task show`: all that is known here of one task."""

import json
from pathlib import Path
from typing import Any

import pytest
import respx

from tests.conftest import Cli
from tests.support import API, KEY, FakeClock, accepted, at_terminal, problem, task_reply

SHOW = ("task", "show")
BODY = '{"prompt": "a fox", "seed": 12345678901234567890}'
RUN = ("model", "run", "a/b", "--body", BODY)


def made(cli: Cli, *options: str) -> Any:
    run = ("model", "run", "sandbox/image", "--body", BODY, "--sandbox", "--wait", "--json")
    result = cli(*run, "--output-dir", "out", *options)
    assert result.status == 0, result.stderr
    return result.json


def shown(cli: Cli, *arguments: str) -> Any:
    result = cli(*SHOW, *arguments, "--json")
    assert result.status == 0, result.stderr
    return result.json


def test_json_has_everything(cli: Cli, work: Path) -> None:
    run = made(cli, "--tag", "spring", "--request-key", "k-1")
    task_id = run["data"]["task_id"]
    found = shown(cli, task_id)  # the sandbox's, without --sandbox
    (file,) = found.pop("files")
    assert (file["path"], file["state"]) == (run["files"][0]["path"], "there")
    assert file.keys() == {"path", "bytes", "sha256", "type", "position", "state"}
    assert [attempt["state"] for attempt in found.pop("attempts")] == ["accepted"]
    words = ["modellix-cli", "task", "rerun", task_id, "--wait", "--output-dir", ".", "--sandbox"]
    assert (found.pop("again"), found.pop("againArgv")) == (" ".join(words), words)
    for name in ("createdAt", "updatedAt", "endedAt", "savedAt", "expiresAt"):
        assert found.pop(name).startswith("2027-01-")
    assert found.pop("seconds") > 0
    assert found == {
        "type": "submission",
        "taskId": task_id,
        "baseUrl": "https://api.sandbox.invalid",
        "modelSlug": "sandbox/image",
        "profile": "default",
        "status": "success",
        "billedUsd": 0.01,
        "request": 1,
        "requestKey": "k-1",
        "tag": "spring",
        "state": "accepted",
        "prompt": "a fox",
        "parameters": {"prompt": "a fox", "seed": 12345678901234567890},
        "ok": True,
    }


def test_people_get_facts_and_quiet_is_the_id(cli: Cli, env: dict[str, str], work: Path) -> None:
    run = made(cli, "--tag", "spring")
    task_id, path = run["data"]["task_id"], run["files"][0]["path"]
    text = "\n".join(at_terminal(env, work, *SHOW, task_id, columns=200))
    for line in (
        f"Task:        {task_id}",
        "Model:       sandbox/image",
        "Status:      success",
        "Prompt:      a fox",
        "Cost:        $0.01",
        "Request:     1",
        "Tag:         spring",
        f"Files:       {path} (",
        f"Make again:  modellix-cli task rerun {task_id}",
    ):
        assert line in text
    assert "Attempts" not in text
    assert cli(*SHOW, "@last", "--sandbox", "-q").stdout == f"{task_id}\n"


@pytest.mark.parametrize(("change", "state"), [("gone", "missing"), ("other", "changed")])
def test_a_file_that_is_not_as_it_was_is_marked(cli: Cli, change: str, state: str) -> None:
    run = made(cli)
    path = Path(run["files"][0]["path"])
    path.unlink() if change == "gone" else path.write_text("x")
    assert shown(cli, run["data"]["task_id"])["files"][0]["state"] == state
    assert f", {state})" in cli(*SHOW, run["data"]["task_id"]).stdout


@respx.mock
def test_a_refused_request_is_shown_by_its_number(cli: Cli) -> None:
    respx.post(f"{API}/a/b/async").respond(400, json=problem(400, "Invalid parameters: too red"))
    cli(*RUN)
    found = shown(cli, "1")
    assert (found["request"], found["status"], found["prompt"]) == (1, "rejected", "a fox")
    assert "too red" in found["message"]
    assert "taskId" not in found
    assert found["againArgv"][:4] == ["modellix-cli", "task", "rerun", "1"]
    assert cli(*SHOW, "1", "-q").stdout == "1\n"
    assert "too red" in cli(*SHOW, "1").stdout


@respx.mock
def test_one_of_unknown_outcome_is_shown_with_how_to_settle_it(cli: Cli) -> None:
    respx.post(f"{API}/a/b/async").respond(502)
    assert cli(*RUN).status == 8
    told = cli(*SHOW, "1").stdout
    way = "To settle:   modellix-cli task resolve 1 --task-id ID, or --not-created"
    assert (way in told, "Make again" in told) == (True, False)
    assert "again" not in shown(cli, "1")


@respx.mock
def test_a_request_that_was_sent_again_has_all_its_attempts(cli: Cli, clock: FakeClock) -> None:
    respx.post(f"{API}/a/b/async").respond(502)
    assert cli(*RUN).status == 8
    clock.sleep(60)
    respx.post(f"{API}/a/b/async").respond(json=accepted("t-1"))
    cli(*RUN, "--resend-unknown")
    for name in ("t-1", "1", "2"):
        attempts = shown(cli, name)["attempts"]
        assert [(one["request"], one["state"]) for one in attempts] == [
            (1, "unknown"),
            (2, "accepted"),
        ]
    lines = cli(*SHOW, "t-1").stdout.splitlines()
    first = next(place for place, line in enumerate(lines) if line.startswith("Attempts:"))
    assert "1, 2027-01-15 08:00" in lines[first]
    assert lines[first + 1].strip().startswith("2, 2027-01-15 08:01")


@respx.mock
def test_other_runs_of_the_same_request_are_named(cli: Cli) -> None:
    for task_id in ("t-1", "t-2"):
        respx.post(f"{API}/a/b/async").respond(json=accepted(task_id))
        cli(*RUN)
    assert shown(cli, "t-1")["sameRequestTaskIds"] == ["t-2"]
    assert "Same as:     t-1" in cli(*SHOW, "t-2").stdout


@respx.mock
def test_a_task_of_elsewhere_has_what_was_seen(cli: Cli) -> None:
    respx.get(f"{API}/tasks/t-9").respond(json=task_reply("t-9"))
    cli("task", "get", "t-9")
    found = shown(cli, "t-9")
    assert (found["type"], found["status"], found["files"]) == ("task", "success", [])
    assert "again" not in found


@respx.mock
def test_the_beginning_of_a_requests_id_will_do(cli: Cli) -> None:
    respx.post(f"{API}/a/b/async").respond(json=accepted("t-1"))
    cli(*RUN)
    uuid = shown(cli, "t-1")["attempts"][0]["id"]
    assert shown(cli, uuid[:8])["taskId"] == "t-1"


@respx.mock
def test_an_id_of_digits_is_a_task_first(cli: Cli) -> None:
    respx.post(f"{API}/a/b/async").respond(json=accepted("t-1"))
    cli(*RUN)
    respx.get(f"{API}/tasks/1").respond(json=task_reply("1"))
    cli("task", "get", "1")
    assert shown(cli, "1")["taskId"] == "1"


def test_what_is_not_known_is_exit_5_and_names_task_get(cli: Cli) -> None:
    result = cli(*SHOW, "task-x", "--json")
    assert (result.status, result.json["error"]["code"]) == (5, "NOT_FOUND")
    assert "modellix-cli task get task-x" in result.json["error"]["hint"]
    assert cli(*SHOW, "a b").status == 2
    assert cli(*SHOW, "@last").status == 2


@respx.mock
def test_no_key_and_no_control_character_is_shown(cli: Cli) -> None:
    task_id = f"t-{KEY}"
    respx.post(f"{API}/a/b/async").respond(json=accepted(task_id))
    body = json.dumps({"prompt": f"\x1b[2J{KEY}", "webhook": f"https://x.com/?key={KEY}"})
    cli("model", "run", "a/b", "--body", body, "--webhook", f"https://example.com/?token={KEY}")
    for mode in ((), ("--json",), ("-q",)):
        result = cli(*SHOW, "1", *mode)
        assert result.status == 0
        assert KEY not in result.stdout + result.stderr
        assert "\x1b" not in result.stdout
