"""`frozen`: what a frozen dataclass is, without its cost at import."""

import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import FrozenInstanceError, field, fields, is_dataclass, replace
from threading import Barrier

import pytest

from modellix_cli.domain.frozen import frozen


@frozen
class Point:
    """A place."""

    x: int
    y: int = 0
    labels: dict[str, str] = field(default_factory=dict, compare=False)


@frozen
class Place(Point):
    """A place with a name."""

    name: str = ""


@frozen
class Other:
    """Looks the same, and is not."""

    x: int
    y: int = 0


def test_it_is_a_frozen_dataclass() -> None:
    point = Point(1, labels={"a": "b"})
    assert is_dataclass(point)
    assert repr(point) == "Point(x=1, y=0, labels={'a': 'b'})"
    assert hash(point) == hash(Point(1))
    assert replace(point, y=2) == Point(1, 2)
    assert point == Point(x=1, y=0)
    assert point != Other(1)  # type: ignore[comparison-overlap]
    with pytest.raises(FrozenInstanceError):
        point.x = 2  # type: ignore[misc]
    with pytest.raises(FrozenInstanceError):
        del point.x


def test_a_value_may_extend_another_that_was_never_made() -> None:
    @frozen
    class First:
        x: int

    @frozen
    class Second(First):
        y: int = 2

    assert [one.name for one in fields(Second(1))] == ["x", "y"]
    assert First(3).x == 3


def test_values_match_by_position_and_by_name() -> None:
    match Place(1, 2, name="home"):
        case Place(x, y, name=name):
            assert (x, y, name) == (1, 2, "home")


@pytest.mark.parametrize(
    ("args", "kwargs", "why"),
    [
        ((1,), {"z": 3}, "z"),
        ((), {"y": 3}, "x"),
        ((1,), {"x": 3}, "too many"),
        ((1, 2, {}, 4), {}, "too many"),
    ],
)
def test_wrong_arguments_are_refused(
    args: tuple[int, ...], kwargs: dict[str, int], why: str
) -> None:
    with pytest.raises(TypeError, match=why):
        Point(*args, **kwargs)  # type: ignore[arg-type]


def test_each_value_gets_a_default_of_its_own() -> None:
    first, second = Point(1), Point(1)
    first.labels["a"] = "b"
    assert second.labels == {}


def test_methods_of_its_own_are_kept() -> None:
    @frozen
    class Word:
        text: str

        def __repr__(self) -> str:
            return self.text

        def __post_init__(self) -> None:
            if not self.text:
                raise ValueError("empty")

    assert repr(Word("a")) == "a"
    with pytest.raises(ValueError, match="empty"):
        Word("")


@frozen(kw_only=True)
class Named:
    """Its fields are named, so that one without a default may follow."""

    first: int = 1
    values: int
    self_made: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        if self.values < 0:
            raise ValueError("negative")


def test_a_class_of_many_values_stays_what_it_was() -> None:
    for _ in range(50):
        assert repr(Place(1, labels={"a": "b"})) == "Place(x=1, y=0, labels={'a': 'b'}, name='')"
        assert Named(values=2) == Named(first=1, values=2, self_made=[])
    assert Named(values=1).self_made is not Named(values=1).self_made
    assert Named(3, 4) == Named(first=3, values=4)  # type: ignore[call-arg]
    with pytest.raises(TypeError, match="values"):
        Named(first=3)  # type: ignore[call-arg]
    with pytest.raises(ValueError, match="negative"):
        Named(values=-1)


@pytest.mark.parametrize(
    ("args", "kwargs"), [((1,), {"z": 3}), ((), {"y": 3}), ((1,), {"x": 3}), ((1,) * 5, {})]
)
def test_many_values_before_wrong_arguments_change_nothing(
    args: tuple[int, ...], kwargs: dict[str, int]
) -> None:
    for _ in range(50):
        Place(1)
    with pytest.raises(TypeError):
        Place(*args, **kwargs)  # type: ignore[arg-type]


@pytest.fixture
def threads_change_often() -> Iterator[None]:
    usual = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(usual)


@pytest.mark.usefixtures("threads_change_often")
def test_threads_that_make_the_first_at_once_all_get_one() -> None:
    def first_of_a_class() -> list[int]:
        @frozen
        class Fresh:
            x: int
            y: int = 0
            labels: dict[str, str] = field(default_factory=dict)

        barrier = Barrier(4)

        def make(number: int) -> int:
            barrier.wait()
            return Fresh(number).x

        return list(pool.map(make, range(4)))

    with ThreadPoolExecutor(4) as pool:
        assert [first_of_a_class() for _ in range(200)] == [[0, 1, 2, 3]] * 200


def test_a_field_that_is_not_to_be_shown_is_not() -> None:
    @frozen
    class Key:
        text: str = field(repr=False)
        source: str

    assert repr(Key("mk-secret", "file")).endswith("Key(source='file')")


def test_fields_of_a_class_of_many_values_may_have_any_name() -> None:
    @frozen
    class Odd:
        default: int
        values: int
        size: int = 3

    assert [vars(Odd(1, number)) for number in range(30)] == [
        {"default": 1, "values": number, "size": 3} for number in range(30)
    ]
    assert vars(Odd(1, 2, 4)) == {"default": 1, "values": 2, "size": 4}
