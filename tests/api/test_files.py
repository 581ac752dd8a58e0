"""Uploaded files: what is sent, what may be sent again, what comes back."""

from email import message_from_bytes
from typing import Any
from urllib.parse import unquote

import httpx
import pytest
import respx
from hypothesis import given
from hypothesis import strategies as st

from modellix_cli.api.client import Client, connect
from modellix_cli.api.files import multipart_file, read_uploaded
from modellix_cli.api.retry import RetryPolicy
from modellix_cli.domain.errors import ErrorCode, ModellixError
from tests.support import API, BASE, KEY, FakeClock, problem

ROUTE = f"{API}/media/files"
PNG = b"\x89PNG\r\n\x1a\n--boundary\r\n\x00\xff"
FILE: dict[str, Any] = {
    "file_id": "file-1",
    "filename": "cat.png",
    "size": len(PNG),
    "type": "image/png",
    "url": "https://cdn.example.com/cat.png",
    "created_at": "2026-01-01T00:00:00Z",
}


def uploaded(**other: Any) -> dict[str, Any]:
    return {"code": 0, "message": "success", "data": FILE | other}


FINE = httpx.Response(200, json=uploaded())


@pytest.fixture
def client(clock: FakeClock) -> Client:
    return connect(BASE, KEY, clock=clock, policy=RetryPolicy(), notice=lambda text: None)


def failure(client: Client) -> ModellixError:
    with pytest.raises(ModellixError) as caught:
        client.upload("cat.png", "image/png", PNG)
    return caught.value


@respx.mock
def test_an_upload_is_one_part_named_file_with_the_very_bytes(client: Client) -> None:
    route = respx.post(ROUTE).mock(return_value=FINE)
    assert client.upload("cat.png", "image/png", PNG).as_dict() == {
        "createdAt": "2026-01-01T00:00:00Z",
        "fileId": "file-1",
        "filename": "cat.png",
        "size": len(PNG),
        "type": "image/png",
        "url": "https://cdn.example.com/cat.png",
    }
    request = route.calls.last.request
    head = f"Content-Type: {request.headers['content-type']}\r\n\r\n".encode()
    parts: list[Any] = message_from_bytes(head + request.content).get_payload()  # type: ignore[assignment]
    assert len(parts) == 1
    assert parts[0].get_param("name", header="content-disposition") == "file"
    assert parts[0].get_content_type() == "image/png"
    boundary = request.headers["content-type"].split("boundary=")[1].encode()
    assert request.content.split(b"\r\n\r\n", 1)[1] == PNG + b"\r\n--" + boundary + b"--\r\n"


@given(st.text(st.characters(exclude_characters='"\\\r\n', exclude_categories=["Cc", "Cs"])))
def test_any_name_arrives_as_it_is(name: str) -> None:
    body, _ = multipart_file(name, "image/png", PNG)
    head = body.split(b"\r\n\r\n", 1)[0].decode()
    assert f'; filename="{name}"; ' in head
    encoded = head.split("filename*=UTF-8''")[1].split("\r\n")[0]
    assert unquote(encoded) == name


@respx.mock
@pytest.mark.parametrize(
    "trouble",
    [
        httpx.Response(429, json=problem(429, "Rate limit exceeded: wait")),
        httpx.Response(503, json=problem(503, "Unavailable: circuit breaker open")),
        httpx.ConnectError("refused"),
    ],
)
def test_an_upload_that_was_not_taken_is_sent_again(
    client: Client, trouble: httpx.Response | Exception
) -> None:
    route = respx.post(ROUTE).mock(side_effect=[trouble, trouble, FINE])
    assert client.upload("cat.png", "image/png", PNG).file_id == "file-1"
    assert route.call_count == 3


@respx.mock
@pytest.mark.parametrize(
    "trouble",
    [
        httpx.ReadError("reset"),
        httpx.ReadTimeout("slow"),
        httpx.Response(500, json=problem(500, "Internal error")),
        httpx.Response(502, html="<h1>Bad Gateway</h1>"),
        httpx.Response(503, html="<h1>Service Unavailable</h1>"),
        httpx.Response(408),
        httpx.Response(200, html="<h1>Sign in</h1>"),
        httpx.Response(200, json={"code": 0}),
        httpx.Response(200, json=uploaded(url="ftp://x/y")),
    ],
)
def test_an_upload_of_unknown_outcome_is_sent_once_and_says_so(
    client: Client, trouble: httpx.Response | Exception
) -> None:
    route = respx.post(ROUTE).mock(side_effect=[trouble])
    error = failure(client)
    assert error.code is ErrorCode.UPLOAD_UNKNOWN
    assert error.exit_status == 7
    assert route.call_count == 1


@respx.mock
@pytest.mark.parametrize(("status", "exit_status"), [(400, 2), (401, 3), (402, 4), (413, 2)])
def test_a_refusal_is_final_and_has_the_servers_reason(
    client: Client, status: int, exit_status: int
) -> None:
    route = respx.post(ROUTE).respond(status, json=problem(status, "Category: the detail"))
    error = failure(client)
    assert error.exit_status == exit_status
    assert "the detail" in error.message
    assert route.call_count == 1


@pytest.mark.parametrize(
    "change",
    [
        {"file_id": ""},
        {"file_id": 7},
        {"file_id": "a\x1bb"},
        {"url": "http://cdn.example.com/a"},
        {"url": "https://"},
        {"url": "https://a b"},
        {"url": "https://[x"},
        {"size": -1},
        {"size": True},
        {"size": "1"},
        {"created_at": None},
        {"created_at": 1e300},
    ],
)
def test_metadata_that_cannot_be_right_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises(ModellixError) as caught:
        read_uploaded(uploaded(**change))
    assert caught.value.code is ErrorCode.BAD_REPLY


def test_a_time_in_milliseconds_is_read() -> None:
    moment = read_uploaded(uploaded(created_at=1_767_225_600_000)).created_at
    assert moment == "2026-01-01T00:00:00.000Z"


def test_a_server_on_this_machine_may_give_plain_http_urls() -> None:
    url = "http://127.0.0.1:8787/media/files/x"
    assert read_uploaded(uploaded(url=url)).url == url


@respx.mock
@pytest.mark.parametrize(
    "reply",
    [
        httpx.Response(204),
        httpx.Response(200),
        httpx.Response(202, json={"code": 0, "data": {}}),
    ],
)
def test_any_2xx_deletes(client: Client, reply: httpx.Response) -> None:
    route = respx.delete(f"{ROUTE}/file%3A1").mock(return_value=reply)
    client.delete_file("file:1")
    assert route.call_count == 1


@respx.mock
def test_deleting_what_is_not_there_is_not_found(client: Client) -> None:
    respx.delete(f"{ROUTE}/file-1").respond(404, json=problem(404, "Resource not found: file"))
    with pytest.raises(ModellixError) as caught:
        client.delete_file("file-1")
    assert caught.value.exit_status == 5


@respx.mock
@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_refused_delete_is_not_sent_again(client: Client, status: int) -> None:
    route = respx.delete(path="/api/v1/media/files/f-1").respond(status, json={"code": status})
    with pytest.raises(ModellixError):
        client.delete_file("f-1")
    assert route.call_count == 1
