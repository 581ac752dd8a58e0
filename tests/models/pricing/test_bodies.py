"""What bodies ask for, by the names that models use, where no schema is known."""

from typing import Any

import pytest

from modellix_cli.domain.jsontext import Number, loads
from modellix_cli.models.pricing.values import describe
from tests.models.pricing.prices import IMAGE, RANGE, SECOND, TEXT, most, of, price

URLS = [f"https://example.com/{number}.png" for number in range(3)]


@pytest.mark.parametrize(
    "body",
    [
        {"n": 4},
        {"n": "4"},
        {"n": " 4 "},
        {"n": 4.0},
        {"n": Number("4e0")},
        {"N": 4},
        {"parameters": {"n": 4}},
        {"input": {"options": {"n": "4"}}},
        {"num_images": 4},
        {"numImages": 4},
        {"numimages": 4},
        {"number_of_images": 4},
        {"Number Of Images": 4},
        {"n_images": 4},
        {"image_count": 4},
        {"img_num": 4},
        {"images_per_prompt": 4},
        {"batch_size": 4},
        {"batchsize": 4},
        {"max_images": 4},
        {"count": 4},
        {"num_outputs": 4},
        {"num_return_sequences": 4},
        {"images": 4},
        {"outputs": "4"},
        {"n": 2, "batch_size": 2},
        {"n": 2, "parameters": {"n": 2}},
        {"requests": [{"n": 1}, {"n": 3}]},
        {"prompts": ["a", "b", "c", "d"]},
        {"sequential_image_generation_options": {"max_images": 4}},
        {
            "sequential_image_generation": "auto",
            "sequential_image_generation_options": {"max_images": 4},
        },
        {"options": '{"n": 4}'},
        {"prompt": "a cat --n 4"},
        {"prompt": "a cat", "image_urls": [*URLS, "https://example.com/4.png"]},
    ],
    ids=str,
)
def test_four_images_are_found_under_any_name(body: dict[str, Any]) -> None:
    assert most(IMAGE, body) == "0.12"


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"n": None},
        {"seed": 7, "num_inference_steps": 50, "guidance_scale": 7.5, "width": 1024},
        {"max_sequence_length": 512, "max_image_size": 2048, "image_strength": 2},
        {"size": [1024, 1024], "loras": ["a", "b"], "tags": ["x", "y"], "bbox": [1, 2, 3, 4]},
        {"prompt": "7 cats -- n 4", "images": "https://example.com/1.png"},
        {"prompt": "2024", "text": "12"},
        {"line": 7, "watermark": False, "image_urls": URLS[:1]},
        {"sequential_image_generation": "disabled"},
        {"options": "{not JSON"},
    ],
    ids=str,
)
def test_what_asks_for_no_further_image_is_one(body: dict[str, Any]) -> None:
    assert most(IMAGE, body) == "0.03"


@pytest.mark.parametrize(
    "value",
    [
        *(0, -1, 1.5, True, False, "many", "", "NaN", "-4", "1e400", "4 4", [4], {"value": 4}),
        *(10**7, 10**5000, float("inf"), float("nan"), Number("1e400"), Number("1e-99999999")),
    ],
    ids=lambda value: str(type(value).__name__),
)
@pytest.mark.parametrize("name", ["n", "num_images"])
def test_an_absurd_count_is_named(name: str, value: Any) -> None:
    estimate = of(IMAGE, {name: value})
    assert estimate.amount is None
    assert estimate.unpriced == (f"{name} is not a usable count",)


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ({"max_foo": 4}, "max_foo may change the price"),
        ({"options": {"repeat_times": 2}}, "options.repeat_times may change the price"),
        ({"scenes": 3}, "scenes may change the price"),
        ({"iterations": "3"}, "iterations may change the price"),
        ({"duration": 5}, "duration is not priced by the image"),
        ({"num_frames": 81}, "num_frames is not priced by the image"),
        (
            {"sequential_image_generation": "auto"},
            "sequential_image_generation lets the model choose how many",
        ),
        (
            {"sequential_image_generation": "auto", "n": 1},
            "sequential_image_generation lets the model choose how many",
        ),
    ],
)
def test_what_looks_like_a_count_and_is_not_understood_is_named(
    body: dict[str, Any], reason: str
) -> None:
    assert of(IMAGE, body).unpriced == (reason,)


@pytest.mark.parametrize(
    "body",
    [
        {"duration": 8},
        {"duration": "8"},
        {"duration": "8s"},
        {"duration": "8 seconds"},
        {"duration": 8.0},
        {"duration": 7.2},
        {"duration": "0:08"},
        {"duration": "00:00:08"},
        {"duration": "PT8S"},
        {"durationMs": 8000},
        {"duration": "8000 ms"},
        {"duration_seconds": 8},
        {"seconds": 8},
        {"length": 8},
        {"videoLength": 8},
        {"audio_length_in_s": 8},
        {"parameters": {"duration": 8}},
        {"num_frames": 120, "fps": 15},
        {"frames": "121", "parameters": {"frame_rate": 16}},
        {"duration": 4, "n": 2},
        {"duration": 4, "num_videos": "2"},
        {"durations": [3, 5]},
        {"multi_prompt": [{"prompt": "a", "duration": "5"}, {"prompt": "b", "duration": 3}]},
        {"prompt": "waves --dur 8"},
    ],
    ids=str,
)
def test_eight_seconds_are_found_in_any_form(body: dict[str, Any]) -> None:
    assert most(SECOND, body) == "0.8"


def test_minutes_and_hours_are_told_by_the_name() -> None:
    assert most(SECOND, {"duration_minutes": 2}) == "12"
    assert most(SECOND, {"duration": "1.5m"}) == "9"
    assert most(SECOND, {"duration": "1h"}) == "360"


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ({}, "duration is not given"),
        ({"num_frames": 81}, "frames are given without fps"),
        ({"num_frames": -81, "fps": 16, "duration": 5}, "num_frames may change the price"),
        ({"fps": 100_000, "duration": 5}, "fps may change the price"),
        ({"duration": "auto"}, "duration is not a usable length"),
        ({"duration": -1}, "duration is not a usable length"),
        ({"duration": 0}, "duration is not a usable length"),
        ({"duration": True}, "duration is not a usable length"),
        ({"duration": {"seconds": 4}}, "duration is not a usable length"),
        ({"duration": [5, "auto"]}, "duration is not a usable length"),
        ({"duration": "9" * 5000}, "duration is not a usable length"),
        ({"duration": Number("1e400")}, "duration is not a usable length"),
        ({"duration": 5, "end_time": 9}, "end_time may change the price"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_a_length_that_cannot_be_read_is_named(body: dict[str, Any], reason: str) -> None:
    assert of(SECOND, body).unpriced == (reason,)


def test_a_recording_that_is_sent_has_an_unknown_length() -> None:
    estimate = of(SECOND, {"url": "https://example.com/a.mp3"}, task_type="speech-to-text")
    assert estimate.unpriced == ("the length of the input is not known",)


@pytest.mark.parametrize(
    ("body", "amount"),
    [
        ({"text": "x" * 1000}, "0.013"),
        ({"prompt": "猫" * 1000}, "0.013"),
        ({"text": "😀" * 1000}, "0.013"),
        ({"input": {"text": "x" * 1000}}, "0.013"),
        ({"texts": ["x" * 500] * 2}, "0.013"),
        ({"messages": [{"role": "user", "content": "x" * 1000}]}, "0.013"),
        ({"text": "x" * 1000, "voice": "cherry", "speed": 2}, "0.013"),
        ({"text": "x" * 400, "instructions": "y" * 600}, "0.013"),
        ({"unheard_of": "x" * 1000}, "0.013"),
        ({"text": "x" * 500, "n": 2}, "0.013"),
        ({"text": "https://example.com/a.txt"}, None),
        ({"text": ""}, None),
        ({"text": 7}, None),
        ({}, None),
    ],
    ids=lambda value: str(value)[:40],
)
def test_characters_of_all_texts_are_counted(body: Any, amount: str | None) -> None:
    assert most(TEXT, body) == amount


def test_of_texts_that_may_be_read_several_times_the_least_is_not_told() -> None:
    estimate = of(TEXT, {"text": "x" * 500, "max_outputs": 2})
    assert (str(estimate.amount), str(estimate.lowest)) == ("0.013", "0")


def test_of_a_price_range_the_highest_counts() -> None:
    estimate = of(RANGE, {"n": 2, "resolution": "4K"})
    assert (str(estimate.amount), str(estimate.lowest)) == ("0.3", "0.1")


@pytest.mark.parametrize(
    ("listed", "reason"),
    [
        (None, "no price is listed"),
        (price("$/min", "1"), 'prices in "$/min" cannot be estimated'),
        (price("\x1b[2J", "1"), 'prices in " [2J" cannot be estimated'),
        (price("$/img", "1e-99999999"), "the listed price is not a sensible amount"),
        (price("$/img", "-1"), "the listed price is not a sensible amount"),
        (price("$/img", "NaN"), "the listed price is not a sensible amount"),
    ],
)
def test_a_price_that_cannot_be_used_is_said(listed: Any, reason: str) -> None:
    assert of(listed, {}).unpriced == (reason,)


@pytest.mark.parametrize("unit", ["$/IMG", " $/img ", "$/Img"])
def test_units_are_read_in_any_case(unit: str) -> None:
    assert most(price(unit, "0.03"), {}) == "0.03"


@pytest.mark.parametrize("body", [None, [], "x", 7])
def test_a_body_that_is_no_object_is_unpriced(body: Any) -> None:
    assert of(IMAGE, body).unpriced == ("the body is not a JSON object",)


def test_more_than_a_million_of_anything_is_unpriced() -> None:
    body = {"n": 1000, "batch_size": 1000, "count": 2}
    assert describe(of(IMAGE, body)) == "price unknown: more is asked for than can be priced"


@pytest.mark.slow
def test_a_body_of_too_many_values_is_unpriced() -> None:
    body = {"prompts": ["x"] * 60_000}
    assert of(IMAGE, body).unpriced == ("the body is too large to be read whole",)


def test_a_body_nested_too_deeply_is_unpriced() -> None:
    body = loads('{"a":' * 90 + '{"n": 4}' + "}" * 90)
    assert of(IMAGE, body).unpriced == ("the body is too large to be read whole",)


def test_a_name_that_attacks_a_terminal_is_shown_on_one_safe_line() -> None:
    (reason,) = of(IMAGE, {"max\x1b[2J\nthing" + "y" * 300: 4}).unpriced
    assert reason.isprintable()
    assert len(reason) < 100
