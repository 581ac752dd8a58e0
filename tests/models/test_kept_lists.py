"""The kept model lists: the last one, and the one to compare with."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modellix_cli.api.catalog import ModelList
from modellix_cli.domain.jsontext import dumps
from modellix_cli.models.kept_lists import MAX_BYTES, KeptList, KeptLists
from tests.models.catalogue import model
from tests.support import BASE, FakeClock

FIRST = ModelList({}, (model("a/one", "text-to-image", "One", 0.1), model("b/two")))
SECOND = ModelList({}, (model("c/three"),))
PUBLIC = ModelList({}, (model("d/four"),), public=True)


@pytest.fixture
def lists(tmp_path: Path, clock: FakeClock) -> KeptLists:
    return KeptLists(tmp_path / "cache", BASE, clock)


def test_nothing_is_kept_before_a_list_was_seen(lists: KeptLists, tmp_path: Path) -> None:
    assert lists.last() is None
    assert lists.baseline(public=False) is None
    assert list(tmp_path.iterdir()) == []


def test_the_last_list_is_there_with_all_its_fields_and_its_time(
    lists: KeptLists, clock: FakeClock
) -> None:
    lists.keep(FIRST)
    assert lists.last() == KeptList(FIRST.models, clock.time)
    clock.time += 1e6
    lists.keep(SECOND)
    assert lists.last() == KeptList(SECOND.models, clock.time)


def test_the_first_list_stays_the_baseline(lists: KeptLists, clock: FakeClock) -> None:
    began = clock.time
    lists.keep(FIRST)
    clock.time += 60
    lists.keep(SECOND)
    assert lists.baseline(public=False) == KeptList(FIRST.models, began)


def test_the_baseline_moves_when_it_is_told_to(lists: KeptLists) -> None:
    lists.keep(FIRST)
    assert lists.move_baseline(SECOND)
    moved = lists.baseline(public=False)
    assert moved is not None
    assert moved.models == SECOND.models


def test_the_public_list_has_a_baseline_of_its_own(lists: KeptLists) -> None:
    lists.keep(PUBLIC)
    assert lists.baseline(public=False) is None
    lists.keep(FIRST)
    own, public = lists.baseline(public=False), lists.baseline(public=True)
    assert own is not None
    assert public is not None
    assert (own.models, public.models) == (FIRST.models, PUBLIC.models)


def test_each_base_url_has_its_own(lists: KeptLists, tmp_path: Path, clock: FakeClock) -> None:
    lists.keep(FIRST)
    other = KeptLists(tmp_path / "cache", "http://localhost:8787", clock)
    assert other.last() is None
    file = next((tmp_path / "cache").glob("model-list-????????????????.json"))
    other.keep(SECOND)
    foreign = {
        p for p in (tmp_path / "cache").glob("model-list-????????????????.json") if p != file
    }
    foreign.pop().replace(file)
    assert lists.last() is None


def test_what_cannot_be_kept_is_told_by_false(tmp_path: Path, clock: FakeClock) -> None:
    (tmp_path / "file").touch()
    lists = KeptLists(tmp_path / "file" / "cache", BASE, clock)
    lists.keep(FIRST)
    assert lists.last() is None
    assert not lists.move_baseline(FIRST)


def broken(change: Callable[[dict[str, Any]], Any]) -> bytes:
    kept = {"baseUrl": BASE, "savedAt": 1.0, "models": [{"slug": "a/b"}]}
    return dumps(change(kept)).encode()


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"[]",
        b"\xff",
        broken(lambda kept: kept) + b" " * MAX_BYTES,
        broken(lambda kept: kept | {"savedAt": "today"}),
        broken(lambda kept: kept | {"savedAt": True}),
        broken(lambda kept: kept | {"savedAt": -1}),
        broken(lambda kept: kept | {"savedAt": 10**30}),
        broken(lambda kept: kept | {"models": None}),
        broken(lambda kept: kept | {"models": [{"slug": 7}]}),
        broken(lambda kept: kept | {"models": [{"slug": "a\x1b/b"}]}),
        broken(lambda kept: kept | {"baseUrl": "https://elsewhere.example"}),
    ],
)
def test_a_broken_one_is_none_and_is_replaced(
    lists: KeptLists, tmp_path: Path, content: bytes
) -> None:
    lists.keep(FIRST)
    for file in (tmp_path / "cache").iterdir():
        file.write_bytes(content)
    assert lists.last() is None
    assert lists.baseline(public=False) is None
    lists.keep(SECOND)
    assert lists.move_baseline(SECOND)
    assert lists.last() == lists.baseline(public=False) is not None


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner),
    max_leaves=6,
)


@given(saved=json_values, models=st.lists(st.fixed_dictionaries({"slug": json_values})))
@pytest.mark.slow
def test_whatever_is_in_the_file_is_a_list_or_none(
    tmp_path_factory: pytest.TempPathFactory, saved: Any, models: Any
) -> None:
    folder = tmp_path_factory.mktemp("cache")
    lists = KeptLists(folder, BASE, FakeClock())
    lists.keep(FIRST)
    kept = dumps({"baseUrl": BASE, "savedAt": saved, "models": models})
    for file in folder.iterdir():
        file.write_text(kept, encoding="utf-8")
    last = lists.last()
    assert last is None or all(isinstance(model.slug, str) for model in last.models)
