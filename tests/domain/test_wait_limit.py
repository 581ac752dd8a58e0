"""How long a wait lasts that nobody set a time for."""

import pytest

from modellix_cli.domain.wait_limit import WaitLimit, is_video, wait_limit


@pytest.mark.parametrize(
    ("taken", "minutes", "why"),
    [
        ({}, 5, "the default"),
        ({"a/image": [4.0, 9.0]}, 5, "the default"),
        ({"kling/kling-v3-t2v": [60.0]}, 20, "the default for video"),
        ({"a/image": [], "kling/kling-v3-t2v": []}, 20, "the default for video"),
        ({"a/image": [101.0]}, 6, "by what such tasks took before"),
        ({"a/x-t2v": [30.0, 700.0]}, 35, "by what such tasks took before"),
        ({"a/image": [1e9]}, 24 * 60, "by what such tasks took before"),
    ],
)
def test_it_goes_by_what_tasks_of_the_models_take(
    taken: dict[str, list[float]], minutes: int, why: str
) -> None:
    assert wait_limit(None, taken) == WaitLimit(minutes * 60.0, why)


def test_a_time_that_was_chosen_wins() -> None:
    limit = wait_limit(30.0, {"a/x-t2v": [700.0]})
    assert (limit.seconds, limit.words) == (30.0, "30s")


def test_a_default_says_so_and_how_to_choose() -> None:
    said = "20m (the default for video; choose another with --timeout)"
    assert wait_limit(None, {"a/x-t2v": []}).words == said


@pytest.mark.parametrize(
    ("slug", "video"),
    [
        ("kling/kling-v3-t2v", True),
        ("alibaba/wan2.5-i2v-preview", True),
        ("bytedance/seedance-1.0-pro", True),
        ("google/veo-3.1", True),
        ("sandbox/video", True),
        ("text-to-video/a/b", True),
        ("bytedance/seedream-4.5-t2i", False),
        ("alibaba/qwen-image-plus", False),
        ("a/sorano", False),
        ("google/nano-banana-2", False),
    ],
)
def test_the_name_of_a_model_tells_whether_it_makes_video(slug: str, video: bool) -> None:
    assert is_video(slug) is video
