"""`model batch`: the guard, the shapes of its result, its options (official-cli.md 4.14)."""

import json
import os
import sys
from pathlib import Path

import httpx
import pytest

from tests.commands.batches import Batches, bad_request, batch, states
from tests.conftest import Cli
from tests.models.test_batch_check import document
from tests.support import API, KEY, accepted, problem, task_reply

__all__ = ["batch"]

AGAIN = "modellix-cli model batch tasks.jsonl --yes --concurrency 1"


def test_the_result_is_one_json_object_with_an_entry_for_each_line(batch: Batches) -> None:
    batch.write(1, 2)
    batch.service.replies[2] = bad_request()
    result = batch()
    assert result.status == 1
    assert result.json == {
        "batch": 1,
        "failed": 1,
        "faults": [],
        "newlySubmitted": 1,
        "ok": False,
        "resume": f"{AGAIN} --resume",
        "resumeArgv": [*AGAIN.split(), "--resume"],
        "interrupted": 0, "skipped": 0, "reused": 0,
        "succeeded": 1,
        "tasks": [
            {
                "index": 1, "modelSlug": "a/b", "ok": True, "status": "submitted",
                "submissionState": "accepted", "taskId": "task-1",
            },
            {
                "error": "Modellix API error (400 Bad Request). Invalid parameters: no prompt.",
                "errorInfo": {
                    "code": "INVALID_REQUEST", "exitCode": 2, "retryable": False, "charged": "no",
                },
                "index": 2, "modelSlug": "a/b", "ok": False, "status": "error",
                "submissionState": "rejected",
            },
        ],
        "total": 2,
    }  # fmt: skip
    official = [key for key in result.json if key in ("failed", "succeeded", "tasks", "total")]
    assert official == ["failed", "succeeded", "tasks", "total"]


def test_human_output_has_a_line_for_each_task(batch: Batches) -> None:
    batch.write(1, 2)
    batch.service.replies[2] = bad_request()
    assert batch("--output", "human").stdout == (
        "1. a/b (task-1): submitted [accepted]\n"
        "2. a/b: error [rejected] - Modellix API error (400 Bad Request). "
        "Invalid parameters: no prompt.\n"
    )


def test_quiet_output_has_the_ids_and_warns_of_the_others(batch: Batches) -> None:
    batch.service.replies[2] = bad_request()
    result = batch("-q")
    assert result.stdout == "task-1\ntask-3\ntask-4\n"
    assert "Warning: Task 2 (a/b) failed: Modellix API error (400 Bad Request)." in result.stderr


def test_jsonl_output_has_an_entry_a_line(batch: Batches) -> None:
    lines = batch("--output", "jsonl").stdout.splitlines()
    assert [json.loads(line)["taskId"] for line in lines] == [f"task-{n}" for n in range(1, 5)]


def test_with_wait_entries_have_the_final_status_and_the_urls(batch: Batches) -> None:
    batch.service.tasks["task-2"] = task_reply("task-2", "failed", error="too dark")
    result = batch("--wait")
    first, second = result.json["tasks"][:2]
    assert (first["status"], first["resourceUrls"]) == (
        "success", ["https://cdn.example.com/task-1.png"],
    )  # fmt: skip
    assert second["error"] == "Task reached terminal status failed. too dark"
    assert (second["ok"], second["resourceUrls"], result.status) == (False, [], 1)


def test_the_json_says_what_lines_cost_and_what_the_run_did(batch: Batches) -> None:
    bill_tasks(batch, {1: 0.03, 2: 1e-9})
    batch.service.replies[3] = bad_request()
    result = batch("--wait").json
    bills = [entry.get("billedUsd") for entry in result["tasks"]]
    assert (bills, result["billedUsd"]) == ([0.03, 1e-9, None, None], 0.030000001)


def test_lines_that_were_paid_for_before_tell_their_cost_apart_from_the_run(batch: Batches) -> None:
    bill_tasks(batch, {1: 0.03, 2: 0.04, 3: 0.05, 4: 0.06})
    batch.service.replies[3] = bad_request()
    batch("--wait")
    del batch.service.replies[3]
    result = batch("--wait", "--resume").json
    assert [entry["billedUsd"] for entry in result["tasks"]] == [0.03, 0.04, 0.05, 0.06]
    assert result["billedUsd"] == 0.05
    assert batch("--wait", "--resume").json.get("billedUsd") is None
    shown = batch.cli("batch", "show", "1", "--json").json["tasks"]
    assert [entry["billedUsd"] for entry in shown] == [0.03, 0.04, 0.05, 0.06]


def test_jsonl_and_the_file_of_results_say_what_lines_cost(batch: Batches) -> None:
    bill_tasks(batch, {1: 0.03})
    batch.write(1)
    told = batch("--wait", "--output", "jsonl", "--results", "r.jsonl").stdout
    assert json.loads(told)["billedUsd"] == 0.03
    assert (batch.work / "r.jsonl").read_text() == told


def test_one_task_that_answers_for_two_lines_is_billed_once(batch: Batches) -> None:
    bill_tasks(batch, {1: 0.03})
    batch.service.replies[2] = httpx.Response(200, json=accepted("task-1"))
    batch.write(1, 2)
    result = batch("--wait")
    assert result.json["billedUsd"] == 0.03


def bill_tasks(batch: Batches, bills: dict[int, float]) -> None:
    for number, amount in bills.items():
        reply = task_reply(f"task-{number}", billing={"amount": amount})
        batch.service.tasks[f"task-{number}"] = reply


def test_if_only_time_was_short_the_status_is_124(batch: Batches) -> None:
    batch.service.tasks["task-2"] = task_reply("task-2", "pending")
    result = batch("--wait", "--timeout", "20s")
    assert result.status == 124
    entry = result.json["tasks"][1]
    assert entry["status"] == "timeout"
    assert entry["error"] == (
        "Timed out while waiting for Modellix tasks. Resume with: modellix-cli task wait task-2"
    )


def test_the_id_of_a_line_is_in_its_entry(batch: Batches) -> None:
    batch.write(1, id="cover")
    assert batch().json["tasks"][0]["id"] == "cover"


@pytest.mark.parametrize(("options", "words"), [
    ((), "Refusing to submit 4 potentially paid tasks without --max-tasks or explicit --yes."),
    (("--max-tasks", "3"), "Batch input exceeds the --max-tasks limit of 3."),
    (("--yes", "--resume", "--new"), "--resume and --new contradict each other."),
    (("--yes", "--resend-unknown"), "needs --resume"),
    (("--yes", "--output-dir", "x", "--no-wait"), "needs --wait"),
    (("--yes", "--concurrency", "101"), "--concurrency"),
    (("--yes", "--name-template", "x"), "--name-template"),
    (("--yes", "--max-cost", "nan"), "--max-cost must be a number of dollars"),
    (("--yes", "--results", "tasks.jsonl"), "--results names the input"),
    (("--yes", "--results", ""), "path must not be empty"),
])  # fmt: skip
def test_a_refusal_sends_nothing(batch: Batches, options: tuple[str, ...], words: str) -> None:
    result = batch.cli("model", "batch", "tasks.jsonl", *options)
    assert result.status == 2
    assert words in result.stderr
    assert batch.service.posts == []
    assert batch.cli("batch", "list", "--json").json == {"batches": []}
    assert (batch.work / "tasks.jsonl").read_text().count("\n") == 4


@pytest.mark.parametrize("more", [(), ("--new",), ("--resume",)])
def test_a_batch_that_may_cost_too_much_is_exit_10_and_leaves_no_trace(
    batch: Batches, more: tuple[str, ...]
) -> None:
    result = batch("--max-cost", "0.15", *more)
    assert result.status == 10
    assert "may cost more than --max-cost $0.15" in result.stderr
    assert "Resume with" not in result.stderr
    assert batch.service.posts == []
    assert batch.cli("batch", "list", "--json").json == {"batches": []}


def test_a_refused_new_start_does_not_make_the_next_resume_pay_again(batch: Batches) -> None:
    batch()
    assert batch("--new", "--max-cost", "0.15").status == 10
    batch.service.posts.clear()
    assert batch("--resume").status == 0
    assert batch.service.posts == []


def test_what_is_paid_for_again_by_the_users_word_counts_for_the_limit(batch: Batches) -> None:
    batch.service.replies[2] = httpx.ReadError("cut")
    batch("--continue-on-unknown")
    batch.service.tasks["task-3"] = task_reply("task-3", "failed")
    batch("--resume", "--wait")
    batch.service.replies.clear()
    batch.service.posts.clear()
    assert batch("--resume", "--max-cost", "0").status == 8
    for word in ("--resend-unknown", "--retry-failed"):
        assert batch("--resume", word, "--max-cost", "0.03").status == 10
    assert batch.service.posts == []
    batch("--resume", "--resend-unknown", "--retry-failed", "--max-cost", "0.08")
    assert sorted(batch.service.posts) == [2, 3]


@pytest.mark.parametrize(("line", "words"), [
    ("{", "Invalid JSON on line 5 of the batch input"),
    ("[]", "Invalid task on line 5: expected a JSON object."),
    ('{"body": {}}', "Invalid task on line 5: modelSlug must be a non-empty string."),
    ('{"modelSlug": "ab", "body": {}}', "Invalid task on line 5: "),
    ('{"modelSlug": "a/b", "body": []}', "Invalid task on line 5: body must be a JSON object."),
])  # fmt: skip
def test_a_bad_line_is_named_and_sends_nothing(batch: Batches, line: str, words: str) -> None:
    with (batch.work / "tasks.jsonl").open("a") as file:
        file.write(line + "\n")
    result = batch("--json")
    assert result.status == 2
    assert words in result.json["error"]["message"]
    assert batch.service.posts == []


def test_tasks_come_from_a_pipe(batch: Batches) -> None:
    text = (batch.work / "tasks.jsonl").read_bytes()
    assert states(batch.cli("model", "batch", "-", "--yes", stdin=text)) == ["accepted"] * 4


@pytest.mark.parametrize("content", ["", "\n# nothing\n"])
def test_no_tasks_are_an_error(batch: Batches, content: str) -> None:
    (batch.work / "tasks.jsonl").write_text(content)
    result = batch()
    assert (result.status, "does not contain any tasks" in result.stderr) == (2, True)


def test_without_a_key_nothing_is_sent(batch: Batches) -> None:
    assert batch(env={"MODELLIX_API_KEY": None}).status == 3
    assert batch.service.posts == []


def test_a_dry_run_tells_how_many_and_what_they_may_cost(batch: Batches) -> None:
    result = batch.cli("model", "batch", "tasks.jsonl", "--dry-run")
    assert result.json["total"] == 4
    assert result.json["models"] == {"a/b": 4}
    assert result.json["estimate"]["estimatedUsd"] == pytest.approx(0.16)
    assert batch.service.posts == []


def test_a_dry_run_needs_no_key(batch: Batches) -> None:
    result = batch("--dry-run", "--output", "human", env={"MODELLIX_API_KEY": None})
    assert result.status == 0
    assert result.stdout == "4 tasks, nothing submitted.\n  4 x a/b\n"


def test_a_cost_that_cannot_be_known_is_refused_only_with_a_limit(batch: Batches) -> None:
    batch.service.models.respond(json={"models": [{"slug": "a/b"}]})
    assert batch("--max-cost", "9").status == 10
    assert batch.service.posts == []
    assert batch().status == 0


def test_what_cannot_be_priced_is_named_by_model(batch: Batches) -> None:
    batch.service.models.respond(json={"models": [{"slug": "a/b"}]})
    error = batch("--max-cost", "9", "--json").json["error"]
    assert error["message"].endswith(
        "4 of 4 tasks cannot be priced. a/b (4 lines): no price is listed."
    )
    assert "--allow-unpriced" in error["hint"]


def test_what_cannot_be_priced_is_told_without_a_limit_too(batch: Batches) -> None:
    batch.service.models.respond(json={"models": [{"slug": "a/b"}]})
    result = batch("--output", "human")
    assert result.status == 0
    assert "4 of 4 tasks cannot be priced. a/b (4 lines): no price is listed." in result.stderr


def test_what_cannot_be_priced_is_submitted_where_that_is_allowed(batch: Batches) -> None:
    batch.service.models.respond(json={"models": [{"slug": "a/b"}]})
    assert batch("--max-cost", "0", "--allow-unpriced").status == 0
    assert batch.service.posts == [1, 2, 3, 4]


def test_what_has_a_price_counts_although_the_rest_is_allowed(batch: Batches) -> None:
    batch.write(1, body={"line": 1, "n": "5"})
    assert batch("--max-cost", "0.19", "--allow-unpriced").status == 10
    assert batch("--max-cost", "0.2").status == 0


def test_a_default_of_the_schema_counts_for_the_limit(batch: Batches) -> None:
    body = {"type": "object", "properties": {"n": {"default": 2}}}
    content = {"application/json": {"schema": body}}
    post = {"requestBody": {"content": content}, "responses": {}}
    document = {"servers": [{"url": "https://api.modellix.ai"}], "post": post}
    batch.service.schema.respond(json=document)
    assert batch("--max-cost", "0.31").status == 10
    assert batch("--max-cost", "0.32").status == 0


def test_a_dry_run_names_what_cannot_be_priced(batch: Batches) -> None:
    batch.service.models.respond(json={"models": [{"slug": "a/b"}]})
    facts = batch("--dry-run").json["estimate"]
    assert facts == {
        "estimatedUsd": 0,
        "lowestUsd": 0,
        "unpriced": 4,
        "unpricedModels": [{"model": "a/b", "lines": 4, "reasons": ["no price is listed"]}],
    }


def test_prices_that_cannot_be_had_stop_no_batch(batch: Batches) -> None:
    batch.service.models.respond(500, json={"code": 500, "message": "no"})
    assert batch().status == 0


def test_results_are_kept_in_a_file_as_they_come(batch: Batches) -> None:
    (batch.work / "results.jsonl").write_text("old\n")
    result = batch("--results", "results.jsonl")
    lines = (batch.work / "results.jsonl").read_text().splitlines()
    assert [json.loads(line) for line in lines] == result.json["tasks"]


@pytest.mark.parametrize("path", ["missing/results.jsonl", "."])
def test_a_results_file_that_cannot_be_written_is_found_before_anything_is_paid(
    batch: Batches, path: str
) -> None:
    result = batch("--results", path)
    assert (result.status, batch.service.posts) == (1, [])
    assert "Cannot write" in result.stderr


def test_an_output_folder_that_cannot_be_made_is_found_before_anything_is_paid(
    batch: Batches,
) -> None:
    (batch.work / "made").write_text("a file")
    result = batch("--wait", "--output-dir", "made")
    assert (result.status, batch.service.posts) == (2, [])


def test_a_results_file_of_an_earlier_run_survives_a_refused_one(batch: Batches) -> None:
    batch.service.replies[4] = bad_request()
    batch("--results", "results.jsonl")
    before = (batch.work / "results.jsonl").read_text()
    assert batch("--results", "results.jsonl").status == 2
    assert (batch.work / "results.jsonl").read_text() == before


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes")
def test_a_pipe_for_results_that_nobody_reads_is_refused_before_anything_is_paid(
    batch: Batches,
) -> None:
    os.mkfifo(batch.work / "results")
    result = batch("--results", "results")
    assert (result.status, batch.service.posts) == (1, [])
    assert "nothing reads from this pipe" in result.stderr
    assert "Start the program that reads it first" in result.stderr


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes")
def test_a_pipe_for_results_that_is_read_gets_every_line(batch: Batches) -> None:
    os.mkfifo(batch.work / "results")
    reader = os.open(batch.work / "results", os.O_RDONLY | os.O_NONBLOCK)
    result = batch("--results", "results")
    lines = os.read(reader, 65536).splitlines()
    os.close(reader)
    assert [json.loads(line) for line in lines] == result.json["tasks"]


@pytest.mark.skipif(sys.platform == "win32", reason="flock")
def test_a_file_that_another_batch_writes_its_results_to_is_refused(batch: Batches) -> None:
    import fcntl

    path = batch.work / "results.jsonl"
    path.write_text("a line of the other\n")
    with path.open("a") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        result = batch("--results", "results.jsonl")
    assert (result.status, batch.service.posts) == (2, [])
    assert "Another batch is writing its results to" in result.stderr
    assert path.read_text() == "a line of the other\n"


def test_another_name_of_the_ledger_is_no_file_for_results(batch: Batches) -> None:
    batch("--max-tasks", "4")
    ledger = Path(batch.cli("ledger", "path").stdout.strip())
    os.link(ledger, batch.work / "results.jsonl")
    result = batch("--results", "results.jsonl", "--resume")
    assert result.status == 2
    assert "keeps what was paid for" in result.stderr
    assert batch.cli("batch", "list", "--json").json["batches"] != []


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="Linux has it")
def test_a_full_disk_stops_new_lines_and_tells_the_others(batch: Batches) -> None:
    result = batch("--results", "/dev/full")
    assert result.status == 1
    assert states(result) == ["accepted", "skipped", "skipped", "skipped"]
    assert "Cannot write /dev/full" in result.stderr
    assert "--resume" in result.stderr


def test_a_full_disk_at_the_last_line_is_an_error_too(batch: Batches) -> None:
    if not Path("/dev/full").exists():
        pytest.skip("Linux has it")
    batch.write(1)
    result = batch("--results", "/dev/full")
    assert (result.status, states(result)) == (1, ["accepted"])
    assert "modellix-cli batch show 1" in result.stderr


def test_the_key_is_nowhere(batch: Batches) -> None:
    batch.service.replies[2] = httpx.Response(400, json={"code": 400, "message": f"bad {KEY}"})
    batch.service.tasks["task-1"] = task_reply("task-1", "success", f"https://cdn/?k={KEY}")
    result = batch("--wait", "--results", "results.jsonl", "--api-key", KEY)
    written = (batch.work / "results.jsonl").read_text()
    assert KEY not in result.stdout + result.stderr + written
    files = list(batch.state.glob("ledger.db*"))
    assert files
    assert not any(KEY.encode() in file.read_bytes() for file in files)


def test_what_the_server_says_cannot_act_on_a_terminal(batch: Batches) -> None:
    batch.service.replies[2] = httpx.Response(400, json={"code": 400, "message": "\x1b[2Jbad\n"})
    result = batch("--output", "human")
    assert "\x1b" not in result.stdout + result.stderr
    assert len(result.stdout.splitlines()) == 4


SCHEMA = {
    "servers": [{"url": "https://api.modellix.ai"}],
    "post": {
        "requestBody": {"content": {"application/json": {"schema": {
            "type": "object", "properties": {"line": {"type": "integer", "maximum": 3}},
        }}}},
        "responses": {},
    },
}  # fmt: skip


def test_check_names_the_lines_that_do_not_fit(batch: Batches) -> None:
    batch.service.schema.respond(json=SCHEMA)
    result = batch("--check")
    assert result.status == 2
    assert "Line 4 (a/b)" in result.stderr
    assert batch.service.posts == []


def test_a_check_without_network_asks_for_one_schema_only(batch: Batches) -> None:
    """The other one has no route: to ask for it would be an error of the test."""
    batch.service.schema.mock(side_effect=httpx.ConnectError("refused"))
    lines: list[dict[str, object]] = [{"modelSlug": s, "body": {}} for s in ("a/b", "a/c")]
    (batch.work / "tasks.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    result = batch("--check")
    assert (result.status, batch.service.posts) == (7, [])
    assert "Lines of a/c were not checked" in result.stderr


def test_lines_that_could_not_be_checked_are_not_said_to_fit(batch: Batches) -> None:
    batch.service.schema.respond(json={})
    result = batch("--check")
    assert "Lines of a/b were not checked" in result.stderr
    assert "all fit" not in result.stderr


def test_models_whose_lines_could_not_be_checked_are_in_the_json(batch: Batches) -> None:
    batch.service.schema.respond(json=SCHEMA)
    batch.service.router.post(f"{API}/a/c/async").respond(json=accepted("other"))
    batch.service.router.get("https://www.modellix.ai/models/a/c/api_schema").respond(503)
    lines = [{"modelSlug": slug, "body": {"line": 1}} for slug in ("a/b", "a/c")]
    (batch.work / "tasks.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    rehearsed, real = batch("--check", "--dry-run"), batch("--check")
    assert [one["model"] for one in real.json["unchecked"]] == ["a/c"]
    assert real.json["unchecked"] == rehearsed.json["unchecked"]


@pytest.mark.parametrize("asked", ["500", "5"])
def test_a_limit_that_lasts_is_named_with_what_to_do(batch: Batches, asked: str) -> None:
    busy = httpx.Response(429, json=problem(429, "slow down"), headers={"Retry-After": asked})
    batch.service.replies = dict.fromkeys((1, 2, 3, 4), busy)
    result = batch("--output", "human")
    assert result.status == 6
    (error,) = (one for one in result.stderr.splitlines() if one.startswith("Error: "))
    assert error.startswith("Error: Rate limit reached")
    assert "slow down" in error
    assert ("in 500s" if asked == "500" else "after 2m 00s of waiting") in error
    assert "wait longer with --max-retry-wait" in result.stderr
    for line in result.stdout.splitlines():
        assert line.count("slow down") == 1
        assert "Rate limit reached" in line


def test_a_line_of_unknown_outcome_has_the_number_that_settles_it(batch: Batches) -> None:
    batch.service.replies[2] = httpx.ReadError("cut")
    result = batch()
    assert result.status == 8
    assert "Say what became of each with modellix-cli task resolve" in result.stderr
    numbers = {line["index"]: line.get("request") for line in result.json["tasks"]}
    number = numbers.pop(2)
    assert set(numbers.values()) == {None}
    settled = batch.cli("task", "resolve", str(number), "--task-id", "task-2", "--json")
    assert (settled.json["taskId"], settled.status) == ("task-2", 0)


def test_strictly_every_line_must_be_checked(batch: Batches) -> None:
    batch.service.schema.respond(json=SCHEMA)
    batch.service.router.get("https://www.modellix.ai/models/a/c/api_schema").respond(503)
    good = {"line": 1}
    lines: list[dict[str, object]] = [{"modelSlug": s, "body": good} for s in ("a/b", "a/c")]
    (batch.work / "tasks.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    result = batch("--strict")
    assert (result.status, batch.service.posts) == (7, [])
    assert "Not all of the lines could be checked." in result.stderr
    assert "leave out --strict" in result.stderr


def test_strictly_the_model_must_document_its_parameters(batch: Batches) -> None:
    batch.service.schema.respond(json=document({"type": "object"}, servers=[{"url": API}]))
    result = batch("--strict")
    assert (result.status, batch.service.posts) == (7, [])
    assert "the model's schema names no parameters" in result.stderr


def test_a_wrong_task_of_a_line_is_told_with_the_way_to_correct_it(batch: Batches) -> None:
    batch.service.replies[1] = httpx.ReadError("cut")
    batch.service.missing = True
    batch.write(1)
    batch()
    batch.cli("task", "resolve", "1", "--task-id", "wrong")
    result = batch("--resume", "--wait")
    (line,) = result.json["tasks"]
    assert (result.status, line["request"], line["submissionState"]) == (1, 1, "accepted")
    told = [text for text in result.stderr.splitlines() if text.startswith("Failed: line 1:")]
    assert "If it is another one: modellix-cli task resolve 1 --task-id ID" in "".join(told)


def test_a_folder_for_results_is_waited_for_by_the_command_that_resumes_too(
    batch: Batches,
) -> None:
    result = batch("--output-dir", "out")
    assert result.json["tasks"][0]["status"] == "success"  # what the service made is not there
    assert "--output-dir" in result.json["resumeArgv"]


def test_results_are_saved_under_the_template(batch: Batches) -> None:
    data = "data:image/png;base64,iVBORw0KGgo="
    batch.write(1)
    batch.service.tasks["task-1"] = task_reply("task-1", "success", data)
    options = ("--output-dir", "made", "--name-template", "{index:03}-{id}.{ext}")
    result = batch("--wait", *options)
    assert result.status == 0
    assert [path.name for path in (batch.work / "made").iterdir()] == ["001-1.png"]
    assert result.json["tasks"][0]["files"][0]["path"].endswith("/made/001-1.png")


@pytest.mark.parametrize(("given", "saved"), [
    ("..", "line-1.png"), (".", "line-1.png"), ("...", "line-1.png"), (" . ", "line-1.png"),
    ("\uff0e\uff0e", "line-1.png"), ("CON", "resource-CON.png"), ("nul.x", "resource-nul.x.png"),
    ("conin$", "resource-conin$.png"), ("cover. ", "cover.png"), (".cover", "cover.png"),
    ("a" * 200, "a" * 156 + ".png"), ("../up", "-up.png"), ("a/b", "a-b.png"),
])  # fmt: skip
def test_every_id_gives_a_usable_file_name(batch: Batches, given: str, saved: str) -> None:
    batch.write(1, id=given)
    data = "data:image/png;base64,iVBORw0KGgo="
    batch.service.tasks["task-1"] = task_reply("task-1", "success", data)
    result = batch("--wait", "--output-dir", "made", "--name-template", "{id}.{ext}")
    assert (result.status, os.listdir(batch.work / "made")) == (0, [saved])


def test_a_batch_in_the_sandbox_needs_no_key(cli: Cli, work: Path) -> None:
    line = json.dumps({"modelSlug": "sandbox/image", "body": {"prompt": "a cat"}})
    (work / "tasks.jsonl").write_text(line + "\n")
    result = cli("model", "batch", "tasks.jsonl", "--yes", "--sandbox", env={
        "MODELLIX_API_KEY": None, "MODELLIX_BASE_URL": API,
    })  # fmt: skip
    assert (result.status, result.json["succeeded"]) == (0, 1)
