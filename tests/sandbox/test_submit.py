"""Submitting: routes, what is refused, what it costs."""

import json
from typing import Any

import pytest

from modellix_cli.sandbox.catalog import MODELS
from tests.sandbox.harness import Service

IMAGE = "alibaba/qwen-image-plus"


def test_a_submission_answers_with_the_task_and_where_to_ask_for_it(service: Service) -> None:
    reply = service.submit(IMAGE).json
    task_id = reply["data"]["task_id"]
    url = f"https://api.sandbox.invalid/api/v1/tasks/{task_id}"
    assert reply == {
        "code": 0,
        "message": "success",
        "data": {
            "status": "pending",
            "task_id": task_id,
            "model_id": "qwen-image-plus",
            "get_result": {"method": "GET", "url": url},
        },
    }


def test_the_route_without_async_of_the_official_cli_is_accepted(service: Service) -> None:
    assert service.submit(IMAGE, route="").status == 200


@pytest.mark.parametrize("route", ["", "/async"])
def test_the_older_routes_name_the_type_and_answer_with_a_duration(
    service: Service, route: str
) -> None:
    reply = service.submit(f"text-to-image/{IMAGE}", route=route)
    assert reply.json["data"]["duration"] == 0


def test_an_older_route_of_another_type_is_not_found(service: Service) -> None:
    reply = service.submit(f"text-to-video/{IMAGE}")
    assert reply.error == (404, 404, "Resource not found")


@pytest.mark.parametrize("slug", ["no/such", "alibaba/async", "a/b/c", "a"])
def test_an_unknown_model_is_not_found(service: Service, slug: str) -> None:
    assert service.submit(slug).error == (404, 404, "Resource not found")


@pytest.mark.parametrize(
    ("body", "category"),
    [
        (b"", "Invalid format"),
        (b"{", "Invalid format"),
        (b"\xff", "Invalid format"),
        (b"NaN", "Invalid format"),
        (b"[]", "Invalid format"),
        (b"[" * 5000, "Invalid format"),
        (b"{}", "Invalid parameters"),
        (b'{"prompt": ""}', "Invalid parameters"),
        (b'{"prompt": " "}', "Invalid parameters"),
        (b'{"prompt": 5}', "Invalid parameters"),
        (b'{"prompt": "a", "n": "2"}', "Invalid parameters"),
        (b'{"prompt": "a", "n": true}', "Invalid parameters"),
        (b'{"prompt": "a", "size": 512}', "Invalid parameters"),
        (b'{"prompt": "a", "n": 5}', "Value out of range"),
        (b'{"prompt": "a", "n": 0}', "Value out of range"),
        (b'{"prompt": "a", "size": "4096x4096"}', "Value out of range"),
    ],
)
def test_a_wrong_body_is_refused_with_its_category(
    service: Service, body: bytes, category: str
) -> None:
    reply = service.ask("POST", f"/api/v1/{IMAGE}/async", body)
    assert reply.error == (400, 400, category)
    assert service.balance == 10


def test_a_missing_prompt_is_told_in_the_words_of_the_api(service: Service) -> None:
    reply = service.ask("POST", f"/api/v1/{IMAGE}/async", b"{}")
    assert reply.json["message"] == "Invalid parameters: parameter 'prompt' is required"


def test_a_model_that_starts_from_an_image_requires_the_image(service: Service) -> None:
    assert "'image' is required" in service.submit("alibaba/wan2.5-i2v").json["message"]


def test_unknown_parameters_are_ignored(service: Service) -> None:
    assert service.submit(IMAGE, size="2K", watermark=False, style={"a": [1]}).status == 200


@pytest.mark.parametrize(
    ("slug", "body", "cost"),
    [
        (IMAGE, {}, 0.03),
        (IMAGE, {"n": 3}, 0.09),
        ("alibaba/wan2.5-t2v", {}, 0.25),
        ("alibaba/wan2.5-t2v", {"duration": 2}, 0.10),
        ("google/nano-banana-2", {}, 0.039),
        ("google/nano-banana-2", {"resolution": "2K"}, 0.0945),
        ("google/nano-banana-2", {"resolution": "4K", "n": 2}, 0.30),
        ("kling/kling-v3-t2v", {"mode": "pro"}, 0.70),
        ("topaz/image-upscale", {"scale": 4}, 0.2),
        ("sandbox/image", {}, 0.01),
        ("sandbox/many", {}, 0.04),
    ],
)
def test_a_task_costs_the_price_times_images_or_seconds(
    service: Service, slug: str, body: dict[str, Any], cost: float
) -> None:
    service.submit(slug, **dict(MODELS[slug].example) | body)
    assert service.balance == pytest.approx(10 - cost, abs=1e-9)


@pytest.mark.parametrize("slug", MODELS)
def test_every_model_costs_something(slug: str) -> None:
    model = MODELS[slug]
    assert model.cost(model.order(dict(model.example))) > 0


def test_a_balance_that_is_too_low_ends_in_402_and_charges_nothing(service: Service) -> None:
    statuses = [service.submit("google/veo-3.1-fast-t2v", duration=10).status for _ in range(12)]
    assert statuses == [200] * 10 + [402] * 2
    assert service.balance == 0


def test_the_broke_key_cannot_pay(service: Service) -> None:
    reply = service.submit(IMAGE, key="sandbox-broke")
    assert reply.status == 402
    assert reply.json["message"].startswith("Insufficient balance")
    assert service.stats()["tasks_created"] == 0


def test_numbers_beyond_a_double_are_taken_as_they_are(service: Service) -> None:
    body = b'{"prompt": "a", "x": 1e999, "y": ' + b"9" * 5000 + b"}"
    assert service.ask("POST", f"/api/v1/{IMAGE}/async", body).status == 200


def test_the_older_route_of_a_fault_may_name_any_type(service: Service) -> None:
    for task_type in ("text-to-image", "image-to-video"):
        assert service.submit(f"{task_type}/sandbox/image").status == 200


def test_a_body_sent_without_its_length_is_read_if_the_request_says_chunked(
    service: Service,
) -> None:
    headers = {"Content-Length": "", "Transfer-Encoding": "chunked"}
    body = json.dumps({"prompt": "a cat"}).encode()
    assert service.ask("POST", f"/api/v1/{IMAGE}/async", body, headers=headers).status == 200
