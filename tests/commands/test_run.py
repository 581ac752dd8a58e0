"""`model run`, also `model invoke`: what is sent, shown and promised."""

import json
import re
import sqlite3
from pathlib import Path

import httpx
import pytest
import respx

from tests.conftest import Cli
from tests.support import API, KEY, FakeClock, accepted, problem, task_reply

ROUTE = f"{API}/a/b/async"
TASK = f"{API}/tasks/task-1"
BODY = '{"prompt": "a cat"}'
RUN = ("model", "run", "--model-slug", "a/b", "--body", BODY)
URL = "https://cdn.example.com/a.png?sig=1"


def submitting(*polls: dict[str, object]) -> None:
    respx.post(ROUTE).respond(json=accepted("task-1"))
    respx.get(TASK).mock(side_effect=[httpx.Response(200, json=poll) for poll in polls])


@respx.mock
@pytest.mark.parametrize("verb", ["run", "invoke"])
@pytest.mark.parametrize("slug", [("a/b",), ("--model-slug", "a/b"), ("--model-slug=a/b",)])
def test_run_and_invoke_are_one_command_and_the_slug_may_be_an_argument(
    cli: Cli, verb: str, slug: tuple[str, ...]
) -> None:
    submitting()
    result = cli("model", verb, *slug, "--body", BODY)
    assert result.status == 0
    assert result.json == accepted("task-1")
    assert result.stderr == ""


@respx.mock
@pytest.mark.parametrize(
    ("mode", "stdout"),
    [
        (("--output", "human"), "Task:    task-1\nModel:   a/b\nStatus:  pending\n"),
        (("-q",), "task-1\n"),
        (("--output", "quiet"), "task-1\n"),
        (("--output=task-id",), "task-1\n"),
    ],
)
def test_the_short_forms_of_a_submission(cli: Cli, mode: tuple[str, ...], stdout: str) -> None:
    submitting()
    assert cli(*RUN, *mode).stdout == stdout


@respx.mock
@pytest.mark.parametrize(
    ("mode", "stdout"),
    [
        (
            ("--output", "human"),
            f"Task:    task-1\nModel:   a/b\nStatus:  success\nResult:  {URL}  (image)\n",
        ),
        (("-q",), f"{URL}\n"),
        (("--output", "task-id"), "task-1\n"),
    ],
)
def test_the_short_forms_of_a_finished_task(cli: Cli, mode: tuple[str, ...], stdout: str) -> None:
    submitting(task_reply("task-1", "success", URL))
    assert cli(*RUN, "--wait", *mode).stdout == stdout


@respx.mock
def test_waiting_shows_the_final_reply_as_sent(cli: Cli) -> None:
    final = task_reply("task-1", "success", URL)
    submitting(task_reply("task-1", "pending"), task_reply("task-1", "processing"), final)
    result = cli(*RUN, "--wait")
    assert result.status == 0
    assert result.json == final


@respx.mock
def test_the_body_leaves_as_the_bytes_given(cli: Cli, work: Path) -> None:
    odd = b'{"seed":12345678901234567890,"b":1.0,"a":1,"a":2,"t":"\xc3\xa9"}'
    (work / "body.json").write_bytes(b"\xef\xbb\xbf  \n" + odd + b"\r\n")
    route = respx.post(ROUTE).respond(json=accepted("task-1"))
    cli("model", "run", "a/b", "--body-file", str(work / "body.json"))
    cli("model", "run", "a/b", "--body-file", "-", stdin=odd)
    assert [call.request.content for call in route.calls] == [odd, odd]


@respx.mock
def test_numbers_of_a_reply_are_shown_as_sent(cli: Cli) -> None:
    respx.post(ROUTE).respond(
        content=b'{"code":0,"data":{"task_id":"task-1","cost":1.0,"id":12345678901234567890.50}}'
    )
    assert '"cost": 1.0,\n    "id": 12345678901234567890.50\n' in cli(*RUN).stdout


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--body", '{"a":'), ("line 1, column 6", "--body")),
        (("--body", "[1]"), ("must be an object, not an array",)),
        (("--body", ""), ("empty",)),
        (("--body", "'{a:1}'"), ("cmd.exe",)),
        (("--body", "{prompt:cat}"), ("PowerShell",)),
        ((), ("Missing request body", "--body")),
        (("--body", "{}", "--body-file", "x"), ("Both --body and --body-file",)),
        (("--body-file", "nowhere.json"), ("nowhere.json", "No such file")),
        (("--body-file", "."), ("directory",)),
        (("--body", "{}", "--max-body-bytes", "1"), ("1-byte limit",)),
        (("--body", "{}", "--timeout", "soon"), ("--timeout", "1h30m")),
        (("--body", "{}", "--interval", "0"), ("--interval", "greater than zero")),
        (("--body", "{}", "--output", "xml"), ("--output=xml", "task-id")),
        (("--body", "{}", "--output-dir", "x", "--no-wait"), ("--output-dir", "--wait")),
        (("--body", "{}", "--body", "{}"), ("--body", "once")),
        (("--body", "{}", "--bogus"), ("--bogus",)),
        (("--body", "{}", "extra"), ("once",)),
    ],
)
def test_a_wrong_request_ends_before_anything_is_sent(
    cli: Cli, arguments: tuple[str, ...], words: tuple[str, ...]
) -> None:
    with respx.mock:
        result = cli("model", "run", "--model-slug", "a/b", *arguments)
    assert result.status == 2
    assert result.stdout == ""
    assert all(word in result.stderr for word in words)


@pytest.mark.parametrize("slug", ["", "a", "a/", "/b", "a/b/c", "a/\x1bb", "../b", "a" * 300])
def test_a_bad_slug_ends_before_anything_is_sent(cli: Cli, slug: str) -> None:
    with respx.mock:
        result = cli("model", "run", "--model-slug", slug, "--body", BODY)
    assert result.status == 2
    assert result.stdout == ""
    assert "\x1b" not in result.stderr


def test_no_key_is_exit_3_and_says_where_keys_come_from(cli: Cli) -> None:
    with respx.mock:
        result = cli(*RUN, env={"MODELLIX_API_KEY": None})
    assert result.status == 3
    assert "MODELLIX_API_KEY" in result.stderr
    assert "--sandbox" in result.stderr


@respx.mock
@pytest.mark.parametrize(
    ("status", "exit_status", "advice"),
    [
        (400, 2, "Fix what the server names"),
        (401, 3, "MODELLIX_API_KEY"),
        (402, 4, "recharge"),
        (404, 5, "Check the"),
    ],
)
def test_a_refusal_has_its_exit_status_the_detail_and_advice(
    cli: Cli, status: int, exit_status: int, advice: str
) -> None:
    respx.post(ROUTE).respond(status, json=problem(status, "Category: the very detail"))
    result = cli(*RUN)
    assert result.status == exit_status
    assert "the very detail" in result.stderr
    assert advice in result.stderr
    assert result.stdout == ""


@respx.mock
def test_an_unknown_outcome_is_exit_8_with_one_post(cli: Cli) -> None:
    route = respx.post(ROUTE).respond(502, html="<h1>Bad Gateway</h1>")
    result = cli(*RUN, "--json")
    assert result.status == 8
    error = result.json["error"]
    assert (error["code"], error["charged"], error["retryable"]) == (
        "SUBMISSION_UNKNOWN",
        "unknown",
        False,
    )
    assert "outcome is unknown" in error["message"]
    assert "modellix-cli task resolve 1 --not-created" in error["hint"]
    assert "--resend-unknown" in error["hint"]
    assert route.call_count == 1


@respx.mock
def test_a_request_of_unknown_outcome_is_not_sent_again_unless_asked(cli: Cli) -> None:
    route = respx.post(ROUTE).respond(502)
    cli(*RUN)
    respx.post(ROUTE).respond(json=accepted("task-1"))
    error = cli(*RUN, "--json").json["error"]
    assert (error["exitCode"], error["charged"], route.call_count) == (8, "no", 1)
    assert "2027-01-15 08:00" in error["message"]
    assert cli(*RUN, "--resend-unknown").status == 0
    assert route.call_count == 2


@respx.mock
def test_an_unknown_outcome_whose_task_is_found_is_accepted(cli: Cli) -> None:
    respx.post(ROUTE).respond(500, json={"code": 500, "message": "x", "task_id": "task-1"})
    respx.get(TASK).respond(json=task_reply("task-1", "processing"))
    result = cli(*RUN, "-q")
    assert (result.status, result.stdout) == (0, "task-1\n")


@respx.mock
def test_an_accepted_request_is_sent_again_but_with_resume_its_task_is_given(cli: Cli) -> None:
    route = respx.post(ROUTE).mock(
        side_effect=[httpx.Response(200, json=accepted(f"task-{n}")) for n in (1, 2)]
    )
    assert [cli(*RUN, "-q").stdout for _ in range(2)] == ["task-1\n", "task-2\n"]
    assert cli(*RUN, "--resume", "-q").stdout == "task-2\n"
    assert route.call_count == 2


@respx.mock
def test_a_request_key_is_paid_for_once(cli: Cli) -> None:
    route = respx.post(ROUTE).respond(json=accepted("task-1"))
    keyed = (*RUN, "--request-key", "k1")
    assert [cli(*keyed, "-q").stdout for _ in range(2)] == ["task-1\n"] * 2
    assert route.call_count == 1
    other = cli("model", "run", "a/b", "--body", "{}", "--request-key", "k1", "--json")
    assert (other.status, other.json["error"]["code"]) == (2, "REQUEST_KEY_REUSED")


@respx.mock
@pytest.mark.parametrize("how", ["--request-key=k1", "--resume"])
def test_a_task_that_failed_is_met_again_as_failed(cli: Cli, how: str) -> None:
    failed = task_reply("task-1", "failed", error="too dark")
    submitting(*[failed] * 9)
    assert cli(*RUN, how, "--wait").status == 1
    waited, again = cli(*RUN, how, "--wait", "--json"), cli(*RUN, how, "--json")
    assert (again.status, again.json) == (1, waited.json)
    assert again.json == failed | {"reused": True, "ok": False, "error": again.json["error"]}
    assert again.json["error"]["code"] == "TASK_FAILED"
    assert "too dark" in again.json["error"]["message"]
    assert "Already paid: task task-1" in cli(*RUN, how).stderr


@respx.mock
def test_a_task_that_failed_is_met_again_without_network_too(cli: Cli) -> None:
    keyed = (*RUN, "--request-key", "k1")
    submitting(task_reply("task-1", "failed", error="too dark"))
    assert cli(*keyed, "--wait").status == 1
    respx.get(TASK).mock(side_effect=httpx.ConnectError("down"))
    again = cli(*keyed, "--json")
    assert (again.status, again.json["data"]["status"]) == (1, "failed")
    assert "the reason could not be asked for" in again.json["error"]["message"]
    assert cli(*keyed, "--quiet").status == 1


@respx.mock
def test_a_request_key_that_was_paid_for_says_so(cli: Cli) -> None:
    finished = task_reply("task-1", "success", URL)
    submitting(finished, finished)
    keyed = (*RUN, "--request-key", "k1")
    assert "reused" not in cli(*keyed, "--json").json
    again = cli(*keyed)
    assert again.json["reused"] is True
    assert again.json["data"]["task_id"] == "task-1"
    assert "Already paid: task task-1 was submitted at 2027-01-15" in again.stderr
    assert "for the same request key; nothing was sent." in again.stderr
    assert cli(*keyed, "--wait", "--json").json == finished | {"reused": True}
    assert cli(*keyed, "--json").stderr == ""
    assert cli(*keyed, "-q").stderr == ""


@respx.mock
def test_a_resume_says_that_the_request_was_paid_for(cli: Cli) -> None:
    submitting(task_reply("task-1", "success", URL))
    cli(*RUN)
    again = cli(*RUN, "--resume")
    assert "for the same request; nothing was sent." in again.stderr


@respx.mock
def test_a_folder_for_results_is_waited_for(cli: Cli, work: Path) -> None:
    data = "data:image/png;base64,iVBORw0KGgo="
    submitting(task_reply("task-1", "success", data))
    assert cli(*RUN, "--output-dir", "out").status == 0
    assert [file.suffix for file in (work / "out").iterdir()] == [".png"]
    refused = cli(*RUN, "--output-dir", "out", "--no-wait")
    assert (refused.status, "leave --no-wait out" in refused.stderr) == (2, True)


@respx.mock
def test_a_failed_task_under_a_request_key_names_the_way_on(cli: Cli) -> None:
    submitting(*[task_reply("task-1", "failed")] * 3)
    for _ in ("sent", "met again"):
        told = cli(*RUN, "--request-key", "k", "--wait")
        assert told.status == 1
        assert "to submit once more, give another one." in told.stderr


@respx.mock
def test_a_failed_task_exits_1_with_the_servers_reason(cli: Cli) -> None:
    failed = task_reply("task-1", "failed", error={"code": "policy", "message": "not allowed"})
    submitting(failed)
    result = cli(*RUN, "--wait")
    assert result.status == 1
    assert result.json == failed
    assert "not allowed (policy)" in result.stderr


@respx.mock
def test_a_time_out_exits_124_and_names_the_command_that_resumes(cli: Cli) -> None:
    respx.post(ROUTE).respond(json=accepted("task-1"))
    respx.get(TASK).respond(json=task_reply("task-1", "processing"))
    result = cli(*RUN, "--wait", "--timeout", "30s", "--json")
    assert result.status == 124
    error = result.json["error"]
    assert error["taskId"] == "task-1"
    assert error["resume"] == "modellix-cli task wait task-1"
    assert error["charged"] == "yes"
    assert "did not end within 30s" in error["message"]


@respx.mock
def test_a_wait_for_video_lasts_longer_by_default(cli: Cli, clock: FakeClock) -> None:
    respx.post(f"{API}/kling/kling-v3-t2v/async").respond(json=accepted("task-1"))
    respx.get(TASK).respond(json=task_reply("task-1", "processing"))
    began = clock.now()
    video = ("model", "run", "kling/kling-v3-t2v", "--body", "{}")
    message = cli(*video, "--wait", "--json").json["error"]["message"]
    assert "within 20m (the default for video; choose another with --timeout)" in message
    assert 1200 <= clock.now() - began <= 1202


@respx.mock
def test_a_poll_that_fails_for_good_names_the_task(cli: Cli) -> None:
    respx.post(ROUTE).respond(json=accepted("task-1"))
    respx.get(TASK).respond(404, json=problem(404, "Resource not found: task"))
    result = cli(*RUN, "--wait")
    assert result.status == 5
    assert "Task task-1 was submitted" in result.stderr
    assert "modellix-cli task wait task-1" in result.stderr


@respx.mock
def test_the_command_that_resumes_repeats_the_options_it_depends_on(cli: Cli) -> None:
    respx.post("http://127.0.0.1:9/api/v1/a/b/async").respond(json=accepted("task-1"))
    respx.get("http://127.0.0.1:9/api/v1/tasks/task-1").respond(404, json=problem(404, "x"))
    result = cli("--base-url", "http://127.0.0.1:9", *RUN, "--wait", "--profile", "work")
    wanted = "modellix-cli task wait task-1 --base-url http://127.0.0.1:9 --profile work"
    assert wanted in result.stderr


@respx.mock
def test_files_are_saved_and_listed(cli: Cli, work: Path) -> None:
    url = "data:image/gif;base64,R0lGODlhAQABAAAAACw="
    submitting(task_reply("task-1", "success", url))
    result = cli(*RUN, "--wait", "--output-dir", "out")
    path = work / "out" / "resource-1.gif"
    assert path.read_bytes().startswith(b"GIF8")
    assert result.json["files"] == [
        {"bytes": path.stat().st_size, "path": str(path), "type": "image"}
    ]


@respx.mock
def test_with_saving_quiet_prints_paths(cli: Cli, work: Path) -> None:
    submitting(task_reply("task-1", "success", "data:text/plain,hello"))
    result = cli(*RUN, "--wait", "--output-dir", "out", "-q")
    assert result.stdout == f"{work / 'out' / 'resource-1.txt'}\n"


def test_a_folder_that_cannot_be_used_is_found_out_before_paying(cli: Cli, work: Path) -> None:
    (work / "out").write_text("a file")
    with respx.mock:
        result = cli(*RUN, "--wait", "--output-dir", "out")
    assert result.status == 2
    assert "out" in result.stderr


@respx.mock
def test_the_key_appears_nowhere(cli: Cli, env: dict[str, str]) -> None:
    echo = problem(401, f"Authentication failed: key {KEY} is not valid")
    respx.post(ROUTE).respond(401, json=echo)
    result = cli(*RUN, "--debug", "--json")
    assert KEY not in result.stdout + result.stderr
    state = Path(env["XDG_STATE_HOME"]) / "modellix"
    assert not [file for file in state.iterdir() if KEY.encode() in file.read_bytes()]


@respx.mock
def test_request_lines_are_shown_when_asked_for(cli: Cli) -> None:
    submitting()
    debug = cli(*RUN, "--debug").stderr.splitlines()
    assert debug[0] == "[modellix:debug] request POST /api/v1/a/b/async attempt 1/1"
    assert debug[1].startswith("[modellix:debug] response 200 POST /api/v1/a/b/async after ")
    assert "[modellix:verbose]" in cli(*RUN, "-vq").stderr


@respx.mock
def test_the_ledger_knows_what_happened(cli: Cli, env: dict[str, str]) -> None:
    submitting(task_reply("task-1", "success", URL))
    cli(*RUN, "--wait")
    with sqlite3.connect(Path(env["XDG_STATE_HOME"]) / "modellix" / "ledger.db") as db:
        submissions = db.execute("SELECT state, slug, task_id FROM submissions").fetchall()
        tasks = db.execute("SELECT task_id, slug, status FROM tasks").fetchall()
    db.close()
    assert submissions == [("accepted", "a/b", "task-1")]
    assert tasks == [("task-1", "a/b", "success")]


@respx.mock
def test_a_limit_on_retry_waits_can_be_set(cli: Cli, clock: FakeClock) -> None:
    respx.post(ROUTE).respond(429, json=problem(429, "x"), headers={"Retry-After": "5"})
    assert cli(*RUN, "--max-retry-wait", "2s").status == 6
    assert sum(clock.slept) == 0


@respx.mock
def test_pauses_before_retries_are_told(cli: Cli) -> None:
    limited = problem(429, "Rate limit exceeded: slow down")
    busy = httpx.Response(429, json=limited, headers={"Retry-After": "5"})
    fine = httpx.Response(200, json=accepted("task-1"))
    other = httpx.Response(200, json=accepted("task-2"))
    respx.post(ROUTE).mock(side_effect=[busy, fine, busy, other])
    result = cli(*RUN, env={"MODELLIX_CLI_NO_PROGRESS": None})
    assert result.status == 0
    assert "Rate limit reached. Continuing in 5s." in result.stderr
    assert json.loads(result.stdout) == accepted("task-1")
    assert cli(*RUN).stderr == ""


@respx.mock
@pytest.mark.parametrize("reply", [
    httpx.ConnectError("no route"), httpx.Response(503, json=problem(503, "Unavailable: x")),
])  # fmt: skip
def test_a_service_that_is_away_is_tried_four_times(
    cli: Cli, clock: FakeClock, reply: httpx.Response | Exception
) -> None:
    route = respx.post(ROUTE).mock(side_effect=[reply] * 9)
    result = cli(*RUN, "--json")
    assert (result.status, route.call_count) == (7, 4)
    assert "Tried 4 times." in result.json["error"]["message"]
    assert 7 <= sum(clock.slept) < 9


@respx.mock
def test_limits_are_waited_for_as_long_as_max_retry_wait_says(cli: Cli, clock: FakeClock) -> None:
    busy = httpx.Response(429, json=problem(429, "Rate limit exceeded: slow down"))
    route = respx.post(ROUTE).mock(side_effect=[busy] * 99)
    assert cli(*RUN, "--max-retry-wait", "90s").status == 6
    assert route.call_count > 4
    assert 60 < sum(clock.slept) <= 100  # the last pause begins within it


@respx.mock
def test_full_slots_are_waited_for_as_long_as_max_retry_wait_says(
    cli: Cli, clock: FakeClock
) -> None:
    full = httpx.Response(429, json=problem(429, "Concurrent limit exceeded: too many tasks"))
    respx.post(ROUTE).mock(side_effect=[full] * 999)
    assert cli(*RUN, "--max-retry-wait", "20s").status == 6
    assert 10 < sum(clock.slept) <= 45  # for room that is known to be short, then for refusals


@respx.mock
@pytest.mark.parametrize("status", [400, 401, 429, 500])
def test_no_advice_after_paying_is_to_pay_again(cli: Cli, status: int) -> None:
    respx.post(ROUTE).respond(json=accepted("task-1"))
    respx.get(TASK).respond(status, json=problem(status, "Category: detail"))
    result = cli(*RUN, "--wait", "--timeout", "20s", "--json")
    error = result.json["error"]
    assert result.status not in (6, 7)
    assert error["retryable"] is False
    assert error["charged"] == "yes"
    assert error["resume"] == "modellix-cli task wait task-1"
    assert "nothing was charged" not in (error["hint"] + error["message"]).lower()
    assert "send again" not in error["hint"]


@respx.mock
def test_a_file_that_cannot_be_saved_after_paying_is_exit_9_and_named(cli: Cli) -> None:
    submitting(task_reply("task-1", "success", "data:image/png;base64,!"))
    result = cli(*RUN, "--wait", "--output-dir", "out", "--json")
    assert result.status == 9
    assert result.json["data"]["task_id"] == "task-1"
    assert result.json["ok"] is False
    assert result.json["error"]["charged"] == "yes"
    assert "task download task-1 --output-dir out" in result.json["error"]["resume"]


@respx.mock
def test_a_result_that_is_late_leaves_the_run_to_be_gone_on_with(
    cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("modellix_cli.downloads.hosts.is_private", lambda host: False)
    reply = task_reply("task-1", "success", "https://10.0.0.1/a.png")
    submitting(reply, reply)
    respx.get("https://10.0.0.1/a.png").respond(404)
    result = cli(*RUN, "--wait", "--output-dir", "out", "--json")
    assert (result.status, result.json["error"]["code"]) == (9, "DOWNLOAD_FAILED")
    assert "task download task-1 --output-dir out" in result.json["error"]["resume"]


@respx.mock
@pytest.mark.parametrize("command", [(*RUN, "--wait"), ("task", "download", "task-1")])
def test_a_defect_in_saving_never_looks_like_success(
    cli: Cli, monkeypatch: pytest.MonkeyPatch, command: tuple[str, ...]
) -> None:
    submitting(task_reply("task-1", "success", "data:text/plain,hello"))

    def defective(*_: object) -> None:
        raise RuntimeError("no such thing")

    monkeypatch.setattr("modellix_cli.downloads.downloader.Downloader.save", defective)
    result = cli(*command, "--output-dir", "out", "--json")
    assert result.status != 0
    assert result.json["error"]["code"] == "INTERNAL"
    assert "no such thing" in result.json["error"]["message"]


@respx.mock
def test_a_failed_task_says_so_in_json_too(cli: Cli) -> None:
    submitting(task_reply("task-1", "failed", error="too dark"))
    result = cli(*RUN, "--wait", "--json")
    assert result.json["ok"] is False
    assert result.json["error"]["code"] == "TASK_FAILED"


@respx.mock
def test_going_on_after_ctrl_c_or_a_time_out_also_saves(cli: Cli) -> None:
    respx.post(ROUTE).respond(json=accepted("-rf1"))
    respx.get(f"{API}/tasks/-rf1").respond(json=task_reply("-rf1", "processing"))
    result = cli(*RUN, "--wait", "--timeout", "2s", "--output-dir", "out")
    assert (
        "Resume with: modellix-cli task wait -- -rf1 && "
        "modellix-cli task download --output-dir out -- -rf1"
    ) in result.stderr


@pytest.mark.parametrize(("value", "status"), [("maybe", 2), ("Y", 0), ("on", 0)])
def test_the_sandbox_switch_is_on_or_off_never_guessed(cli: Cli, value: str, status: int) -> None:
    with respx.mock:
        result = cli("model", "run", "sandbox/image", "--body", BODY,
                     env={"MODELLIX_SANDBOX": value})  # fmt: skip
    assert result.status == status


@pytest.mark.parametrize(
    ("arguments", "advice"),
    [
        (("--body", "@body.json"), "--body-file FILE"),
        (("--body", "{“prompt”: “x”}"), "straight double quotes"),
        (("--body-file", "-"), "For example"),
        (("--body", "{}", "--wiat"), "Did you mean --wait?"),
        (("--body", "{}", "--bogus"), "See modellix-cli model run --help."),
        (("--body", "{}", "--wait", "--output-dir", "~no-such-user/x"), "no such user"),
    ],
)
def test_the_usual_mistakes_get_their_own_advice(
    cli: Cli, arguments: tuple[str, ...], advice: str
) -> None:
    result = cli("model", "run", "a/b", *arguments)
    assert result.status == 2
    assert advice in result.stderr


@respx.mock
def test_quiet_promises_paths_so_nothing_stands_in_for_one(cli: Cli) -> None:
    submitting(task_reply("task-1", "success", "data:image/png;base64,!"))
    result = cli(*RUN, "--wait", "--output-dir", "out", "-q")
    assert (result.status, result.stdout) == (9, "")


@respx.mock
def test_nothing_is_resumed_of_a_task_that_failed(cli: Cli) -> None:
    submitting(task_reply("task-1", "failed", error="too dark"))
    error = cli(*RUN, "--wait", "--json").json["error"]
    assert "resume" not in error
    assert error["charged"] == "yes"


def test_the_state_folder_is_the_users_alone_also_when_the_sandbox_makes_it(
    cli: Cli, env: dict[str, str]
) -> None:
    assert cli("model", "list", "--sandbox", "-q").status == 0
    assert (Path(env["XDG_STATE_HOME"]) / "modellix").stat().st_mode & 0o777 == 0o700


def test_a_state_folder_that_cannot_be_made_is_told(cli: Cli, work: Path) -> None:
    (work / "file").write_text("")
    result = cli("model", "list", "--sandbox", env={"XDG_STATE_HOME": str(work / "file")})
    assert result.status == 1
    assert str(work / "file") in result.stderr
    assert "Traceback" not in result.stderr


@respx.mock
def test_a_webhook_is_sent_as_a_header_and_checked_before_paying(cli: Cli) -> None:
    route = respx.post(url__regex=r".*/async$").respond(
        json={"code": 0, "data": {"status": "pending", "task_id": "task-1"}}
    )
    command = ("model", "run", "a/b", "--body", '{"prompt": "x"}', "--webhook")
    assert cli(*command, "https://hooks.example.com/x").status == 0
    assert route.calls.last.request.headers["X-Webhook-URL"] == "https://hooks.example.com/x"
    for url in ("http://hooks.example.com/x", "https://localhost/x", "https://10.0.0.1/x"):
        assert cli(*command, url).status == 2
    assert route.call_count == 1


def test_the_sandboxs_key_is_a_word_that_is_not_hidden(cli: Cli) -> None:
    result = cli("model", "run", "sandbox/cut", "--body", '{"prompt": "p"}', "--sandbox", env={})
    assert result.status == 8
    assert "the sandbox dropped the connection" in result.stderr
    assert "REDACTED" not in result.stderr


def test_advice_in_the_sandbox_stays_in_it(cli: Cli) -> None:
    line = ("model", "run", "sandbox/cut", "--body", '{"prompt": "p"}', "--sandbox")
    unknown = cli(*line, env={})
    assert "modellix-cli task resolve --sandbox 1 --not-created" in unknown.stderr
    lost = cli("task", "resolve", "99", "--not-created", "--sandbox", env={})
    assert "modellix-cli task history --sandbox" in lost.stderr
    listed = cli("task", "history", "--sandbox", env={})
    assert "modellix-cli task resolve REQUEST --sandbox" in listed.stderr


def test_an_unknown_outcome_in_the_sandbox_is_not_looked_up_in_the_real_console(cli: Cli) -> None:
    result = cli("model", "run", "sandbox/cut", "--body", '{"prompt": "p"}', "--sandbox", env={})
    assert result.status == 8
    assert "modellix.ai/console" not in result.stderr
    assert "charged twice" not in result.stderr
    assert "modellix-cli task history --sandbox (the sandbox costs nothing" in result.stderr
    assert "modellix-cli task resolve --sandbox" in result.stderr
    assert "--resend-unknown" in result.stderr


def test_commands_of_the_sandbox_stay_in_it_where_its_variable_is_not_set(
    cli: Cli, work: Path
) -> None:
    (work / "t.jsonl").write_text('{"modelSlug": "sandbox/cut", "body": {"prompt": "q"}}\n')
    run = ("model", "run", "sandbox/cut", "--body", '{"prompt": "p"}')
    for command in (run, ("model", "batch", "t.jsonl", "--yes"), ("task", "history")):
        result = cli(*command, env={"MODELLIX_SANDBOX": "1"})
        assert "modellix.ai/console" not in result.stderr
        assert "charged twice" not in result.stderr
        printed = re.findall("modellix-cli (?:task|model) .*", result.stderr)
        assert printed
        assert all("--sandbox" in command for command in printed)
    assert "modellix-cli task resolve REQUEST --sandbox --task-id ID" in result.stderr
    for word in ("--task-id=x", "--not-created"):
        told = cli("task", "resolve", "1", word, env={"MODELLIX_SANDBOX": "1"}).stderr
        assert told.rstrip().endswith("--sandbox")


@pytest.mark.parametrize(
    ("model", "hint"),
    [
        ("forbidden", "It takes any key: only the model sandbox/forbidden refuses each one."),
        ("broke", "modellix-cli sandbox reset makes it $10.00 again."),
    ],
)
def test_what_the_sandbox_always_refuses_is_explained(cli: Cli, model: str, hint: str) -> None:
    result = cli("model", "run", f"sandbox/{model}", "a cat", "--sandbox", "--json", env={})
    assert hint in result.json["error"]["hint"]
    assert "modellix.ai" not in result.json["error"]["hint"]


def test_unknown_lines_in_the_sandbox_are_not_looked_up_in_the_real_console(
    cli: Cli, work: Path
) -> None:
    (work / "t.jsonl").write_text('{"modelSlug": "sandbox/cut", "body": {"prompt": "p"}}\n')
    result = cli("model", "batch", "t.jsonl", "--yes", "--sandbox", env={})
    assert result.status == 8
    assert "modellix.ai/console" not in result.stderr
    assert "charged twice" not in result.stderr
    assert "--resend-unknown" in result.stderr


def test_a_structured_result_is_saved_as_json(cli: Cli, work: Path) -> None:
    body = '{"image_url": "https://example.com/a.png"}'
    parsing = ("model", "run", "alibaba/aitryon-parsing", "--body", body, "--sandbox")
    assert cli(*parsing, "--wait", "--output-dir", "out").status == 0
    (path,) = (work / "out").iterdir()
    assert path.name == "resource-1.json"
    assert json.loads(path.read_text())["regions"][0]["label"] == "upper"
