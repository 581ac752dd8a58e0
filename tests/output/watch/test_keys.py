"""Keys, as terminals send them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modellix_cli.output.watch.keys import read_keys


@pytest.mark.parametrize(
    ("data", "keys"),
    [
        (b"q", ["q"]),
        (b"Q?", ["q", "?"]),
        (b"\x1b[A\x1b[B", ["up", "down"]),
        (b"\x1bOA\x1bOB", ["up", "down"]),
        (b"kj", ["up", "down"]),
        (b"\x1b[5~q", ["q"]),
        (b"\x1b[1;5Cx", ["x"]),
        (b"\x1b", []),
        (b"\x1b[", []),
        (b"\x1bq", ["q"]),
        (b"\x03", ["q"]),
        (b"", []),
    ],
)
def test_keys_are_read(data: bytes, keys: list[str]) -> None:
    assert read_keys(data) == keys


@given(st.binary(max_size=30))
def test_any_bytes_are_keys_or_nothing(data: bytes) -> None:
    assert len(read_keys(data)) <= len(data)
