"""How the names of parameters are typed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modellix_cli.domain.errors import ErrorCode, ModellixError
from modellix_cli.inputs.parameter_keys import parse_key, split_assignment, write_key


@pytest.mark.parametrize(("text", "steps"), [
    ("size", ("size",)),
    ("parameters.size", ("parameters", "size")),
    ("a.b.c", ("a", "b", "c")),
    (r"a\.b", ("a.b",)),
    (r"a\.b.c", ("a.b", "c")),
    (r"a\\.b", ("a\\", "b")),
    (r"C:\dir", (r"C:\dir",)),
    (r"a\[0\]", ("a[0]",)),
    ("urls[]", ("urls", None)),
    ("urls[0]", ("urls", 0)),
    ("shots[12].prompt", ("shots", 12, "prompt")),
    ("rows[][]", ("rows", None, None)),
    ("a b", ("a b",)),
    ("猫.é", ("猫", "é")),
    ("-x", ("-x",)),
    ("0", ("0",)),
])  # fmt: skip
def test_a_name_is_read_as_steps(text: str, steps: tuple[str | int | None, ...]) -> None:
    assert parse_key(text) == steps


@pytest.mark.parametrize(("text", "what"), [
    ("", "there is no name before the ="),
    ("a.", "it ends with a dot"),
    (".a", 'a name is missing at ".a"'),
    ("a..b", 'a name is missing at ".b"'),
    ("a[x]", "brackets"),
    ("a[-1]", "brackets"),
    ("a[12345]", "brackets"),
    ("a[", "brackets"),
    ("a]", "brackets"),
    ("[0]", "brackets"),
    ("a[0]b", "a dot is missing"),
    ("a[٣]", "brackets"),
    (" a", "begins or ends with a blank"),
    ("a\n", "begins or ends with a blank"),
    ("a." * 20 + "a", "over 20 steps"),
    ("a" * 1001, "more than 1000 characters"),
])  # fmt: skip
def test_a_name_that_cannot_be_read_is_a_usage_error_that_shows_right_ones(
    text: str, what: str
) -> None:
    with pytest.raises(ModellixError) as caught:
        parse_key(text, "--set")
    assert caught.value.code is ErrorCode.USAGE
    assert caught.value.message.startswith("--set")
    assert what in caught.value.message
    assert len(caught.value.message) < 200
    assert caught.value.hint


def test_a_name_cannot_act_on_the_terminal() -> None:
    with pytest.raises(ModellixError) as caught:
        parse_key("\x1b[2J\u202e")
    assert not {"\x1b", "\u202e"} & set(caught.value.message)


@pytest.mark.parametrize(("text", "parts"), [
    ("a=b", ("a", "=", "b")),
    ("a:=1", ("a", ":=", "1")),
    ("a=", ("a", "=", "")),
    ("a=b=c", ("a", "=", "b=c")),
    ("a=b:=c", ("a", "=", "b:=c")),
    ("a:=b=c", ("a", ":=", "b=c")),
    ("a:b=c", ("a:b", "=", "c")),
    ("a::=1", ("a:", ":=", "1")),
    (r"a\:=b", (r"a\:", "=", "b")),
    (r"a\\:=1", (r"a\\", ":=", "1")),
    (r"a\=b=c", (r"a\=b", "=", "c")),
    ("a=\nb", ("a", "=", "\nb")),
    ("=b", ("", "=", "b")),
    ("ab", None),
    (r"a\=b", None),
    ("", None),
])  # fmt: skip
def test_the_first_equals_sign_ends_the_name(text: str, parts: tuple[str, str, str] | None) -> None:
    assert split_assignment(text) == parts


NAMES = st.text(min_size=1, max_size=6).filter(lambda name: name == name.strip())
STEPS = st.lists(NAMES | st.integers(0, 9999) | st.none(), max_size=5)


@given(first=NAMES, rest=STEPS, sign=st.sampled_from(["=", ":="]), value=st.text(max_size=6))
def test_what_is_written_is_read_as_the_same(
    first: str, rest: list[str | int | None], sign: str, value: str
) -> None:
    path = (first, *rest)
    key = write_key(path)
    if key == key.strip():
        assert parse_key(key) == path
    assert split_assignment(f"{key}{sign}{value}") == (key, sign, value)


@given(st.text(alphabet="ab.[]0=:\\ ", max_size=12))
def test_any_name_is_read_or_refused(text: str) -> None:
    try:
        path = parse_key(text)
    except ModellixError as error:
        assert error.code is ErrorCode.USAGE
    else:
        assert parse_key(write_key(path)) == path
