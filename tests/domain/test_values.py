from urllib.parse import quote, unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modellix_cli.domain.errors import ErrorCode, ModellixError
from modellix_cli.domain.values import (
    DAY,
    TASK_TYPES,
    Slug,
    duration_option,
    format_duration,
    parse_api_key,
    parse_duration,
    parse_file_id,
    parse_profile,
    parse_slug,
    parse_task_id,
)

# Durations


@pytest.mark.parametrize(
    ("written", "seconds"),
    [
        ("500ms", 0.5),
        ("30s", 30),
        ("1.5s", 1.5),
        ("5m", 300),
        ("1.5m", 90),
        ("2h", 7200),
        ("1d", 86400),
        ("1h30m", 5400),
        ("1m30s500ms", 90.5),
    ],
)
def test_a_duration_is_numbers_with_units(written: str, seconds: float) -> None:
    assert parse_duration(written, "--timeout", DAY) == pytest.approx(seconds)


@pytest.mark.parametrize(("written", "seconds"), [("30", 30), ("0.25", 0.25), ("007", 7)])
def test_a_bare_number_is_seconds(written: str, seconds: float) -> None:
    assert parse_duration(written, "--timeout", DAY) == seconds


@pytest.mark.parametrize("written", [" 5m ", "5M", "\t5m\n"])
def test_case_and_surrounding_blanks_of_a_duration_do_not_matter(written: str) -> None:
    assert parse_duration(written, "--timeout", DAY) == 300


@pytest.mark.parametrize(
    "written",
    [
        *("", " ", "s", "ms", ".", "-5s", "+5s", "1e3", "1,5s", "5 m", "1h 30m", ".5s", "5.s"),
        *("1h30", "5x", "inf", "nan", "0x10", "5min", "٣s", "５m", "²s", "5s\x00", "5s;rm"),
    ],
)
def test_anything_else_is_no_duration(written: str) -> None:
    with pytest.raises(ModellixError, match="Invalid --timeout") as caught:
        parse_duration(written, "--timeout", DAY)
    assert caught.value.code is ErrorCode.USAGE


@pytest.mark.parametrize("written", ["0", "0s", "0.0", "0h0m0s", "0ms"])
def test_a_duration_is_greater_than_zero(written: str) -> None:
    with pytest.raises(ModellixError, match="--timeout must be greater than zero"):
        parse_duration(written, "--timeout", DAY)


@pytest.mark.parametrize("written", ["24h", "1d", "86400", "23h60m"])
def test_a_duration_may_be_as_long_as_the_bound(written: str) -> None:
    assert parse_duration(written, "--timeout", DAY) == DAY


@pytest.mark.parametrize("written", ["86400.001", "2d", "24h1ms", "9" * 400, "9" * 400 + "d"])
def test_a_duration_over_the_bound_names_the_bound(written: str) -> None:
    with pytest.raises(ModellixError, match=r"--timeout must not exceed 24h\."):
        parse_duration(written, "--timeout", DAY)


def test_an_error_shows_the_duration_on_one_safe_short_line() -> None:
    with pytest.raises(ModellixError) as caught:
        parse_duration("5\x1b[31m\n" + "x" * 1000, "--timeout", DAY)
    assert "\x1b" not in caught.value.message
    assert "\n" not in caught.value.message
    assert len(caught.value.message) < 250


def test_a_duration_option_reads_text_and_keeps_its_default() -> None:
    parse = duration_option("--interval", 60.0)
    assert parse("500ms") == 0.5
    assert parse(2.5) == 2.5


def test_a_duration_option_names_itself_in_errors() -> None:
    with pytest.raises(ModellixError, match="--interval must not exceed 1m"):
        duration_option("--interval", 60.0)("61s")


@pytest.mark.parametrize(
    ("seconds", "written"),
    [
        *[(0.5, "500ms"), (1.0, "1s"), (1.5, "1500ms"), (60.0, "1m"), (90.0, "90s")],
        *[(3600.0, "1h"), (5400.0, "90m"), (DAY, "24h"), (0.001, "1ms")],
    ],
)
def test_a_duration_is_written_in_its_largest_whole_unit(seconds: float, written: str) -> None:
    assert format_duration(seconds) == written


@given(st.integers(1, 86_400_000))
def test_a_written_duration_reads_back(milliseconds: int) -> None:
    seconds = milliseconds / 1000
    assert parse_duration(format_duration(seconds), "x", DAY) == pytest.approx(seconds)


@given(st.text(alphabet="0123456789.smhd -+e٣", max_size=12) | st.text(max_size=12))
def test_any_text_is_a_duration_or_a_usage_error(text: str) -> None:
    try:
        seconds = parse_duration(text, "--timeout", DAY)
    except ModellixError as error:
        assert error.code is ErrorCode.USAGE
    else:
        assert 0 < seconds <= DAY


# Slugs


def test_a_slug_is_provider_and_model() -> None:
    assert parse_slug("bytedance/seedream-4.5-t2i") == Slug("bytedance", "seedream-4.5-t2i")


@pytest.mark.parametrize("task_type", TASK_TYPES)
def test_a_slug_may_lead_with_a_task_type(task_type: str) -> None:
    slug = parse_slug(f"{task_type}/alibaba/qwen-image")
    assert slug == Slug("alibaba", "qwen-image", task_type)
    assert str(slug) == f"{task_type}/alibaba/qwen-image"


def test_a_task_type_alone_can_be_a_provider() -> None:
    assert parse_slug("text-to-image/model") == Slug("text-to-image", "model")


def test_blanks_around_a_slug_and_its_parts_are_dropped() -> None:
    assert str(parse_slug("  alibaba / qwen-image\n")) == "alibaba/qwen-image"


@pytest.mark.parametrize(
    "text",
    [
        *("", "/", "model", "a/", "/b", "a/ ", "a//b", "a/b/", "/a/b", "a/b/c"),
        *("text-to-audio/a/b", "text-to-image/a/b/c", "text-to-image//b", "Text-To-Image/a/b"),
        *("a/..", "../b", "./b", "a/.", "text-to-image/../b", "https://x/y", "a/" + "b" * 255),
        *("a/\ud800", "a\\b"),
    ],
)
def test_other_shapes_are_no_slug(text: str) -> None:
    with pytest.raises(ModellixError, match=r"Invalid model slug.*provider/model") as caught:
        parse_slug(text)
    assert caught.value.code is ErrorCode.USAGE


@pytest.mark.parametrize("character", ["\x00", "\n", "\x1b", "\x7f", "\x85", "\x9b"])
def test_a_slug_has_no_control_characters(character: str) -> None:
    with pytest.raises(ModellixError, match="control characters"):
        parse_slug(f"a/b{character}c")


def test_a_slug_may_have_256_characters() -> None:
    assert len(str(parse_slug("a/" + "b" * 254))) == 256


@pytest.mark.parametrize(
    ("slug", "path"),
    [
        ("a/b?x=1#y", "a/b%3Fx%3D1%23y"),
        ("a/b%2e%2e", "a/b%252e%252e"),
        ("a/b c", "a/b%20c"),
        ("a/-_.!~*'()", "a/-_.!~*'()"),
        ("a/模型", "a/" + quote("模型")),
        ("text-to-image/a/b:c", "text-to-image/a/b%3Ac"),
    ],
)
def test_a_slug_cannot_leave_its_place_in_the_path(slug: str, path: str) -> None:
    assert parse_slug(slug).path == path


@given(st.text(max_size=20) | st.text(alphabet="ab/. \x00\ud800", max_size=12))
def test_any_text_is_a_slug_of_two_or_three_path_segments_or_a_usage_error(text: str) -> None:
    try:
        path = parse_slug(text).path
    except ModellixError as error:
        assert error.code is ErrorCode.USAGE
    else:
        segments = path.split("/")
        assert len(segments) in (2, 3)
        assert not {"", ".", ".."} & set(segments)


# Task ids


@pytest.mark.parametrize(
    "text",
    [
        *("task-abc123", "a", "A.b_c~d:e/f+g@h=i-j", "x" * 512, "猫-1", "tâche_7", "ta\u0302che_7"),
        *("задача.3", "مهمة/٤", "बिल्ली", "\U00020000", "猫" * 512),
    ],
)
def test_a_task_id_is_letters_digits_and_some_marks(text: str) -> None:
    assert parse_task_id(text) == text


def test_blanks_around_a_task_id_are_dropped() -> None:
    assert parse_task_id(" task-1\n") == "task-1"


@pytest.mark.parametrize("text", ["", "  ", "\n"])
def test_a_task_id_is_not_empty(text: str) -> None:
    with pytest.raises(ModellixError, match=r"Task ID must not be empty\."):
        parse_task_id(text)


def test_a_task_id_has_at_most_512_characters() -> None:
    with pytest.raises(ModellixError, match=r"Task ID exceeds the 512-character limit\."):
        parse_task_id("x" * 513)


@pytest.mark.parametrize(
    "text",
    [
        *(".", "..", "a b", "a?b", "a#b", "a%2fb", "a\nb", "a\x00", "a\\b", "\ud800", "猫\ud800"),
        *(
            "猫 1",
            "猫\u30001",
            "猫\u00a01",
            "猫\x00",
            "猫\x851",
            "猫\u20281",
            "猫\u202e1",
            "猫\u20661",
        ),
        *("猫\u200b1", "猫\u200d1", "猫\ufeff1", "猫\u00ad1", "猫\u3164", "猫\u115f", "猫\ufe0f"),
        *("猫\U000e0100", "猫\U000e0041", "\u0301猫", "猫\uff0f1", "猫\uff3c1", "猫\u22151"),
        *("\U0001f63a", "\ue000"),
    ],
)
def test_a_task_id_has_no_other_characters(text: str) -> None:
    with pytest.raises(ModellixError, match="contains unsupported characters"):
        parse_task_id(text)


@given(st.text(max_size=20) | st.text("a/.%猫é\u0301\u3164\u202e \x00", max_size=600))
def test_any_text_is_a_task_id_that_is_seen_and_sent_as_it_is_or_a_usage_error(text: str) -> None:
    try:
        task_id = parse_task_id(text)
    except ModellixError as error:
        assert error.code is ErrorCode.USAGE
        return
    assert task_id == text.strip()
    assert task_id.isprintable()
    assert not set(task_id) & set(" \\%?#'\"<>|*$`;&()[]{}!,")
    assert len(task_id) <= 512
    sent = quote(task_id, safe="")
    assert sent.isascii()
    assert sent not in (".", "..")
    assert unquote(sent) == task_id


@pytest.mark.parametrize("text", ["file-1", "猫", " file-1\n", "a:b_c.d~e+f@g=h", "x" * 512])
def test_a_file_id_is_what_a_task_id_is(text: str) -> None:
    assert parse_file_id(text) == parse_task_id(text)


@pytest.mark.parametrize("text", ["", "  ", "a/b", ".", "..", "a b", "é\u200b", "x" * 513])
def test_a_file_id_has_no_slash_and_nothing_a_task_id_has_not(text: str) -> None:
    with pytest.raises(ModellixError, match="File ID"):
        parse_file_id(text)


# Keys


@pytest.mark.parametrize("text", ["k", "sk-!~@#\"'\\", "k" * 16384])
def test_a_key_is_visible_ascii(text: str) -> None:
    assert parse_api_key(text) == text


def test_blanks_around_a_key_are_dropped() -> None:
    assert parse_api_key(" key-1\r\n") == "key-1"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "must not be empty"),
        (" \n", "must not be empty"),
        ("k" * 16385, "is too long"),
        ("se cret", "contains unsupported characters"),
        ("se\ncret", "contains unsupported characters"),
        ("se\x00cret", "contains unsupported characters"),
        ("“secret”", "is in quotation marks"),
        ("\ufeffsecret", "contains unsupported characters"),
    ],
)
def test_another_key_is_refused(text: str, said: str) -> None:
    with pytest.raises(ModellixError, match=f"Modellix API key {said}") as caught:
        parse_api_key(text)
    assert caught.value.code is ErrorCode.USAGE


@given(st.text(alphabet="SECRET\n é", min_size=3).filter(lambda key: len(key.strip()) > 2))
def test_an_error_about_a_key_never_shows_it(key: str) -> None:
    try:
        parse_api_key(key)
    except ModellixError as error:
        assert key.strip() not in error.message + error.hint


# Profiles


@pytest.mark.parametrize("name", ["default", "a", "Work_2.eu-1", "x" * 64, "..."])
def test_a_profile_is_letters_digits_and_some_marks(name: str) -> None:
    assert parse_profile(f" {name} ") == name


@pytest.mark.parametrize("name", ["__proto__", "constructor", "prototype"])
def test_names_that_break_the_official_cli_are_reserved(name: str) -> None:
    with pytest.raises(ModellixError, match=f"Invalid profile name: {name} is reserved"):
        parse_profile(name)


def test_a_profile_has_at_most_64_characters() -> None:
    with pytest.raises(ModellixError, match="Maximum length is 64 characters"):
        parse_profile("x" * 65)


@pytest.mark.parametrize("name", ["", " ", "a b", "a/b", "é", "a\nb", "a\x00"])
def test_other_names_are_no_profile(name: str) -> None:
    with pytest.raises(ModellixError, match="Use only letters, numbers"):
        parse_profile(name)


@pytest.mark.parametrize("task_type", ["video-to-video", "text-to-speech", "speech-to-speech"])
def test_all_eight_types_may_lead_a_slug(task_type: str) -> None:
    assert len(TASK_TYPES) == 8
    assert parse_slug(f"{task_type}/a/b").type == task_type
