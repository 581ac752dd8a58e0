"""`frozen`: a dataclass that is completed when the first one is made."""

from dataclasses import FrozenInstanceError, field, fields, is_dataclass
from threading import Barrier, Thread

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


def test_nothing_is_generated_until_the_first_is_made() -> None:
    @frozen
    class Fresh:
        x: int

    before = is_dataclass(Fresh)
    made = Fresh(1)
    assert (before, is_dataclass(made)) == (False, True)
    assert (made, hash(made)) == (Fresh(1), hash(Fresh(1)))


def test_it_is_a_frozen_dataclass() -> None:
    point = Point(1, labels={"a": "b"})
    assert repr(point) == "Point(x=1, y=0, labels={'a': 'b'})"
    assert point == Point(x=1, y=0)
    assert point != Other(1)  # type: ignore[comparison-overlap]
    with pytest.raises(FrozenInstanceError):
        point.x = 2  # type: ignore[misc]


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


def test_wrong_arguments_are_refused_as_a_dataclass_refuses_them() -> None:
    with pytest.raises(TypeError, match="z"):
        Point(1, z=3)  # type: ignore[call-arg]
    with pytest.raises(TypeError, match="x"):
        Point()  # type: ignore[call-arg]


def test_threads_that_make_the_first_at_once_all_get_one() -> None:
    @frozen
    class Fresh:
        x: int

    barrier, made = Barrier(8), []

    def make(number: int) -> None:
        barrier.wait()
        made.append(Fresh(number))

    threads = [Thread(target=make, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(one.x for one in made) == list(range(8))
