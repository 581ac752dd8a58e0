"""`model batch` again: what is refused, what a resume does, how every end says how to go on."""

import io
import json
import os
import re
import signal
from pathlib import Path
from typing import Any

import httpx
import pytest

from modellix_cli.__main__ import _end_on_signals
from modellix_cli.api.client import Client
from modellix_cli.engine.core import effects
from modellix_cli.engine.driver import Driver
from tests.commands.batches import Batches, bad_request, batch, states
from tests.conftest import Cli
from tests.support import FakeClock, accepted, at_terminal, invoke, task_reply

__all__ = ["batch"]

CUT = httpx.ReadError("cut")
UNAUTHORIZED = httpx.Response(401, json={"code": 401, "message": "no"})
AGAIN = "modellix-cli model batch tasks.jsonl --yes --concurrency 1"


def stop_at_the_third(batch: Batches) -> None:
    batch.service.replies[3] = httpx.Response(402, json={"code": 402, "message": "empty"})
    assert states(batch()) == ["accepted", "accepted", "rejected", "skipped"]
    batch.service.replies.clear()
    batch.service.posts.clear()


def test_the_same_tasks_again_need_a_decision(batch: Batches) -> None:
    stop_at_the_third(batch)
    result = batch()
    assert (result.status, batch.service.posts) == (2, [])
    assert "Of 4 lines, 2 are paid for: batch 1 (2027-01-15" in result.stderr
    assert "--resume" in result.stderr
    assert "--new" in result.stderr
    error = batch("--json").json["error"]
    assert (error["code"], error["charged"], error["retryable"]) == ("ALREADY_PAID", "no", False)


def test_a_refusal_as_paid_names_the_command_that_pays_for_the_rest(batch: Batches) -> None:
    stop_at_the_third(batch)
    assert batch("--json").json["error"]["resume"] == f"{AGAIN} --resume --json"


def test_a_dry_run_of_a_resume_tells_only_the_cost_of_what_is_left(batch: Batches) -> None:
    stop_at_the_third(batch)
    before = batch.cli("batch", "list", "--json").json
    rehearsed = batch("--resume", "--dry-run", "--max-cost", "0.08")
    assert (rehearsed.status, batch.service.posts) == (0, [])
    assert rehearsed.json["estimate"]["estimatedUsd"] == pytest.approx(0.08)
    assert batch("--resume", "--dry-run", "--max-cost", "0.07").status == 10
    assert batch.cli("batch", "list", "--json").json == before


def test_a_dry_run_of_a_resume_of_what_never_ran_records_nothing(batch: Batches) -> None:
    rehearsed = batch("--resume", "--dry-run")
    assert rehearsed.json["estimate"]["estimatedUsd"] == pytest.approx(0.16)
    assert batch.cli("batch", "list", "--json").json["batches"] == []


def test_a_resume_sends_only_what_was_not_accepted(batch: Batches) -> None:
    stop_at_the_third(batch)
    result = batch("--resume")
    assert (result.status, batch.service.posts) == (0, [3, 4])
    assert [entry["taskId"] for entry in result.json["tasks"]] == [
        "task-1", "task-2", "task-3", "task-4",
    ]  # fmt: skip


def test_a_resume_of_what_is_done_sends_nothing(batch: Batches) -> None:
    before = batch()
    batch.service.posts.clear()
    after = batch("--resume")
    assert batch.service.posts == []
    assert after.status == 0
    assert (before.json["newlySubmitted"], after.json["newlySubmitted"]) == (4, 0)
    assert (before.json["reused"], after.json["reused"]) == (0, 4)
    lines = [entry | {"reused": True} for entry in before.json["tasks"]]
    assert after.json["tasks"] == lines


def test_what_is_done_is_not_paid_for_again_without_a_decision(batch: Batches) -> None:
    batch()
    assert (batch().status, len(batch.service.posts)) == (2, 4)


@pytest.mark.parametrize("change", ["more", "less", "moved", "named", "spaced", "copied", "piped"])
def test_a_line_that_was_paid_for_is_known_wherever_it_stands(batch: Batches, change: str) -> None:
    stop_at_the_third(batch)
    lines = {"more": (1, 2, 3, 4, 5), "less": (2, 3), "moved": (4, 3, 2, 1)}.get(change)
    batch.write(*(lines or (1, 2, 3, 4)))
    path = batch.work / "tasks.jsonl"
    text = path.read_text()
    if change == "named":
        path.write_text(re.sub(r'"line": (\d)}}', r'"line": \1}, "id": "line-\1"}', text))
    if change == "spaced":
        path.write_text(text.replace(":", " : ").replace("\n", "\r\n"))
    if change == "copied":
        path.rename(batch.work / "other.jsonl")
    name = {"copied": "other.jsonl", "piped": "-"}.get(change, "tasks.jsonl")
    given = ("model", "batch", name, "--yes", "--concurrency", "1")
    assert batch.cli(*given, stdin=text.encode()).status == 2
    assert batch.service.posts == []
    result = batch.cli(*given, "--resume", stdin=text.encode())
    assert (result.status, set(states(result))) == (0, {"accepted"})
    wanted = set(lines or (1, 2, 3, 4)) - {1, 2}
    assert sorted(batch.service.posts) == sorted(wanted)


def test_a_variable_decides_for_scripts(batch: Batches) -> None:
    stop_at_the_third(batch)
    assert batch(env={"MODELLIX_ON_PAID": "resume"}).status == 0
    assert batch.service.posts == [3, 4]
    assert batch(env={"MODELLIX_ON_PAID": "new"}).status == 0
    assert batch.service.posts == [3, 4, 1, 2, 3, 4]
    assert batch(env={"MODELLIX_ON_PAID": "maybe"}).status == 2


def test_failed_tasks_are_paid_for_again_only_if_so_asked(batch: Batches) -> None:
    batch.service.tasks["task-2"] = task_reply("task-2", "failed", error="too dark")
    assert batch("--wait").status == 1
    batch.service.posts.clear()
    resumed = batch("--wait", "--resume", "--output", "human")
    assert (resumed.status, batch.service.posts) == (1, [])
    assert "To pay again for the line whose task failed: modellix-cli model batch" in resumed.stderr
    assert " --resume --output human --retry-failed\n" in resumed.stderr
    batch.service.replies[2] = httpx.Response(200, json=accepted("task-2b"))
    assert batch("--wait", "--resume", "--retry-failed").status == 0
    assert batch.service.posts == [2]


def test_that_a_column_more_makes_other_requests_of_all_lines_is_told(cli: Cli, work: Path) -> None:
    words = ("model", "batch", "t.csv", "--model", "sandbox/image", "--yes", "--sandbox")
    (work / "t.csv").write_text("prompt\na\nb\n")
    first = cli(*words, "--resume", "--output", "human").stderr
    assert "this is the first run" in first
    (work / "t.csv").write_text("prompt,seed\na,1\nb,2\n")
    told = cli(*words, "--resume", "--output", "human").stderr
    assert "No line of this batch was submitted before. Those of batch 1, 2027-01-15" in told
    assert "a line is another request, and is paid for." in told
    assert "No line" not in cli(*words, "--resume", "--output", "human").stderr


def test_that_nobody_looked_yet_which_tasks_failed_is_told(batch: Batches) -> None:
    batch.service.tasks["task-2"] = task_reply("task-2", "failed", error="too dark")
    assert batch().status == 0
    again = batch("--resume", "--retry-failed", "--output", "human")
    assert "How 4 tasks ended is not known yet: --retry-failed pays again only" in again.stderr
    assert "Add --wait, then run it again." in again.stderr
    waited = batch("--wait", "--resume", "--retry-failed", "--output", "human")
    assert "Run it again once this has waited." in waited.stderr
    batch.service.posts.clear()
    batch.service.replies[2] = httpx.Response(200, json=accepted("task-2b"))
    last = batch("--wait", "--resume", "--retry-failed", "--output", "human")
    assert (last.status, batch.service.posts) == (0, [2])
    assert "not known yet" not in last.stderr


def test_another_key_of_the_same_team_is_recognised(batch: Batches) -> None:
    stop_at_the_third(batch)
    result = batch("--resume", env={"MODELLIX_API_KEY": "mk-another-0123456789"})
    assert (result.status, batch.service.posts) == (0, [3, 4])


def test_another_teams_key_is_refused_and_the_profile_named(batch: Batches) -> None:
    stop_at_the_third(batch)
    batch.service.missing = True
    other = {"MODELLIX_API_KEY": "mk-another-0123456789"}
    result = batch("--resume", env=other)
    assert (result.status, batch.service.posts) == (2, [])
    assert "--profile default" in result.stderr
    assert "--same-account" in result.stderr
    assert batch("--resume", "--same-account", env=other).status == 0
    assert batch.service.posts == [3, 4]


def test_new_pays_for_every_line_again(batch: Batches) -> None:
    stop_at_the_third(batch)
    assert batch("--new").status == 0
    assert batch.service.posts == [1, 2, 3, 4]


def test_a_first_run_may_say_resume(batch: Batches) -> None:
    result = batch("--resume")
    assert (result.status, batch.service.posts) == (0, [1, 2, 3, 4])
    assert "this is the first run" in result.stderr


def test_a_refusal_does_not_end_the_doubt_of_an_earlier_try(batch: Batches) -> None:
    batch.service.replies[2] = CUT
    batch()
    batch.service.replies[2] = bad_request()
    again = batch("--resume", "--resend-unknown")
    assert states(again) == ["accepted", "unknown", "accepted", "accepted"]
    batch.service.posts.clear()
    assert states(batch("--resume"))[1] == "unknown"
    assert batch.service.posts == []


def test_what_is_sent_once_more_and_lost_once_more_is_not_sent_a_third_time(
    batch: Batches,
) -> None:
    batch.service.replies[2] = CUT
    batch()
    again = batch("--resume", "--resend-unknown")
    assert batch.service.posts.count(2) == 2
    assert again.json["tasks"][1]["errorInfo"]["retryable"] is False
    assert again.status == 8


def test_unknown_lines_are_left_alone_and_told(batch: Batches) -> None:
    batch.service.replies[2] = CUT
    result = batch()
    assert states(result) == ["accepted", "unknown", "skipped", "skipped"]
    for entry in result.json["tasks"][2:]:
        assert entry["error"] == (
            "Skipped after an earlier paid submission returned an unknown outcome."
        )
        assert entry["errorInfo"] == {
            "code": "LINE_SKIPPED", "exitCode": 1, "retryable": True, "charged": "no",
        }  # fmt: skip
    assert "--resend-unknown" in result.stderr
    batch.service.replies.clear()
    batch.service.posts.clear()
    assert states(batch("--resume")) == ["accepted", "unknown", "accepted", "accepted"]
    assert batch.service.posts == [3, 4]
    assert states(batch("--resume", "--resend-unknown")) == ["accepted"] * 4
    assert batch.service.posts == [3, 4, 2]


def test_an_id_in_an_unusable_reply_is_kept_and_told(batch: Batches) -> None:
    batch.service.replies[2] = httpx.Response(500, json={"task_id": "task-x"})
    batch.service.missing = True
    entry = batch().json["tasks"][1]
    assert (entry["submissionState"], entry["taskId"]) == ("unknown", "task-x")
    assert "modellix-cli task get task-x" in entry["error"]
    assert ("task-x",) in batch.sql("SELECT task_id FROM submissions")
    batch.service.missing = False
    assert batch("--resume").json["tasks"][1]["submissionState"] == "accepted"


def test_the_command_that_goes_on_has_the_options_of_this_one(batch: Batches) -> None:
    batch.service.replies[1] = UNAUTHORIZED
    options = ("--wait", "--timeout", "90s", "--results", "a b.jsonl", "--max-cost", "1")
    told = batch(*options, "--api-key", "mk-another-0123456789").stderr
    command = (
        "modellix-cli model batch tasks.jsonl --yes --max-cost 1 --concurrency 1 --wait "
        "--timeout 90s --results 'a b.jsonl' --resume"
    )
    assert f"Resume with: {command}\n" in told


def test_a_limit_of_nothing_is_not_forgotten_by_the_resume(batch: Batches) -> None:
    price = {"fixed": 0, "unit": "$/img"}
    batch.service.models.respond(json={"models": [{"slug": "a/b", "price": price}]})
    batch.service.replies[1] = UNAUTHORIZED
    assert " --max-cost 0 " in batch("--max-cost", "0").stderr


def test_a_hopeless_refusal_is_told_with_what_to_do(batch: Batches) -> None:
    batch.service.replies[1] = UNAUTHORIZED
    result = batch()
    assert states(result) == ["rejected", "skipped", "skipped", "skipped"]
    assert "Error: Modellix API error (401 Unauthorized)" in result.stderr
    assert f"Resume with: {AGAIN} --resume" in result.stderr


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_lets_what_is_under_way_end_and_tells_every_line(
    batch: Batches, number: signal.Signals
) -> None:
    handlers = {one: signal.getsignal(one) for one in (signal.SIGTERM, signal.SIGHUP)}
    _end_on_signals()
    batch.service.on_post = lambda index: os.kill(os.getpid(), number) if index == 2 else None
    try:
        result = batch("--json")
    finally:
        for one, handler in handlers.items():
            signal.signal(one, handler)
    assert result.status == 128 + number
    assert len(result.json["tasks"]) == 4
    assert set(states(result)) <= {"accepted", "skipped"}
    assert states(result)[:2] == ["accepted", "accepted"]
    assert f"Resume with: {AGAIN}" in result.stderr
    batch.service.on_post = lambda index: None
    assert states(batch("--resume")) == ["accepted"] * 4
    assert sorted(batch.service.posts) == [1, 2, 3, 4]


def test_the_signals_handlers_are_given_back(batch: Batches) -> None:
    before = signal.getsignal(signal.SIGINT)
    batch()
    assert signal.getsignal(signal.SIGINT) is before


def test_a_defect_still_says_how_to_go_on(batch: Batches, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(self: object) -> bool:
        raise RuntimeError("odd")

    monkeypatch.setattr(Driver, "_step", broken)
    result = batch()
    assert result.status == 1
    assert "RuntimeError: odd" in result.stderr
    assert f"Resume with: {AGAIN} --resume" in result.stderr


class Reader(io.StringIO):
    """A pipe whose reader leaves after the first line."""

    def write(self, text: str) -> int:
        if self.getvalue():
            raise BrokenPipeError
        return super().write(text)


@pytest.mark.parametrize("mode", ["jsonl", "json", "human"])
def test_a_reader_that_leaves_loses_no_id(
    batch: Batches, env: dict[str, str], mode: str, clock: FakeClock
) -> None:
    arguments = ("model", "batch", "tasks.jsonl", "--yes", "--concurrency", "1", "--output", mode)
    out = Reader()
    result = invoke(*arguments, env=env, cwd=batch.work, clock=clock, stdout=out)
    assert result.status == 141
    assert "lines accepted" in result.stderr
    assert "modellix-cli batch show 1" in result.stderr or "--resume" in result.stderr
    assert batch("--resume").status == 0
    assert sorted(batch.service.posts) == [1, 2, 3, 4]


class Full(io.StringIO):
    """A disk without room."""

    def write(self, text: str) -> int:
        raise OSError(28, "No space left on device")


@pytest.mark.parametrize("mode", ["jsonl", "json", "human", "quiet"])
def test_a_stdout_that_cannot_be_written_is_an_error_that_says_how_to_go_on(
    batch: Batches, env: dict[str, str], mode: str, clock: FakeClock
) -> None:
    arguments = ("model", "batch", "tasks.jsonl", "--yes", "--concurrency", "1", "--output", mode)
    result = invoke(*arguments, env=env, cwd=batch.work, clock=clock, stdout=Full())
    assert result.status == 1
    assert "No space left on device" in result.stderr
    assert "modellix-cli batch show 1" in result.stderr or "--resume" in result.stderr


def test_list_and_show_tell_what_became_of_each_line(batch: Batches) -> None:
    stop_at_the_third(batch)
    (listed,) = batch.cli("batch", "list", "--json").json["batches"]
    assert (listed["batch"], listed["state"], listed["source"]) == (1, "stopped", "tasks.jsonl")
    assert (listed["accepted"], listed["rejected"], listed["notStarted"]) == (2, 1, 1)
    shown = batch.cli("batch", "show", "1", "--json").json
    assert [entry["submissionState"] for entry in shown["tasks"]] == [
        "accepted", "accepted", "rejected",
    ]  # fmt: skip
    assert "charged" not in json.dumps(shown)
    assert batch.cli("batch", "show", "1", "-q").stdout == "task-1\ntask-2\n"
    lines = batch.cli("batch", "show", "1").stdout.splitlines()
    assert lines[:2] == [
        "Batch 1 of tasks.jsonl: stopped",
        "4 lines: 2 accepted, 1 rejected, 0 unknown, 1 not started",
    ]
    assert len(batch.cli("batch", "show", "1", "--output", "jsonl").stdout.splitlines()) == 3
    assert batch.cli("batch", "list", "-q").stdout == "1\n"


def test_a_line_that_was_under_way_at_a_kill_is_shown_as_unknown(batch: Batches) -> None:
    batch()
    batch.sql("UPDATE submissions SET state = 'intent', task_id = NULL WHERE number = 2")
    shown = batch.cli("batch", "show", "1", "--json").json
    assert shown["unknown"] == 1
    assert shown["tasks"][1]["submissionState"] == "unknown"
    assert shown["tasks"][1]["error"]


@pytest.mark.parametrize("number", ["7", "99999999999999999999999"])
def test_a_batch_that_is_not_there_is_not_found(batch: Batches, number: str) -> None:
    assert batch.cli("batch", "show", number).status == 5
    assert batch.cli("batch", "list", "--limit", number).status == 0


def test_a_file_whose_name_is_no_text_can_be_run(batch: Batches) -> None:
    name = os.fsdecode(b"t\xffsks.jsonl")
    try:
        (batch.work / name).write_bytes((batch.work / "tasks.jsonl").read_bytes())
    except OSError:
        pytest.skip("this file system takes no such names")
    assert batch.cli("model", "batch", name, "--yes").status == 0


def test_bad_lines_are_sent_again_by_a_resume(batch: Batches) -> None:
    batch.service.replies[2] = bad_request()
    batch()
    assert states(batch("--resume")) == ["accepted", "rejected", "accepted", "accepted"]
    assert batch.service.posts == [1, 2, 3, 4, 2]


def test_clearing_the_history_keeps_what_a_resume_needs(batch: Batches) -> None:
    stop_at_the_third(batch)
    assert batch.cli("task", "history", "--clear", "--yes").status == 0
    assert states(batch("--resume")) == ["accepted"] * 4
    assert batch.service.posts == [3, 4]


def test_a_resume_with_wait_covers_lines_of_the_run_before(batch: Batches, work: Path) -> None:
    stop_at_the_third(batch)
    result = batch("--resume", "--wait")
    assert {entry["status"] for entry in result.json["tasks"]} == {"success"}


def test_a_workers_defect_ends_one_line_only(
    batch: Batches, monkeypatch: pytest.MonkeyPatch
) -> None:
    poll = Client.poll_task

    def odd(self: Client, task_id: str) -> Any:
        if task_id == "task-2":
            raise RuntimeError("odd")
        return poll(self, task_id)

    monkeypatch.setattr(Client, "poll_task", odd)
    result = batch("--wait")
    assert result.status == 1
    assert states(result) == ["accepted"] * 4
    assert [entry["ok"] for entry in result.json["tasks"]] == [True, False, True, True]
    assert "RuntimeError: odd" in result.json["tasks"][1]["error"]
    monkeypatch.undo()
    assert batch("--wait", "--resume").status == 0
    assert len(batch.service.posts) == 4


def test_a_ctrl_c_while_tasks_run_tells_every_id(batch: Batches) -> None:
    batch.service.tasks["task-4"] = task_reply("task-4", "processing")
    batch.service.on_poll = lambda task_id: (
        os.kill(os.getpid(), signal.SIGINT) if task_id == "task-4" else None
    )
    result = batch("--wait", "--json")
    assert result.status == 130
    assert [entry["taskId"] for entry in result.json["tasks"]] == [
        "task-1", "task-2", "task-3", "task-4",
    ]  # fmt: skip
    assert "Interrupted while waiting." in result.json["tasks"][3]["error"]
    assert f"Resume with: {AGAIN} --wait --resume" in result.stderr


def test_results_that_are_all_saved_are_not_offered_for_saving(batch: Batches) -> None:
    batch.write(1)
    data = "data:image/png;base64,iVBORw0KGgo="
    batch.service.tasks["task-1"] = task_reply("task-1", "success", data)
    assert batch("--wait", "--output-dir", "out").status == 0
    again = batch("--wait", "--resume")
    assert again.status == 0
    assert "--pending" not in again.stderr


def test_results_that_are_not_saved_are_offered_for_saving(batch: Batches) -> None:
    batch("--wait")
    assert "task download --pending" in batch("--wait", "--resume").stderr


def test_people_see_a_table_with_costs_failures_and_what_to_do_next(
    batch: Batches, env: dict[str, str]
) -> None:
    reason = {"status": "failed", "error": {"message": "No owls."}}
    batch.service.tasks["task-2"] = task_reply("task-2", "failed") | {"data": reason}
    batch.service.tasks["task-1"] = task_reply("task-1", billing={"amount": 0.03})
    batch("--wait", "--tag", "t")
    batch.sql("UPDATE batches SET state = 'stopped'")
    shown = at_terminal(env, batch.work, "batch", "show", "1")
    assert shown[3:6] == [
        "Line  Model  Status   Cost    Task",
        "1     a/b    success  $0.03   task-1",
        "2     a/b    failed   ~$0.04  task-2",
    ]
    assert shown[8:] == [
        "Billed $0.03 for 1 task; $0.12 at most for 3 without a bill.",
        "Failed: line 2: Task reached terminal status failed. No owls.",
    ]
    entries = batch.cli("batch", "show", "1", "--json").json["tasks"]
    assert [entry.get("billedUsd") for entry in entries] == [0.03, None, None, None]
    assert {entry["estimatedUsd"] for entry in entries} == {0.04}
    told = batch.cli("batch", "show", "1").stderr
    again = "modellix-cli model batch tasks.jsonl --yes --concurrency 1 --wait --tag t --resume"
    assert told == f"Resume with: {again}\n"
    facts = batch.cli("batch", "show", "1", "--json").json
    assert (facts["resume"], facts["resumeArgv"]) == (again, again.split())
    batch.sql("UPDATE batches SET resume_argv = NULL")  # as an older version leaves it
    told = batch.cli("batch", "show", "1").stderr
    assert "options that it was started with: modellix-cli model batch tasks.jsonl --resume" in told


def test_a_defect_after_new_paid_never_advises_to_pay_once_more(
    batch: Batches, monkeypatch: pytest.MonkeyPatch
) -> None:
    usual = Driver._result_of

    def defect(driver: Driver, done: Any) -> Any:
        if isinstance(done.key, effects.Poll):
            raise RuntimeError("a defect")
        return usual(driver, done)

    assert batch().status == 0
    paid = len(batch.service.made)
    monkeypatch.setattr(Driver, "_result_of", defect)
    result = batch("--new", "--wait")
    assert result.status == 1
    assert len(batch.service.made) > paid
    assert "a defect" in result.stderr
    assert "--resume" in result.stderr
    assert "--new" not in result.stderr


def test_the_command_that_goes_on_is_whole_in_any_shell(batch: Batches) -> None:
    variables = {"MODELLIX_PROFILE": "work", "MODELLIX_BASE_URL": "https://other.example"}
    batch.service.router.route(host="other.example").respond(401)
    batch.cli("model", "batch", "tasks.jsonl", "--yes", env=variables)
    shown = batch.cli("batch", "show", "1", "--json").json["resumeArgv"]
    assert shown[-4:] == ["--base-url", "https://other.example", "--profile", "work"]


def test_a_batch_of_the_sandbox_is_shown_as_one(cli: Cli, work: Path) -> None:
    line = {"modelSlug": "sandbox/fails", "body": {"prompt": "an owl"}}
    (work / "t.jsonl").write_text(json.dumps(line))
    cli("model", "batch", "t.jsonl", "--yes", env={"MODELLIX_SANDBOX": "1"})
    shown = cli("batch", "show", "1")
    assert (shown.status, shown.stdout) == (5, "")
    assert "See it with: modellix-cli batch show 1 --sandbox" in shown.stderr
    assert cli("batch", "show", "1", "--sandbox").status == 0


def test_a_batch_of_the_service_is_not_shown_as_one_of_the_sandbox(batch: Batches) -> None:
    batch()
    shown = batch.cli("batch", "show", "1", "--sandbox")
    assert (shown.status, shown.stdout) == (5, "")
    assert "See it without --sandbox." in shown.stderr
    shown = batch.cli("batch", "show", "1", env={"MODELLIX_SANDBOX": "1"})
    assert "See it with MODELLIX_SANDBOX=0." in shown.stderr


def test_no_command_to_paste_pays_for_every_line_again(batch: Batches) -> None:
    batch()
    assert batch("--new", env={"MODELLIX_BUDGET": "0.01"}).status != 0
    assert batch.cli("batch", "show", "2", "--json").json["resumeArgv"] is None
    assert "has sent nothing. Say --new again" in batch.cli("batch", "show", "2").stderr
    batch.service.replies[3] = httpx.Response(402, json={"code": 402, "message": "empty"})
    batch("--new")
    shown = batch.cli("batch", "list", "--json").json["batches"][0]
    assert (shown["accepted"] > 0, "--resume" in shown["resumeArgv"]) == (True, True)


@pytest.mark.parametrize("damage", ["'[[[['", "'\"abc\"'", "'[1,null]'", "x'00'", "7", "'{'"])
def test_a_command_that_the_ledger_lost_is_none(batch: Batches, damage: str) -> None:
    batch()
    batch.sql(f"UPDATE batches SET state = 'stopped', resume_argv = {damage}")
    assert batch.cli("batch", "show", "1", "--json").json["resume"] is None
    assert "options that it was started with" in batch.cli("batch", "show", "1").stderr
    assert batch.cli("batch", "list").status == 0


def test_a_key_among_the_words_is_in_no_command_and_not_kept(batch: Batches) -> None:
    key = "mk-a'quoted'-0123456789"
    stop_at_the_third(batch)
    ran = batch("--tag", "x", "--set", f"note={key}", env={"MODELLIX_API_KEY": key})
    shown = batch.cli("batch", "show", "1", "--json", env={"MODELLIX_API_KEY": key})
    kept = batch.sql("SELECT resume_argv FROM batches")[0][0]
    for text in (ran.stdout, ran.stderr, shown.stdout, kept):
        assert "quoted" not in text


def test_a_line_whose_request_key_has_a_task_that_failed_is_failed(batch: Batches) -> None:
    batch.write(1, requestKey="k1")
    batch.service.tasks["task-1"] = task_reply("task-1", "canceled", error="no owls")
    assert batch("--wait").status == 1
    batch.write(1, requestKey="k1", id="another")
    result = batch()
    (entry,) = result.json["tasks"]
    assert (result.status, batch.service.posts) == (1, [1])
    assert (entry["status"], entry["ok"], entry["reused"]) == ("canceled", False, True)
    assert entry["errorInfo"] == {
        "code": "TASK_FAILED", "exitCode": 1, "retryable": False, "charged": "no",
    }  # fmt: skip
    assert "See why with: modellix-cli task get task-1" in entry["error"]


@pytest.mark.parametrize("trouble", ["late", "refused"])
def test_what_to_do_about_a_failed_task_is_told_where_others_are_left_too(
    batch: Batches, trouble: str
) -> None:
    batch.write(1, 2)
    batch.service.tasks["task-1"] = task_reply("task-1", "failed")
    if trouble == "late":
        batch.service.tasks["task-2"] = task_reply("task-2", "processing")
    else:
        batch.service.replies[2] = bad_request()
    result = batch("--wait", "--timeout", "20s", "--output", "human")
    assert result.status == 1
    *_, about, resume = result.stderr.splitlines()
    assert "add --retry-failed to the command below" in about
    assert resume.startswith("Resume with: ")
    assert "--retry-failed" not in resume
    assert "--retry-failed" not in batch("--wait", "--resume", "--timeout", "20s", "-q").stderr
