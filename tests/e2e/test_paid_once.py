"""A line that was paid for is paid for again only where the user says so."""

import json
import subprocess
from pathlib import Path

import pytest

from tests.e2e.batches import LINES, Batches, batch, running_service, states
from tests.e2e.orders import again, end, ended, lines, made, prompts, run, task_ids, until

__all__ = ["batch", "running_service"]


@pytest.fixture
def paid(batch: Batches) -> Batches:
    """Two lines that were paid for."""
    batch.write({}, {})
    assert batch().status == 0
    return batch


def test_the_same_batch_again_is_refused_and_says_both_ways_on(paid: Batches) -> None:
    ran = again(paid)
    assert end(ran) == (2, "ALREADY_PAID"), ended(ran)
    error = ran.json["error"]
    assert (error["charged"], error["retryable"]) == ("no", False)
    assert "--resume" in error["message"] + error["hint"]
    assert "--new" in error["message"] + error["hint"]
    assert paid.posts == 2


def test_a_resume_of_a_finished_batch_tells_its_tasks_and_sends_nothing(paid: Batches) -> None:
    ran = again(paid, "--resume")
    assert ran.status == 0, ended(ran)
    assert task_ids(ran) == paid.ids()
    assert (ran.json["newlySubmitted"], ran.json["reused"]) == (0, 2)
    assert paid.posts == 2


def test_a_line_appended_costs_one_task(paid: Batches) -> None:
    paid.write({}, {}, {})
    ran = again(paid, "--resume")
    assert ran.status == 0, ended(ran)
    assert task_ids(ran) == paid.ids()
    assert None not in paid.ids()
    assert (ran.json["newlySubmitted"], ran.json["reused"]) == (1, 2)


def test_new_pays_for_everything_and_a_later_resume_goes_on_with_that(paid: Batches) -> None:
    first = task_ids(again(paid, "--resume"))
    ran = again(paid, "--new")
    assert ran.status == 0, ended(ran)
    assert (made(paid), ran.json["newlySubmitted"]) == (4, 2)
    assert not set(task_ids(ran)) & set(first)
    later = again(paid, "--resume")
    assert later.status == 0, ended(later)
    assert task_ids(later) == task_ids(ran)
    assert made(paid) == 4


def test_new_that_was_cut_short_is_completed_by_a_resume(paid: Batches) -> None:
    paid.served.change(post_status=402, post_good=3)
    assert again(paid, "--new", "--concurrency", "1").status == 4
    assert made(paid) == 3
    paid.served.change(post_status=0)
    ran = again(paid, "--resume")
    assert ran.status == 0, ended(ran)
    assert (made(paid), ran.json["newlySubmitted"]) == (4, 1)
    assert set(task_ids(ran)) == {"task-" + f"{number:06d}" for number in last_numbers(paid, 2)}


def last_numbers(batch: Batches, count: int) -> list[int]:
    ids = [task_id for ids in batch.served.tasks_of().values() for task_id in ids]
    return sorted(int(task_id.removeprefix("task-")) for task_id in ids)[-count:]


def test_new_pays_for_lines_of_unknown_outcome_too(batch: Batches) -> None:
    batch.write({}, {})
    batch.served.change(lost_posts=2)
    assert states(again(batch, "--continue-on-unknown")) == ["unknown", "unknown"]
    ran = again(batch, "--new")
    assert ran.status == 0, ended(ran)
    assert states(ran) == ["accepted", "accepted"]
    assert made(batch) == 4


def test_a_resume_may_be_the_first_run(batch: Batches) -> None:
    ran = again(batch, "--resume")
    assert ran.status == 0, ended(ran)
    assert None not in batch.ids()


@pytest.mark.parametrize(("choice", "end_of", "total"), [
    ("refuse", (2, "ALREADY_PAID"), 2), ("resume", (0, None), 2), ("new", (0, None), 4),
])  # fmt: skip
def test_a_script_chooses_beforehand_what_becomes_of_paid_lines(
    paid: Batches, choice: str, end_of: tuple[int, str | None], total: int
) -> None:
    ran = again(paid, MODELLIX_ON_PAID=choice)
    assert end(ran) == end_of, ended(ran)
    assert made(paid) == total


def test_an_option_is_stronger_than_what_a_script_chose(paid: Batches) -> None:
    assert again(paid, "--resume", MODELLIX_ON_PAID="new").status == 0
    assert made(paid) == 2
    assert again(paid, "--new", MODELLIX_ON_PAID="resume").status == 0
    assert made(paid) == 4


def test_a_choice_that_does_not_exist_sends_nothing(batch: Batches) -> None:
    assert again(batch, MODELLIX_ON_PAID="pay").status == 2
    assert batch.posts == 0


def test_a_line_whose_task_failed_counts_as_paid(batch: Batches) -> None:
    batch.write({}, {"_fail": True})
    assert batch("--wait").status == 1
    assert end(again(batch)) == (2, "ALREADY_PAID")
    ran = again(batch, "--resume", "--wait")
    assert ran.status == 1, ended(ran)
    assert [entry["status"] for entry in ran.json["tasks"]] == ["success", "failed"]
    assert batch.posts == 2


def test_a_failed_task_is_paid_for_again_where_the_user_says_so(batch: Batches) -> None:
    batch.write({}, {"_fail": True})
    first = batch("--wait")
    ran = again(batch, "--resume", "--retry-failed", "--wait")
    assert ran.json["newlySubmitted"] == 1, ended(ran)
    assert task_ids(ran)[0] == task_ids(first)[0]
    assert task_ids(ran)[1] != task_ids(first)[1]
    assert batch.posts == 3


def test_another_batch_that_shares_a_line_does_not_block_a_resume(batch: Batches) -> None:
    one, two = batch.shell.cwd / "a.jsonl", batch.shell.cwd / "b.jsonl"
    one.write_text(lines(*prompts("shared", "a")))
    two.write_text(lines(*prompts("b", "shared")))
    batch.served.change(post_status=402, post_good=1)
    batch.path = one
    assert batch("--concurrency", "1").status != 0
    batch.served.change(post_status=0)
    batch.path = two
    ran = again(batch, "--resume")
    assert ran.status == 0, ended(ran)
    assert task_ids(ran)[1] == batch.served.tasks_of()["shared"][0]
    batch.path = one
    ran = again(batch, "--resume")
    assert ran.status == 0, ended(ran)
    assert {name: len(ids) for name, ids in batch.served.tasks_of().items()} == {
        "shared": 1, "a": 1, "b": 1,
    }  # fmt: skip


def test_a_single_run_does_not_make_a_line_count_as_paid(batch: Batches) -> None:
    batch.write({})
    assert run(batch).status == 0
    assert again(batch).status == 0
    assert made(batch) == 2


def test_a_rejected_line_does_not_count_as_paid(batch: Batches) -> None:
    batch.write({"_status": 400})
    assert states(again(batch)) == ["rejected"]
    assert states(again(batch)) == ["rejected"]


def named(*names: str) -> str:
    """Equal lines, told apart by their ids."""
    body = {"modelSlug": "a/b", "body": {"prompt": "equal"}}
    return "".join(json.dumps(body | {"id": name}) + "\n" for name in names)


def by_id(path: Path, batch: Batches, *options: str) -> dict[str, str]:
    batch.path = path
    ran = again(batch, *options)
    assert ran.status == 0, ended(ran)
    return {entry["id"]: entry["taskId"] for entry in ran.json["tasks"]}


def test_equal_lines_are_as_many_tasks_and_known_by_their_ids(batch: Batches) -> None:
    path = batch.path
    path.write_text(named("x", "y"))
    first = by_id(path, batch)
    assert len(set(first.values())) == 2
    path.write_text(named("y", "x", "z"))
    later = by_id(path, batch, "--resume")
    assert {name: later[name] for name in "xy"} == first
    assert len(set(later.values())) == 3
    assert made(batch) == 3


def test_equal_lines_without_ids_are_counted(batch: Batches) -> None:
    batch.path.write_text(lines(*prompts("equal", "equal")))
    assert again(batch).status == 0
    batch.path.write_text(lines(*prompts("other", "equal", "equal", "equal")))
    ran = again(batch, "--resume")
    assert ran.status == 0, ended(ran)
    assert {name: len(ids) for name, ids in batch.served.tasks_of().items()} == {
        "equal": 3, "other": 1,
    }  # fmt: skip


def start(batch: Batches, *options: str) -> "subprocess.Popen[bytes]":
    words = ("model", "batch", str(batch.path), "--yes", "--json", *options)
    return batch.shell.start(*words, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


@pytest.mark.parametrize("options", [(), ("--resume",)], ids=["plain", "resume"])
def test_the_same_batch_twice_at_once_pays_for_every_line_once(
    batch: Batches, options: tuple[str, ...]
) -> None:
    batch.served.change(latency=0.1)
    runs = [start(batch, *options) for _ in range(2)]
    for one in runs:
        out, err = one.communicate(timeout=60)
        assert one.returncode in (0, 2), (out, err)
    assert 0 in [one.returncode for one in runs]
    assert None not in batch.ids()
    assert batch.posts == LINES


def test_two_batches_that_overlap_at_once_pay_for_shared_lines_once(batch: Batches) -> None:
    one, two = batch.shell.cwd / "a.jsonl", batch.shell.cwd / "b.jsonl"
    one.write_text(lines(*prompts(*range(8))))
    two.write_text(lines(*prompts(*range(11, 3, -1))))
    batch.served.change(latency=0.2)
    runs = []
    for path in (one, two):
        batch.path = path
        runs.append(start(batch, "--resume", "--concurrency", "2"))
    for run_ in runs:
        out, err = run_.communicate(timeout=60)
        assert run_.returncode == 0, (out, err)
        assert len({entry["taskId"] for entry in json.loads(out)["tasks"]}) == 8
    assert {name: len(ids) for name, ids in batch.served.tasks_of().items()} == {
        str(name): 1 for name in range(12)
    }


def test_a_second_process_goes_on_when_the_first_was_killed(batch: Batches) -> None:
    batch.served.change(latency=0.3)
    first = start(batch, "--concurrency", "1")
    until(lambda: made(batch) >= 2)
    second = start(batch, "--resume", "--concurrency", "1")
    first.kill()
    first.communicate(timeout=60)
    out, err = second.communicate(timeout=60)
    assert second.returncode in (0, 8), (out, err)
    assert [name for name, ids in batch.served.tasks_of().items() if len(ids) > 1] == []
    told = [entry["submissionState"] for entry in json.loads(out)["tasks"]]
    assert told.count("unknown") <= 1
    assert told.count("accepted") == LINES - told.count("unknown")


@pytest.mark.parametrize("refusal", ["budget", "no balance"])
def test_new_of_which_nothing_was_sent_leaves_earlier_payments_as_they_were(
    paid: Batches, refusal: str
) -> None:
    if refusal == "budget":
        assert again(paid, "--new", MODELLIX_BUDGET="0.01").status == 10
    else:
        paid.served.change(post_status=402)
        refused = again(paid, "--new")
        assert refused.status == 4
        assert "--new" in refused.json["resumeArgv"]
        assert "--resume" not in refused.json["resumeArgv"]
        paid.served.change(post_status=0)
    assert again(paid, "--dry-run").status == 2
    assert end(again(paid)) == (2, "ALREADY_PAID")
    ran = again(paid, "--resume")
    assert ran.status == 0, ended(ran)
    assert ran.json["newlySubmitted"] == 0
    assert made(paid) == 2
    assert again(paid, "--new").json["newlySubmitted"] == 2
