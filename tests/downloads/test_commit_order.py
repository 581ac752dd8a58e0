"""The order in which files appear."""

from functools import partial

from modellix_cli.downloads.commit_order import CommitOrder


def ended(names: list[str], *order: int) -> list[int]:
    """Return the order in which files appear that arrive in `order`."""
    done: list[int] = []
    turns = CommitOrder(dict(enumerate(names, 1)))
    for position in order:
        turns.end(position, partial(done.append, position))
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
    done: list[int] = []
    turns = CommitOrder({1: "a.png", 2: "a.png", 3: "a.png"})
    for position in (3, 2):
        turns.end(position, partial(done.append, position))
    turns.flush()
    assert done == [2, 3]
