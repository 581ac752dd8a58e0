"""Going on after a cut: what is compared, and which answers fit."""

import pytest

from modellix_cli.downloads.response import Resume, Version

DATE = "Wed, 21 Oct 2026 07:28:00 GMT"
ABC = Version('"abc"', DATE)


@pytest.mark.parametrize(
    ("headers", "found"),
    [
        ({"etag": '"abc"'}, '"abc"'),
        ({"etag": '"abc"', "last-modified": DATE}, '"abc"'),
        ({"etag": 'W/"abc"', "last-modified": DATE}, DATE),
        ({"etag": 'W/"abc"'}, None),
        ({"etag": "abc"}, None),
        ({"etag": '"' + "a" * 300 + '"'}, None),
        ({"etag": '"a"b"'}, None),
        ({"last-modified": "yesterday"}, None),
        ({}, None),
    ],
)
def test_only_what_proves_that_the_file_is_the_same_is_a_validator(
    headers: dict[str, str], found: str | None
) -> None:
    assert Version.of(headers).validator == found


def test_the_rest_is_asked_for_on_condition_that_the_file_is_the_same() -> None:
    assert Resume(100, ABC).headers == {"Range": "bytes=100-", "If-Range": '"abc"'}


@pytest.mark.parametrize(
    ("content_range", "total"),
    [
        ("bytes 100-199/200", 200),
        ("bytes 100-149/200", 200),
        ("bytes 99-199/200", None),
        ("bytes 0-199/200", None),
        ("bytes 100-99/200", None),
        ("bytes 100-200/200", None),
        ("bytes 100-299/300", None),
        ("bytes 100-199/*", None),
        ("bytes */200", None),
        ("items 100-199/200", None),
        ("bytes 100-199/" + "9" * 30, None),
        ("", None),
    ],
)
def test_a_range_fits_only_from_where_the_file_stopped_and_of_its_length(
    content_range: str, total: int | None
) -> None:
    assert Resume(100, ABC, 200).total({"content-range": content_range}) == total


def test_a_length_that_was_not_known_is_taken_from_the_range() -> None:
    assert Resume(100, ABC).total({"content-range": "bytes 100-299/300"}) == 300


@pytest.mark.parametrize(
    ("headers", "same"),
    [
        ({}, True),
        ({"etag": '"abc"', "last-modified": DATE}, True),
        ({"etag": '"other"'}, False),
        ({"etag": 'W/"abc"'}, False),
        ({"last-modified": "Thu, 22 Oct 2026 07:28:00 GMT"}, False),
        ({"etag": '"abc"', "last-modified": "Thu, 22 Oct 2026 07:28:00 GMT"}, False),
    ],
)
def test_a_rest_of_another_version_does_not_fit(headers: dict[str, str], same: bool) -> None:
    answer = {"content-range": "bytes 100-199/200"} | headers
    assert (Resume(100, ABC, 200).total(answer) is not None) == same
