"""Results of other lines in a body: what counts as one, and that nothing else changes."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modellix_cli.domain.errors import ModellixError
from modellix_cli.domain.jsontext import dumps, loads
from modellix_cli.inputs.line_uses import LineUse, fill_in, find_uses, write_body, write_literal

TEXTS = st.text(max_size=8) | st.sampled_from(
    ["@line:a", "@line:a[2]", "@@line:a", "@@@line:", "@"]
)
BODIES = st.dictionaries(
    st.text(max_size=4),
    st.recursive(
        TEXTS | st.integers() | st.none(),
        lambda inner: (
            st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3)
        ),
        max_leaves=8,
    ),
    max_size=4,
)


def compact(value: Any) -> bytes:
    return dumps(value, indent=None).encode()


def test_a_whole_text_at_any_depth_is_a_use() -> None:
    body, uses = find_uses({"image": "@line:cat[1]", "x": [{"y": "@line:dog"}], "n": 1})
    assert uses == (LineUse(("image",), "cat", 1), LineUse(("x", 0, "y"), "dog", 0))
    assert body == {"image": "@line:cat[1]", "x": [{"y": "@line:dog[0]"}], "n": 1}


@pytest.mark.parametrize(
    ("written", "sent"),
    [
        ("@@line:cat", "@line:cat"),
        ("@@@line:cat", "@@line:cat"),
        ("@@line:", "@line:"),
        ("see @line:cat", "see @line:cat"),
        ("@lines:cat", "@lines:cat"),
        ("@home", "@home"),
        ("@@home", "@@home"),
    ],
)
def test_other_texts_are_sent_as_they_are_and_two_at_signs_are_one(written: str, sent: str) -> None:
    assert find_uses({"a": written}) == ({"a": sent}, ())


@pytest.mark.parametrize(
    ("written", "line_id"),
    [("@line:cat[0][1]", "cat[0]"), ("@line:a b", "a b"), ("@line:cat[x]", "cat[x]")],
)
def test_an_id_may_hold_anything(written: str, line_id: str) -> None:
    assert find_uses([written])[1][0].line_id == line_id


@pytest.mark.parametrize("written", ["@line:", "@line:[0]"])
def test_a_use_without_an_id_is_refused(written: str) -> None:
    with pytest.raises(ModellixError, match="names no line"):
        find_uses({"a": written})


def test_the_ending_of_a_combination_is_added_to_the_ids() -> None:
    assert find_uses({"a": "@line:cat[2]"}, "-seed=1")[0] == {"a": "@line:cat-seed=1[2]"}


def test_what_is_filled_in_takes_the_places_of_the_uses_only() -> None:
    body, uses = find_uses({"a": ["@line:x", "@@line:x[0]"], "b": 1})
    filled = fill_in(compact(body), uses, lambda use: f"https://m/{use.line_id}/{use.position}")
    assert loads(filled) == {"a": ["https://m/x/0", "@line:x[0]"], "b": 1}


@given(BODIES)
def test_a_body_that_is_written_as_an_input_is_read_as_the_same(given_body: dict[str, Any]) -> None:
    try:
        body, uses = find_uses(given_body)
    except ModellixError:
        return
    assert find_uses(write_body(compact(body), uses)) == (body, uses)


@given(TEXTS)
def test_a_literal_text_arrives_as_it_is(text: str) -> None:
    assert find_uses({"a": write_literal(text)}) == ({"a": text}, ())
