"""What is a delivery, and what is not."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modellix_cli.webhooks.delivery import Refused, read_delivery
from tests.support import task_reply
from tests.webhooks.deliveries import body, delivery, headers

NOW = 1_800_000_000.0


def test_a_delivery_says_what_became_of_a_task() -> None:
    told = read_delivery(headers() | {"x-modellix-retry-count": "2"}, body(), NOW)
    facts = told.as_dict(known=True)
    assert facts == {
        "type": "delivery",
        "deliveryId": "d-1",
        "event": "prediction.task.succeeded",
        "taskId": "t-1",
        "status": "success",
        "retryCount": 2,
        "receivedAt": "2027-01-15T08:00:00.000Z",
        "known": True,
        "body": task_reply("t-1"),
    }


def test_a_body_may_be_what_a_reply_has_under_data() -> None:
    bare = json.dumps({"task_id": "t-1", "status": "failed"}).encode()
    assert read_delivery(headers(), bare, NOW).task.failed


def test_the_id_of_the_task_may_be_in_the_body_alone() -> None:
    lacking = headers()
    del lacking["x-modellix-task-id"]
    assert read_delivery(lacking, body("t-9"), NOW).task_id == "t-9"


@pytest.mark.parametrize("spelling", ["猫-1", "%E7%8C%AB-1"])
def test_the_id_of_the_task_may_be_beyond_ascii(spelling: str) -> None:
    named = headers() | {"x-modellix-task-id": spelling}
    assert read_delivery(named, body("猫-1"), NOW).task_id == "猫-1"


@pytest.mark.parametrize(
    ("event", "status", "consistent"),
    [
        ("prediction.task.succeeded", "success", True),
        ("prediction.task.failed", "failed", True),
        ("prediction.task.canceled", "canceled", True),
        ("prediction.task.succeeded", "failed", False),
        ("prediction.task.failed", "canceled", False),
        ("prediction.task.canceled", "failed", False),
        ("prediction.task.succeeded", "processing", False),
        ("prediction.task.started", "success", False),
    ],
)
def test_event_and_body_have_to_tell_of_the_same_end(
    event: str, status: str, consistent: bool
) -> None:
    told = read_delivery(headers() | {"x-modellix-event": event}, body(status=status), NOW)
    assert told.is_consistent is consistent


@pytest.mark.parametrize(
    ("changed", "content"),
    [
        ({"x-modellix-delivery-id": ""}, body()),
        ({"x-modellix-delivery-id": "a b"}, body()),
        ({"x-modellix-delivery-id": "d" * 201}, body()),
        ({"x-modellix-event": ""}, body()),
        ({"x-modellix-event": "a\x1b[2J"}, body()),
        ({"x-modellix-task-id": "../etc"}, body("t-1")),
        ({"x-modellix-task-id": "another"}, body("t-1")),
        ({}, b""),
        ({}, b"{"),
        ({}, b"[]"),
        ({}, b"null"),
        ({}, b'{"data": {"task_id": "t-1"}}'),
        ({}, b"[" * 100_000),
        ({}, b"\xff\xfe"),
    ],
)
def test_what_is_no_delivery_is_refused_for_good(changed: dict[str, str], content: bytes) -> None:
    with pytest.raises(Refused) as refused:
        read_delivery(headers() | changed, content, NOW)
    assert refused.value.status == 400


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)
task_fields = st.dictionaries(
    st.sampled_from(["status", "task_id", "result", "billing", "result_expires_at", "error"]),
    json_values,
)


@pytest.mark.slow
@given(
    st.dictionaries(st.sampled_from(sorted(headers())), st.text(max_size=30)),
    st.one_of(st.binary(), json_values.map(lambda value: json.dumps(value).encode())),
    st.none() | task_fields,
)
def test_whatever_is_sent_is_a_delivery_or_refused(
    changed: dict[str, str], content: bytes, fields: dict[str, Any] | None
) -> None:
    if fields is not None:
        content = json.dumps({"data": fields}).encode()
    try:
        told = read_delivery(headers() | changed, content, NOW)
    except Refused as refused:
        assert 400 <= refused.status < 500
    else:
        json.dumps(told.as_dict(known=False))


def test_the_price_is_exact() -> None:
    assert str(delivery(billing={"amount": 0.035}).task.billed) == "0.035"
