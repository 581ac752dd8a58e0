"""Columns that fit a terminal."""

from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from modellix_cli.output.columns import Column, fitted

ID = Column("ID", ("task-1", "task-22"))
TEXT = Column("TEXT", ("a long text", "short"), least=5)
MORE = Column("MORE", ("x", "yy"), optional=True)


def test_with_room_everything_is_shown_in_line() -> None:
    assert fitted([ID, TEXT, MORE], 80) == [
        ["ID       TEXT         MORE"],
        ["task-1   a long text  x"],
        ["task-22  short        yy"],
    ]


def test_what_may_be_clipped_is_clipped_first() -> None:
    assert fitted([ID, TEXT, MORE], 22) == [
        ["ID       TEXT     MORE"],
        ["task-1   a long…  x"],
        ["task-22  short    yy"],
    ]


def test_then_a_column_that_may_be_missed_is_left_out() -> None:
    assert fitted([ID, TEXT, MORE], 16)[1:] == [["task-1   a long…"], ["task-22  short"]]


def test_without_any_room_a_record_takes_several_lines() -> None:
    assert fitted([ID, TEXT, MORE], 10) == [
        [],
        ["task-1", "  a long text"],
        ["task-22", "  short"],
    ]


def test_wide_characters_take_two_columns() -> None:
    lines = fitted([ID, Column("TEXT", ("狐狐狐狐狐", "b"), least=4)], 16)
    assert lines[1] == ["task-1   狐狐狐…"]


@given(
    rows=st.lists(st.tuples(st.text("ab狐", max_size=9), st.text("ab狐", max_size=40)), min_size=1),
    width=st.integers(20, 60),
)
def test_a_table_is_never_wider_than_the_terminal(rows: list[tuple[str, str]], width: int) -> None:
    first, second = zip(*rows, strict=True)
    table = fitted([Column("A", first), Column("B", second, least=5)], width)
    assert len(table) == len(rows) + 1
    if width >= 18 + 2 + 5:
        assert all(cell_len(line) <= width for lines in table for line in lines)
