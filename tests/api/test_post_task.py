"""One paid POST: what its outcome is, whatever comes back, and that it is one."""

import json
import socket
from typing import Any

import httpx
import pytest
import respx
from hypothesis import given
from hypothesis import strategies as st

from modellix_cli.api.client import Client, connect
from modellix_cli.api.retry import Limits, Pacer, RetryPolicy
from modellix_cli.clock import Clock
from modellix_cli.domain.errors import ErrorCode, ModellixError
from modellix_cli.domain.task import Submission
from modellix_cli.domain.values import parse_slug
from tests.api.servers import Servers, answering, reply, request_of
from tests.support import API, BASE, KEY, FakeClock, accepted, problem

SLUG = parse_slug("alibaba/qwen-image-plus")
ROUTE = f"{API}/alibaba/qwen-image-plus/async"
BODY = b'{"prompt": "a cat"}'
RESULT = {"get_result": {"method": "GET", "url": f"{API}/tasks/task-9"}}


class Untouched(Pacer):
    """A pacer that paid requests leave alone."""

    def enter(self) -> None:
        raise AssertionError("a paid request waits for nobody here")

    def answered(self, limits: Limits) -> None:
        raise AssertionError("what was learned is returned, not told")


def open_client(
    base_url: str = BASE, clock: Clock | None = None, *, async_route: bool = True
) -> Client:
    def notice(text: str) -> None:
        raise AssertionError(text)

    return connect(
        base_url,
        KEY,
        clock=clock or FakeClock(),
        policy=RetryPolicy(),
        notice=notice,
        pacer=Untouched(),
        async_route=async_route,
    )


def post(**options: Any) -> Submission | ModellixError:
    return open_client().paid.post(SLUG, BODY, **options).outcome


def failed(**options: Any) -> ModellixError:
    outcome = post(**options)
    assert isinstance(outcome, ModellixError)
    return outcome


def unknown(**options: Any) -> ModellixError:
    error = failed(**options)
    assert error.code is ErrorCode.SUBMISSION_UNKNOWN
    assert "outcome is unknown" in error.message
    return error


# What is sent


@respx.mock
def test_the_very_bytes_go_to_the_async_route_on_a_connection_of_their_own() -> None:
    route = respx.post(ROUTE).respond(json=accepted("task-1"))
    outcome = post()
    assert isinstance(outcome, Submission)
    assert outcome.task_id == "task-1"
    request = route.calls.last.request
    assert request.content == BODY
    assert request.headers["authorization"] == f"Bearer {KEY}"
    assert request.headers["content-type"] == "application/json"
    assert request.headers["connection"] == "close"
    assert "x-webhook-url" not in request.headers


@respx.mock
def test_the_route_without_async_is_taken_when_asked_for() -> None:
    route = respx.post(f"{API}/alibaba/qwen-image-plus").respond(json=accepted("task-1"))
    client = open_client(async_route=False)
    assert isinstance(client.paid.post(SLUG, BODY).outcome, Submission)
    assert route.call_count == 1


@respx.mock
def test_a_slug_with_a_leading_type_takes_the_older_route() -> None:
    route = respx.post(f"{API}/text-to-speech/alibaba/qwen/async").respond(json=accepted("task-1"))
    open_client().paid.post(parse_slug("text-to-speech/alibaba/qwen"), BODY)
    assert route.call_count == 1


@respx.mock
def test_odd_characters_of_a_slug_are_percent_encoded() -> None:
    route = respx.post(url__startswith=API).respond(json=accepted("task-1"))
    open_client().paid.post(parse_slug("a b/c?d#é"), BODY)
    assert route.calls.last.request.url.raw_path == b"/api/v1/a%20b/c%3Fd%23%C3%A9/async"


@respx.mock
def test_redirects_are_not_followed_with_the_key() -> None:
    elsewhere = respx.route(host="elsewhere.example").respond(json=accepted("task-1"))
    respx.post(ROUTE).respond(307, headers={"Location": "https://elsewhere.example/x"})
    assert unknown().exit_status == 8
    assert elsewhere.call_count == 0


@respx.mock
def test_a_webhook_is_a_header() -> None:
    route = respx.post(ROUTE).respond(json=accepted("task-1"))
    post(webhook="https://example.com/hook?x=1")
    assert route.calls.last.request.headers["x-webhook-url"] == "https://example.com/hook?x=1"


@respx.mock
def test_what_the_reply_says_about_limits_is_returned() -> None:
    headers = {"X-RateLimit-Limit": "100", "X-RateLimit-Remaining": "7"}
    respx.post(ROUTE).respond(json=accepted("task-1"), headers=headers)
    limits = open_client().paid.post(SLUG, BODY).limits
    assert limits is not None
    assert (limits.limit, limits.remaining) == (100, 7)


@respx.mock
@pytest.mark.parametrize(
    ("message", "concurrency"),
    [("Rate limit exceeded: slow down", False), ("Concurrent limit exceeded: wait", True)],
)
def test_a_refusal_in_a_200_says_what_a_429_says_about_limits(
    message: str, *, concurrency: bool
) -> None:
    headers = {"Retry-After": "7"}
    respx.post(ROUTE).respond(json=problem(429, message), headers=headers)
    limits = open_client().paid.post(SLUG, BODY).limits
    assert limits is not None
    assert (limits.status, limits.wait, limits.concurrency_limited) == (429, 7, concurrency)


@respx.mock
def test_without_a_reply_there_are_no_limits() -> None:
    respx.post(ROUTE).mock(side_effect=httpx.ConnectError("refused"))
    assert open_client().paid.post(SLUG, BODY).limits is None


# Refusals and failures


@respx.mock
@pytest.mark.parametrize(
    ("status", "code"),
    [
        (400, ErrorCode.INVALID_REQUEST),
        (401, ErrorCode.UNAUTHORIZED),
        (402, ErrorCode.PAYMENT_REQUIRED),
        (403, ErrorCode.UNAUTHORIZED),
        (404, ErrorCode.NOT_FOUND),
        (405, ErrorCode.INVALID_REQUEST),
        (413, ErrorCode.INVALID_REQUEST),
        (415, ErrorCode.INVALID_REQUEST),
        (422, ErrorCode.INVALID_REQUEST),
        (429, ErrorCode.RATE_LIMITED),
        (503, ErrorCode.SERVICE_UNAVAILABLE),
    ],
)
def test_a_definite_refusal_is_its_error_after_one_request(status: int, code: ErrorCode) -> None:
    route = respx.post(ROUTE).respond(status, json=problem(status, "Category: the detail"))
    error = failed()
    assert (error.code, error.status, error.task_id) == (code, status, None)
    assert "Category: the detail." in error.message
    assert route.call_count == 1


@respx.mock
@pytest.mark.parametrize(
    "cause", [httpx.ConnectError("x"), httpx.ConnectTimeout("x"), httpx.ProxyError("407")]
)
def test_what_never_left_is_a_network_failure_after_one_try(cause: Exception) -> None:
    route = respx.post(ROUTE).mock(side_effect=cause)
    assert failed().code is ErrorCode.NETWORK
    assert route.call_count == 1


@respx.mock
@pytest.mark.parametrize(
    "trouble",
    [
        httpx.Response(408),
        httpx.Response(500, json=problem(500, "Internal error")),
        httpx.Response(503, html="<h1>Unavailable</h1>"),
        httpx.Response(307, headers={"Location": "https://elsewhere.example/"}),
        httpx.Response(200, html="<h1>Welcome</h1>"),
        httpx.Response(200, json={"code": 0, "data": {}}),
        httpx.Response(200, json={"code": 7, "message": "?"}),
        httpx.Response(200, content=b"\xff\xfe\x00"),
        httpx.ReadError("reset"),
        httpx.ReadTimeout("slow"),
        httpx.WriteError("broken"),
        httpx.RemoteProtocolError("cut"),
        RuntimeError("a defect"),
        MemoryError(),
    ],
)
def test_everything_else_is_an_unknown_outcome_after_one_request(
    trouble: httpx.Response | Exception,
) -> None:
    route = respx.post(ROUTE).mock(side_effect=[trouble])
    assert unknown().task_id is None
    assert route.call_count == 1


@respx.mock
def test_a_defect_while_reading_the_reply_is_an_unknown_outcome_that_keeps_the_id(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def exhausted(*args: object) -> None:
        raise MemoryError

    monkeypatch.setattr("modellix_cli.api.paid.read_submission", exhausted)
    respx.post(ROUTE).respond(json=accepted("task-1"))
    assert unknown().task_id == "task-1"


# Replies that name a task


@pytest.mark.slow
@respx.mock
@pytest.mark.parametrize("status", [200, 202, 301, 400, 401, 402, 404, 422, 429, 500, 503])
@pytest.mark.parametrize(
    "named",
    [
        {"data": {"task_id": "task-9"}},
        {"data": {"taskId": "task-9"}},
        {"task_id": "task-9"},
        {"taskId": "task-9"},
        {"error": {"details": [{"TaskID": "task-9"}]}},
        {"data": RESULT},
        RESULT,
        {"get_result": f"{API}/tasks/task-9"},
        {"getResult": {"href": "/api/v1/tasks/task-9/"}},
        {"data": {"task_id": None, **RESULT}},
        {"data": {"task_id": "not usable", "taskId": "task-9"}},
    ],
)
def test_any_reply_that_names_a_task_leaves_the_outcome_unknown_with_that_id(
    status: int, named: dict[str, Any]
) -> None:
    respx.post(ROUTE).respond(status, json=problem(status or 1, "odd") | named)
    error = unknown()
    assert error.task_id == "task-9"
    assert "task-9" in error.message


@respx.mock
@pytest.mark.parametrize(
    "body",
    [
        b'{"task_id": "task-9", "cost": NaN}',
        b'<p>{"taskId" : "task-9"}</p>',
        b'{"code": 1, "data": {"task\\u005fid": "task-9"}}',
        b'{"get_result":{"method":"GET","url":"https:\\/\\/x\\/api\\/v1\\/tasks\\/task-9"}, oops',
    ],
)
@pytest.mark.parametrize("status", [200, 400, 429, 503])
def test_even_garbage_may_name_a_task(status: int, body: bytes) -> None:
    respx.post(ROUTE).respond(status, content=body)
    assert unknown().task_id == "task-9"


@respx.mock
def test_a_redirect_to_a_task_names_it() -> None:
    respx.post(ROUTE).respond(303, headers={"Location": "/api/v1/tasks/task-9"})
    assert unknown().task_id == "task-9"


@respx.mock
@pytest.mark.parametrize("task_id", ["", None, False, [], {}, "a b", "x" * 600])
def test_an_id_that_nobody_can_use_is_not_given_out(task_id: Any) -> None:
    respx.post(ROUTE).respond(500, json=problem(500, "x") | {"task_id": task_id})
    assert unknown().task_id is None


@respx.mock
def test_a_task_that_the_request_itself_named_is_not_a_new_one() -> None:
    body = b'{"task_id": "task-old", "prompt": "longer"}'
    echo = {"detail": [{"msg": "bad", "input": json.loads(body)}]}
    respx.post(ROUTE).respond(422, json=problem(422, "Invalid parameters: x") | echo)
    outcome = open_client().paid.post(SLUG, body).outcome
    assert isinstance(outcome, ModellixError)
    assert outcome.code is ErrorCode.INVALID_REQUEST


@pytest.mark.slow
@given(
    status=st.integers(200, 599),
    body=st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=5),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(["code", "data", "task_id", "taskId", "get_result", "url"]),
                inner,
                max_size=4,
            )
        ),
        max_leaves=10,
    ).map(lambda value: json.dumps(value).encode())
    | st.binary(max_size=60),
)
def test_whatever_comes_back_is_an_outcome(status: int, body: bytes) -> None:
    with respx.mock:
        route = respx.post(ROUTE).respond(status, content=body)
        outcome = post()
        assert route.call_count == 1
    if isinstance(outcome, Submission):
        assert 200 <= status < 300
    elif outcome.code is not ErrorCode.SUBMISSION_UNKNOWN:
        assert outcome.task_id is None


# On the wire


def test_each_submission_has_a_connection_of_its_own(servers: Servers) -> None:
    port = servers.start(answering(*[reply(json.dumps(accepted("task-1")).encode())] * 9))
    client = open_client(f"http://127.0.0.1:{port}", Clock())
    for _ in range(3):
        assert isinstance(client.paid.post(SLUG, BODY).outcome, Submission)
    client.close()
    assert servers.connections == 3


def test_bytes_behind_a_reply_are_never_taken_for_the_next_one(servers: Servers) -> None:
    first, surplus = (json.dumps(accepted(f"task-{n}")).encode() for n in (1, 666))
    port = servers.start(answering(reply(first) + reply(surplus), reply(first)))
    client = open_client(f"http://127.0.0.1:{port}", Clock())
    ids = []
    for _ in range(2):
        outcome = client.paid.post(SLUG, BODY).outcome
        assert isinstance(outcome, Submission)
        ids.append(outcome.task_id)
    client.close()
    assert ids == ["task-1", "task-1"]


def test_a_submission_that_is_cut_off_keeps_the_id_that_arrived(servers: Servers) -> None:
    part = (
        b'HTTP/1.1 200 OK\r\nContent-Length: 900\r\n\r\n{"code": 0, "data": {"task_id": "task-9",'
    )
    client = open_client(f"http://127.0.0.1:{servers.start(answering(part))}", Clock())
    outcome = client.paid.post(SLUG, BODY).outcome
    client.close()
    assert isinstance(outcome, ModellixError)
    assert (outcome.code, outcome.task_id) == (ErrorCode.SUBMISSION_UNKNOWN, "task-9")


def test_a_reply_whose_json_arrived_whole_is_used_though_its_end_did_not(
    servers: Servers,
) -> None:
    body = json.dumps(accepted("task-1")).encode()
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    data = head + b"%x\r\n" % len(body) + body + b"\r\n"
    client = open_client(f"http://127.0.0.1:{servers.start(answering(data))}", Clock())
    outcome = client.paid.post(SLUG, BODY).outcome
    client.close()
    assert isinstance(outcome, Submission)


def test_a_connection_that_is_reset_is_not_tried_again(servers: Servers) -> None:
    def hang_up(connection: socket.socket) -> None:
        request_of(connection)

    client = open_client(f"http://127.0.0.1:{servers.start(hang_up)}", Clock())
    outcome = client.paid.post(SLUG, BODY).outcome
    client.close()
    assert isinstance(outcome, ModellixError)
    assert outcome.code is ErrorCode.SUBMISSION_UNKNOWN
    assert servers.connections == 1


# Words that the vendor's own clients search for (docs/spec/service.md 11)


@respx.mock
@pytest.mark.parametrize(
    ("status", "words"),
    [
        (401, ("unauthorized", "401", "invalid or inactive")),
        (403, ("unauthorized", "401", "invalid or inactive")),
        (429, ("429", "rate limit")),
        (402, ("payment required", "insufficient", "recharge")),
        (500, ("outcome is unknown",)),
    ],
)
@pytest.mark.parametrize("where", ["status", "code"])
def test_the_words_that_the_vendors_clients_search_for_are_in_the_message(
    status: int, words: tuple[str, ...], where: str
) -> None:
    respx.post(ROUTE).respond(status if where == "status" else 200, json=problem(status, "No."))
    assert any(word in failed().message.lower() for word in words)
