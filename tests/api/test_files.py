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
from modellix_cli.api.files import multipart_file, read_file_list, read_uploaded
from modellix_cli.api.retry import Limits, Pacer, RetryPolicy
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


# The quota


class Watched(Pacer):
    def __init__(self) -> None:
        self.heard: list[Limits] = []

    def answered(self, limits: Limits) -> None:
        self.heard.append(limits)


FULL = [
    "Rate limit exceeded: file quota is full (10 files)",
    "Rate limit exceeded: file quota exceeded, delete files first",
    "File quota exceeded",
    "Concurrent limit exceeded: the storage quota of 10 files is used up",
    "Too many: the maximum of 10 files is reached; files limit",
    "Limit: files limit reached",
    "Quota exceeded: 10 files",
    "Quota exceeded for this request: 10 files",
    "Maximum number of files reached",
    "Rate limit exceeded: maximum number of files reached",
    "Rate limit exceeded: maximum files reached (10/10)",
    "Rate limit exceeded: too many files, delete some first",
    "Rate limit exceeded. You already have 10 files.",
    "Rate limit exceeded (file quota)",
    "Too Many Requests: file quota is full",
    "You cannot store more than 10 files",
    "You can only keep 10 files",
    "No more files can be uploaded",
    "File count limit: 10",
    "Storage is full",
    "Storage limit exceeded: 10 of 10 used",
    "Not enough storage space",
]
NOT_FULL = [
    "Rate limit exceeded: slow down",
    "Rate limit exceeded",
    "Concurrent limit exceeded: 2 uploads at a time",
    "Rate limit exceeded: too many requests for files, limit 100 per minute",
    "Rate limit exceeded: file upload rate limit",
    "Rate limit exceeded: the request quota of this minute is used up",
    "Concurrent limit exceeded: too many files at a time",
    "Rate limit exceeded: too many files per minute",
    "Rate limit exceeded: maximum of 10 files / min reached",
    "Rate limit exceeded for file uploads",
    "Rate limit exceeded (files)",
    "Too many requests for file uploads. Limit reached.",
    "Too many requests: files, slow down",
    "Concurrent limit exceeded: the maximum of 2 files being uploaded is reached",
    "Concurrent limit exceeded: 2 simultaneous file uploads are the limit",
    "Maximum number of files uploaded in parallel reached",
    "Maximum number of files reached, try again in 30 seconds",
    "Quota exceeded: 100 API calls",
    "Daily quota exceeded",
    "Too many uploads",
    "",
]


@respx.mock
@pytest.mark.parametrize("status", [429, 200])
@pytest.mark.parametrize("message", FULL)
def test_a_full_quota_is_told_at_once_and_is_no_rate_limit(
    clock: FakeClock, message: str, status: int
) -> None:
    pacer = Watched()
    patient = connect(
        BASE, KEY, clock=clock, policy=RetryPolicy(), notice=lambda text: None, pacer=pacer
    )
    headers = {"Retry-After": "30", "X-RateLimit-Remaining": "0"}
    route = respx.post(ROUTE).respond(status, json=problem(429, message), headers=headers)
    error = failure(patient)
    assert error.code is ErrorCode.FILE_QUOTA_FULL
    assert message in error.message
    assert "file list" in error.hint
    assert "file delete" in error.hint
    assert not error.retryable
    assert (route.call_count, clock.slept, pacer.heard) == (1, [], [])


@respx.mock
@pytest.mark.parametrize("message", NOT_FULL)
def test_other_limits_of_uploads_are_waited_for(client: Client, message: str) -> None:
    busy = httpx.Response(429, json=problem(429, message))
    route = respx.post(ROUTE).mock(side_effect=[busy, FINE])
    client.upload("cat.png", "image/png", PNG)
    assert route.call_count == 2


# The list

OTHER = FILE | {"file_id": "file-2", "filename": "dog.mp4", "type": "video/mp4"}


@respx.mock
@pytest.mark.parametrize(
    ("document", "total"),
    [
        ({"code": 0, "data": [FILE, OTHER]}, None),
        ({"code": 0, "data": {"files": [FILE, OTHER], "total": 7}}, 7),
        ({"code": 0, "data": {"items": [FILE, OTHER]}, "total": 7}, 7),
        ({"code": 0, "data": {"list": [FILE, OTHER], "total": "7"}}, None),
        ({"files": [FILE, OTHER]}, None),
        ({"code": 0, "data": {"files": [FILE, {"file_id": 7}, None, {}, OTHER]}}, None),
    ],
)
def test_uploaded_files_are_listed_a_page_at_a_time(
    client: Client, document: dict[str, Any], total: int | None
) -> None:
    route = respx.get(ROUTE).respond(json=document)
    listed = client.list_files(limit=500, offset=20)
    assert [file.file_id for file in listed.files] == ["file-1", "file-2"]
    assert (listed.total, listed.document) == (total, document)
    assert dict(route.calls.last.request.url.params) == {"limit": "100", "offset": "20"}


def test_of_a_listed_file_only_its_id_is_certain() -> None:
    (found,) = read_file_list({"data": [{"file_id": "f-1", "url": "ftp://x", "size": -1}]}).files
    assert found.as_dict() == {
        "createdAt": "",
        "fileId": "f-1",
        "filename": "",
        "size": 0,
        "type": "",
        "url": "",
    }


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(["data", "files", "items", "total", *FILE]), inner, max_size=5
            )
        ),
        max_leaves=15,
    )
)
def test_whatever_json_comes_is_a_list_of_files_or_a_bad_reply(document: Any) -> None:
    try:
        listed = read_file_list(document)
    except ModellixError as error:
        assert error.code is ErrorCode.BAD_REPLY
    else:
        assert all(file.file_id for file in listed.files)
