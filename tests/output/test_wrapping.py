"""Lines broken between words."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modellix_cli.output.cells import width
from modellix_cli.output.wrapping import wrapped

RESUME = "modellix-cli task download task-1 --output-dir . --sandbox"


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("one two three", ["one two", "three"]),
        ("one two 3", ["one two 3"]),
        ("a-word-that-is-too-long is", ["a-word-that-is-too-long", "is"]),
        ("犬が走る 夕暮れ", ["犬が走る", "夕暮れ"]),
        ("\x1b[1mone\x1b[0m two 3", ["\x1b[1mone\x1b[0m two 3"]),
        ('so a {"big": "brown fox"}', ["so a", '{"big": "brown fox"}']),
        ("so a {big} fox", ["so a", "{big} fox"]),
        ("", [""]),
    ],
)
def test_lines_are_broken_at_blanks(text: str, lines: list[str]) -> None:
    assert wrapped(text, 9) == lines


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        (f"Save it with: {RESUME}", ["Save it with:", RESUME]),
        (f"Run {RESUME}. Or not.", ["Run", f"{RESUME}.", "Or not."]),
        (
            "Log in with modellix-cli auth login, or (modellix-cli model run a/b 'a, b c' -q).",
            ["Log in with", "modellix-cli auth login, or",
             "(modellix-cli model run a/b 'a, b c' -q)."],
        ),
        (
            "Try it: MODELLIX_API_KEY=any NO_COLOR=1 modellix-cli doctor",
            ["Try it:", "MODELLIX_API_KEY=any NO_COLOR=1 modellix-cli doctor"],
        ),
        ("What of MODELLIX_API_KEY=any and more", ["What of MODELLIX_API_KEY=any", "and more"]),
        ("See modellix-cli init (or type one)", ["See modellix-cli init (or", "type one)"]),
    ],
)  # fmt: skip
def test_commands_stay_whole(text: str, lines: list[str]) -> None:
    assert wrapped(text, 28) == lines


def test_lines_are_indented_but_for_the_first() -> None:
    text = "Reason:  The prompt was refused by the provider"
    assert wrapped(text, 30, 9) == [
        "Reason:  The prompt was",
        "         refused by the",
        "         provider",
    ]
    assert wrapped(text, 25, 9)[1] == "refused by the provider"


def test_an_indentation_at_the_beginning_stays() -> None:
    assert wrapped("  one two three", 9, 2) == ["  one two", "three"]


def test_what_has_no_room_anywhere_stays_beside_its_label() -> None:
    assert wrapped("Files:  " + "x" * 30, 30, 8) == ["Files:  " + "x" * 30]
    assert wrapped("Files:  " + "x" * 22 + " and", 30, 8) == [
        "Files:  " + "x" * 22,
        " " * 8 + "and",
    ]


def test_columns_stay_apart() -> None:
    text = "  modellix-cli doctor   checks key, connection and clock"
    assert wrapped(text, 46, 24)[0] == "  modellix-cli doctor   checks key, connection"
    assert wrapped("one two      three", 12) == ["one two", "three"]


@given(st.text("ab犬 ", max_size=60), st.integers(1, 30))
def test_nothing_is_lost_and_only_words_are_longer_than_the_line(text: str, columns: int) -> None:
    lines = wrapped(text, columns)
    assert " ".join(lines).split() == text.split()
    assert all(width(line) <= columns or " " not in line.strip() for line in lines)


def test_a_measure_stays_on_one_line() -> None:
    assert wrapped("/home/me/pictures/fox.png (66.3 KiB)", 32, 4) == [
        "/home/me/pictures/fox.png",
        "    (66.3 KiB)",
    ]
