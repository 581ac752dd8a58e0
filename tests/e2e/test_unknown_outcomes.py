"""A submission whose outcome is unknown: not sent again, listed, and ended by the user's word."""

import json
import signal
import subprocess
from collections.abc import Callable

import pytest

from tests.e2e.batches import Batches, batch, running_service, states
from tests.e2e.conftest import Ran
from tests.e2e.orders import (
    again,
    end,
    ended,
    error_infos,
    lines,
    made,
    prompts,
    run,
    task_ids,
    task_of,
    unknown_submissions,
    until,
)

__all__ = ["batch", "running_service"]


@pytest.fixture
def unknown(batch: Batches) -> Batches:
    """A run with the prompt 1 whose reply was lost; its task was made."""
    batch.write({}, {})
    batch.served.change(lost_posts=1)
    ran = run(batch)
    assert end(ran) == (8, "SUBMISSION_UNKNOWN"), ended(ran)
    return batch


def only_task(batch: Batches) -> str:
    (task_id,) = batch.served.tasks_of()["1"]
    return task_id


def test_an_unknown_outcome_is_not_called_retryable_nor_free(unknown: Batches) -> None:
    error = run(unknown).json["error"]
    assert (error["retryable"], error["charged"]) == (False, "no")  # this one sent nothing
    batch = unknown
    batch.served.change(lost_posts=1)
    error = run(batch, body="other").json["error"]
    assert (error["retryable"], error["charged"]) == (False, "unknown")


@pytest.mark.parametrize("options", [(), ("--resume",), ("--wait",)], ids=" ".join)
def test_the_same_run_is_not_sent_while_an_earlier_one_is_unknown(
    unknown: Batches, options: tuple[str, ...]
) -> None:
    ran = run(unknown, *options)
    assert end(ran) == (8, "SUBMISSION_UNKNOWN"), ended(ran)
    assert unknown.posts == 1


@pytest.mark.parametrize("body", ['{"prompt":"1"}', ' {"prompt" : "\\u0031"} '])
def test_the_doubt_is_about_the_request_and_not_its_spelling(unknown: Batches, body: str) -> None:
    words = ("model", "run", "text-to-image/a/b", "--body", body, "--json")
    ran = unknown.shell(*words, MODELLIX_PROFILE="work")
    assert end(ran) == (8, "SUBMISSION_UNKNOWN"), ended(ran)
    assert unknown.posts == 1


def test_another_request_is_sent_beside_an_unknown_one(unknown: Batches) -> None:
    assert run(unknown, body="2").status == 0
    assert made(unknown) == 2


def test_a_batch_with_a_request_of_unknown_outcome_needs_a_decision(unknown: Batches) -> None:
    ran = again(unknown)
    assert end(ran) == (2, "ALREADY_PAID"), ended(ran)
    assert unknown.posts == 1


def test_a_resume_leaves_an_unknown_line_alone_and_sends_the_others(unknown: Batches) -> None:
    ran = again(unknown, "--resume")
    assert ran.status == 8, ended(ran)
    assert states(ran) == ["unknown", "accepted"]
    info = error_infos(ran)[0]
    assert (info["code"], info["exitCode"]) == ("SUBMISSION_UNKNOWN", 8)
    assert (info["retryable"], info["charged"]) == (False, "no")  # this one did not send it
    assert unknown.posts == 2


def test_an_unknown_line_holds_back_a_single_run(batch: Batches) -> None:
    batch.write({})
    batch.served.change(lost_posts=1)
    assert again(batch).status == 8
    ran = run(batch)
    assert end(ran) == (8, "SUBMISSION_UNKNOWN"), ended(ran)
    assert batch.posts == 1


BRIEFLY = ("--max-retry-wait", "1s")


def resend_run(batch: Batches) -> Ran:
    return run(batch, "--resend-unknown", *BRIEFLY)


def resend_line(batch: Batches) -> Ran:
    batch.write({})
    return again(batch, "--resume", "--resend-unknown", *BRIEFLY)


Resend = Callable[[Batches], Ran]
RESENDS = pytest.mark.parametrize("resend", [resend_run, resend_line])


@RESENDS
def test_an_unknown_request_is_sent_once_more_on_the_users_word(
    unknown: Batches, resend: Resend
) -> None:
    ran = resend(unknown)
    assert ran.status == 0, ended(ran)
    assert unknown.posts == 2
    ran = run(unknown, "--resume")
    assert ran.status == 0, ended(ran)
    assert task_of(ran) == unknown.served.tasks_of()["1"][1]
    assert unknown.posts == 2


BROKEN = '{"code": 500, "message": "Internal error: oops"}'
LOST: dict[str, dict[str, object]] = {
    "every reply lost": {"lost_posts": 9},
    "500": {"named_posts": 9, "named_status": 500, "named_body": BROKEN},
    "502": {"named_posts": 9, "named_status": 502, "named_body": "<h1>Bad gateway</h1>"},
    "200 that is no JSON": {"named_posts": 9, "named_status": 200, "named_body": "<p>hello"},
}


@RESENDS
@pytest.mark.parametrize("settings", LOST.values(), ids=LOST)
def test_resending_never_sends_more_than_once_whatever_comes_back(
    unknown: Batches, resend: Resend, settings: dict[str, object]
) -> None:
    unknown.served.change(**settings)
    ran = resend(unknown)
    assert ran.status == 8, ended(ran)
    assert unknown.posts == 2
    told = ran.json.get("error") or error_infos(ran)[0]
    assert (told["code"], told["charged"]) == ("SUBMISSION_UNKNOWN", "unknown")
    assert told["retryable"] is False


@RESENDS
@pytest.mark.parametrize("status", [400, 401, 402, 429, 503])
def test_a_refusal_of_the_repeat_does_not_end_the_doubt(
    unknown: Batches, resend: Resend, status: int
) -> None:
    unknown.served.change(post_status=status)
    ran = resend(unknown)
    assert ran.status != 0, ended(ran)
    posts = unknown.posts
    assert posts >= 2 if status == 429 else posts == 2  # 429 made nothing: it is tried again
    assert made(unknown) == 1
    unknown.served.change(post_status=0)
    ran = run(unknown)
    assert end(ran) == (8, "SUBMISSION_UNKNOWN"), ended(ran)
    assert unknown.posts == posts
    assert made(unknown) == 1


def test_two_unknown_tries_are_both_listed(unknown: Batches) -> None:
    unknown.served.change(lost_posts=1)
    assert run(unknown, "--resend-unknown").status == 8
    assert len(unknown_submissions(unknown)) == 2


def test_the_history_lists_what_is_unknown(unknown: Batches) -> None:
    unknown.path.write_text(lines(*prompts("2", "3")))
    unknown.served.change(lost_posts=1)
    assert again(unknown, "--concurrency", "1").status == 8
    listed = {entry.get("line"): entry for entry in unknown_submissions(unknown)}
    assert set(listed) == {None, 1}
    assert "batch" not in listed[None] or listed[None]["batch"] is None
    assert listed[1]["batch"] is not None
    for entry in listed.values():
        assert entry["modelSlug"] == "a/b"
        assert entry["sentAt"]
    numbers = [str(entry["request"]) for entry in listed.values()]
    assert len(set(numbers)) == 2
    assert max(map(len, numbers)) <= 6


def resolve(batch: Batches, *options: str) -> Ran:
    (entry,) = unknown_submissions(batch)
    return batch.shell("task", "resolve", str(entry["request"]), *options, "--json")


def test_what_was_not_created_may_be_sent_again(unknown: Batches) -> None:
    assert resolve(unknown, "--not-created").status == 0
    assert unknown_submissions(unknown) == []
    assert run(unknown).status == 0
    assert unknown.posts == 2


def test_what_was_created_is_accepted_with_its_id(unknown: Batches) -> None:
    task_id = only_task(unknown)
    assert resolve(unknown, "--task-id", task_id).status == 0
    assert unknown_submissions(unknown) == []
    ran = run(unknown, "--resume")
    assert ran.status == 0, ended(ran)
    assert task_of(ran) == task_id
    assert unknown.posts == 1


def test_a_line_that_was_created_is_accepted_with_its_id(batch: Batches) -> None:
    batch.write({}, {})
    batch.served.change(lost_posts=1)
    assert again(batch, "--concurrency", "1").status == 8
    task_id = only_task(batch)
    assert resolve(batch, "--task-id", task_id).status == 0
    ran = again(batch, "--resume")
    assert ran.status == 0, ended(ran)
    assert task_ids(ran) == batch.ids()
    assert batch.posts == 2


@pytest.mark.parametrize("options", [(), ("--not-created", "--task-id", "task-1")])
def test_a_doubt_is_ended_in_one_way(unknown: Batches, options: tuple[str, ...]) -> None:
    ran = resolve(unknown, *options)
    assert ran.status == 2, ended(ran)
    assert len(unknown_submissions(unknown)) == 1


def test_a_request_that_is_not_unknown_cannot_be_resolved(batch: Batches) -> None:
    ran = batch.shell("task", "resolve", "77", "--not-created", "--json")
    assert ran.status in (2, 5), ended(ran)
    assert ran.json["error"]["code"] != "UNKNOWN_COMMAND"


def test_three_unknown_lines_stay_unknown_when_the_first_is_refused(batch: Batches) -> None:
    batch.write({}, {}, {})
    batch.served.change(lost_posts=3)
    assert states(again(batch, "--continue-on-unknown")) == ["unknown"] * 3
    batch.served.change(post_status=401)
    ran = again(batch, "--resume", "--resend-unknown", "--concurrency", "1")
    assert states(ran) == ["unknown"] * 3, ended(ran)
    assert ran.status == 8
    batch.served.change(post_status=0)
    posts = batch.posts
    assert states(again(batch, "--resume")) == ["unknown"] * 3
    assert batch.posts == posts


def test_three_unknown_lines_stay_unknown_when_their_repeat_is_interrupted(
    batch: Batches,
) -> None:
    batch.write({}, {}, {})
    batch.served.change(lost_posts=3)
    assert states(again(batch, "--continue-on-unknown")) == ["unknown"] * 3
    batch.served.change(latency=20)
    words = ("--resume", "--resend-unknown", "--concurrency", "1", "--json")
    resumed = batch.shell.start(
        "model", "batch", str(batch.path), "--yes", *words,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    until(lambda: batch.posts == 4)
    resumed.send_signal(signal.SIGINT)
    out, _ = resumed.communicate(timeout=30)
    batch.served.change(latency=0)
    told = [entry["submissionState"] for entry in json.loads(out)["tasks"]]
    assert told == ["unknown"] * 3
    ran = again(batch, "--resume")
    assert states(ran) == ["unknown"] * 3, ended(ran)
    assert batch.posts == 4
