"""`--matrix`: which values, which combinations, and what their ids say."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modellix_cli.domain.errors import ExitStatus, ModellixError
from modellix_cli.inputs.matrix import choices, label, parse_axes


def values(text: str) -> tuple[str, ...]:
    (axis,) = parse_axes([text])
    return axis.values


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("seed=1..4", ("1", "2", "3", "4")),
        ("seed=0..10..5", ("0", "5", "10")),
        ("seed=0..9..4", ("0", "4", "8")),
        ("seed=4..2", ("4", "3", "2")),
        ("seed=-1..1", ("-1", "0", "1")),
        ("seed=7..7", ("7",)),
        ("seed=1..2,9", ("1", "2", "9")),
        ("size=1K, 2K ,4K", ("1K", "2K", "4K")),
        ("prompt=a cat\\, grey,a dog", ("a cat, grey", "a dog")),
        ("v=\\1..4,a..b,1..", ("1..4", "a..b", "1..")),
        ("model=a/b,c/d", ("a/b", "c/d")),
        ("parameters.n=1,2", ("1", "2")),
        ('size:=[512, {"w": 1.0}, "1..4"]', ("512", '{"w":1.0}', '"1..4"')),
    ],
)
def test_values_are_lists_ranges_or_json(text: str, expected: tuple[str, ...]) -> None:
    assert values(text) == expected


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("seed", "is not KEY=VALUES"),
        ("seed=", "a value is empty"),
        ("seed=1,,2", "a value is empty"),
        ("seed=1,2,1", '"1" twice'),
        ("seed=1..5,3", '"3" twice'),
        ("seed=1..4..0", "never arrives"),
        ("seed=1..4..-1", "never arrives"),
        ("seed=1..1000001", "more than 1000000"),
        ("seed=1..999999999999999999", "more than 1000000"),
        ("size:=5", "no JSON array"),
        ("size:=[]", "no JSON array"),
        ("size:=[1,", "no JSON array"),
        ('model:=["a/b"]', "takes slugs"),
        ("=1", "no name"),
    ],
)
def test_what_is_no_list_of_values_is_refused(text: str, says: str) -> None:
    with pytest.raises(ModellixError) as caught:
        parse_axes([text])
    assert says in caught.value.message
    assert caught.value.exit_status == ExitStatus.USAGE


def test_too_many_combinations_are_refused_at_once() -> None:
    with pytest.raises(ModellixError, match="more than 1000000 combinations"):
        parse_axes(["a=1..1001", "b=1..1000"])


def test_a_key_given_twice_is_refused() -> None:
    with pytest.raises(ModellixError, match="given twice"):
        parse_axes(["a=1", "a=2"])


def test_the_last_key_changes_first_and_ids_say_the_values() -> None:
    axes = parse_axes(["seed=1,2", "model=a/b,c/d"])
    assert [label(axes, choice) for choice in choices(axes)] == [
        "seed=1-model=a/b", "seed=1-model=c/d", "seed=2-model=a/b", "seed=2-model=c/d",
    ]  # fmt: skip


def test_a_long_value_is_named_by_its_number() -> None:
    axes = parse_axes([f"prompt=short,{'long ' * 10}"])
    assert [label(axes, choice) for choice in choices(axes)] == ["prompt=short", "prompt=#2"]


@given(st.text())
def test_whatever_is_typed_is_read_or_refused_as_usage(text: str) -> None:
    try:
        axes = parse_axes([text])
    except ModellixError as error:
        assert error.exit_status == ExitStatus.USAGE
    else:
        assert all(axis.values for axis in axes)


@given(st.integers(-50, 50), st.integers(-50, 50))
def test_a_range_has_both_ends(first: int, last: int) -> None:
    found = values(f"a={first}..{last}")
    assert (found[0], found[-1], len(found)) == (str(first), str(last), abs(last - first) + 1)
