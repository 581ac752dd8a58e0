"""An answer that is no acceptance but names a task: that task is looked for, nothing sent again."""

import pytest

from tests.e2e.batches import Batches, batch, running_service, states
from tests.e2e.orders import (
    again,
    end,
    ended,
    made,
    run,
    task_ids,
    task_of,
    unknown_submissions,
)

__all__ = ["batch", "running_service"]

WAYS = {
    "task_id": '{"code": %d, "message": "Unavailable: oops", "task_id": "{id}"}',
    "taskId": '{"code": %d, "message": "Unavailable: oops", "taskId": "{id}"}',
    "task_id in data": '{"code": %d, "message": "oops", "data": {"task_id": "{id}"}}',
    "get_result": '{"code": %d, "message": "oops", "data": {"get_result": {"url": "{url}"}}}',
    "get_result outside": '{"code": %d, "message": "oops", "get_result": {"url": "{url}"}}',
    "get_result as a text": '{"code": %d, "message": "oops", "get_result": "{url}"}',
}
GARBAGE = {
    "no data": (200, '{"task_id": "{id}"}'),
    "only the address": (200, '{"code": 0, "data": {"get_result": {"url": "{url}"}}}'),
    "cut in the middle": (200, '{"code": 0, "data": {"task_id": "{id}", "status": "pend'),
    "code that is none": (200, '{"code": "?", "data": {"task_id": "{id}"}}'),
    "502": (502, '{"error": "upstream", "task_id": "{id}"}'),
}
NAMED = {
    f"{status} {name}": (status, text % status)
    for status in (429, 500, 503)
    for name, text in WAYS.items()
} | GARBAGE


@pytest.mark.parametrize(("status", "text"), NAMED.values(), ids=NAMED)
def test_a_task_that_is_named_and_found_is_accepted(batch: Batches, status: int, text: str) -> None:
    batch.served.change(named_posts=1, named_status=status, named_body=text)
    ran = run(batch)
    assert ran.status == 0, ended(ran)
    assert batch.posts == 1
    assert [task_of(ran)] == batch.served.tasks_of()["1"]
    assert unknown_submissions(batch) == []


@pytest.mark.parametrize("status", [429, 500, 503])
@pytest.mark.parametrize("way", ["task_id", "taskId", "get_result"])
def test_a_line_whose_answer_names_a_task_is_sent_once(
    batch: Batches, status: int, way: str
) -> None:
    batch.write({}, {})
    batch.served.change(named_posts=1, named_status=status, named_body=WAYS[way] % status)
    ran = again(batch, "--concurrency", "1", "--wait")
    assert ran.status == 0, ended(ran)
    assert states(ran) == ["accepted", "accepted"]
    assert task_ids(ran) == batch.ids()
    assert batch.posts == 2


@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_task_that_is_named_and_not_found_stays_unknown_with_its_id(
    batch: Batches, status: int
) -> None:
    text = WAYS["task_id"] % status
    batch.served.change(named_posts=1, named_status=status, named_body=text, named_makes=False)
    ran = run(batch, "--max-retry-wait", "1s")
    assert end(ran) == (8, "SUBMISSION_UNKNOWN"), ended(ran)
    assert (ran.json["error"]["charged"], ran.json["error"]["retryable"]) == ("unknown", False)
    assert ran.json["error"]["taskId"] == "task-never-made"
    assert batch.posts == 1
    (entry,) = unknown_submissions(batch)
    assert entry["taskId"] == "task-never-made"


def test_a_task_that_is_found_later_ends_the_doubt(batch: Batches) -> None:
    named = WAYS["task_id"] % 500
    batch.served.change(named_posts=1, named_body=named, hidden_polls=1000)
    assert run(batch, "--max-retry-wait", "1s").status == 8
    batch.served.change(hidden_polls=0)
    (task_id,) = batch.served.tasks_of()["1"]
    ran = run(batch, "--resume")
    assert ran.status == 0, ended(ran)
    assert task_of(ran) == task_id
    assert unknown_submissions(batch) == []
    assert batch.posts == 1


def test_the_first_id_is_in_a_record_when_the_repeat_is_accepted(batch: Batches) -> None:
    """--resend-unknown: 500 with a task id, then the repeat is accepted."""
    batch.served.change(lost_posts=1)
    assert run(batch).status == 8
    batch.served.change(named_posts=1, named_body=WAYS["task_id"] % 500, named_makes=True)
    ran = run(batch, "--resend-unknown")
    assert ran.status == 0, ended(ran)
    assert batch.posts == 2
    listed = batch.shell("task", "history", "--json").json["entries"]
    assert task_of(ran) in [entry["taskId"] for entry in listed]
    assert task_of(ran) in batch.served.tasks_of()["1"]


@pytest.mark.parametrize("text", [
    '{"code": 429, "message": "Rate limit exceeded", "task_id": ""}',
    '{"code": 429, "message": "Rate limit exceeded", "task_id": null}',
], ids=["empty", "null"])  # fmt: skip
def test_an_answer_that_names_nothing_is_an_ordinary_refusal(batch: Batches, text: str) -> None:
    batch.served.change(named_posts=1, named_status=429, named_body=text, named_makes=False)
    ran = run(batch)
    assert ran.status == 0, ended(ran)
    assert (batch.posts, made(batch)) == (2, 1)
