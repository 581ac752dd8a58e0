"""Bodies of requests as the ledger keeps them."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from modellix_cli.ledger.bodies import packed, unpacked

LARGEST = 256 * 1024


@given(st.one_of(st.binary(max_size=2000), st.integers(0, 5_000).map(lambda n: b"word " * n)))
@example(b"")
@example(b"x" * LARGEST)
def test_a_body_of_any_size_comes_back_as_it_was(body: bytes) -> None:
    assert unpacked(packed(body)) == body


def test_one_that_is_too_large_does_not() -> None:
    assert unpacked(packed(b"x" * (LARGEST + 1))) is None


@pytest.mark.parametrize(("size", "window"), [(20, 512), (1_000, 1_024), (200_000, 32_768)])
def test_a_small_body_is_packed_in_little_memory(size: int, window: int) -> None:
    assert 1 << (packed(b"x" * size)[0] >> 4) + 8 == window  # as RFC 1950, 2.2 tells it
