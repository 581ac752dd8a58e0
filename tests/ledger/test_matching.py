"""Which attempt answers for which of several equal lines."""

from hypothesis import given
from hypothesis import strategies as st

from modellix_cli.domain.submission_state import SubmissionState
from modellix_cli.ledger.attempt import Attempt
from modellix_cli.ledger.matching import LineName, match_equal_lines
from tests.ledger.ledgers import ACCEPTED, FAILED, INTENT, UNKNOWN


def attempt(
    number: int,
    state: SubmissionState = ACCEPTED,
    line_id: str | None = None,
    status: str | None = None,
) -> Attempt:
    in_flight = state is INTENT
    return Attempt(
        number, str(number), state, "a/b", None, None, 0.0, 1, 1, line_id, "p", in_flight, status
    )


ids = st.none() | st.sampled_from("abcd")
attempts = st.lists(
    st.tuples(st.sampled_from([ACCEPTED, INTENT, UNKNOWN]), ids, st.sampled_from(["failed", None])),
    max_size=6,
).map(lambda facts: [attempt(number, *fact) for number, fact in enumerate(facts, 1)])


@st.composite
def equal_lines(draw: st.DrawFn) -> list[LineName]:
    names = draw(st.lists(ids, max_size=6, unique_by=lambda name: name or object()))
    return [(place, name) for place, name in enumerate(names, 1)]


@given(equal_lines(), attempts)
def test_as_many_lines_are_answered_for_as_there_are_attempts(
    lines: list[LineName], made: list[Attempt]
) -> None:
    found = match_equal_lines(lines, made, FAILED)
    assert len(found) == min(len(lines), len(made))
    assert len({one.number for one in found.values()}) == len(found)


@given(equal_lines(), attempts)
def test_a_line_with_an_id_takes_an_attempt_of_its_id_where_there_is_one(
    lines: list[LineName], made: list[Attempt]
) -> None:
    found = match_equal_lines(lines, made, FAILED)
    for place, name in lines:
        if name is not None and any(one.line_id == name for one in made):
            assert found[place].line_id == name


@given(equal_lines(), attempts, st.randoms())
def test_neither_the_order_of_lines_nor_of_attempts_changes_what_is_left_to_pay(
    lines: list[LineName], made: list[Attempt], chance: "st.DataObject"
) -> None:
    shuffled = list(made)
    chance.shuffle(shuffled)  # type: ignore[attr-defined]
    names = [name for _, name in lines]
    chance.shuffle(names)  # type: ignore[attr-defined]
    moved = list(enumerate(names, 1))
    one = {a.number for a in match_equal_lines(lines, made, FAILED).values()}
    other = {a.number for a in match_equal_lines(moved, shuffled, FAILED).values()}
    assert one == other


def test_what_is_certain_comes_first() -> None:
    made = [
        attempt(1, UNKNOWN),
        attempt(2, INTENT),
        attempt(3, ACCEPTED, status="failed"),
        attempt(4, ACCEPTED, status="success"),
    ]
    lines: list[LineName] = [(1, None), (2, None), (3, None), (4, None), (5, None)]
    found = match_equal_lines(lines, made, FAILED)
    assert {place: one.number for place, one in found.items()} == {1: 4, 2: 3, 3: 2, 4: 1}


def test_a_position_alone_says_nothing() -> None:
    made = [attempt(1, line_id="first"), attempt(2, line_id="second")]
    found = match_equal_lines([(1, "second"), (2, "first")], made, FAILED)
    assert {place: one.line_id for place, one in found.items()} == {1: "second", 2: "first"}
