"""`model batch` as people and scripts use it: what goes wrong around it, and what it then says."""

import json
import os
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.e2e.batches import LINES, Batches, batch, running_service
from tests.e2e.conftest import COMMAND, Ran

__all__ = ["batch", "running_service"]

SAVE = ("--wait", "--output-dir", "saved")
ALLOWED = ("--allow-insecure-http", "--allow-private-network")


def into(batch: Batches, stdout: str, *options: str) -> tuple[int, str]:
    """Run it in a shell with its stdout there; return its status and what it says."""
    words = ["model", "batch", str(batch.path), "--yes", *options]
    ran = subprocess.run(
        ["bash", "-c", f'"$0" "$@" {stdout}; exit "${{PIPESTATUS[0]}}"', COMMAND, *words],
        env=batch.shell.env, cwd=batch.shell.cwd, stderr=subprocess.PIPE, timeout=60, check=False,
    )  # fmt: skip
    return ran.returncode, ran.stderr.decode()


def resume(said: str) -> Sequence[str]:
    """The command that is named to go on with."""
    (line,) = [line for line in said.splitlines() if line.startswith("Resume with: ")]
    return line.split()[3:]


def test_results_that_could_not_be_saved_leave_something_to_resume(batch: Batches) -> None:
    batch.write({}, {})
    ran = batch(*SAVE, "--max-bytes", "10")
    assert "2 not saved" in ran.stderr
    assert "--max-bytes" in ran.json["tasks"][0]["error"]
    assert batch(*SAVE).status == 2
    words = ["1000" if word == "10" else word for word in resume(ran.stderr)]
    done = batch.shell(*words)
    assert done.status == 0
    assert all(entry["files"] for entry in done.json["tasks"])
    assert batch.posts == 2


def test_an_edited_file_costs_only_what_is_new_with_a_resume(batch: Batches) -> None:
    batch.write({}, {"_status": 400}, {})
    assert "edit the file: lines that were paid for are recognised" in batch().stderr
    batch.write({}, {}, {})
    refused = batch("--json")
    assert (refused.status, refused.json["error"]["code"]) == (2, "ALREADY_PAID")
    assert "Of 3 lines, 2 are paid for: batch 1" in refused.json["error"]["message"]
    assert batch.posts == 3
    ran = batch("--resume")
    assert ran.status == 0
    assert "1 task left to submit, listed prices: about $0.04." in ran.stderr
    assert batch.posts == 4
    assert [entry["taskId"] for entry in ran.json["tasks"]] == batch.ids()


def saved_paths(ran: Ran) -> list[str]:
    return [file["path"] for entry in ran.json["tasks"] for file in entry["files"]]


def test_lines_saved_by_an_earlier_batch_are_not_saved_again(batch: Batches) -> None:
    batch.write({}, {})
    before = saved_paths(batch(*SAVE, *ALLOWED))
    batch.write({}, {}, {})
    ran = batch(*SAVE, *ALLOWED, "--resume")
    assert saved_paths(ran)[:2] == before
    assert len(os.listdir(Path(before[0]).parent)) == 3


def test_a_saved_file_that_is_gone_or_cut_is_saved_again(batch: Batches) -> None:
    batch.write({}, {})
    gone, cut = saved_paths(batch(*SAVE, *ALLOWED))
    Path(gone).unlink()
    Path(cut).write_bytes(Path(cut).read_bytes()[:-1])
    batch.write({}, {}, {})
    ran = batch(*SAVE, *ALLOWED, "--resume")
    assert all(
        os.path.getsize(file["path"]) == file["bytes"]
        for entry in ran.json["tasks"]
        for file in entry["files"]
    )
    assert saved_paths(ran)[0] == gone
    assert saved_paths(ran)[1] != cut


def test_another_folder_gets_files_of_its_own(batch: Batches) -> None:
    batch.write({})
    batch(*SAVE, *ALLOWED)
    batch.write({}, {})
    ran = batch("--wait", "--output-dir", "other", *ALLOWED, "--resume")
    assert {Path(path).parent.name for path in saved_paths(ran)} == {"other"}


def test_a_request_key_used_again_saves_nothing_twice(batch: Batches) -> None:
    words = (
        "model", "run", "a/b", "--body", '{"prompt": "p"}', "--request-key", "k", "--json",
        *SAVE, *ALLOWED,
    )  # fmt: skip
    first, second = batch.shell(*words), batch.shell(*words)
    assert second.json["files"] == first.json["files"]
    assert batch.posts == 1
    assert len(os.listdir(batch.shell.cwd / "saved")) == 1


def test_a_resume_of_what_never_ran_runs_it(batch: Batches) -> None:
    ran = batch("--resume")
    assert ran.status == 0
    assert "this is the first" in ran.stderr


def test_where_nothing_was_accepted_the_same_command_goes_on(batch: Batches) -> None:
    batch.served.change(post_status=402)
    assert batch().status == 4
    batch.served.change(post_status=0)
    assert batch().status == 0
    assert batch.shell("batch", "list", "-q").stdout.split() == [b"1"]


def test_the_results_never_overwrite_the_tasks(batch: Batches) -> None:
    before = batch.path.read_bytes()
    ran = batch("--results", batch.path.name)
    assert ran.status == 2
    assert batch.path.read_bytes() == before
    assert batch.posts == 0


@pytest.mark.parametrize("place", ["missing/results.jsonl", "."])
def test_a_results_file_that_cannot_be_made_begins_no_batch(batch: Batches, place: str) -> None:
    assert batch("--results", place).status == 1
    assert batch.posts == 0
    assert batch.shell("batch", "list", "--json").json["batches"] == []


def test_a_results_file_without_room_stops_the_batch_and_says_what_is_paid(batch: Batches) -> None:
    ran = batch("--results", "/dev/full", "--json")
    assert (ran.status, ran.json["total"]) == (1, LINES)
    assert "No space left" in ran.stderr
    assert "lines accepted" in ran.stderr
    assert batch("--resume").status == 0
    assert None not in batch.ids()


@pytest.mark.parametrize("stdout", [">/dev/full", ">&-"])
def test_a_result_that_cannot_be_written_is_found_again(batch: Batches, stdout: str) -> None:
    status, said = into(batch, stdout)
    assert status == 1
    assert f"{LINES} of {LINES} lines accepted" in said
    shown = batch.shell("batch", "show", "1", "--json").json["tasks"]
    assert [entry["taskId"] for entry in shown] == batch.ids()


def test_a_reader_who_leaves_stops_the_batch_but_not_in_silence(batch: Batches) -> None:
    batch.served.change(latency=0.2)
    status, said = into(batch, "| head -1 >/dev/null", "--output", "jsonl", "--concurrency", "1")
    batch.served.change(latency=0.0)
    assert status == 141
    assert "stdout was closed, so no further line was started." in said
    assert batch.shell(*resume(said)).status == 0
    assert None not in batch.ids()


def test_an_interruption_does_not_call_running_tasks_fruitless(batch: Batches) -> None:
    batch.write({"_seconds": 30})
    ran = batch("--wait", "--timeout", "1s")
    assert ran.status == 124
    assert "1 of 1 line accepted, 1 still running when the time was over." in ran.stderr


def test_nothing_is_said_to_be_free_beside_tasks_that_were_made(batch: Batches) -> None:
    batch.served.change(post_status=503, post_good=2)
    ran = batch("--concurrency", "1", "--max-retry-wait", "1s")
    assert "2 of 8 lines accepted" in ran.stderr
    assert "othing was charged" not in ran.stderr


def test_lines_of_unknown_outcome_come_with_the_option_that_resends_them(batch: Batches) -> None:
    batch.write({})
    batch.served.change(cut_rate=1)
    assert "--resend-unknown" in batch().stderr


def test_the_command_to_resume_stands_at_the_end_of_a_line(batch: Batches) -> None:
    batch.served.change(post_status=402, post_good=1)
    batch("--concurrency", "1")
    ran = batch()
    assert ran.status == 2
    assert ran.stderr.splitlines()[-1].endswith(f"model batch {batch.path} --yes --resume")


def test_a_cost_limit_is_a_number(batch: Batches) -> None:
    ran = batch("--max-cost", "nan", "--json")
    assert ran.status == 2
    assert ran.json["error"]["code"] == "USAGE"


def test_the_list_is_separated_by_tabs_where_nobody_watches(batch: Batches) -> None:
    batch()
    (line,) = batch.shell("batch", "list").stdout.decode().splitlines()
    cells = line.split("\t")
    assert cells[:2] == ["1", "done"]
    assert cells[3:] == [str(LINES), str(LINES), "0", "0", str(batch.path)]


def test_both_keys_for_the_model_are_taken(batch: Batches) -> None:
    lines = [{"model_slug": "a/b", "body": {"prompt": "1"}, "id": "x"}]
    text = "\ufeff# made by hand\r\n\r\n" + "".join(json.dumps(line) + "\r\n" for line in lines)
    batch.path.write_bytes(text.encode())
    (entry,) = batch().json["tasks"]
    assert (entry["modelSlug"], entry["id"]) == ("a/b", "x")


def test_a_resume_tells_and_limits_the_cost_of_what_is_left(batch: Batches) -> None:
    batch.served.change(post_status=402, post_good=6)
    batch("--concurrency", "1")
    batch.served.change(post_status=0)
    said = batch("--resume", "--dry-run").stderr
    assert "2 tasks left to submit, listed prices: about $0.08." in said
    assert batch("--resume", "--dry-run", "--max-cost", "0.07").status == 10
    assert batch("--resume", "--max-cost", "0.08").status == 0
    assert batch("--resume", "--max-cost", "0").status == 0
    assert None not in batch.ids()


def test_quiet_names_no_url_where_files_were_to_be_saved(batch: Batches) -> None:
    batch.write({})
    ran = batch("-q", *SAVE, "--max-bytes", "10")
    assert ran.status == 9
    assert ran.stdout == b""


def test_a_batch_from_stdin_is_resumed_from_stdin(batch: Batches) -> None:
    batch.served.change(post_status=402, post_good=1)
    ran = batch.shell("model", "batch", "-", "--yes", stdin=batch.path.read_bytes())
    assert "pipe the same tasks to stdin again" in ran.stderr
    assert ran.stderr.endswith("Resume with: modellix-cli model batch - --yes --resume\n")
    batch.served.change(post_status=0)
    assert batch.shell(*resume(ran.stderr), stdin=batch.path.read_bytes()).status == 0
    assert None not in batch.ids()


def test_no_command_to_resume_resends_lines_of_unknown_outcome_by_itself(batch: Batches) -> None:
    batch.write({}, {})
    batch.served.change(cut_rate=1)
    batch("--concurrency", "1")
    assert "--resend-unknown" not in resume(batch("--resume", "--resend-unknown").stderr)


@pytest.mark.parametrize(
    ("option", "words"),
    [
        ("--max-tasks", "'--max-tasks': 'many' is not a "),
        ("--max-cost", "--max-cost must be a number of dollars"),
    ],
)
def test_a_number_that_is_none_is_called_so(batch: Batches, option: str, words: str) -> None:
    assert words in batch(option, "many").stderr
    assert "range" not in batch(option, "many").stderr


def test_a_batch_that_another_process_submits_is_not_offered_again(batch: Batches) -> None:
    batch.write({}, {}, {}, {})
    batch.served.change(latency=1.0)
    words = ("model", "batch", str(batch.path), "--yes", "--concurrency", "1")
    first = batch.shell.start(*words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while first.poll() is None and batch.served.stats()["tasks_created"] < 2:
        time.sleep(0.02)
    second = batch()
    assert second.status == 2
    assert "being submitted by another process" in second.stderr
    assert "--new" not in second.stderr
    assert first.wait(30) == 0
    batch.served.change(latency=0.0)
    assert None not in batch.ids()


def test_a_batch_that_stops_says_so_while_it_waits_for_what_runs(batch: Batches) -> None:
    batch.served.change(post_status=402, post_good=1, task_time="1")
    ran = batch("--wait", "--concurrency", "1")
    assert "No more lines are submitted: Modellix API error (402" in ran.stderr
    assert "Waiting for 1 running task." in ran.stderr
    batch.served.change(post_good=0)
    assert "No more lines are submitted" not in batch("--new", "--wait").stderr
