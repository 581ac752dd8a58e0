"""When Python searches for garbage that refers to itself."""

import gc
from collections.abc import Iterator

import pytest

from modellix_cli import garbage


@pytest.fixture(autouse=True)
def as_before() -> Iterator[None]:
    thresholds = gc.get_threshold()
    yield
    gc.set_threshold(*thresholds)
    gc.unfreeze()


def test_loading_a_command_starts_no_search() -> None:
    garbage.search_rarely()
    assert gc.get_threshold()[0] > 50_000


def test_long_work_is_searched_but_not_what_was_loaded_before() -> None:
    usual = gc.get_threshold()
    garbage.search_rarely()
    garbage.search_as_usual()
    assert gc.get_threshold() == usual
    assert gc.get_freeze_count() > 10_000


def test_a_program_that_did_not_start_here_keeps_its_own_ways() -> None:
    gc.set_threshold(500, 5, 5)
    garbage.search_as_usual()
    assert gc.get_threshold() == (500, 5, 5)
    assert gc.get_freeze_count() == 0


def test_the_end_of_the_process_searches_nothing() -> None:
    garbage.search_no_more()
    assert not gc.get_objects()
