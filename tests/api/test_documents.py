import math
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modellix_cli.api.documents import read_submission, read_task
from modellix_cli.domain.errors import ErrorCode, ModellixError
from modellix_cli.domain.jsontext import Number, loads
from modellix_cli.domain.task import Resource, Submission, Task

SUCCESS = """
{"code": 0, "message": "success", "data": {
  "status": "success", "task_id": "task-abc123", "model_id": "qwen-image-plus", "duration": 3500,
  "result_expires_at": "2024-01-08T10:00:03Z", "billing": {"amount": 0.030},
  "result": {
    "resources": [{"url": "https://cdn.example.com/images/abc123.png", "type": "image",
                   "width": 1024, "height": 1024, "format": "png", "role": "primary"}],
    "metadata": {"image_count": 1, "request_id": "req-123456"},
    "extensions": {"submit_time": "2024-01-01T10:00:00Z", "end_time": "2024-01-01T10:00:03Z"}}}}
"""


def task(**data: Any) -> Task:
    return read_task({"code": 0, "data": {"status": "success"} | data}, "t-1")


def urls(found: Task) -> list[str]:
    return [resource.url for resource in found.resources if resource.url]


def resources(*items: Any) -> tuple[Resource, ...]:
    return task(result={"resources": list(items)}).resources


def refused(document: Any) -> ModellixError:
    with pytest.raises(ModellixError) as caught:
        read_task(document, "t-1")
    assert caught.value.code is ErrorCode.BAD_REPLY
    return caught.value


# Submissions


def test_a_submission_is_read_as_documented() -> None:
    document = {
        "code": 0,
        "message": "success",
        "data": {
            "status": "pending",
            "task_id": "task-abc123",
            "model_id": "qwen-image-plus",
            "get_result": {"method": "GET", "url": "https://api.modellix.ai/api/v1/tasks/x"},
        },
    }
    assert read_submission(document) == Submission("task-abc123", "pending", document)


@pytest.mark.parametrize("status", [None, 1, {"a": "b"}])
def test_a_submission_without_a_status_was_submitted(status: Any) -> None:
    document = {"data": {"task_id": "t-1", "status": status}}
    assert read_submission(document).status == "submitted"


def test_the_task_id_counts_even_beside_an_unknown_status() -> None:
    submission = read_submission({"data": {"task_id": "t-1", "status": "queued-somewhere"}})
    assert (submission.task_id, submission.status) == ("t-1", "queued-somewhere")


@pytest.mark.parametrize(
    "task_id",
    [None, "", " ", 5, True, ["t-1"], " t-1", "t 1", "t\n1", "..", "x" * 513, "t%2f1", "\ud800"],
)
def test_a_submission_without_a_usable_task_id_is_a_bad_reply(task_id: Any) -> None:
    with pytest.raises(ModellixError, match="usable task_id") as caught:
        read_submission({"data": {"task_id": task_id, "status": "pending"}})
    assert caught.value.code is ErrorCode.BAD_REPLY


@pytest.mark.parametrize(
    "document", [None, [], "text", 5, {}, {"data": None}, {"data": []}, {"task_id": "t-1"}]
)
def test_a_submission_has_a_data_object(document: Any) -> None:
    with pytest.raises(ModellixError) as caught:
        read_submission(document)
    assert caught.value.code is ErrorCode.BAD_REPLY


# Tasks and statuses


def test_a_finished_task_is_read_as_documented() -> None:
    found = read_task(loads(SUCCESS), "task-abc123")
    url = "https://cdn.example.com/images/abc123.png"
    assert found.task_id == "task-abc123"
    assert found.resources == (
        Resource(1, "image", url, None, "png", width=1024, height=1024, role="primary"),
    )
    assert urls(found) == [url]
    assert found.ended_at == 1704103203.0
    assert found.expires_at == 1704708003.0
    assert str(found.billed) == "0.03"
    assert found.reason is None


def test_a_task_carries_the_reply_as_sent() -> None:
    document = loads(SUCCESS)
    assert read_task(document, "task-abc123").document is document


@pytest.mark.parametrize(
    "status", ["success", "succeeded", "completed", "done", "SUCCESS", " Success\n"]
)
def test_a_task_that_succeeded_is_finished(status: str) -> None:
    found = task(status=status)
    assert (found.succeeded, found.failed, found.finished) == (True, False, True)


@pytest.mark.parametrize("status", ["failed", "error", "canceled", "cancelled", "FAILED"])
def test_a_task_that_failed_is_finished(status: str) -> None:
    found = task(status=status)
    assert (found.succeeded, found.failed, found.finished) == (False, True, True)


@pytest.mark.parametrize(
    ("status", "canceled"),
    [("canceled", True), ("Cancelled", True), ("failed", False), ("success", False), ("x", False)],
)
def test_a_canceled_task_is_told_from_one_that_failed(status: str, canceled: bool) -> None:
    assert task(status=status).canceled is canceled


@pytest.mark.parametrize(
    "status", ["pending", "processing", "queued", "running", "in_progress", "successful"]
)
def test_any_other_status_is_unfinished_and_kept(status: str) -> None:
    found = task(status=status)
    assert (found.status, found.finished) == (status, False)


@pytest.mark.parametrize("status", [None, "", "  ", "\x1b", 1, True, ["success"], {}])
def test_a_task_without_a_status_is_a_bad_reply(status: Any) -> None:
    assert "data.status" in refused({"data": {"status": status}}).message


def test_the_task_id_may_be_missing_in_the_reply() -> None:
    assert read_task({"data": {"status": "pending"}}, "t-1").task_id == "t-1"


@pytest.mark.parametrize("task_id", ["t-2", "T-1", "", 1, None, ["t-1"]])
def test_a_reply_about_another_task_is_a_bad_reply(task_id: Any) -> None:
    assert "another task" in refused({"data": {"status": "success", "task_id": task_id}}).message


@pytest.mark.parametrize("document", [None, [], "", 5, True, {}, {"data": None}, {"data": "x"}])
def test_a_task_has_a_data_object(document: Any) -> None:
    assert "a data object" in refused(document).message


# Resources


@pytest.mark.parametrize(
    "result", [None, {}, {"resources": None}, {"resources": []}, [], "", 5, {"metadata": {"a": 1}}]
)
def test_a_task_may_have_no_resources(result: Any) -> None:
    assert task(result=result).resources == ()


def test_a_resource_may_be_a_url() -> None:
    assert resources("https://x/a.png") == (Resource(1, None, "https://x/a.png", None, None),)


def test_a_resource_may_be_an_object_with_unknown_fields() -> None:
    found = resources({"url": "https://x/a", "type": "video", "fps": 24})
    assert found == (Resource(1, "video", "https://x/a", None, None),)


def test_resources_keep_their_order_and_count_from_one() -> None:
    found = resources("https://x/b", {"url": "https://x/a"}, "https://x/b")
    assert [(item.position, item.url) for item in found] == [
        (1, "https://x/b"),
        (2, "https://x/a"),
        (3, "https://x/b"),
    ]


def test_resources_may_lie_beside_the_result() -> None:
    assert urls(task(resources=["https://x/a"])) == ["https://x/a"]


def test_resources_in_the_result_come_first() -> None:
    found = task(result={"resources": ["https://x/in"]}, resources=["https://x/beside"])
    assert urls(found) == ["https://x/in"]


@pytest.mark.parametrize("field", ["text", "content"])
def test_a_text_resource_has_its_text(field: str) -> None:
    assert resources({"type": "text", field: "a poem"}) == (
        Resource(1, "text", None, "a poem", None),
    )


@pytest.mark.parametrize("text", ["a poem", "http is a protocol", "HTTPS, explained", "ftp://x"])
def test_text_in_the_url_field_of_a_text_resource_is_text(text: str) -> None:
    assert resources({"type": "text", "url": text}) == (Resource(1, "text", None, text, None),)


@pytest.mark.parametrize("url", ["https://x/a.txt", "HTTP://x/a.txt", "data:text/plain,hello"])
def test_the_url_of_a_text_resource_stays_a_url(url: str) -> None:
    assert resources({"type": "text", "url": url})[0].url == url


def test_a_data_url_is_a_url() -> None:
    assert resources("data:image/png;base64,QUJD")[0].url == "data:image/png;base64,QUJD"


def test_a_resource_without_an_address_is_not_among_the_urls() -> None:
    found = task(result={"resources": [{"type": "text", "text": "x"}, "https://x/a"]})
    assert urls(found) == ["https://x/a"]


@pytest.mark.parametrize("value", [None, 5, True, [], {}, ""])
def test_a_field_of_another_kind_counts_as_missing(value: Any) -> None:
    found = resources({"url": value, "type": value, "text": value, "format": value})
    assert found == (Resource(1, None, None, None, None),)


@pytest.mark.parametrize("items", ["https://x/a", {}, {"url": "https://x/a"}, 5, True])
def test_resources_that_are_no_list_are_none_and_the_reply_is_kept(items: Any) -> None:
    document = {"data": {"status": "success", "resources": items}}
    read = read_task(document, "t-1")
    assert read.resources == ()
    assert read.document is document


@pytest.mark.parametrize("item", [None, 5, True, ["https://x/a"]])
def test_a_resource_of_another_kind_does_not_hide_the_others(item: Any) -> None:
    good, odd = resources("https://x/a", item)
    assert good.url == "https://x/a"
    assert odd == Resource(2, None, None, None, None)


def test_any_number_of_resources_is_read() -> None:
    assert len(resources(*["https://x/a"] * 3000)) == 3000


@pytest.mark.parametrize("status", ["pend\ud800ing", "a\x1b[2Jb", "x" * 10_000])
def test_a_status_is_one_short_safe_line(status: str) -> None:
    read = read_task({"data": {"status": status}}, "t-1").status
    assert len(read) <= 100
    assert read.isprintable()
    read.encode()


# Reasons and times


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        ("the model refused", "the model refused"),
        (" padded\n", "padded"),
        ({"message": "bad prompt"}, "bad prompt"),
        ({"message": "bad prompt", "code": "content_policy"}, "bad prompt (content_policy)"),
        ({"message": "bad prompt", "code": 0}, "bad prompt"),
        ({"code": 1301}, "1301"),
        ({"detail": "bad prompt"}, "bad prompt"),
        ({"reason": "bad prompt"}, "bad prompt"),
        ({}, None),
        ("", None),
        (None, None),
        (5, None),
        ([], None),
    ],
)
def test_a_failure_is_explained_by_its_error(error: Any, reason: str | None) -> None:
    assert task(status="failed", error=error).reason == reason


@pytest.mark.parametrize("field", ["error_message", "message", "fail_reason"])
def test_a_failure_may_be_explained_beside_the_error(field: str) -> None:
    assert task(status="failed", error=None, **{field: "bad prompt"}).reason == "bad prompt"


def test_a_huge_error_code_is_no_traceback() -> None:
    document = loads('{"data": {"status": "failed", "error": {"code": ' + "9" * 4200 + "}}}")
    assert read_task(document, "t-1").reason


@pytest.mark.parametrize(
    "end",
    [
        *("2024-01-01T10:00:03Z", "2024-01-01T10:00:03+00:00", "2024-01-01T12:00:03+02:00"),
        *("2024-01-01T10:00:03.000Z", "2024-01-01 10:00:03Z"),
    ],
)
def test_the_time_of_the_end_is_read(end: str) -> None:
    assert task(result={"extensions": {"end_time": end}}).ended_at == 1704103203.0


@pytest.mark.parametrize(
    "end",
    [
        *(None, "", "yesterday", 1704103203, "2024-01-01", "2024-01-01T10:00:03", "\ud800", []),
        *("2024-13-01T10:00:03Z", "9999-12-31T23:59:59-23:59x", "2024-01-01T10:00:03+99:00"),
    ],
)
def test_a_time_that_is_not_certain_is_unknown(end: Any) -> None:
    assert task(result={"extensions": {"end_time": end}}).ended_at is None


@pytest.mark.parametrize("end", ["0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59-23:59"])
def test_a_time_at_the_edge_of_the_calendar_is_a_number(end: str) -> None:
    assert isinstance(task(result={"extensions": {"end_time": end}}).ended_at, float)


@pytest.mark.parametrize("extensions", [None, [], "x", 5, {}])
def test_extensions_may_be_missing(extensions: Any) -> None:
    assert task(result={"extensions": extensions}).ended_at is None


END = {"extensions": {"end_time": "2024-01-01T10:00:03Z"}}
WEEK = 7 * 24 * 3600


@pytest.mark.parametrize(
    "until",
    [
        *("2024-01-08T10:00:03Z", "2024-01-08T12:00:03+02:00", "1704708003", "1704708003000"),
        *(1704708003, 1704708003000, Number("1704708003.0"), Number("1.704708003e12")),
    ],
)
def test_results_are_kept_until_the_reply_says(until: Any) -> None:
    assert task(result_expires_at=until).expires_at == 1704708003.0
    assert task(result={"result_expires_at": until}).expires_at == 1704708003.0
    resource = {"url": "https://x/a", "result_expires_at": until}
    found = task(result={"resources": [resource, "https://x/b"]})
    assert found.expires_at == found.resources[0].expires_at == 1704708003.0


def test_the_task_says_it_before_its_resources_and_of_these_the_soonest() -> None:
    resources = [{"url": "https://x/a", "expires_at": 1_900_000_000 + n} for n in (2, 1, 3)]
    assert task(result={"resources": resources}).expires_at == 1_900_000_001
    said = task(result_expires_at=2_000_000_000, result={"resources": resources})
    assert said.expires_at == 2_000_000_000


@pytest.mark.parametrize("until", [None, "", "soon", True, -1, 0, 1e300, [], "2024-01-08T10:00:03"])
def test_results_are_kept_for_seven_days_where_no_time_is_told(until: Any) -> None:
    assert task(result_expires_at=until, result=END).expires_at == 1704103203.0 + WEEK
    assert task(result_expires_at=until).expires_at is None


@pytest.mark.parametrize(
    ("billing", "billed"),
    [
        ('{"amount": 0.03}', "0.03"),
        ('{"amount": "0.030"}', "0.03"),
        ('{"amount": " $1.5 "}', "1.5"),
        ('{"amount": 0}', "0"),
        ('{"amount": 12}', "12"),
        ('{"amount": 0.' + "1" * 60 + "}", None),
        ('{"amount": 0.100000000000000005}', "0.100000000000000005"),
        ('{"amount": 3e-2}', "0.03"),
        ('{"amount": -1}', None),
        ('{"amount": 1e9}', None),
        ('{"amount": 1e999999999}', None),
        ('{"amount": "NaN"}', None),
        ('{"amount": "1_0"}', None),
        ('{"amount": "\u0661"}', None),
        ('{"amount": ""}', None),
        ('{"amount": true}', None),
        ('{"amount": null}', None),
        ("{}", None),
        ("0.03", None),
        ("null", None),
    ],
)
def test_what_a_task_cost_is_exact(billing: str, billed: str | None) -> None:
    found = task(billing=loads(billing)).billed
    assert (None if found is None else str(found)) == billed


def test_what_is_told_about_a_resource_is_read() -> None:
    fields = {
        "url": "https://x/a",
        "type": "video",
        "width": 1920,
        "height": 1080.0,
        "duration": 5.5,
        "size": 123456,
        "role": "primary",
    }
    assert resources(fields) == (
        Resource(
            1,
            "video",
            "https://x/a",
            None,
            None,
            width=1920,
            height=1080,
            duration=5.5,
            size=123456,
            role="primary",
        ),
    )


@pytest.mark.parametrize("value", ["1", True, None, -1, 1.5, 1e300, float("nan"), [], {}])
def test_measures_that_cannot_be_right_are_unknown(value: Any) -> None:
    found = resources({"url": "https://x/a", "width": value, "height": value, "size": value})[0]
    assert (found.width, found.height, found.size) == (None, None, None)


@pytest.mark.parametrize("value", ["1", True, None, -1, 0, 1e300, float("nan"), []])
def test_a_duration_that_cannot_be_right_is_unknown(value: Any) -> None:
    assert resources({"url": "https://x/a", "duration": value})[0].duration is None


# Results without media


@pytest.mark.parametrize(
    ("result", "text"),
    [
        ("Hello there.", "Hello there."),
        ({"text": "Hello there."}, "Hello there."),
        ({"transcript": "Hello there.", "metadata": {"seconds": 3}}, "Hello there."),
        ({"text": "Hello there.", "resources": [], "extensions": {}}, "Hello there."),
    ],
)
def test_a_single_text_is_a_result_to_save_as_text(result: Any, text: str) -> None:
    assert task(result=result).resources == (Resource(1, "text", None, text, "txt"),)


@pytest.mark.parametrize(
    ("result", "json"),
    [
        ({"pages": [{"n": 1}]}, {"pages": [{"n": 1}]}),
        ({"text": "a", "words": [1], "metadata": {}}, {"text": "a", "words": [1]}),
        ([{"start": 0, "text": "a"}], [{"start": 0, "text": "a"}]),
        ({"resources": {"odd": 1}}, {"resources": {"odd": 1}}),
    ],
)
def test_a_structured_result_is_one_to_save_as_json(result: Any, json: Any) -> None:
    (found,) = task(result=result).resources
    assert (found.type, found.url, found.format) == ("document", None, "json")
    assert found.text is not None
    assert loads(found.text) == json


@pytest.mark.parametrize("status", ["processing", "failed", "canceled"])
def test_only_a_task_that_succeeded_has_a_structured_result(status: str) -> None:
    assert task(status=status, result={"progress": 50}).resources == ()


def test_numbers_of_a_structured_result_stay_as_sent() -> None:
    document = loads('{"data": {"status": "success", "result": {"boxes": [1.10, 2e0]}}}')
    assert "1.10" in str(read_task(document, "t-1").resources[0].text)


def test_media_come_before_a_structured_result() -> None:
    found = task(result={"resources": ["https://x/a"], "text": "a caption"})
    assert urls(found) == ["https://x/a"]
    assert len(found.resources) == 1


def test_a_resource_may_hold_json() -> None:
    (found,) = resources({"type": "document", "content": {"pages": [1]}})
    assert (found.type, found.format) == ("document", "json")
    assert loads(str(found.text)) == {"pages": [1]}


# Whatever comes

FIELDS = [
    *("data", "status", "task_id", "result", "resources", "extensions", "end_time", "error"),
    *("code", "message", "url", "type", "text", "format", "width", "duration", "size", "role"),
    *("billing", "amount", "result_expires_at", "expires_at", "content"),
]
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(st.characters(codec=None), max_size=8)
    | st.sampled_from(["success", "t-1", "https://x/a", "data:,", "text", "2024-01-01T10:00:03Z"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(FIELDS),
            inner,
            max_size=6,
        )
    ),
    max_leaves=15,
)
TASKS = st.builds(
    lambda rest: {"data": {"status": "success"} | rest},
    st.fixed_dictionaries(
        {},
        optional={
            "result": VALUES
            | st.fixed_dictionaries({"resources": st.lists(VALUES, max_size=4)})
            | st.fixed_dictionaries({"extensions": st.fixed_dictionaries({"end_time": VALUES})}),
            "error": VALUES,
            "status": VALUES,
            "resources": VALUES,
            "result_expires_at": VALUES,
            "billing": VALUES | st.fixed_dictionaries({"amount": VALUES}),
            "duration": VALUES,
        },
    ),
)


@pytest.mark.slow
@given(VALUES | TASKS)
@settings(max_examples=200)
def test_any_json_is_a_task_or_a_bad_reply(document: Any) -> None:
    try:
        found = read_task(document, "t-1")
    except ModellixError as error:
        assert error.code is ErrorCode.BAD_REPLY
    else:
        assert found.status.strip() == found.status != ""
        assert not (found.succeeded and found.failed)
        assert found.billed is None or found.billed.usd >= 0
        assert found.expires_at is None or math.isfinite(found.expires_at)
        for resource in found.resources:
            assert resource.width is None or resource.width >= 0
            assert resource.duration is None or resource.duration > 0
        assert all(urls(found))


@given(VALUES | st.builds(lambda data: {"data": data}, VALUES))
@settings(max_examples=150)
def test_any_json_is_a_submission_or_a_bad_reply(document: Any) -> None:
    try:
        submission = read_submission(document)
    except ModellixError as error:
        assert error.code is ErrorCode.BAD_REPLY
    else:
        assert submission.task_id == document["data"]["task_id"]
