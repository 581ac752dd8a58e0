"""What the JSON of a batch and of a wait holds beside the official keys."""

from typing import Any

import pytest

from tests.e2e.batches import Batches, batch, running_service, states
from tests.e2e.orders import SAVING, again, ended, error_infos, run, task_ids, task_of

__all__ = ["batch", "running_service"]

BESIDE = {"ok", "batch", "resume", "resumeArgv", "newlySubmitted", "reused", "faults"}
OFFICIAL = {"total", "succeeded", "failed", "tasks"}


def test_a_batch_that_went_well_tells_so(batch: Batches) -> None:
    batch.write({}, {})
    told = again(batch).json
    assert set(told) >= BESIDE | OFFICIAL
    assert (told["ok"], told["newlySubmitted"], told["reused"]) == (True, 2, 0)
    assert (told["faults"], told["resume"], told["resumeArgv"]) == ([], None, None)
    assert told["batch"]


def test_a_batch_in_which_something_failed_tells_so(batch: Batches) -> None:
    batch.write({}, {"_status": 400})
    told = again(batch).json
    assert set(told) >= BESIDE | OFFICIAL
    assert (told["ok"], told["newlySubmitted"], told["succeeded"], told["failed"]) == (
        False, 1, 1, 1,
    )  # fmt: skip


def test_the_batch_that_is_named_can_be_shown(batch: Batches) -> None:
    batch.write({}, {})
    told = again(batch).json
    ran = batch.shell("batch", "show", str(told["batch"]), "--json")
    assert ran.status == 0, ended(ran)
    assert [entry["taskId"] for entry in ran.json["tasks"]] == batch.ids()


INFOS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "refused": ({"_status": 400}, {"code": "INVALID_REQUEST", "exitCode": 2, "charged": "no"}),
    "poor": ({"_status": 402}, {"code": "PAYMENT_REQUIRED", "exitCode": 4, "charged": "no"}),
    "limited": ({"_status": 429}, {"code": "RATE_LIMITED", "exitCode": 6, "charged": "no"}),
    "closed": ({"_status": 503}, {"code": "SERVICE_UNAVAILABLE", "exitCode": 7, "charged": "no"}),
    "unknown": ({"_status": 500}, {"code": "SUBMISSION_UNKNOWN", "exitCode": 8}),
    "failed": ({"_fail": True}, {"code": "TASK_FAILED", "exitCode": 1, "charged": "yes"}),
    "not saved": ({"_media": 404}, {"exitCode": 9, "charged": "yes"}),
    "late": ({"_seconds": 60}, {"code": "TASK_WAIT_TIMEOUT", "exitCode": 124, "charged": "yes"}),
}


@pytest.mark.parametrize(("body", "info"), INFOS.values(), ids=INFOS)
def test_the_error_of_a_line_is_told_to_programs_too(
    batch: Batches, body: dict[str, Any], info: dict[str, Any]
) -> None:
    batch.write({}, body)
    # While a limit holds requests back, nothing is polled either.
    limit = "15s" if info.get("code") == "RATE_LIMITED" else "3s"
    brief = ("--timeout", limit, "--max-retry-wait", "2s")
    ran = again(batch, *SAVING, "--output-dir", "out", *brief)
    well, ill = ran.json["tasks"]
    assert "errorInfo" not in well
    assert isinstance(ill["error"], str), ended(ran)
    assert {key: ill["errorInfo"][key] for key in info} == info, ended(ran)
    assert set(ill["errorInfo"]) >= {"code", "exitCode", "retryable", "charged"}
    assert isinstance(ill["errorInfo"]["retryable"], bool)


def test_the_pause_that_a_server_asks_for_is_told(batch: Batches) -> None:
    batch.write({})
    batch.served.change(rate=1, window=300)
    batch.served.submit({"prompt": "takes the only place"})
    ran = again(batch, "--max-retry-wait", "1s")
    assert ran.status == 6, ended(ran)
    (info,) = error_infos(ran)
    assert info["code"] == "RATE_LIMITED"
    assert 1 < info["retryAfterSeconds"] <= 301
    assert info["retryable"] is True


def test_a_wait_for_one_task_tells_it_as_a_list_too(batch: Batches) -> None:
    task_id = task_of(run(batch))
    told = batch.shell("task", "wait", task_id, "--json").json
    assert told["data"]["task_id"] == task_id
    assert [(entry["taskId"], entry["status"]) for entry in told["tasks"]] == [(task_id, "success")]
    assert told["tasks"][0]["files"] == []


def test_a_wait_for_several_tasks_tells_them_in_their_order(batch: Batches) -> None:
    ids = [task_of(run(batch, body={"prompt": name} | more)) for name, more in (
        ("1", {}), ("2", {"_fail": True}), ("3", {}),
    )]  # fmt: skip
    ran = batch.shell("task", "wait", *ids, "--json")
    assert ran.status == 1, ended(ran)
    assert [entry["taskId"] for entry in ran.json["tasks"]] == ids
    assert [entry["status"] for entry in ran.json["tasks"]] == ["success", "failed", "success"]


def test_a_wait_names_the_files_that_were_saved_before(batch: Batches) -> None:
    ran = run(batch, *SAVING, "--output-dir", "out")
    assert ran.status == 0, ended(ran)
    saved = list((batch.shell.cwd / "out").iterdir())
    task_id = batch.served.tasks_of()["1"][0]
    (entry,) = batch.shell("task", "wait", task_id, "--json").json["tasks"]
    paths = [file if isinstance(file, str) else file["path"] for file in entry["files"]]
    assert [batch.shell.cwd / path for path in paths] == saved


def test_a_partly_reused_batch_counts_both(batch: Batches) -> None:
    batch.write({}, {}, {"_fail": True})
    assert again(batch, "--wait").status == 1
    batch.write({}, {}, {"_fail": True}, {}, {})
    ran = again(batch, "--resume")
    assert (ran.json["newlySubmitted"], ran.json["reused"]) == (2, 3), ended(ran)
    assert states(ran) == ["accepted"] * 5
    assert task_ids(ran) == batch.ids()


def test_stderr_is_silent_with_json_where_nothing_is_at_risk(batch: Batches) -> None:
    for options in ([], ["--resume"], ["--resume", "--wait"]):
        ran = again(batch, *options)
        assert (ran.status, ran.stderr) == (0, ""), ended(ran)


def test_a_batch_that_is_shown_later_tells_how_its_tasks_ended_and_what_they_cost(
    batch: Batches,
) -> None:
    batch.write({}, {"_status": 400})
    number = str(again(batch).json["batch"])
    (task_id,) = batch.ids()[:1]
    assert batch.shell("task", "wait", str(task_id)).status == 0
    well, refused = batch.shell("batch", "show", number, "--json").json["tasks"]
    assert well["status"] == "success"
    assert "estimatedUsd" not in refused
