"""The kept slugs: there when fresh and whole, else silently not."""

import os
import stat
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modellix_cli.domain.jsontext import dumps
from modellix_cli.models.cache import ModelCache
from tests.support import BASE, FakeClock

SLUGS = ["a/one", "b/two"]


@pytest.fixture
def cache(tmp_path: Path, clock: FakeClock) -> ModelCache:
    return ModelCache(tmp_path / "cache", BASE, clock)


def test_what_was_kept_is_there_again_in_its_order(cache: ModelCache) -> None:
    assert cache.slugs() == []
    cache.keep(SLUGS)
    assert cache.slugs() == SLUGS
    cache.keep(["c/three"])
    assert cache.slugs() == ["c/three"]


def test_reading_creates_nothing(cache: ModelCache, tmp_path: Path) -> None:
    cache.slugs()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX modes")
def test_it_is_for_the_user_alone_and_leaves_no_parts(cache: ModelCache) -> None:
    cache.keep(SLUGS)
    assert stat.S_IMODE(cache.path.stat().st_mode) == 0o600
    assert stat.S_IMODE(cache.path.parent.stat().st_mode) == 0o700
    assert list(cache.path.parent.iterdir()) == [cache.path]


def test_after_a_day_it_is_forgotten(cache: ModelCache, clock: FakeClock) -> None:
    cache.keep(SLUGS)
    clock.time += 86399
    assert cache.slugs() == SLUGS
    clock.time += 1
    assert cache.slugs() == []


def test_one_from_the_future_is_not_believed(cache: ModelCache, clock: FakeClock) -> None:
    cache.keep(SLUGS)
    clock.time -= 1
    assert cache.slugs() == []


def test_each_base_url_has_its_own(cache: ModelCache, clock: FakeClock) -> None:
    cache.keep(SLUGS)
    other = ModelCache(cache.path.parent, "http://localhost:8787", clock)
    assert other.slugs() == []
    other.keep(["c/three"])
    assert (cache.slugs(), other.slugs()) == (SLUGS, ["c/three"])


def test_one_of_another_base_url_in_its_place_is_not_believed(
    cache: ModelCache, clock: FakeClock
) -> None:
    other = ModelCache(cache.path.parent, "http://localhost:8787", clock)
    other.keep(SLUGS)
    other.path.rename(cache.path)
    assert cache.slugs() == []


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"\xff\xfe", b"[]", b"null", b"[" * 10_000, b"{}" + b" " * 2**20, b'{"savedAt":1}'],
)
def test_a_broken_or_huge_one_is_none(cache: ModelCache, content: bytes) -> None:
    cache.keep(SLUGS)
    cache.path.write_bytes(content)
    assert cache.slugs() == []
    cache.keep(SLUGS)
    assert cache.slugs() == SLUGS


def test_a_huge_one_is_not_read_even_where_it_is_whole(cache: ModelCache, clock: FakeClock) -> None:
    cache.keep([f"a/{number:0100}" for number in range(20_000)])
    assert cache.slugs() == []


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="POSIX")
def test_a_pipe_in_its_place_does_not_hang(cache: ModelCache) -> None:
    cache.path.parent.mkdir()
    os.mkfifo(cache.path)
    assert cache.slugs() == []


def test_a_folder_that_cannot_be_made_is_nobodys_business(tmp_path: Path, clock: FakeClock) -> None:
    (tmp_path / "file").touch()
    cache = ModelCache(tmp_path / "file" / "cache", BASE, clock)
    cache.keep(SLUGS)
    assert cache.slugs() == []


def test_a_folder_in_its_place_stays(cache: ModelCache) -> None:
    cache.path.mkdir(parents=True)
    cache.keep(SLUGS)
    assert cache.slugs() == []
    assert list(cache.path.parent.iterdir()) == [cache.path]


@given(
    saved=st.none() | st.booleans() | st.floats() | st.text(max_size=3) | st.integers(),
    slugs=st.none() | st.lists(st.none() | st.text(max_size=5) | st.integers()),
)
def test_whatever_is_kept_is_read_as_a_list_of_texts(
    tmp_path_factory: pytest.TempPathFactory, saved: Any, slugs: Any
) -> None:
    cache = ModelCache(tmp_path_factory.mktemp("cache"), BASE, FakeClock())
    try:
        text = dumps({"baseUrl": BASE, "savedAt": saved, "slugs": slugs})
    except ValueError:  # NaN and the infinities are not JSON
        return
    cache.path.write_text(text, encoding="utf-8")
    assert all(isinstance(slug, str) for slug in cache.slugs())
