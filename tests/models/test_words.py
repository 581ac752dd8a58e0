"""Words of slugs and descriptions, and how like two of them are."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modellix_cli.models.words import MAX_CHARS, distance, is_typo, likeness, split, stem, words_of


def test_a_version_stays_with_its_name_and_stands_alone_too() -> None:
    assert split("alibaba/Wan2.5-t2v") == ["alibaba", "wan2.5", "t2v"]
    assert words_of("Wan2.5, wan2.5") == ("wan2.5", "wan", "2.5")


def test_wide_letters_are_the_same_as_narrow_ones() -> None:
    assert split("\uff26\uff2c\uff35\uff38") == ["flux"]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("images", "image"),
        ("upscaling", "upscale"),
        ("translation", "translate"),
        ("edits", "edit"),
    ],
)
def test_forms_of_a_word_have_one_stem(one: str, other: str) -> None:
    assert stem(one) == stem(other)


@pytest.mark.parametrize("word", ["speed", "t2v", "bed", "is"])
def test_short_words_keep_their_ends(word: str) -> None:
    assert stem(word) == word


@pytest.mark.parametrize(
    ("wanted", "word"),
    [
        ("protrait", "portrait"),
        ("seedrem", "seedream"),
        ("hailou", "hailuo"),
        ("phootgrahpic", "photographic"),
    ],
)
def test_small_typing_errors_are_forgiven(wanted: str, word: str) -> None:
    assert 0 < likeness(wanted, word) < 0.6


@pytest.mark.parametrize(
    ("wanted", "word"),
    [("2.5", "2.6"), ("song", "long"), ("wan2.5", "wan2.6"), ("sound", "round"), ("cat", "car")],
)
def test_other_words_and_numbers_are_no_typing_errors(wanted: str, word: str) -> None:
    assert not is_typo(wanted, word)
    assert likeness(wanted, word) == 0


def test_the_same_word_beats_its_forms_its_beginning_and_a_typo() -> None:
    found = [likeness("image", word) for word in ("image", "images", "imagery", "imige")]
    assert found == sorted(found, reverse=True)
    assert len(set(found)) == 4


def test_without_blanks_a_word_is_found_inside() -> None:
    assert likeness("\u8096\u50cf", "\u5199\u5b9e\u8096\u50cf\u6a21\u578b") > 0


@pytest.mark.parametrize(
    ("one", "other", "steps"),
    [("", "abc", 3), ("abc", "abc", 0), ("abcd", "abdc", 1), ("kitten", "sitting", 3)],
)
def test_steps_between_words(one: str, other: str, steps: int) -> None:
    assert distance(one, other) == distance(other, one) == steps


@given(st.text(max_size=60), st.text(max_size=60))
def test_any_two_words_are_alike_to_a_degree(one: str, other: str) -> None:
    for wanted in words_of(one):
        assert likeness(wanted, wanted) == 1
        assert all(0 <= likeness(wanted, word) <= 1 for word in words_of(other))


def test_of_a_long_text_the_beginning_counts() -> None:
    assert split("a" * MAX_CHARS + " fox") == ["a" * MAX_CHARS]
