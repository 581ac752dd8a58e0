"""`task get`, `task wait`, `task download`."""

from pathlib import Path
from unicodedata import normalize
from urllib.parse import quote

import httpx
import pytest
import respx

from tests.conftest import Cli
from tests.support import API, FakeClock, accepted, problem, task_reply

URL = "https://cdn.example.com/a.png?sig=1"
DATA_URL = "data:image/gif;base64,R0lGODlhAQABAAAAACw="


def tasks(**replies: dict[str, object] | httpx.Response) -> None:
    for task_id, reply in replies.items():
        answer = reply if isinstance(reply, httpx.Response) else httpx.Response(200, json=reply)
        respx.get(f"{API}/tasks/{task_id.replace('_', '-')}").mock(return_value=answer)


def finished(task_id: str) -> dict[str, object]:
    return task_reply(task_id, "success", URL)


MISSING = httpx.Response(404, json=problem(404, "Resource not found: task"))


@respx.mock
@pytest.mark.parametrize("status", ["success", "failed", "pending", "teleporting"])
def test_get_exits_0_whatever_the_status(cli: Cli, status: str) -> None:
    tasks(ok_1=task_reply("ok-1", status))
    result = cli("task", "get", "ok-1")
    assert result.status == 0
    assert result.json == task_reply("ok-1", status)


@respx.mock
def test_get_in_words_and_in_quiet(cli: Cli) -> None:
    tasks(ok_1=finished("ok-1"))
    words = cli("task", "get", "ok-1", "--output", "human").stdout
    assert words == (f"Task:    ok-1\nModel:   m\nStatus:  success\nResult:  {URL}  (image)\n")
    assert cli("task", "get", "ok-1", "-q").stdout == f"{URL}\n"


@respx.mock
def test_get_tells_how_long_results_are_kept(cli: Cli, clock: FakeClock) -> None:
    clock.time = 1_800_000_000.0
    extensions = {"end_time": "2027-01-15T07:00:00Z"}
    reply = finished("ok-1")
    reply["data"]["result"]["extensions"] = extensions  # type: ignore[index]
    tasks(ok_1=reply)
    stderr = cli("task", "get", "ok-1").stderr
    assert "(for 7 days)" in stderr
    assert "modellix-cli task download ok-1" in stderr
    clock.time += 7 * 86400
    assert "expired" in cli("task", "get", "ok-1").stderr


@respx.mock
def test_text_results_are_shown(cli: Cli) -> None:
    result = {"resources": [{"type": "text", "text": "line one\nline two"}]}
    tasks(ok_1=task_reply("ok-1", "success", result=result))
    assert cli("task", "get", "ok-1", "-q").stdout == "line one\nline two\n"
    assert "line one line two" in cli("task", "get", "ok-1", "--output", "human").stdout


@respx.mock
def test_the_last_task_can_be_named_without_its_id(cli: Cli) -> None:
    tasks(ok_1=finished("ok-1"))
    assert cli("task", "get", "@last").status == 2
    cli("task", "get", "ok-1")
    assert cli("task", "get", "@last").json == finished("ok-1")


@respx.mock
def test_a_missing_task_is_exit_5(cli: Cli) -> None:
    tasks(nope=MISSING)
    result = cli("task", "get", "nope", "--json")
    assert result.status == 5
    assert result.json["error"]["status"] == 404
    assert result.stderr == ""


@respx.mock
@pytest.mark.parametrize("status", [401, 403])
@pytest.mark.parametrize("line", ["task get t1", "model list", "model run a/b --body {}"])
def test_the_page_of_a_gateway_is_not_taken_for_a_refused_key(
    cli: Cli, status: int, line: str
) -> None:
    respx.route().respond(status, html="<html>denied</html>")
    result = cli(*line.split())
    assert "not Modellix's own answer" in result.stderr
    assert "Set it to a valid key" not in result.stderr
    assert result.status == cli(*line.split(), "--json").json["error"]["exitCode"] != 0


@respx.mock
def test_a_key_that_modellix_refuses_is_to_be_replaced(cli: Cli) -> None:
    body = {"code": 401, "message": "Authentication failed: invalid key"}
    respx.route().respond(401, json=body)
    assert "Set it to a valid key" in cli("task", "get", "t1").stderr


@respx.mock
def test_waiting_for_one_task_shows_its_reply(cli: Cli) -> None:
    tasks(ok_1=finished("ok-1"))
    entry = {"taskId": "ok-1", "status": "success", "files": []}
    assert cli("task", "wait", "ok-1").json == finished("ok-1") | {"tasks": [entry]}


@respx.mock
def test_the_tasks_of_a_wait_say_what_they_cost(cli: Cli) -> None:
    tasks(a=task_reply("a", billing={"amount": 0.03}), b=task_reply("b"))
    one, both = cli("task", "wait", "a").json, cli("task", "wait", "a", "b").json
    assert one["tasks"] == [{"taskId": "a", "status": "success", "files": [], "billedUsd": 0.03}]
    assert [entry.get("billedUsd") for entry in both["tasks"]] == [0.03, None]


@respx.mock
def test_waiting_for_several_shows_them_in_the_order_asked(cli: Cli) -> None:
    tasks(ok_1=finished("ok-1"), ok_2=finished("ok-2"))
    result = cli("task", "wait", "ok-2", "ok-1", "ok-2")
    assert result.status == 0
    assert result.json == {
        "tasks": [
            {"response": finished(i), "taskId": i, "status": "success", "files": []}
            for i in ("ok-2", "ok-1")
        ]
    }
    assert cli("task", "wait", "ok-1", "ok-2", "-q").stdout == f"{URL}\n{URL}\n"


@respx.mock
def test_a_failed_task_exits_1_and_says_why(cli: Cli) -> None:
    tasks(ok_1=finished("ok-1"), bad_2=task_reply("bad-2", "failed", error="too dark"))
    result = cli("task", "wait", "ok-1", "bad-2", "--output", "human")
    assert result.status == 1
    assert result.stdout == f"ok-1  success\n  {URL}\nbad-2  failed\n"
    assert "bad-2 failed: too dark" in result.stderr


@respx.mock
def test_one_bad_id_neither_stops_nor_hides_the_others(cli: Cli) -> None:
    tasks(ok_1=finished("ok-1"), nope=MISSING, ok_2=finished("ok-2"))
    result = cli("task", "wait", "ok-1", "nope", "ok-2", "--json")
    assert result.status == 5
    entries = result.json["tasks"]
    assert [entry["taskId"] for entry in entries] == ["ok-1", "nope", "ok-2"]
    assert entries[1]["error"]["code"] == "NOT_FOUND"
    assert "Resource not found: task" in result.stderr


@respx.mock
def test_a_time_out_shows_what_is_known_and_how_to_resume(cli: Cli) -> None:
    tasks(ok_1=finished("ok-1"), pend_2=task_reply("pend-2", "processing"))
    result = cli("task", "wait", "ok-1", "pend-2", "--timeout", "1", "--interval", "300ms")
    assert result.status == 124
    shown = result.json
    assert shown["completed"] == [
        {"response": finished("ok-1"), "status": "success", "taskId": "ok-1"}
    ]
    assert shown["unfinishedTaskIds"] == ["pend-2"]
    assert shown["tasks"] == [
        {"taskId": "ok-1", "status": "success", "files": []},
        {"taskId": "pend-2", "status": "processing", "files": []},
    ]
    assert shown["error"]["code"] == "TASK_WAIT_TIMEOUT"
    assert shown["error"]["exitCode"] == 124
    assert "Resume with: modellix-cli task wait pend-2" in result.stderr


@respx.mock
def test_a_time_out_that_nobody_set_says_what_it_was(cli: Cli, clock: FakeClock) -> None:
    tasks(pend_2=task_reply("pend-2", "processing"))
    began = clock.now()
    message = cli("task", "wait", "pend-2", "--json").json["error"]["message"]
    assert message.startswith("Timed out after 5m (the default; choose another with --timeout)")
    assert 300 <= clock.now() - began <= 302


@respx.mock
def test_a_time_out_names_the_trouble_that_was_met(cli: Cli) -> None:
    tasks(pend_2=httpx.Response(500, json=problem(500, "Internal error: the database is away")))
    result = cli("task", "wait", "pend-2", "--timeout", "20s")
    assert result.status == 124
    assert "the database is away" in result.stderr


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (("task", "wait"), "TASKID"),
        (("task", "get", "bad id"), "unsupported characters"),
        (("task", "get", ""), "empty"),
        (("task", "get", "x" * 513), "512"),
        (("task", "get", "a", "b"), "b"),
        (("task", "wait", "a", "--timeout", "8d"), "168h"),
        (("task", "wait", "a", "--interval", "2h"), "1h"),
        (("task", "wait", "a", "--concurrency", "21"), "concurrency"),
        (("task", "download", "a", "--timeout", "25h"), "24h"),
        (("task", "download", "a", "--max-resources", "0"), "max-resources"),
        (("task", "download", "a", "--parallel", "0"), "parallel"),
        (("task", "download", "a", "--parallel", "17"), "parallel"),
        (("task", "download"), "TASKID"),
        (("task", "download", "a", "--pending"), "--pending"),
        (("task", "download", "a", "--output-dir", ""), "path"),
        (("task", "wait", *map(str, range(1001))), "1000"),
    ],
)
def test_a_wrong_command_line_is_exit_2_before_anything_is_sent(
    cli: Cli, arguments: tuple[str, ...], word: str
) -> None:
    with respx.mock:
        result = cli(*arguments)
    assert result.status == 2
    assert result.stdout == ""
    assert word in result.stderr


@respx.mock
def test_download_saves_and_lists(cli: Cli, work: Path) -> None:
    tasks(ok_1=task_reply("ok-1", "success", DATA_URL))
    path = work / "out" / "resource-1.gif"
    result = cli("task", "download", "ok-1", "--output-dir", "out", "--json")
    assert result.status == 0
    assert result.json == {
        "files": [{"bytes": path.stat().st_size, "path": str(path), "type": "image"}],
        "ok": True,
        "outputDirectory": str(work / "out"),
        "taskId": "ok-1",
    }
    words = cli("task", "download", "ok-1", "--output-dir", "out")
    second = path.with_name("resource-1-2.gif")
    assert words.stdout == f"Downloaded 1 resource to {work / 'out'}:\n{second}\n"


@respx.mock
def test_an_unsafe_url_is_refused_with_exit_2(cli: Cli) -> None:
    tasks(ok_1=task_reply("ok-1", "success", "http://127.0.0.1:1/a.png"))
    result = cli("task", "download", "ok-1")
    assert result.status == 2
    assert "--allow-insecure-http" in result.stderr


@respx.mock
def test_what_was_saved_is_reported_beside_what_failed(cli: Cli, work: Path) -> None:
    tasks(ok_1=task_reply("ok-1", "success", DATA_URL, "https://10.0.0.1/b.png"))
    result = cli("task", "download", "ok-1", "--json")
    assert result.status == 2
    assert [file["path"] for file in result.json["files"]] == [str(work / "resource-1.gif")]
    assert result.json["ok"] is False
    assert result.json["error"]["code"] == "RESOURCE_REFUSED"
    assert "10.0.0.1" in result.stderr


@respx.mock
@pytest.mark.parametrize(
    ("reply", "words"),
    [
        (task_reply("ok-1", "processing"), "not complete (current status: processing)"),
        (task_reply("ok-1", "success"), "does not contain downloadable resources"),
        (task_reply("ok-1", "failed", error="too dark"), "failed: too dark"),
    ],
)
def test_a_task_without_a_result_cannot_be_saved(
    cli: Cli, work: Path, reply: dict[str, object], words: str
) -> None:
    tasks(ok_1=reply)
    result = cli("task", "download", "ok-1", "--output-dir", "out")
    assert result.status == 1
    assert words in result.stderr
    assert not (work / "out").exists()


@respx.mock
def test_a_connection_that_is_never_made_says_how_often_it_was_tried(cli: Cli) -> None:
    respx.get(f"{API}/tasks/t-1").mock(side_effect=httpx.ConnectError("no route"))
    error = cli("task", "get", "t-1", "--json").json["error"]
    assert error["code"] == "NETWORK"
    assert "Tried 4 times" in error["message"]
    assert "charged" not in error


@respx.mock
def test_what_went_wrong_in_a_wait_stands_beside_the_result(cli: Cli) -> None:
    for name in ("bad-1", "bad-2"):
        answer = task_reply(name, "failed", error="too dark")
        respx.get(f"{API}/tasks/{name}").respond(json=answer)
    respx.get(f"{API}/tasks/nope").respond(404, json=problem(404, "Resource not found: task"))
    one = cli("task", "wait", "bad-1")
    assert (one.status, one.json["ok"], one.json["error"]["code"]) == (1, False, "TASK_FAILED")
    assert one.json["data"]["status"] == "failed"
    both = cli("task", "wait", "bad-1", "bad-2", "--json")
    assert [error["taskId"] for error in both.json["errors"]] == ["bad-1", "bad-2"]
    mixed = cli("task", "wait", "bad-1", "nope", "--json")
    assert mixed.json["error"]["exitCode"] == mixed.status
    assert [entry["taskId"] for entry in mixed.json["tasks"]] == ["bad-1", "nope"]


@respx.mock
def test_the_history_has_the_final_status_of_a_wait_in_lower_case(cli: Cli) -> None:
    tasks(ok_1=task_reply("ok-1", "SUCCESS", URL))
    cli("task", "wait", "ok-1")
    assert cli("task", "history", "--json").json["entries"][0]["status"] == "success"


@respx.mock
def test_what_is_saved_here_is_not_to_be_saved(cli: Cli) -> None:
    reply = task_reply("ok-1", "success", DATA_URL)
    respx.get(f"{API}/tasks/ok-1").respond(json=reply)
    assert "Save them with" in cli("task", "wait", "ok-1").stderr
    cli("task", "download", "ok-1", "--output-dir", "out")
    assert "Save them with" not in cli("task", "wait", "ok-1").stderr


# Ids beyond ASCII


@respx.mock
@pytest.mark.parametrize("task_id", ["猫-1", "tâche_7", "ta\u0302che_7", "مهمة٤"])
def test_an_id_beyond_ascii_is_followed_and_saved_as_any_other(
    cli: Cli, work: Path, task_id: str
) -> None:
    respx.post(f"{API}/a/b/async").respond(json=accepted(task_id))
    polled = respx.get(f"{API}/tasks/{quote(task_id, safe='')}")
    polled.respond(json=task_reply(task_id, "success", "data:text/plain;base64,Y2F0"))
    assert cli("model", "run", "a/b", "--body", "{}").json["data"]["task_id"] == task_id
    for line in (("task", "get"), ("task", "wait"), ("task", "show")):
        assert cli(*line, task_id).status == cli(*line, "@last").status == 0, line
    named = ("--name-template", "{task_id}.{ext}", "--output-dir", ".")
    assert cli("task", "download", task_id, *named).status == 0
    (saved,) = work.glob("*.txt")
    assert saved.stem == normalize("NFKC", task_id)
    assert cli("task", "history", "--json").json["entries"][0]["taskId"] == task_id
    asked: dict[str, str | None] = {"COMP_WORDS": "modellix-cli\ntask\nget\n", "COMP_CWORD": "3"}
    offered = cli(env=asked | {"_MODELLIX_CLI_COMPLETE": "complete_bash"}).stdout
    assert task_id in offered.split("\n")
