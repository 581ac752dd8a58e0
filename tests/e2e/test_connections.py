"""Paid POSTs and their connections: one each, and no answer is taken for another's."""

import json

import pytest

from tests.e2e.batches import Batches, batch, running_service, states
from tests.e2e.orders import again, ended, made, run, task_ids, task_of

__all__ = ["batch", "running_service"]

LINES = 12


def reply(status: int, value: object) -> str:
    text = json.dumps(value)
    head = f"HTTP/1.1 {status} X\r\nContent-Type: application/json\r\nContent-Length: {len(text)}"
    return f"{head}\r\n\r\n{text}"


FOREIGN = {"status": "pending", "task_id": "task-foreign", "model_id": "a/b"}
TAILS = {
    "junk": "junk",
    "a line break": "\r\n",
    "another acceptance": reply(200, {"code": 0, "message": "success", "data": FOREIGN}),
    "a refusal": reply(503, {"code": 503, "message": "Unavailable: circuit breaker open"}),
    "a limit": reply(429, {"code": 429, "message": "Rate limit exceeded: wait"}),
    "half an answer": "HTTP/1.1 200 OK\r\nContent-Length: 5",
}


@pytest.fixture
def dozen(batch: Batches) -> Batches:
    batch.write(*[{}] * LINES)
    return batch


def test_each_paid_post_has_a_connection_of_its_own(dozen: Batches) -> None:
    ran = again(dozen, "--concurrency", "3")
    assert ran.status == 0, ended(ran)
    stats = dozen.served.stats()
    assert stats["max_posts_of_a_connection"] == 1
    assert stats["connections"] >= LINES


@pytest.mark.parametrize("concurrency", ["1", "3"])
def test_a_proxy_that_closes_at_the_second_request_costs_no_line(
    dozen: Batches, concurrency: str
) -> None:
    dozen.served.change(connection_requests=1)
    ran = again(dozen, "--concurrency", concurrency)
    assert states(ran) == ["accepted"] * LINES, ended(ran)
    assert ran.status == 0
    assert dozen.posts == LINES


def test_polls_survive_a_proxy_that_closes_at_the_second_request(dozen: Batches) -> None:
    dozen.served.change(connection_requests=1)
    ran = again(dozen, "--wait")
    assert ran.status == 0, ended(ran)
    assert [entry["status"] for entry in ran.json["tasks"]] == ["success"] * LINES
    assert dozen.posts == LINES


@pytest.mark.parametrize("tail", TAILS.values(), ids=TAILS)
def test_bytes_behind_a_reply_are_no_answer_to_the_next_post(dozen: Batches, tail: str) -> None:
    dozen.served.change(post_tail=tail)
    ran = again(dozen, "--concurrency", "1", "--max-retry-wait", "1s")
    assert ran.status == 0, ended(ran)
    assert task_ids(ran) == dozen.ids()
    assert made(dozen) == dozen.posts == LINES


@pytest.mark.parametrize("tail", TAILS.values(), ids=TAILS)
def test_bytes_behind_a_reply_are_no_answer_to_a_poll(batch: Batches, tail: str) -> None:
    batch.served.change(post_tail=tail)
    ran = run(batch, "--wait")
    assert ran.status == 0, ended(ran)
    assert [task_of(ran)] == batch.served.tasks_of()["1"]


def test_bytes_behind_a_refusal_are_no_answer_to_its_repeat(batch: Batches) -> None:
    refusal = reply(503, {"code": 503, "message": "Unavailable: circuit breaker open"})
    batch.served.change(
        post_tail=TAILS["another acceptance"], named_posts=1, named_status=503,
        named_body=refusal.partition("\r\n\r\n")[2], named_makes=False,
    )  # fmt: skip
    ran = run(batch)
    assert ran.status == 0, ended(ran)
    assert [task_of(ran)] == batch.served.tasks_of()["1"]
