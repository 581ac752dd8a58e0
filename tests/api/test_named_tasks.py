"""Which ids in a reply are those of tasks: what is named is never sent again, nor lost."""

import json
from typing import Any

import pytest
import respx

from modellix_cli.api.named_tasks import is_usable, named_tasks
from modellix_cli.api.transport import Reply
from modellix_cli.domain.errors import ErrorCode, ModellixError
from tests.api.test_post_task import ROUTE, post
from tests.support import API, problem

WORDS = problem(429, "Rate limit exceeded: slow down")


def answered(status: int, named: dict[str, Any], headers: dict[str, str] | None = None) -> Any:
    respx.post(ROUTE).respond(status, json=WORDS | {"code": status} | named, headers=headers)
    outcome = post()
    assert isinstance(outcome, ModellixError)
    return outcome


# What counts


@respx.mock
@pytest.mark.parametrize("status", [429, 503])
@pytest.mark.parametrize(
    "named",
    [
        {"id": "task-9"},
        {"id": "TA"},
        {"id": 9000017},
        {"id": "8f14e45f-ceea-467f-a8e6-2a7a3d1ba5c1"},
        {"data": {"id": "task-9"}},
        {"data": {"id": "nodigits"}},
        {"data": [{"id": "task-9"}]},
        {"data": {"task": {"id": "task-9"}}},
        {"data": {"task": {"task_id": "task-9"}}},
        {"data": {"task": "task-9"}},
        {"data": {"tasks": [{"task_id": "task-9"}]}},
        {"data": {"tasks": [{"id": "task-9"}]}},
        {"data": {"tasks": ["task-9"]}},
        {"data": {"task_ids": ["task-9"]}},
        {"result": {"task_id": "task-9"}},
        {"result": {"id": "task-9"}},
        {"output": {"id": "task-9"}},
        {"task": {"id": "task-9"}},
        {"job_id": "task-9"},
        {"prediction": {"id": "task-9"}},
        {"data": {"get_result": f"{API}/tasks/task-9"}},
        {"data": {"get_result": {"href": "/api/v1/tasks/task-9"}}},
        {"data": {"status_url": f"{API}/tasks/task-9"}},
        {"error": {"task_id": "task-9"}},
        {"get_result": "tasks/task-9"},
        {"data": '{"task_id": "task-9"}'},
        {"message": 'upstream: {"get_result": {"url": "/api/v1/tasks/task-9"}}'},
        {"error": json.dumps({"body": json.dumps({"task_id": "task-9"})})},
    ],
)  # fmt: skip
def test_a_refusal_that_names_a_task_is_an_unknown_outcome(
    status: int, named: dict[str, Any]
) -> None:
    error = answered(status, named)
    assert error.code is ErrorCode.SUBMISSION_UNKNOWN
    assert error.task_id is not None
    assert error.task_id in json.dumps(named)
    assert error.task_id in error.message


@respx.mock
@pytest.mark.parametrize("status", [429, 503])
@pytest.mark.parametrize(
    "headers",
    [
        {"Location": f"{API}/tasks/task-9"},
        {"Content-Location": "/api/v1/tasks/task-9"},
        {"X-Modellix-Task-ID": "task-9"},
        {"X-Task-Id": "task-9"},
    ],
)
def test_a_header_may_name_the_task(status: int, headers: dict[str, str]) -> None:
    assert answered(status, {}, headers).task_id == "task-9"


@respx.mock
@pytest.mark.parametrize("status", [429, 503])
@pytest.mark.parametrize(
    "where", [f"{API}/predictions/9", {"url": f"{API}/tasks?id=9"}, {"method": "GET"}]
)
def test_a_refusal_that_says_where_a_result_will_be_is_an_unknown_outcome(
    status: int, where: Any
) -> None:
    error = answered(status, {"data": {"get_result": where}})
    assert (error.code, error.task_id) == (ErrorCode.SUBMISSION_UNKNOWN, None)


@pytest.mark.parametrize(
    "body",
    [
        '{"data": {"task_id": "猫-1"}}',
        '{"data": {"task_id": "\\u732b-1"}}',
        '{"data": {"get_result": {"url": "/api/v1/tasks/%E7%8C%AB-1"}}}',
        '{"data": {"task_id": "\\u732b-1"',
        '{"data": {"get_result": {"url": "/api/v1/tasks/%E7%8C%AB-1"',
        '{"data": {"get_result": {"url": "/api/v1/tasks/猫-1"',
    ],
)
def test_an_id_beyond_ascii_is_one_id_however_it_is_spelt(body: str) -> None:
    reply = Reply(200, {"x-task-id": "%E7%8C%AB-1"}, body.encode())
    assert named_tasks(reply) == ["猫-1"]
    assert named_tasks(reply, json.dumps({"image_of": "猫-1"}).encode()) == []


@respx.mock
def test_the_surest_id_comes_first() -> None:
    named = {"id": "abc-1", "data": {"id": "row-1", "task": {"task_id": "task-9"}}}
    assert answered(429, named).task_id == "task-9"


@respx.mock
def test_broken_json_may_name_a_task_by_its_plain_id() -> None:
    respx.post(ROUTE).respond(429, content=b'{"code": 429, "data": {"id": "task-9", }}')
    outcome = post()
    assert isinstance(outcome, ModellixError)
    assert outcome.task_id == "task-9"


# What does not


@respx.mock
@pytest.mark.parametrize(
    ("status", "code"), [(429, ErrorCode.RATE_LIMITED), (503, ErrorCode.SERVICE_UNAVAILABLE)]
)
@pytest.mark.parametrize(
    "named",
    [
        {"request_id": "8f14e45f-ceea"},
        {"trace_id": "8f14e45f", "span_id": "1"},
        {"data": {"request_id": "r-1", "model_id": "qwen-image-plus"}},
        {"id": "req_8f14e45f"},
        {"id": "trace-8f14e45f"},
        {"id": "err-1001"},
        {"id": "too_many_requests"},
        {"id": "RATE_LIMITED"},
        {"id": "TooManyRequests"},
        {"id": "8f14e45f", "request_id": "8f14e45f"},
        {"id": 429},
        {"id": 503},
        {"id": 0},
        {"id": None},
        {"get_result": None},
        {"data": {"get_result": {}}},
        {"data": {"get_result": ""}},
        {"id": ""},
        {"id": True},
        {"data": {"id": None}},
        {"data": {"id": "alibaba/qwen-image-plus"}},
        {"data": {"id": "model-1", "model_id": "model-1"}},
        {"error": {"id": "a1b2"}},
        {"errors": [{"id": "a1b2"}]},
        {"model": {"id": "m-1"}},
        {"data": {"model": {"id": "m-1"}}},
        {"data": {"tasks": 10, "limit": 10}},
        {"data": {"task": "text-to-image"}},
        {"docs_url": "https://docs.modellix.ai/tasks/limits"},
        {"help": "https://docs.modellix.ai/tasks/limits"},
    ],
)
def test_an_id_of_something_else_leaves_a_refusal_a_refusal(
    status: int, code: ErrorCode, named: dict[str, Any]
) -> None:
    if named.get("id") in (429, 503):
        named = {"id": status}
    error = answered(status, named)
    assert (error.code, error.task_id) == (code, None)


@respx.mock
def test_an_id_that_a_header_gives_the_request_is_not_the_tasks() -> None:
    error = answered(429, {"id": "8f14e45f"}, {"X-Request-ID": "8f14e45f"})
    assert error.code is ErrorCode.RATE_LIMITED


@respx.mock
def test_the_script_of_a_web_page_names_no_task() -> None:
    page = b'<html><script>var x = {"id": "widget-1"}</script></html>'
    respx.post(ROUTE).respond(429, content=page)
    outcome = post()
    assert isinstance(outcome, ModellixError)
    assert outcome.code is ErrorCode.RATE_LIMITED


# The rules one by one


def names(
    document: Any, sent: bytes = b"", *, bare: bool = True, headers: dict[str, str] | None = None
) -> list[str]:
    body = document if isinstance(document, bytes) else json.dumps(document).encode()
    return named_tasks(Reply(200, headers or {}, body), sent, bare=bare)


@pytest.mark.parametrize(
    "key",
    [
        *("task_id", "taskId", "TASK-ID", "task_ids", "job_id", "jobId", "prediction_id"),
        *("generation_id", "generationId"),
    ],
)
def test_every_spelling_of_an_id_counts_at_any_depth(key: str) -> None:
    for document in ({key: "t-1"}, {"a": {"b": [{key: "t-1"}]}}, [[{key: "t-1"}]]):
        assert names(document, bare=False) == ["t-1"]
    assert names({key: ["t-1", 7]}, bare=False) == ["t-1", "7"]


@pytest.mark.parametrize("key", ["task", "tasks", "job", "jobs", "prediction", "predictions"])
def test_what_is_called_a_task_has_an_id_or_is_one(key: str) -> None:
    assert names({key: {"id": "t-1"}}, bare=False) == ["t-1"]
    assert names({key: [{"id": "t-1"}, "t-2"]}, bare=False) == ["t-1", "t-2"]
    assert names({key: "t-1"}, bare=False) == ["t-1"]
    for other in ("video", "a b 1", 10, None, {"name": "t-1"}, [["t-1"]]):
        assert names({key: other}, bare=False) == []


@pytest.mark.parametrize(
    "key",
    [
        *("url", "status_url", "uri", "href", "link", "Location", "self_link", "get_result"),
        "getResult",
    ],
)
def test_an_address_of_a_task_names_it(key: str) -> None:
    for address in ("https://x/tasks/t-1", "/tasks/t-1/", "/tasks/t-1?a=/b", "/tasks/t-1#x "):
        assert names({key: address}, bare=False) == ["t-1"]
    for other in ("/tasks/", "/jobs/t-1", 7):
        assert names({key: other}, bare=False) == []


@pytest.mark.parametrize("other", ["/tasks/t-1/files", "/tasks/t-1 x", ["/tasks/t-1"]])
def test_an_address_below_a_task_names_none(other: Any) -> None:
    assert names({"url": other}, bare=False) == []


@pytest.mark.parametrize("key", ["doc_url", "docs_url", "help_link", "info_href"])
def test_an_address_of_documentation_names_no_task(key: str) -> None:
    assert names({key: "/tasks/t-1"}) == []


def test_every_address_in_get_result_counts() -> None:
    document = {"get_result": {"method": "GET", "a": "/tasks/t-1", "b": "/tasks/t-2"}}
    assert names(document, bare=False) == ["t-1", "t-2"]
    assert names({"get_other": {"a": "/tasks/t-1"}}, bare=False) == []


@pytest.mark.parametrize("name", ["location", "content-location"])
def test_an_address_in_a_header_counts(name: str) -> None:
    assert names({}, bare=False, headers={name: "/api/v1/tasks/t-1"}) == ["t-1"]
    assert names({}, bare=False, headers={name: "/login"}) == []


def test_the_header_for_the_id_counts() -> None:
    assert names({}, bare=False, headers={"x-modellix-task-id": "t-1"}) == ["t-1"]
    assert names({}, bare=False, headers={"x-modellix-task-id": " "}) == []


@pytest.mark.parametrize("key", ["data", "result", "results", "output", "Data"])
def test_a_bare_id_counts_where_results_are(key: str) -> None:
    for document in (
        {key: {"id": "t-1"}},
        {key: [{"id": "t-1"}]},
        {key: [[{"id": "t-1"}]]},
        {"data": {key: {"id": "t-1"}}},
    ):
        assert names(document) == ["t-1"]
        assert names(document, bare=False) == []


@pytest.mark.parametrize("key", ["model", "error", "detail", "user", "meta"])
def test_a_bare_id_counts_nowhere_else(key: str) -> None:
    assert names({key: {"id": "t-1"}}) == []


@pytest.mark.parametrize(
    ("text", "is_named"),
    [
        *[("t-1", True), ("task_done", True), ("task", True), ("aB1", True), ("TA1", True)],
        *[("too_many", False), ("too-many.requests", False), ("RATE_LIMITED", False)],
        *[("TooMany", False), ("limit", False), ("RATE", True)],
    ],
)
def test_a_bare_id_at_the_top_counts_unless_it_is_a_kind(text: str, *, is_named: bool) -> None:
    assert names({"id": text}) == ([text] if is_named else [])
    assert names({"data": {"id": text}}) == [text]


@pytest.mark.parametrize(
    "text",
    [
        *("req_1", "request-1", "trace.1", "span:1", "err-1", "error_1", "evt_1", "event-1"),
        *("msg_1", "log-1", "corr_1", "correlation-1", "ray-1", "team_1", "user-1", "acct_1"),
        *("REQ_1", "0", "-1", "null", "None", "undefined", "a/b", "a b"),
    ],
)
def test_a_bare_id_that_looks_like_something_else_does_not_count(text: str) -> None:
    assert names({"id": text}) == []
    assert names({"data": {"id": text}}) == []


def test_a_bare_id_that_another_field_has_too_is_not_the_tasks() -> None:
    assert names({"data": {"id": "t-1", "model_id": "t-1"}}) == []
    assert names({"data": {"id": 7, "n": 7}}) == []
    assert names({"data": {"id": "t-1", "model_id": "m-1"}}) == ["t-1"]
    assert names({"data": {"id": "t-1"}}, headers={"x-request-id": "t-1"}) == []
    assert names({"data": {"task_id": "t-1"}}, headers={"x-any": "t-1"}) == ["t-1"]


@pytest.mark.parametrize(
    "part",
    [
        *(b'{"task_id": "t-1", ', b'{"Task-Id":"t-1"', b'{"job_id" : "t-1"]', b'x "taskid": "t-1"'),
        *(b'{"prediction_id": "t-1"', b'{"generation_id": "t-1"'),
        b'{"get_result": {"method": "GET", "url": "https://x/tasks/t-1"',
        b'{"GET_RESULT": {\n"url": "https://x/tasks/t-1"',
        b'{"get-result": "https:\\/\\/x\\/tasks\\/t-1?a',
    ],
)
def test_the_bytes_of_what_is_no_json_may_name_a_task(part: bytes) -> None:
    assert names(part, bare=False) == ["t-1"]


def test_a_number_in_bytes_may_be_an_id() -> None:
    assert names(b'{"task_id": -12', bare=False) == ["-12"]
    assert names(b'{"task_id": null', bare=False) == []


@pytest.mark.parametrize("start", [b"{", b" {", b"["])
def test_a_bare_id_in_the_bytes_of_broken_json_counts(start: bytes) -> None:
    assert names(start + b'"id": "t-1", ') == ["t-1"]
    assert names(start + b'"id": "t-1", ', bare=False) == []
    assert names(start + b'"id": "req_1", ') == []
    assert names(b"<p>" + start + b'"id": "t-1"') == []


@pytest.mark.parametrize("value", [7, "text", None, True, ["text", 7, None]])
def test_results_that_are_no_objects_name_nothing(value: Any) -> None:
    assert names({"data": value}) == []
    assert names({"data": {"result": value}}) == []


def test_whole_json_is_not_searched_for_bare_ids_as_bytes() -> None:
    assert names({"model": {"id": "t-1"}}) == []


def test_an_id_that_was_sent_is_not_a_new_one() -> None:
    assert names({"task_ids": ["t-1", "t-2"]}, b'{"ref": "t-1"}') == ["t-2"]
    assert names({"task_ids": ["t-1"]}, b'{"prompt": "t-1 and more"}') == ["t-1"]


def test_each_id_is_named_once_and_the_surest_first() -> None:
    document = {"id": "bare-1", "data": {"id": "t-2", "task_id": "t-1"}, "task_id": "t-1"}
    assert names(document) == ["t-1", "bare-1", "t-2"]


def test_an_id_in_an_address_is_read_as_addresses_are_written() -> None:
    assert names({"url": "/tasks/t%2D1"}, bare=False) == ["t-1"]


@pytest.mark.parametrize("value", [None, True, False, "", " ", {}, []])
def test_what_is_no_text_is_no_id(value: Any) -> None:
    assert names({"task": {"id": value}}, bare=False) == []


def test_a_number_is_an_id_as_it_is_written() -> None:
    assert names(b'{"task": {"id": 12345678901234567890}}') == ["12345678901234567890"]
    assert names(b'{"task": {"id": 1.50}}') == ["1.50"]


def test_a_long_text_is_cut() -> None:
    assert names({"x": {"task": {"id": "x" * 3000}}}, bare=False) == ["x" * 2000]


def test_a_usable_id_is_one_that_is_written_as_it_is_read() -> None:
    assert is_usable("t-1")
    for text in ("", " t-1", "t-1 ", "a b", "x" * 513, ".."):
        assert is_usable(text) is False
