"""The order in which files appear."""

from modellix_cli.downloads.plan import CommitOrder


def ended(names: list[str], *order: int) -> list[int]:
    """Return the order in which files appear that arrive in `order`."""
    done: list[int] = []
    turns: CommitOrder[str] = CommitOrder(dict(enumerate(names, 1)))
    for position in order:
        for turn, outcome in turns.ready(position, f"file {position}"):
            assert outcome == f"file {turn}"
            done.append(turn)
    return done


def test_files_of_one_name_wait_for_each_other() -> None:
    assert ended(["a.png", "A.png", "a.jpg"], 3, 1, 2) == [1, 2, 3]


def test_files_of_other_names_do_not_wait() -> None:
    assert ended(["a.png", "b.png"], 2) == [2]


def test_a_name_that_a_second_file_may_get_waits_too() -> None:
    assert ended(["a.png", "a-2.png", "a-2-2.png"], 3, 2, 1) == [1, 2, 3]


def test_numbers_alone_make_no_order() -> None:
    assert ended(["img-1.png", "img-2.png"], 2) == [2]


def test_what_waits_can_be_let_go_at_once() -> None:
    turns: CommitOrder[str] = CommitOrder({1: "a.png", 2: "a.png", 3: "a.png"})
    assert turns.ready(3, "third") == turns.ready(2, "second") == []
    assert turns.rest() == [(2, "second"), (3, "third")]
    assert turns.rest() == []
