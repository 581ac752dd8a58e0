"""Which ids in a reply are those of tasks: what is named is never sent again, nor lost."""

import json
from typing import Any

import pytest
import respx

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
    ],
)
def test_a_header_may_name_the_task(status: int, headers: dict[str, str]) -> None:
    assert answered(status, {}, headers).task_id == "task-9"


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
