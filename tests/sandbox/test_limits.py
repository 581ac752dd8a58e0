"""Keys, the team's window of requests, running tasks, and the counts for test code."""

import json

import pytest

from modellix_cli.sandbox.limits import Limits
from tests.sandbox.harness import Service

THREE = Limits(requests_per_window=3, window_seconds=60, running_tasks=0)


def test_requests_over_the_limit_are_refused_until_the_window_ends() -> None:
    service = Service(THREE)
    statuses = [service.get("models").status for _ in range(5)]
    assert statuses == [200] * 3 + [429] * 2
    service.clock.time += 60
    assert service.get("models").status == 200


def test_a_refusal_says_when_the_window_ends() -> None:
    service = Service(THREE)
    for _ in range(3):
        service.get("models")
    service.clock.time += 12.5
    reply = service.get("models")
    assert reply.error == (429, 429, "Rate limit exceeded")
    assert reply.headers["Retry-After"] == "48"
    assert reply.headers["X-RateLimit-Reset"] == "1800000060"
    assert reply.headers["X-RateLimit-Remaining"] == "0"


def test_every_api_answer_says_how_much_is_left() -> None:
    service = Service(THREE)
    replies = [service.get("models"), service.get("nothing"), service.submit("no/such")]
    assert [reply.headers["X-RateLimit-Remaining"] for reply in replies] == ["2", "1", "0"]
    assert {reply.headers["X-RateLimit-Limit"] for reply in replies} == {"3"}


def test_a_window_begins_with_its_first_request() -> None:
    service = Service(THREE)
    service.clock.time += 17
    assert service.get("models").headers["X-RateLimit-Reset"] == "1800000077"


def test_media_and_public_pages_do_not_count() -> None:
    service = Service(THREE)
    for path in ("/llms.txt", "/media/x/1.png", "/__sandbox__/stats", "/sandbox/image.md"):
        assert "X-RateLimit-Limit" not in service.ask("GET", path, key=None).headers
    assert service.get("models").headers["X-RateLimit-Remaining"] == "2"


def test_zero_lifts_the_limit_of_requests(service: Service) -> None:
    assert {service.get("models").status for _ in range(300)} == {200}


def test_the_limits_are_those_of_the_team_whatever_the_key() -> None:
    service = Service(THREE)
    assert [service.get("models", key=k).status for k in "abcd"] == [200, 200, 200, 429]


def test_a_fourth_running_task_is_refused_until_one_ends() -> None:
    service = Service(Limits())
    assert [service.submit("sandbox/image").status for _ in range(3)] == [200] * 3
    refused = service.submit("sandbox/image")
    assert refused.error == (429, 429, "Concurrent limit exceeded")
    assert "X-RateLimit-Reset" in refused.headers
    assert "Retry-After" not in refused.headers
    service.clock.time += 2
    assert service.submit("sandbox/image").status == 200


def test_a_refused_submission_costs_nothing() -> None:
    service = Service(Limits(running_tasks=1))
    for _ in range(3):
        service.submit("sandbox/image")
    assert service.balance == 9.99


def test_zero_lifts_the_limit_of_running_tasks(service: Service) -> None:
    assert {service.submit("sandbox/image").status for _ in range(20)} == {200}


def test_latency_is_slept_on_the_clock_before_every_api_answer() -> None:
    service = Service(Limits(latency_seconds=0.25))
    service.get("models")
    service.ask("GET", "/llms.txt")
    assert service.clock.slept == [0.25]


@pytest.mark.parametrize("header", ["", "Bearer", "Bearer ", "Basic abc", "k"])
def test_a_request_without_a_key_is_refused_and_takes_no_room(header: str) -> None:
    service = Service(THREE)
    reply = service.get("team/balance", key=None, headers={"Authorization": header})
    assert reply.error == (401, 401, "Authentication failed")
    assert reply.headers["X-RateLimit-Remaining"] == "3"


def test_the_invalid_key_is_refused_everywhere(service: Service) -> None:
    for path in ("models", "team/balance", "tasks/x", "nothing"):
        assert service.get(path, key="sandbox-invalid").status == 401
    assert service.submit("sandbox/image", key="sandbox-invalid").status == 401


@pytest.mark.parametrize(("key", "valid"), [("k", True), ("sandbox-invalid", False)])
def test_validate_tells_whether_the_key_is_valid(service: Service, key: str, valid: bool) -> None:
    reply = service.get("apikey/validate", key=key).json
    assert reply == {"code": 0, "message": "success", "data": {"is_valid": valid}}


def test_validate_without_a_key_is_refused(service: Service) -> None:
    assert service.get("apikey/validate", key=None).status == 401


def test_the_balance_begins_at_ten_dollars(service: Service) -> None:
    assert service.get("team/balance").json["data"] == {"balance": 10.0}


def test_stats_count_what_arrived_what_was_created_and_what_was_refused() -> None:
    service = Service(Limits(requests_per_window=4))
    service.submit("sandbox/image")
    service.submit("sandbox/busy")
    service.submit("sandbox/missing")
    service.get("models")
    service.submit("sandbox/image")
    assert service.stats() == {
        "posts": {"sandbox/busy": 1, "sandbox/image": 2, "sandbox/missing": 1},
        "tasks_created": 1,
        "requests": 5,
        "refused": 2,
        "tasks": {"sandbox/image": 1},
        "duplicates": 0,
        "billed": 0.01,
    }


def test_stats_tell_tasks_by_model_duplicates_and_what_was_billed(service: Service) -> None:
    for prompt in ("a cat", "a cat", "a dog"):
        service.submit("sandbox/image", prompt=prompt)
    service.submit("sandbox/many")
    stats = service.stats()
    assert stats["tasks"] == {"sandbox/image": 3, "sandbox/many": 1}
    assert (stats["duplicates"], stats["billed"]) == (1, 0.07)
    assert service.balance == pytest.approx(10 - 0.07)


def test_stats_list_the_tasks_of_each_body_when_asked(service: Service) -> None:
    ids = [service.task_of("sandbox/image", prompt=prompt) for prompt in ("a", "a", "b")]
    bodies = service.ask("GET", "/__sandbox__/stats?bodies=1", key=None).json["bodies"]
    assert [one["tasks"] for one in bodies] == [ids[:2], ids[2:]]
    assert [json.loads(one["body"]) for one in bodies] == [{"prompt": "a"}, {"prompt": "b"}]


def test_reset_by_request_forgets_everything(service: Service) -> None:
    task_id = service.task_of("sandbox/image")
    assert service.ask("POST", "/__sandbox__/reset", key=None).json["code"] == 0
    assert service.get(f"tasks/{task_id}").status == 404
    assert service.balance == 10
    assert service.stats()["posts"] == {}
