"""The models that are like those of Modellix: one of each kind, checked as their schemas say."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator, FormatChecker

from modellix_cli.sandbox.catalog import MODELS, TYPES
from modellix_cli.sandbox.faults import FAULTS
from modellix_cli.sandbox.schema import problem
from tests.sandbox.harness import Reply, Service

REAL = sorted(MODELS.keys() - FAULTS.keys())
URL = "https://example.com/a.png"


def send(service: Service, slug: str, body: Any) -> Reply:
    return service.ask("POST", f"/api/v1/{slug}/async", json.dumps(body).encode())


def done(service: Service, slug: str, **body: Any) -> Any:
    reply = send(service, slug, dict(MODELS[slug].example) | body)
    assert reply.status == 200, reply.body
    service.clock.time += 60
    return service.task(reply.json["data"]["task_id"])


@pytest.mark.parametrize("slug", REAL)
def test_every_model_makes_what_its_type_says(service: Service, slug: str) -> None:
    kinds = {"image": "image", "video": "video", "speech": "audio", "text": "text"}
    kind = kinds[MODELS[slug].type.rpartition("-to-")[2]]
    data = done(service, slug)
    assert {one["type"] for one in data["result"]["resources"]} <= {kind}
    assert data["billing"]["amount"] == pytest.approx(10 - service.balance)


@pytest.mark.parametrize("task_type", TYPES)
def test_the_older_route_knows_all_eight_types(service: Service, task_type: str) -> None:
    slug = next(slug for slug in REAL if MODELS[slug].type == task_type)
    body = json.dumps(dict(MODELS[slug].example)).encode()
    for route in ("", "/async"):
        path = f"/api/v1/{task_type}/{slug}{route}"
        assert service.ask("POST", path, body).json["data"]["duration"] == 0


@pytest.mark.parametrize("slug", REAL)
def test_every_required_parameter_is_required(service: Service, slug: str) -> None:
    for name in MODELS[slug].required:
        body = {key: value for key, value in MODELS[slug].example.items() if key != name}
        message = send(service, slug, body).json["message"]
        assert message == f"Invalid parameters: parameter '{name}' is required"


@pytest.mark.parametrize(
    ("slug", "body", "message"),
    [
        ("google/nano-banana-2", {"aspect_ratio": "7:1"}, "must be one of 1:1, 16:9"),
        ("google/nano-banana-2", {"image_urls": []}, "must have 1 to 14 entries"),
        ("google/nano-banana-2", {"image_urls": ["cat.png"]}, "'image_urls'[0] must be a URL"),
        ("google/nano-banana-2", {"image_urls": URL}, "must be an array"),
        ("alibaba/qwen-image-edit", {"image": "cat.png"}, "must be a URL"),
        ("alibaba/qwen-image-edit", {"image": None}, "must be a string"),
        ("alibaba/qwen-image-plus", {"watermark": 1}, "must be true or false"),
        ("kling/kling-v3-t2v", {"duration": 2}, "must be from 3 to 15"),
        ("kling/kling-v3-t2v", {"duration": 5.5}, "must be an integer"),
        ("alibaba/qwen-audio-3.0-tts-flash", {"text": " "}, "must not be empty"),
        ("alibaba/qwen-audio-3.0-tts-flash", {"text": "a" * 10_001}, "at most 10000 characters"),
        ("alibaba/qwen-audio-3.0-tts-flash", {"speed": "1"}, "must be a number"),
        ("alibaba/qwen-audio-3.0-tts-flash", {"speed": 2.5}, "must be from 0.5 to 2"),
        ("black-forest-labs/flux-2-pro", {"seed": -1}, "must be at least 0"),
    ],
)
def test_a_value_that_the_schema_does_not_allow_is_refused(
    service: Service, slug: str, body: dict[str, Any], message: str
) -> None:
    reply = send(service, slug, dict(MODELS[slug].example) | body)
    assert reply.status == 400
    assert message in reply.json["message"]
    assert service.balance == 10


formats = FormatChecker(formats=())
formats.checks("uri")(lambda value: not isinstance(value, str) or value.startswith("https://"))
VALUES = st.sampled_from(
    [
        *(None, True, False, 0, 1, 3, 4.0, 5.5, -1, 999, "", " ", "a cat", "16:9", "auto", URL),
        *([], [URL], [URL] * 15, ["x"], [1], {}, {"a": 1}, "a" * 6000, "cherry", "pro", "2K"),
    ]
)


@given(st.sampled_from(sorted(MODELS)), st.data())
def test_the_check_agrees_with_jsonschema(slug: str, data: st.DataObject) -> None:
    model = MODELS[slug]
    names = st.sampled_from(sorted(model.properties))
    body = dict(model.example) | data.draw(st.dictionaries(names, VALUES, max_size=4))
    for name in data.draw(st.lists(names, max_size=1)):
        body.pop(name, None)
    valid = Draft202012Validator(model.schema(), format_checker=formats).is_valid(body)
    assert (problem(model.properties, model.required, body) is None) == valid


def test_a_video_and_a_sound_tell_their_length_and_their_bytes(service: Service) -> None:
    for slug, body in (("kling/kling-v3-t2v", {"duration": 3}), ("elevenlabs/voice-changer", {})):
        (resource,) = done(service, slug, **body)["result"]["resources"]
        assert resource["duration"] == body.get("duration", 5)
        assert resource["size"] == len(service.ask("GET", resource["url"]).body)
        assert (resource["role"], resource["format"]) in (("primary", "mp4"), ("primary", "wav"))


def test_a_ratio_gives_the_shape_of_the_picture(service: Service) -> None:
    (resource,) = done(service, "google/nano-banana-2", aspect_ratio="16:9")["result"]["resources"]
    assert (resource["width"], resource["height"]) == (512, 288)


def test_parsing_gives_a_structured_result_without_media(service: Service) -> None:
    result = done(service, "alibaba/aitryon-parsing")["result"]
    assert result["resources"] == []
    assert [region["label"] for region in result["regions"]] == ["upper", "lower"]


def test_speech_is_written_down_as_text(service: Service) -> None:
    (resource,) = done(service, "alibaba/qwen3-asr-flash")["result"]["resources"]
    assert set(resource) == {"type", "text", "role"}


def test_a_task_tells_its_cost_when_it_has_ended_not_before(service: Service) -> None:
    task_id = service.task_of("alibaba/qwen-image-plus", n=3)
    assert "billing" not in service.task(task_id)
    service.clock.time += 2
    assert service.task(task_id)["billing"] == {"amount": 0.09}
    assert service.balance == pytest.approx(9.91)
