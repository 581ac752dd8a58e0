"""Reading: what is tried again, how long is waited, what the user is told."""

import email.utils

import httpx
import pytest
import respx
from hypothesis import given
from hypothesis import strategies as st

from modellix_cli.api.client import Client, connect
from modellix_cli.api.retry import RetryPolicy
from modellix_cli.api.transport import MAX_REPLY_BYTES
from modellix_cli.domain.errors import ErrorCode, ModellixError
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
