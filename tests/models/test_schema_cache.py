"""The kept schemas: there when whole, however old, and never too many."""

import os
import stat
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modellix_cli.domain.jsontext import dumps, loads
from modellix_cli.domain.values import Slug
from modellix_cli.models.schema_cache import MAX_BYTES, MOST_SCHEMAS, CachedSchema, SchemaCache
from tests.support import BASE, FakeClock

ONE = Slug("a", "one")
SCHEMA: dict[str, Any] = {"post": {"requestBody": {}}}


@pytest.fixture
def cache(tmp_path: Path, clock: FakeClock) -> SchemaCache:
    return SchemaCache(tmp_path / "cache", BASE, clock)


def file_of(cache: SchemaCache) -> Path:
    (path,) = cache.folder.iterdir()
    return path


def test_what_was_kept_is_there_again_with_its_age(cache: SchemaCache, clock: FakeClock) -> None:
    assert cache.get(ONE) is None
    cache.keep(ONE, SCHEMA)
    assert cache.get(ONE) == CachedSchema(SCHEMA, 0.0)
    clock.time += 90 * 86400
    assert cache.get(ONE) == CachedSchema(SCHEMA, 90 * 86400.0)


def test_a_newer_one_takes_its_place(cache: SchemaCache) -> None:
    cache.keep(ONE, SCHEMA)
    cache.keep(ONE, {"post": 2})
    assert cache.get(ONE) == CachedSchema({"post": 2}, 0.0)


def test_numbers_keep_every_digit(cache: SchemaCache) -> None:
    cache.keep(ONE, loads('{"default": 1.50, "maximum": 12345678901234567890123}'))
    kept = cache.get(ONE)
    assert kept is not None
    assert dumps(kept.document, indent=None) == (
        '{"default":1.50,"maximum":12345678901234567890123}'
    )


def test_reading_creates_nothing(cache: SchemaCache, tmp_path: Path) -> None:
    cache.get(ONE)
    cache.forget(ONE)
    assert list(tmp_path.iterdir()) == []


def test_the_type_in_front_of_a_slug_makes_no_difference(cache: SchemaCache) -> None:
    cache.keep(Slug("a", "one", "text-to-image"), SCHEMA)
    assert cache.get(ONE) is not None


def test_models_and_base_urls_are_kept_apart(cache: SchemaCache, clock: FakeClock) -> None:
    cache.keep(ONE, SCHEMA)
    other = SchemaCache(cache.folder.parent, "http://localhost:8787", clock)
    assert other.get(ONE) is None
    assert cache.get(Slug("a", "two")) is None


def test_one_of_another_model_in_its_place_is_not_believed(cache: SchemaCache) -> None:
    cache.keep(ONE, SCHEMA)
    place = file_of(cache)
    cache.forget(ONE)
    cache.keep(Slug("a", "two"), SCHEMA)
    file_of(cache).rename(place)
    assert cache.get(ONE) is None


def test_one_of_another_base_url_in_its_place_is_not_believed(
    cache: SchemaCache, clock: FakeClock
) -> None:
    cache.keep(ONE, SCHEMA)
    place = file_of(cache)
    cache.forget(ONE)
    SchemaCache(cache.folder.parent, "http://localhost:8787", clock).keep(ONE, SCHEMA)
    file_of(cache).rename(place)
    assert cache.get(ONE) is None


def test_one_that_is_gone_is_forgotten(cache: SchemaCache) -> None:
    cache.keep(ONE, SCHEMA)
    cache.forget(ONE)
    assert cache.get(ONE) is None
    assert list(cache.folder.iterdir()) == []


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX modes")
def test_it_is_for_the_user_alone_and_leaves_no_parts(cache: SchemaCache) -> None:
    cache.keep(ONE, SCHEMA)
    assert stat.S_IMODE(file_of(cache).stat().st_mode) == 0o600
    assert stat.S_IMODE(cache.folder.stat().st_mode) == 0o700


def test_the_oldest_goes_where_there_are_too_many(cache: SchemaCache) -> None:
    cache.keep(ONE, SCHEMA)
    os.utime(file_of(cache), (1, 1))
    for number in range(MOST_SCHEMAS):
        cache.keep(Slug("b", str(number)), SCHEMA)
    assert len(list(cache.folder.iterdir())) == MOST_SCHEMAS
    assert cache.get(ONE) is None
    assert cache.get(Slug("b", "0")) is not None


def test_a_huge_one_is_not_kept(cache: SchemaCache) -> None:
    cache.keep(ONE, {"x": "y" * MAX_BYTES})
    assert cache.get(ONE) is None
    assert not cache.folder.exists()


def test_one_from_the_future_counts_as_new(cache: SchemaCache, clock: FakeClock) -> None:
    cache.keep(ONE, SCHEMA)
    clock.time -= 1000
    assert cache.get(ONE) == CachedSchema(SCHEMA, 0.0)


@pytest.mark.parametrize("content", [
    b"", b"{", b"\xff\xfe", b"[]", b"null", b"[" * 10_000, b"{}" + b" " * MAX_BYTES,
])  # fmt: skip
def test_a_broken_or_huge_one_is_none(cache: SchemaCache, content: bytes) -> None:
    cache.keep(ONE, SCHEMA)
    file_of(cache).write_bytes(content)
    assert cache.get(ONE) is None
    cache.keep(ONE, SCHEMA)
    assert cache.get(ONE) is not None


def test_a_folder_that_cannot_be_made_is_nobodys_business(tmp_path: Path, clock: FakeClock) -> None:
    (tmp_path / "file").touch()
    cache = SchemaCache(tmp_path / "file", BASE, clock)
    cache.keep(ONE, SCHEMA)
    cache.forget(ONE)
    assert cache.get(ONE) is None


@given(
    saved=st.none() | st.booleans() | st.integers() | st.sampled_from(["1e999", "-1e999", '"x"']),
    schema=st.none() | st.lists(st.integers()) | st.dictionaries(st.text(), st.integers()),
)
def test_whatever_is_kept_is_read_as_an_object_with_an_age(
    tmp_path_factory: pytest.TempPathFactory, saved: Any, schema: Any
) -> None:
    cache = SchemaCache(tmp_path_factory.mktemp("cache"), BASE, FakeClock())
    cache.keep(ONE, SCHEMA)
    when = saved if isinstance(saved, str) else dumps(saved)
    head = f'{{"baseUrl": "{BASE}", "slug": "a/one", "savedAt": {when}, "schema": '
    file_of(cache).write_text(head + dumps(schema) + "}", encoding="utf-8")
    kept = cache.get(ONE)
    assert kept is None or (isinstance(kept.document, dict) and 0 <= kept.age < float("inf"))
