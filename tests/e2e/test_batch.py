"""`model batch` as a process against a service with limits and faults: what is made and printed."""

import json
from pathlib import Path

import pytest

from tests.e2e.batches import LINES, Batches, batch, running_service, states

__all__ = ["batch", "running_service"]

SAVE = ("--wait", "--allow-insecure-http", "--allow-private-network")


def test_every_line_is_made_once_and_told_with_its_task_id(batch: Batches) -> None:
    ran = batch()
    assert ran.status == 0
    assert [entry["taskId"] for entry in ran.json["tasks"]] == batch.ids()
    assert (ran.json["total"], ran.json["succeeded"], ran.json["failed"]) == (LINES, LINES, 0)


def test_an_entry_has_the_official_keys(batch: Batches) -> None:
    batch.write({})
    assert batch().json["tasks"] == [{
        "index": 1, "modelSlug": "a/b", "ok": True, "status": "submitted",
        "submissionState": "accepted", "taskId": batch.ids()[0],
    }]  # fmt: skip


def test_with_wait_an_entry_has_the_final_status_and_the_urls(batch: Batches) -> None:
    batch.write({})
    (entry,) = batch("--wait").json["tasks"]
    assert entry["status"] == "success"
    assert entry["resourceUrls"] == [f"{batch.served.url}/media/{entry['taskId']}.png"]


def test_no_more_tasks_run_than_may(batch: Batches) -> None:
    batch.served.change(running=2, task_time="0.2")
    ran = batch("--concurrency", "8")
    assert ran.status == 0
    assert None not in batch.ids()
    assert batch.served.stats()["max_running"] == 2


def test_a_request_limit_costs_time_and_no_line(batch: Batches) -> None:
    batch.served.change(rate=6, window=1.0)
    ran = batch("--wait", "--concurrency", "8")
    assert ran.status == 0
    assert None not in batch.ids()


def test_a_request_limit_without_headers_costs_time_and_no_line(batch: Batches) -> None:
    batch.served.change(rate=6, window=1.0, bare=True)
    ran = batch("--wait", "--concurrency", "8")
    batch.served.change(bare=False)
    assert ran.status == 0
    assert None not in batch.ids()


def test_results_come_in_the_order_of_the_lines(batch: Batches) -> None:
    batch.write(*({"_seconds": seconds} for seconds in (0.9, 0.1, 0.6, 0.0)))
    ran = batch("--wait", "--concurrency", "4")
    assert [entry["index"] for entry in ran.json["tasks"]] == [1, 2, 3, 4]
    assert [entry["taskId"] for entry in ran.json["tasks"]] == batch.ids()


def test_a_refused_line_does_not_stop_the_others(batch: Batches) -> None:
    batch.write({}, {"_status": 400}, {})
    ran = batch()
    assert ran.status == 1
    assert states(ran) == ["accepted", "rejected", "accepted"]


def test_a_failed_task_makes_the_batch_fail(batch: Batches) -> None:
    batch.write({}, {"_fail": True})
    ran = batch("--wait")
    assert ran.status == 1
    bad = ran.json["tasks"][1]
    assert (bad["ok"], bad["status"], bad["resourceUrls"]) == (False, "failed", [])
    assert bad["error"].startswith("Task reached terminal status failed.")


def test_tasks_that_do_not_end_in_time_are_exit_124(batch: Batches) -> None:
    batch.write({}, {"_seconds": 60})
    ran = batch("--wait", "--timeout", "1s")
    assert ran.status == 124
    assert [entry["status"] for entry in ran.json["tasks"]] == ["success", "timeout"]
    assert f"modellix-cli task wait {batch.ids()[1]}" in ran.json["tasks"][1]["error"]


def test_a_refusal_that_made_nothing_is_sent_again(batch: Batches) -> None:
    batch.served.change(refuse503_rate=0.3)
    assert batch().status == 0
    assert None not in batch.ids()


def test_reads_that_fail_now_and_then_lose_no_result(batch: Batches) -> None:
    batch.served.change(flaky_read_rate=0.3)
    ran = batch("--wait")
    assert ran.status == 0
    assert all(entry["resourceUrls"] for entry in ran.json["tasks"])


def test_idle_connections_that_the_server_closes_make_no_outcome_unknown(batch: Batches) -> None:
    batch.served.change(expire_keepalive=0.05, running=2, task_time="0.3")
    assert batch("--concurrency", "2").status == 0
    assert None not in batch.ids()


def test_the_id_of_a_line_is_in_its_entry(batch: Batches) -> None:
    batch.write({}, id="cover")
    assert batch().json["tasks"][0]["id"] == "cover"


def test_lines_can_come_from_stdin(batch: Batches) -> None:
    text = batch.path.read_bytes()
    ran = batch.shell("model", "batch", "-", "--yes", stdin=text)
    assert ran.status == 0
    assert [entry["taskId"] for entry in ran.json["tasks"]] == batch.ids()


@pytest.mark.parametrize("line", [
    b"{", b"[]", b'{"modelSlug": "a/b"}', b'{"modelSlug": "ab", "body": {}}',
    b'{"modelSlug": "a/b", "body": []}',
])  # fmt: skip
def test_one_bad_line_sends_nothing_and_is_named(batch: Batches, line: bytes) -> None:
    batch.path.write_bytes(batch.path.read_bytes() + line + b"\n")
    ran = batch()
    assert ran.status == 2
    assert f"line {LINES + 1}" in ran.stderr
    assert batch.posts == 0


def test_quiet_prints_the_task_ids(batch: Batches) -> None:
    assert batch("--quiet").stdout.decode().split("\n") == [*batch.ids(), ""]


def test_quiet_with_wait_prints_the_urls(batch: Batches) -> None:
    batch.write({}, {})
    ran = batch("--quiet", "--wait")
    urls = [f"{batch.served.url}/media/{task_id}.png" for task_id in batch.ids()]
    assert ran.stdout.decode().split("\n") == [*urls, ""]


def test_human_output_has_one_line_a_task(batch: Batches) -> None:
    batch.write({}, {"_status": 400})
    first, second = batch("--output", "human").stdout.decode().splitlines()[:2]
    assert first == f"1. a/b ({batch.ids()[0]}): submitted [accepted]"
    assert second.startswith("2. a/b: error [rejected] - Modellix API error (400 Bad Request).")


def test_jsonl_prints_one_entry_a_line(batch: Batches) -> None:
    lines = batch("--output", "jsonl").stdout.splitlines()
    entries = sorted(map(json.loads, lines), key=lambda entry: int(entry["index"]))
    assert [entry["taskId"] for entry in entries] == batch.ids()


def test_results_can_be_kept_in_a_file(batch: Batches) -> None:
    path = batch.shell.cwd / "results.jsonl"
    assert batch("--results", str(path)).status == 0
    entries = sorted(map(json.loads, path.read_text().splitlines()), key=lambda e: int(e["index"]))
    assert [entry["taskId"] for entry in entries] == batch.ids()


def test_results_are_saved_under_the_names_that_were_asked_for(batch: Batches) -> None:
    batch.write({}, {})
    options = ("--output-dir", "made", "--name-template", "{index}-{task_id}.{ext}")
    ran = batch(*SAVE, *options)
    assert ran.status == 0
    names = [f"{index}-{task_id}.png" for index, task_id in enumerate(batch.ids(), 1)]
    assert sorted(path.name for path in (batch.shell.cwd / "made").iterdir()) == sorted(names)


def test_an_entry_names_the_files_that_were_saved(batch: Batches) -> None:
    batch.write({}, {})
    ran = batch(*SAVE, "--output-dir", "made")
    for entry in ran.json["tasks"]:
        (file,) = entry["files"]
        path = Path(file if isinstance(file, str) else file["path"])
        assert (batch.shell.cwd / path).read_bytes().startswith(b"\x89PNG")
