"""How a task goes on with time, and what its reply holds."""

import re

import pytest

from modellix_cli.sandbox.limits import Limits
from tests.sandbox.harness import BASE, Service

VIDEO = "alibaba/wan2.5-t2v"


def test_a_finished_task_is_the_document_that_the_api_shows(service: Service) -> None:
    data = service.finished("bytedance/seedream-4.5-t2i", size="64x32")
    url = f"{BASE}/media/{data['task_id']}/1.png"
    assert re.fullmatch(r"req-[0-9a-f]{12}", data["result"]["metadata"].pop("request_id"))
    assert data == {
        "status": "success",
        "task_id": data["task_id"],
        "model_id": "seedream-4.5-t2i",
        "duration": 2000,
        "result_expires_at": "2027-01-22T08:00:02Z",
        "billing": {"amount": 0.04},
        "result": {
            "resources": [
                {
                    "url": url,
                    "type": "image",
                    "width": 64,
                    "height": 32,
                    "format": "png",
                    "role": "primary",
                }
            ],
            "metadata": {"image_count": 1},
            "extensions": {
                "submit_time": "2027-01-15T08:00:00Z",
                "end_time": "2027-01-15T08:00:02Z",
            },
        },
    }


def test_a_task_is_pending_then_processing_then_done_by_the_clock_alone(service: Service) -> None:
    task_id = service.task_of(VIDEO)
    seen = []
    for _ in range(11):
        seen.append(service.task(task_id)["status"])
        service.clock.time += 0.5
    assert seen == ["pending"] * 2 + ["processing"] * 8 + ["success"]


def test_the_duration_of_a_running_task_is_the_time_so_far(service: Service) -> None:
    task_id = service.task_of(VIDEO)
    service.clock.time += 1.25
    assert service.task(task_id)["duration"] == 1250


def test_a_running_task_has_no_result(service: Service) -> None:
    assert "result" not in service.task(service.task_of(VIDEO))


@pytest.mark.parametrize(("slug", "seconds"), [("sandbox/image", 2), (VIDEO, 5)])
def test_images_take_two_seconds_and_videos_five(
    service: Service, slug: str, seconds: float
) -> None:
    task_id = service.task_of(slug)
    service.clock.time += seconds - 0.1
    assert service.task(task_id)["status"] == "processing"
    service.clock.time += 0.2
    assert service.task(task_id)["status"] == "success"


@pytest.mark.parametrize("seconds", [0.0, 0.5, 1000.0])
def test_the_task_time_can_be_set_for_all_models(seconds: float) -> None:
    service = Service(Limits(task_seconds=seconds))
    task_id = service.task_of("sandbox/slow")
    service.clock.time += seconds
    assert service.task(task_id)["status"] == "success"


def test_a_clock_that_goes_back_makes_a_task_pending_again(service: Service) -> None:
    task_id = service.task_of(VIDEO)
    service.clock.time -= 3600
    assert service.task(task_id)["status"] == "pending"
    assert service.task(task_id)["duration"] == 0


@pytest.mark.parametrize("task_id", ["no-such", "a/b", "%F0%9F%90%88", "..", "%00", ""])
def test_an_unknown_task_is_not_found(service: Service, task_id: str) -> None:
    assert service.get(f"tasks/{task_id}").error == (404, 404, "Resource not found")


def test_a_video_says_its_type_format_and_size(service: Service) -> None:
    (video,) = service.finished(VIDEO)["result"]["resources"]
    assert (video["type"], video["format"], video["width"], video["height"]) == (
        *("video", "mp4"),
        *(256, 144),
    )


def test_several_images_are_several_resources_of_which_the_first_is_primary(
    service: Service,
) -> None:
    result = service.finished("alibaba/qwen-image-plus", n=3)["result"]
    assert [one["role"] for one in result["resources"]] == ["primary"] + ["alternative"] * 2
    assert result["metadata"]["image_count"] == 3
