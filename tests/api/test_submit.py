"""Submitting: what may be sent again, and what never."""

from collections.abc import Callable

import httpx
import pytest
import respx

from modellix_cli.api.client import Client, connect
from modellix_cli.api.retry import RetryPolicy
from modellix_cli.domain.errors import Charged, ErrorCode, ModellixError, interrupted
from modellix_cli.domain.task import Submission
from modellix_cli.domain.values import parse_slug
from tests.support import API, BASE, KEY, FakeClock, accepted, problem

SLUG = parse_slug("alibaba/qwen-image-plus")
ROUTE = f"{API}/alibaba/qwen-image-plus/async"
BODY = b'{"prompt": "a cat"}'


@pytest.fixture
def notices() -> list[str]:
    return []


@pytest.fixture
def client(clock: FakeClock, notices: list[str]) -> Client:
    return connect(BASE, KEY, clock=clock, policy=RetryPolicy(), notice=notices.append)


def failure(client: Client) -> ModellixError:
    with pytest.raises(ModellixError) as caught:
        client.submit(SLUG, BODY)
    return caught.value


@respx.mock
def test_a_submission_is_a_post_of_the_very_bytes_to_the_async_route(client: Client) -> None:
    route = respx.post(ROUTE).respond(json=accepted("task-1"))
    odd = b'{"seed":12345678901234567890, "a":1.0,"a":2}'
    assert client.submit(SLUG, odd).task_id == "task-1"
    request = route.calls.last.request
    assert request.content == odd
    assert request.headers["authorization"] == f"Bearer {KEY}"
    assert request.headers["content-type"] == "application/json"


@respx.mock
def test_a_slug_with_a_leading_type_takes_the_older_route(client: Client) -> None:
    route = respx.post(f"{API}/text-to-image/bytedance/seedream/async").respond(
        json=accepted("task-1")
    )
    client.submit(parse_slug("text-to-image/bytedance/seedream"), BODY)
    assert route.call_count == 1


@respx.mock
def test_odd_characters_of_a_slug_are_percent_encoded(client: Client) -> None:
    route = respx.post(url__startswith=API).respond(json=accepted("task-1"))
    client.submit(parse_slug("a b/c?d#é"), BODY)
    assert route.calls.last.request.url.raw_path == b"/api/v1/a%20b/c%3Fd%23%C3%A9/async"


@respx.mock
def test_429_is_sent_again_after_the_full_retry_after(
    client: Client, clock: FakeClock, notices: list[str]
) -> None:
    busy = httpx.Response(
        429, json=problem(429, "Rate limit exceeded: wait"), headers={"Retry-After": "7"}
    )
    route = respx.post(ROUTE).mock(
        side_effect=[busy, busy, httpx.Response(200, json=accepted("task-1"))]
    )
    assert client.submit(SLUG, BODY).task_id == "task-1"
    assert route.call_count == 3
    assert clock.slept == [7.0, 7.0]
    assert "Trying again in 7s" in notices[0]


@respx.mock
def test_503_in_the_apis_own_json_is_sent_again(client: Client, clock: FakeClock) -> None:
    route = respx.post(ROUTE).mock(
        side_effect=[
            httpx.Response(503, json=problem(503, "Unavailable: circuit breaker open")),
            httpx.Response(200, json=accepted("task-1")),
        ]
    )
    client.submit(SLUG, BODY)
    assert route.call_count == 2
    assert clock.slept == [1.0]


@respx.mock
@pytest.mark.parametrize(
    "reply",
    [
        httpx.Response(500, json=problem(500, "Internal error")),
        httpx.Response(502, html="<h1>Bad Gateway</h1>"),
        httpx.Response(503, html="<h1>Unavailable</h1>"),
        httpx.Response(504),
        httpx.Response(408),
        httpx.Response(302, headers={"Location": "https://elsewhere.example/"}),
        httpx.Response(200, html="<h1>Welcome</h1>"),
        httpx.Response(200, content=b"\xff\xfe\x00"),
        httpx.Response(200, json={"code": 0, "data": {}}),
        httpx.Response(200, json={"code": 0, "data": {"task_id": ""}}),
        httpx.Response(200, json={"code": 500, "message": "Internal error"}),
        httpx.Response(200, json=[1, 2]),
        httpx.Response(200, content=b"null"),
    ],
)
def test_an_answer_that_leaves_doubt_is_never_sent_again(
    client: Client, clock: FakeClock, reply: httpx.Response
) -> None:
    route = respx.post(ROUTE).mock(return_value=reply)
    error = failure(client)
    assert error.code is ErrorCode.SUBMISSION_UNKNOWN
    assert error.exit_status == 8
    assert error.charged == "unknown"
    assert not error.retryable
    assert "Do not submit the same request again" in error.hint
    assert route.call_count == 1
    assert clock.slept == []


@respx.mock
@pytest.mark.parametrize(
    "cause",
    [
        httpx.ReadError("reset"),
        httpx.ReadTimeout("slow"),
        httpx.WriteError("broken"),
        httpx.WriteTimeout("slow"),
        httpx.RemoteProtocolError("cut"),
    ],
)
def test_a_connection_that_breaks_after_the_start_is_never_sent_again(
    client: Client, cause: Exception
) -> None:
    route = respx.post(ROUTE).mock(side_effect=cause)
    assert failure(client).code is ErrorCode.SUBMISSION_UNKNOWN
    assert route.call_count == 1


@respx.mock
@pytest.mark.parametrize(
    "cause",
    [
        httpx.ConnectError("refused"),
        httpx.ConnectTimeout("slow"),
        httpx.ProxyError("403"),
    ],
)
def test_a_submission_that_never_left_is_tried_again_and_costs_nothing(
    client: Client, clock: FakeClock, cause: Exception
) -> None:
    route = respx.post(ROUTE).mock(side_effect=cause)
    error = failure(client)
    assert route.call_count == 4
    assert clock.slept == [1.0, 2.0, 4.0]
    assert error.exit_status == 7


@respx.mock
@pytest.mark.parametrize(
    ("status", "exit_status", "word"),
    [
        (400, 2, "prompt"),
        (401, 3, "key"),
        (402, 4, "Recharge"),
        (403, 3, "key"),
        (404, 5, "slug"),
        (413, 2, "large"),
        (415, 2, "type"),
        (422, 2, "range"),
    ],
)
def test_a_definite_refusal_tells_the_servers_own_detail(
    client: Client, status: int, exit_status: int, word: str
) -> None:
    route = respx.post(ROUTE).respond(status, json=problem(status, f"Category: the {word} detail"))
    error = failure(client)
    assert error.exit_status == exit_status
    assert error.status == status
    assert f"Category: the {word} detail." in error.message
    assert error.hint
    assert route.call_count == 1


@respx.mock
def test_a_200_with_another_code_is_that_error(client: Client) -> None:
    respx.post(ROUTE).respond(json=problem(402, "Insufficient balance: recharge"))
    error = failure(client)
    assert error.code is ErrorCode.PAYMENT_REQUIRED
    assert "Insufficient balance" in error.message


@respx.mock
def test_a_task_id_in_an_unusable_answer_is_told(client: Client) -> None:
    respx.post(ROUTE).respond(500, json=problem(500, "oops") | {"data": {"task_id": "task-9"}})
    assert "task-9" in failure(client).message


@respx.mock
@pytest.mark.parametrize("status", [400, 429, 503])
def test_a_refusal_that_names_a_task_is_not_taken_for_one(client: Client, status: int) -> None:
    route = respx.post(ROUTE).respond(
        status, json=problem(status, "odd") | {"data": {"task_id": "task-9"}}
    )
    error = failure(client)
    assert error.code is ErrorCode.SUBMISSION_UNKNOWN
    assert "task-9" in error.message
    assert route.call_count == 1


@respx.mock
def test_resending_an_unknown_outcome_happens_only_when_asked(client: Client) -> None:
    route = respx.post(ROUTE).mock(
        side_effect=[
            httpx.Response(500, json=problem(500, "x")),
            httpx.Response(200, json=accepted("task-2")),
        ]
    )
    assert client.submit(SLUG, BODY, resend_unknown=True).task_id == "task-2"
    assert route.call_count == 2


@respx.mock
def test_redirects_are_not_followed_with_the_key(client: Client) -> None:
    elsewhere = respx.route(host="elsewhere.example").respond(json=accepted("task-1"))
    respx.post(ROUTE).respond(307, headers={"Location": "https://elsewhere.example/x"})
    assert failure(client).exit_status == 8
    assert elsewhere.call_count == 0


@respx.mock
@pytest.mark.parametrize("charged", ["no", "unknown"])
def test_ctrl_c_is_never_an_occasion_to_send_again(
    client: Client, clock: FakeClock, charged: Charged
) -> None:
    route = respx.post(ROUTE).respond(json=accepted("task-1"))

    def guard(send: Callable[[], Submission]) -> Submission:
        send()
        raise interrupted(KeyboardInterrupt(), "Interrupted.", charged=charged)

    with pytest.raises(ModellixError):
        client.submit(SLUG, BODY, guard=guard)
    assert route.call_count == 1
    assert clock.slept == []


@respx.mock
@pytest.mark.parametrize(
    "reply",
    [
        httpx.Response(200, json={"code": 500, "message": "x", "data": {"task_id": "task-9"}}),
        httpx.Response(200, content=b'{"task_id": "task-9", "cost": NaN}'),
        httpx.Response(200, json={"task_id": "task-9"}),
        httpx.Response(429, json=problem(429, "odd") | {"task_id": "task-9"}),
    ],
)
def test_an_id_in_any_answer_is_kept_for_the_command_that_resumes(
    client: Client, reply: httpx.Response
) -> None:
    respx.post(ROUTE).mock(return_value=reply)
    error = failure(client)
    assert (error.code, error.task_id) == (ErrorCode.SUBMISSION_UNKNOWN, "task-9")


@respx.mock
def test_a_number_for_an_id_is_told() -> None:
    respx.post(ROUTE).respond(json={"code": 0, "data": {"task_id": 0}})
    clock = FakeClock()
    policy = RetryPolicy()
    error = failure(connect(BASE, KEY, clock=clock, policy=policy, notice=lambda text: None))
    assert "names the task id 0" in error.message


@respx.mock
def test_a_reply_that_cannot_be_read_is_an_unknown_outcome(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    def exhausted(*args: object) -> None:
        raise MemoryError

    monkeypatch.setattr("modellix_cli.api.client.read_submission", exhausted)
    respx.post(ROUTE).respond(json=accepted("task-1"))
    assert failure(client).code is ErrorCode.SUBMISSION_UNKNOWN


@respx.mock
def test_asked_for_resending_waits_as_the_server_asks(client: Client, clock: FakeClock) -> None:
    broken = httpx.Response(500, json=problem(500, "x"), headers={"Retry-After": "20"})
    respx.post(ROUTE).mock(side_effect=[broken, httpx.Response(200, json=accepted("task-2"))])
    client.submit(SLUG, BODY, resend_unknown=True)
    assert clock.slept == [20.0]
