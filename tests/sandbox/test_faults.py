"""Each model of the provider `sandbox` does what its line in the help says."""

import base64
import json

import pytest

from modellix_cli.sandbox.faults import FAULTS
from tests.sandbox.harness import Service


@pytest.mark.parametrize("slug", FAULTS)
def test_each_has_a_summary_that_fits_a_line_of_help(slug: str) -> None:
    assert slug.startswith("sandbox/")
    assert len(slug) <= 22
    assert 0 < len(FAULTS[slug].summary) <= 64
    assert "\n" not in FAULTS[slug].summary


@pytest.mark.parametrize(
    ("slug", "kind", "extension"),
    [
        ("sandbox/image", "image", ".png"),
        ("sandbox/video", "video", ".mp4"),
        ("sandbox/audio", "audio", ".wav"),
    ],
)
def test_the_plain_ones_make_what_they_are_named_for(
    service: Service, slug: str, kind: str, extension: str
) -> None:
    (resource,) = service.finished(slug)["result"]["resources"]
    assert resource["type"] == kind
    assert resource["url"].endswith(f"/1{extension}")


def test_text_is_inside_the_reply(service: Service) -> None:
    (resource,) = service.finished("sandbox/text")["result"]["resources"]
    assert resource["type"] == "text"
    assert resource["text"]
    assert "url" not in resource


def test_data_url_holds_a_png(service: Service) -> None:
    (resource,) = service.finished("sandbox/data-url")["result"]["resources"]
    head, _, data = resource["url"].partition(",")
    assert head == "data:image/png;base64"
    assert base64.b64decode(data, validate=True).startswith(b"\x89PNG")


def test_many_makes_four_images(service: Service) -> None:
    assert len(service.finished("sandbox/many")["result"]["resources"]) == 4


def test_slow_takes_sixty_seconds(service: Service) -> None:
    task_id = service.task_of("sandbox/slow")
    service.clock.time += 59
    assert service.task(task_id)["status"] == "processing"
    service.clock.time += 1
    assert service.task(task_id)["status"] == "success"


def test_fails_ends_with_the_reason(service: Service) -> None:
    data = service.finished("sandbox/fails")
    assert data["status"] == "failed"
    assert data["error"]["code"] == "content_policy"
    assert data["error"]["message"]
    assert "result" not in data


def test_canceled_ends_without_result(service: Service) -> None:
    data = service.finished("sandbox/canceled")
    assert data["status"] == "canceled"
    assert "result" not in data


def test_odd_status_passes_through_an_undocumented_one(service: Service) -> None:
    task_id = service.task_of("sandbox/odd-status")
    seen = []
    for _ in range(5):
        seen.append(service.task(task_id)["status"])
        service.clock.time += 0.5
    assert seen == ["pending", "reviewing", "reviewing", "processing", "success"]


def test_rate_limited_refuses_a_request_twice_then_accepts_it(service: Service) -> None:
    replies = [service.submit("sandbox/rate-limited") for _ in range(3)]
    assert [reply.status for reply in replies] == [429, 429, 200]
    assert replies[0].error == (429, 429, "Rate limit exceeded")
    assert replies[0].headers["Retry-After"] == "1"
    assert int(replies[0].headers["X-RateLimit-Reset"]) == service.clock.time + 1


def test_rate_limited_does_so_again_for_the_next_request(service: Service) -> None:
    statuses = [service.submit("sandbox/rate-limited").status for _ in range(6)]
    assert statuses == [429, 429, 200] * 2


def test_rate_limited_counts_each_body_for_itself(service: Service) -> None:
    statuses = [service.submit("sandbox/rate-limited", prompt=p).status for p in "abcabcabc"]
    assert statuses == [429] * 6 + [200] * 3


def test_busy_always_refuses_and_says_when_to_come_back(service: Service) -> None:
    replies = [service.submit("sandbox/busy") for _ in range(4)]
    assert {reply.error for reply in replies} == {(429, 429, "Concurrent limit exceeded")}
    assert replies[0].headers["Retry-After"] == "1"


def test_flaky_is_unavailable_once_then_accepts(service: Service) -> None:
    refused, accepted = (service.submit("sandbox/flaky") for _ in range(2))
    assert refused.error == (503, 503, "Service unavailable")
    assert accepted.status == 200


def test_flaky_stumbles_over_the_first_two_reads_of_each_task(service: Service) -> None:
    for _ in range(2):
        service.submit("sandbox/flaky")
        task_id = service.task_of("sandbox/flaky")
        replies = [service.get(f"tasks/{task_id}") for _ in range(4)]
        assert [reply.status for reply in replies] == [500, 429, 200, 200]
        assert replies[1].headers["Retry-After"] == "1"


@pytest.mark.parametrize(
    ("slug", "error"),
    [
        ("sandbox/unavailable", (503, 503, "Service unavailable")),
        ("sandbox/error", (500, 500, "Internal error")),
        ("sandbox/nonzero", (200, 400, "Invalid parameters")),
        ("sandbox/broke", (402, 402, "Insufficient balance")),
        ("sandbox/forbidden", (401, 401, "Authentication failed")),
        ("sandbox/missing", (404, 404, "Resource not found")),
        ("sandbox/invalid", (400, 400, "Invalid parameters")),
    ],
)
def test_the_refusing_ones_always_refuse_and_create_nothing(
    service: Service, slug: str, error: tuple[int, int, str]
) -> None:
    assert [service.submit(slug).error for _ in range(3)] == [error] * 3
    assert service.stats()["tasks_created"] == 0
    assert service.balance == 10


def test_invalid_names_the_prompt_whatever_the_body(service: Service) -> None:
    for body in (b"", b"{", b'{"prompt": "a"}'):
        reply = service.ask("POST", "/api/v1/sandbox/invalid/async", body)
        assert reply.json["message"] == "Invalid parameters: parameter 'prompt' is required"


def test_gateway_answers_with_the_page_of_a_proxy(service: Service) -> None:
    reply = service.submit("sandbox/gateway")
    assert reply.status == 502
    assert reply.headers["Content-Type"].startswith("text/html")
    assert reply.body.startswith(b"<html>")


def test_cut_creates_the_task_and_drops_the_connection(service: Service) -> None:
    with pytest.raises(ConnectionResetError):
        service.submit("sandbox/cut")
    assert service.stats()["tasks_created"] == 1
    assert service.balance < 10


def test_garbage_creates_the_task_and_answers_what_is_not_json(service: Service) -> None:
    reply = service.submit("sandbox/garbage")
    assert reply.status == 200
    with pytest.raises(UnicodeDecodeError):
        json.loads(reply.body)
    assert service.stats()["tasks_created"] == 1


def test_no_id_creates_the_task_and_does_not_say_which(service: Service) -> None:
    reply = service.submit("sandbox/no-id")
    assert reply.json["code"] == 0
    assert "task-" not in reply.body.decode()
    assert service.stats()["tasks_created"] == 1


def test_expired_succeeds_but_its_media_is_gone(service: Service) -> None:
    (resource,) = service.finished("sandbox/expired")["result"]["resources"]
    assert service.ask("GET", resource["url"]).status == 404


def test_late_media_is_there_three_seconds_after_the_end(service: Service) -> None:
    task_id = service.task_of("sandbox/late-media")
    service.clock.time += 2
    (resource,) = service.task(task_id)["result"]["resources"]
    for seconds, status in ((0, 404), (3, 200)):
        service.clock.time += seconds
        assert service.ask("GET", resource["url"]).status == status


def test_cut_media_breaks_off_half_way_the_first_time(service: Service) -> None:
    (resource,) = service.finished("sandbox/cut-media")["result"]["resources"]
    reply = service.ask("GET", resource["url"])
    got = b""
    with pytest.raises(ConnectionResetError):
        for chunk in reply.chunks:
            got += chunk
    assert len(got) == int(reply.headers["Content-Length"]) // 2
    whole = service.ask("GET", resource["url"]).body
    assert len(whole) == int(reply.headers["Content-Length"])
    assert whole.startswith(got)


def test_cut_media_can_be_taken_up_where_it_broke_off(service: Service) -> None:
    (resource,) = service.finished("sandbox/cut-media")["result"]["resources"]
    first = service.ask("GET", resource["url"])
    got = next(iter(first.chunks))
    headers = {"Range": f"bytes={len(got)}-", "If-Range": first.headers["ETag"]}
    rest = service.ask("GET", resource["url"], headers=headers)
    assert rest.status == 206
    assert got + rest.body == service.ask("GET", resource["url"]).body


def test_evil_holds_escapes_paths_and_long_names_in_the_reply(service: Service) -> None:
    result = service.finished("sandbox/evil")["result"]
    text = json.dumps(result, ensure_ascii=False)
    for attack in ("\\u001b[2J", "\\u0007", "\u202e", "\x9b", "..%2F..%2F", "%1B", "a" * 400):
        assert attack in text


def test_evil_media_can_be_downloaded_under_its_names(service: Service) -> None:
    resources = service.finished("sandbox/evil")["result"]["resources"]
    replies = [service.ask("GET", one["url"]) for one in resources if "url" in one]
    assert [reply.status for reply in replies] == [200] * 4
    assert "../../../evil" in replies[0].headers["Content-Disposition"]


@pytest.mark.parametrize("status", [429, 500, 503])
def test_an_error_may_name_the_task_that_was_created(service: Service, status: int) -> None:
    reply = service.submit(f"sandbox/id-{status}")
    assert (reply.status, reply.json["code"]) == (status, status)
    assert service.task(reply.json["data"]["task_id"])["status"] == "pending"
    assert service.balance == 9.99


def test_trailing_answers_with_json_and_more_bytes(service: Service) -> None:
    body = service.submit("sandbox/trailing").body.decode()
    document, end = json.JSONDecoder().raw_decode(body)
    assert service.task(document["data"]["task_id"])
    assert body[end:].strip()


def test_html_creates_the_task_and_answers_200_with_a_web_page(service: Service) -> None:
    reply = service.submit("sandbox/html")
    assert (reply.status, reply.body[:6]) == (200, b"<html>")
    assert service.stats()["tasks_created"] == 1


def test_half_reply_breaks_off_in_the_answer(service: Service) -> None:
    reply = service.submit("sandbox/half-reply")
    got = b""
    with pytest.raises(ConnectionResetError):
        for chunk in reply.chunks:
            got += chunk
    assert 0 < len(got) < int(reply.headers["Content-Length"])
    assert service.stats()["tasks_created"] == 1


def test_html_reads_are_three_web_pages_then_the_task(service: Service) -> None:
    task_id = service.task_of("sandbox/html-reads")
    replies = [service.get(f"tasks/{task_id}") for _ in range(4)]
    assert [reply.body[:1] for reply in replies] == [b"<"] * 3 + [b"{"]
    assert {reply.status for reply in replies} == {200}


@pytest.mark.parametrize(("slug", "status"), [("denied", 403), ("html-media", 200)])
def test_media_may_be_refused_or_be_a_web_page(service: Service, slug: str, status: int) -> None:
    (resource,) = service.finished(f"sandbox/{slug}")["result"]["resources"]
    reply = service.ask("GET", resource["url"])
    assert reply.status == status
    assert not reply.body.startswith(b"\x89PNG")
    assert reply.headers["Content-Type"].startswith("text/")


def test_short_lived_media_is_gone_when_the_task_says(service: Service) -> None:
    task_id = service.task_of("sandbox/short-lived")
    service.clock.time += 2
    data = service.task(task_id)
    assert data["result_expires_at"] == "2027-01-15T08:01:02Z"
    url = data["result"]["resources"][0]["url"]
    for seconds, status in ((59, 200), (1, 404)):
        service.clock.time += seconds
        assert service.ask("GET", url).status == status
