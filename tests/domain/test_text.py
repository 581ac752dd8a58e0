import pytest
from hypothesis import given
from hypothesis import strategies as st

from modellix_cli.domain.text import clip, count, duration, escape, one_line, size, without_secrets

UNSAFE = ["\x00", "\x07", "\x1b", "\r", "\x7f", "\x9b", "\u200e", "\u202e", "\u2028", "\u2069"]


@pytest.mark.parametrize("character", [*UNSAFE, "\u061c", "\ud800", "\udcff"])
def test_an_unsafe_character_is_shown_as_its_number(character: str) -> None:
    assert escape(f"a{character}b") == f"a\\u{ord(character):04x}b"


def test_tabs_and_line_breaks_stay_in_long_text() -> None:
    assert escape("a\tb\nc") == "a\tb\nc"


def test_text_of_any_language_is_shown() -> None:
    assert escape("猫 café 😀 שלום") == "猫 café 😀 שלום"


@pytest.mark.parametrize("character", [*UNSAFE, "\n", "\t", "\x85"])
def test_an_unsafe_character_is_a_blank_in_a_line(character: str) -> None:
    assert one_line(f"a{character}b") == "a b"


@given(st.text(st.characters(codec=None)))
def test_a_line_is_one_line_that_can_be_printed(text: str) -> None:
    line = one_line(text)
    assert len(line.splitlines()) <= 1
    assert line.encode("utf-8") is not None
    assert "\x1b" not in line


@given(st.text(st.characters(codec=None)))
def test_escaped_text_can_be_printed(text: str) -> None:
    escaped = escape(text)
    assert escaped.encode("utf-8") is not None
    assert not set(escaped) & {"\x1b", "\r", "\x9b", "\u202e"}


@pytest.mark.parametrize(
    ("text", "clipped"),
    [("", ""), ("abcde", "abcde"), ("abcdef", "abcd…"), ("猫" * 9, "猫猫猫猫…")],
)
def test_long_text_is_cut_with_a_mark(text: str, clipped: str) -> None:
    assert clip(text, 5) == clipped


@pytest.mark.parametrize(
    "parameter",
    [
        *("key", "api_key", "api-key", "apikey", "token", "sig", "signature", "authorization"),
        *("X-Amz-Signature", "X-Amz-Security-Token", "access_token", "auth-token", "API_KEY"),
    ],
)
def test_secrets_in_addresses_are_not_shown(parameter: str) -> None:
    text = f"see https://x.example/a.png?w=1&{parameter}=s3cr3t%2F&h=2 now"
    assert without_secrets(text) == (
        f"see https://x.example/a.png?w=1&{parameter}=[REDACTED]&h=2 now"
    )


@pytest.mark.parametrize(
    "text", ["monkey=1", "keyboard=1", "design=modern", "key", "the key is wrong", "tokens=5"]
)
def test_words_that_only_look_like_secrets_stay(text: str) -> None:
    assert without_secrets(text) == text


def test_a_secret_ends_where_its_quotes_or_brackets_end() -> None:
    assert without_secrets('<a href="?sig=abc">') == '<a href="?sig=[REDACTED]">'


def test_every_secret_is_removed() -> None:
    assert without_secrets("?key=a&token=b") == "?key=[REDACTED]&token=[REDACTED]"


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        *[(0, "0s"), (0.5, "0.5s"), (2.0, "2s"), (9.94, "9.9s"), (10.4, "10s"), (45, "45s")],
        *[(59.7, "1m 00s"), (65, "1m 05s"), (3599.6, "1h 00m"), (7380, "2h 03m")],
        *[(90_000, "25h 00m"), (172_799, "47h 59m"), (172_800, "2 days"), (604_780, "7 days")],
    ],
)
def test_a_time_is_told_in_words(seconds: float, words: str) -> None:
    assert duration(seconds) == words


@pytest.mark.parametrize(
    ("number", "words"),
    [
        *[(0, "0 B"), (512, "512 B"), (1023, "1023 B"), (1024, "1.0 KiB"), (1536, "1.5 KiB")],
        *[(16 * 1024**2, "16.0 MiB"), (1024**3, "1.0 GiB"), (5 * 1024**4, "5120.0 GiB")],
    ],
)
def test_a_size_is_told_in_words(number: int, words: str) -> None:
    assert size(number) == words


@pytest.mark.parametrize(
    ("number", "words"), [(0, "0 files"), (1, "1 file"), (2, "2 files"), (1000, "1000 files")]
)
def test_a_number_agrees_with_its_noun(number: int, words: str) -> None:
    assert count(number, "file") == words
