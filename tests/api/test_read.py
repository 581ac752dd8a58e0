"""Reading: what is tried again, how long is waited, what the user is told."""

import email.utils
import json

import httpx
import pytest
import respx
from hypothesis import given
from hypothesis import strategies as st

from modellix_cli.api.client import Client, connect
from modellix_cli.api.retry import RetryPolicy
from modellix_cli.api.transport import EXCHANGE_SECONDS, MAX_REPLY_BYTES
from modellix_cli.domain.errors import ErrorCode, ModellixError
from modellix_cli.domain.task import Task
from tests.support import API, BASE, KEY, FakeClock, problem, task_reply

ROUTE = f"{API}/tasks/task-1"
FINE = httpx.Response(200, json=task_reply("task-1"))


@pytest.fixture
def client(clock: FakeClock) -> Client:
    return reader(clock)


def reader(clock: FakeClock, base_url: str = BASE) -> Client:
    return connect(base_url, KEY, clock=clock, policy=RetryPolicy(), notice=lambda text: None)


def failure(client: Client) -> ModellixError:
    with pytest.raises(ModellixError) as caught:
        client.task("task-1")
    return caught.value


@respx.mock
def test_a_key_that_the_server_says_back_is_nowhere_in_a_task(client: Client) -> None:
    url = f"https://cdn.example.com/{KEY}.png?token={KEY}"
    respx.get(ROUTE).respond(json=task_reply("task-1", "success", url, model=KEY))
    task = client.task("task-1")
    assert task.urls == ("https://cdn.example.com/[REDACTED].png?token=[REDACTED]",)
    assert KEY not in repr(task)


@respx.mock
@pytest.mark.parametrize(
    "trouble",
    [
        httpx.Response(500, json=problem(500, "Internal error")),
        httpx.Response(429, json=problem(429, "Rate limit exceeded")),
        httpx.Response(408),
        httpx.Response(502, html="<h1>Bad Gateway</h1>"),
        httpx.Response(200, html="<h1>Sign in to the hotel network</h1>"),
        httpx.Response(200, json={"code": 500, "message": "Internal error"}),
        httpx.Response(200, json=task_reply("another-task")),
        httpx.ReadError("reset"),
        httpx.RemoteProtocolError("cut"),
        httpx.ConnectError("refused"),
    ],
)
def test_passing_trouble_is_tried_again(
    client: Client, clock: FakeClock, trouble: httpx.Response | Exception
) -> None:
    route = respx.get(ROUTE).mock(side_effect=[trouble, trouble, FINE])
    assert client.task("task-1").status == "success"
    assert route.call_count == 3
    assert clock.slept == [1.0, 2.0]


@respx.mock
@pytest.mark.parametrize(
    ("status", "exit_status"),
    [
        (400, 2),
        (401, 3),
        (402, 4),
        (403, 3),
        (404, 5),
        (418, 1),
        (301, 1),
    ],
)
def test_a_definite_answer_is_not_tried_again(
    client: Client, status: int, exit_status: int
) -> None:
    route = respx.get(ROUTE).respond(status, json=problem(status, "Category: the detail"))
    error = failure(client)
    assert error.exit_status == exit_status
    assert "the detail" in error.message
    assert route.call_count == 1


@respx.mock
@pytest.mark.parametrize(("status", "exit_status"), [(429, 6), (500, 7), (503, 7)])
def test_lasting_trouble_is_given_up_after_four_tries(
    client: Client, clock: FakeClock, status: int, exit_status: int
) -> None:
    route = respx.get(ROUTE).respond(status, json=problem(status, "Category: the detail"))
    error = failure(client)
    assert error.exit_status == exit_status
    assert error.retryable
    assert "Tried 4 times" in error.message
    assert route.call_count == 4
    assert clock.slept == [1.0, 2.0, 4.0]


@respx.mock
def test_the_tries_of_a_read_take_no_longer_together_than_one_exchange_may(
    client: Client, clock: FakeClock
) -> None:
    def drips(request: httpx.Request) -> httpx.Response:
        clock.sleep(EXCHANGE_SECONDS * 0.6)
        raise httpx.ReadTimeout("late", request=request)

    route = respx.get(ROUTE).mock(side_effect=drips)
    assert failure(client).code is ErrorCode.NETWORK
    assert route.call_count == 2


@respx.mock
def test_nothing_listening_is_unavailable_and_free(client: Client) -> None:
    respx.get(ROUTE).mock(side_effect=httpx.ConnectError("Connection refused"))
    error = failure(client)
    assert error.exit_status == 7
    assert "Cannot reach https://api.modellix.ai: Connection refused." in error.message


NOW = FakeClock().now()


@respx.mock
@pytest.mark.parametrize(
    ("headers", "pause"),
    [
        ({"Retry-After": "3"}, 3.0),
        ({"Retry-After": "0.5"}, 0.5),
        ({"Retry-After": email.utils.formatdate(NOW + 9, usegmt=True)}, 9.0),
        ({"X-RateLimit-Reset": str(NOW + 30)}, 30.0),
        ({"X-RateLimit-Reset": str(NOW + 2.25)}, 2.25),
        ({"Retry-After": "4", "X-RateLimit-Reset": str(NOW + 30)}, 4.0),
        ({"X-RateLimit-Reset": str(NOW - 30)}, 1.0),
        ({"X-RateLimit-Reset": "soon"}, 1.0),
        ({"X-RateLimit-Reset": "nan"}, 1.0),
        ({"Retry-After": "-5"}, 1.0),
        ({"Retry-After": "inf"}, 1.0),
        ({"Retry-After": "nan"}, 1.0),
        ({"Retry-After": "0"}, 1.0),
        ({"Retry-After": "0.0"}, 1.0),
        ({"Retry-After": "-0"}, 1.0),
        ({"Retry-After": "soon"}, 1.0),
        ({"Retry-After": ""}, 1.0),
        ({"Retry-After": email.utils.formatdate(NOW - 9, usegmt=True)}, 1.0),
        ({"Retry-After": "0", "X-RateLimit-Reset": str(NOW + 30)}, 30.0),
    ],
)
def test_the_pause_is_what_the_server_asks_else_one_second(
    client: Client, clock: FakeClock, headers: dict[str, str], pause: float
) -> None:
    busy = httpx.Response(429, json=problem(429, "x"), headers=headers)
    respx.get(ROUTE).mock(side_effect=[busy, FINE])
    client.task("task-1")
    assert clock.slept == [pytest.approx(pause)]


@respx.mock
@pytest.mark.parametrize(("status", "remaining"), [(503, "0"), (500, "80"), (429, "80")])
def test_a_reset_time_counts_only_when_the_requests_are_used_up(
    client: Client, clock: FakeClock, status: int, remaining: str
) -> None:
    headers = {"X-RateLimit-Reset": str(NOW + 50), "X-RateLimit-Remaining": remaining}
    trouble = httpx.Response(status, json=problem(status, "x"), headers=headers)
    respx.get(ROUTE).mock(side_effect=[trouble, FINE])
    client.task("task-1")
    assert clock.slept == [1.0]


@respx.mock
def test_a_reset_time_is_read_against_the_servers_clock(client: Client, clock: FakeClock) -> None:
    headers = {
        "Date": email.utils.formatdate(NOW - 1000, usegmt=True),
        "X-RateLimit-Reset": str(NOW - 1000 + 5),
    }
    busy = httpx.Response(429, json=problem(429, "x"), headers=headers)
    respx.get(ROUTE).mock(side_effect=[busy, FINE])
    client.task("task-1")
    assert clock.slept == [5.0]


@respx.mock
def test_a_pause_over_the_limit_is_refused_and_named(client: Client, clock: FakeClock) -> None:
    route = respx.get(ROUTE).respond(429, json=problem(429, "x"), headers={"Retry-After": "600"})
    error = failure(client)
    assert route.call_count == 1
    assert clock.slept == []
    assert "asks to wait 10m 00s, more than the limit of 2m 00s" in error.message
    assert "--max-retry-wait" in error.hint


@respx.mock
def test_a_server_that_asks_for_no_pause_is_not_asked_again_at_once(
    client: Client, clock: FakeClock
) -> None:
    route = respx.get(ROUTE).respond(503, json=problem(503, "x"), headers={"Retry-After": "0"})
    failure(client)
    assert route.call_count == 4
    assert clock.slept == [1.0, 2.0, 4.0]


@respx.mock
@pytest.mark.parametrize("asked", ["86401", "1e300", "Fri, 31 Dec 9999 23:59:59 GMT"])
def test_what_a_server_asks_to_wait_is_bounded(client: Client, asked: str) -> None:
    respx.get(ROUTE).respond(429, json=problem(429, "x"), headers={"Retry-After": asked})
    assert failure(client).retry_after == 86_400


@respx.mock
def test_an_endless_reply_is_cut_off(client: Client) -> None:
    huge = httpx.Response(200, content=b"[" + b" " * MAX_REPLY_BYTES)
    respx.get(ROUTE).mock(return_value=huge)
    assert "exceeds" in failure(client).message


@respx.mock
def test_secrets_in_the_servers_detail_are_hidden(client: Client) -> None:
    respx.get(ROUTE).respond(400, json=problem(400, "bad url http://x/?token=abc123&a=1"))
    message = failure(client).message
    assert "abc123" not in message
    assert "token=[REDACTED]&a=1" in message


@respx.mock
@pytest.mark.parametrize("padding", range(240, 300))
def test_a_key_across_the_edge_of_a_message_does_not_leak(client: Client, padding: int) -> None:
    text = "x" * padding + " " + KEY + " and more" * 20
    respx.get(ROUTE).respond(400, json=problem(400, text))
    assert KEY[:4] not in failure(client).message


@respx.mock
@pytest.mark.parametrize(
    "reply",
    [
        httpx.Response(200, content=b"x", headers={"Content-Type": "x" * 50 + KEY}),
        httpx.Response(200, json=task_reply("task-1", "y" * 90 + KEY)),
        httpx.Response(200, json=task_reply("task-1", KEY + "y" * 90)),
        httpx.RemoteProtocolError("illegal status line: " + "z" * 270 + KEY),
        httpx.ConnectError("z" * 290 + KEY),
        httpx.ProxyError("z" * 290 + KEY),
    ],
)
def test_a_key_across_any_edge_does_not_leak(
    client: Client, reply: httpx.Response | Exception
) -> None:
    respx.get(ROUTE).mock(side_effect=[reply] * 4)
    try:
        told = client.task("task-1").status
    except ModellixError as error:
        told = error.message
    assert KEY[:4] not in told


@respx.mock
@pytest.mark.parametrize(
    ("message", "category"),
    [
        ("Invalid parameters: parameter 'prompt' is required", "Invalid parameters"),
        ("invalid PARAMETERS : x", "Invalid parameters"),
        ("Missing required parameter: x", "Missing required parameter"),
        ("Invalid format: x", "Invalid format"),
        ("Value out of range: x", "Value out of range"),
        ("Authentication failed: x", "Authentication failed"),
        ("Resource not found: x", "Resource not found"),
        ("Rate limit exceeded", "Rate limit exceeded"),
        ("Concurrent limit exceeded: x: y", "Concurrent limit exceeded"),
        ("Oh no: Invalid format: x", None),
        ("", None),
        (": x", None),
        (None, None),
        (5, None),
    ],
)
def test_the_category_of_an_error_is_a_field_beside_the_message(
    client: Client, message: object, category: str | None
) -> None:
    respx.get(ROUTE).respond(400, json={"code": 400, "message": message})
    error = failure(client)
    assert error.category == category
    assert error.as_dict().get("category") == category
    if category:
        assert str(message) in error.message


@respx.mock
@pytest.mark.parametrize(
    ("headers", "told"),
    [
        ({}, None),
        ({"Limit": "100"}, {"limit": 100}),
        (
            {"Limit": "100", "Remaining": "0", "Reset": "1800000060.5"},
            {"limit": 100, "remaining": 0, "resetAt": 1800000060},
        ),
        ({"Limit": "-1", "Remaining": "soon", "Reset": "9" * 30}, None),
    ],
)
def test_what_the_headers_tell_of_the_limit_is_a_field(
    client: Client, headers: dict[str, str], told: dict[str, int] | None
) -> None:
    named = {f"X-RateLimit-{name}": value for name, value in headers.items()}
    respx.get(ROUTE).respond(400, json=problem(400, "x"), headers=named)
    error = failure(client)
    assert error.rate_limit == told
    assert error.as_dict().get("rateLimit") == told


# One try


@respx.mock
def test_a_poll_is_one_request_and_its_outcome(client: Client, clock: FakeClock) -> None:
    headers = {"X-RateLimit-Limit": "100", "X-RateLimit-Remaining": "7"}
    route = respx.get(ROUTE).respond(json=task_reply("task-1", "processing"), headers=headers)
    polled = client.poll_task("task-1")
    assert isinstance(polled.outcome, Task)
    assert polled.outcome.status == "processing"
    assert polled.limits is not None
    assert polled.limits.remaining == 7
    assert (route.call_count, clock.slept) == (1, [])


@respx.mock
@pytest.mark.parametrize(
    ("trouble", "code"),
    [
        (httpx.Response(404, json=problem(404, "x")), ErrorCode.NOT_FOUND),
        (httpx.Response(429, json=problem(429, "x")), ErrorCode.RATE_LIMITED),
        (httpx.Response(500), ErrorCode.SERVICE_UNAVAILABLE),
        (httpx.Response(200, html="<p>Welcome"), ErrorCode.BAD_REPLY),
        (httpx.Response(200, json=task_reply("another")), ErrorCode.BAD_REPLY),
        (httpx.ReadError("cut"), ErrorCode.NETWORK),
        (httpx.ConnectError("refused"), ErrorCode.NETWORK),
    ],
)
def test_a_poll_that_fails_is_told_not_repeated(
    client: Client, clock: FakeClock, trouble: httpx.Response | Exception, code: ErrorCode
) -> None:
    route = respx.get(ROUTE).mock(side_effect=[trouble])
    polled = client.poll_task("task-1")
    assert isinstance(polled.outcome, ModellixError)
    assert polled.outcome.code is code
    assert (polled.limits is None) is isinstance(trouble, Exception)
    assert (route.call_count, clock.slept) == (1, [])


@respx.mock
def test_a_base_url_with_a_path_prefix_works(clock: FakeClock) -> None:
    route = respx.get("https://gateway.corp/modellix/api/v1/tasks/task-1").respond(
        json=task_reply("task-1")
    )
    reader(clock, "https://gateway.corp/modellix").task("task-1")
    assert route.call_count == 1


@respx.mock
def test_a_task_id_is_one_segment_of_the_path(client: Client) -> None:
    route = respx.get(url__startswith=API).respond(json=task_reply("a/../b"))
    client.task("a/../b")
    assert route.calls.last.request.url.raw_path == b"/api/v1/tasks/a%2F..%2Fb"


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(["code", "data", "status", "task_id", "result", "resources", "error"])
            | st.text(max_size=5),
            inner,
            max_size=5,
        )
    ),
    max_leaves=20,
)


@pytest.mark.slow
@given(
    status=st.integers(200, 599),
    body=json_values.map(lambda value: httpx.Response(200, json=value).content) | st.binary(),
    headers=st.dictionaries(
        st.sampled_from(["Retry-After", "X-RateLimit-Reset", "Date", "Content-Type"]),
        st.text(st.characters(codec="ascii", categories=["L", "N", "P"]), max_size=20),
    ),
)
def test_whatever_the_server_sends_is_a_document_or_an_error(
    status: int, body: bytes, headers: dict[str, str]
) -> None:
    with respx.mock:
        respx.get(ROUTE).respond(status, content=body, headers=headers)
        try:
            assert reader(FakeClock()).task("task-1").status
        except ModellixError as error:
            assert error.exit_status not in (0, 8)
            assert error.code is not ErrorCode.INTERNAL


@respx.mock
@pytest.mark.parametrize("odd", ["NaN", "Infinity", "-Infinity"])
def test_a_number_that_is_none_does_not_hide_a_finished_task(client: Client, odd: str) -> None:
    text = json.dumps(task_reply("task-1", "success"))
    body = text.replace('"data": {', f'"data": {{"billing": {{"amount": {odd}}}, ', 1)
    assert odd in body
    respx.get(ROUTE).respond(content=body.encode())
    task = client.task("task-1")
    assert (task.status, task.billed) == ("success", None)
