"""How many modules a reader passes from a command to the socket, to a result, and to a file."""

import pytest

from tests.flows import FLOWS, Flow, passed


@pytest.fixture(scope="module")
def ways() -> dict[str, list[str]]:
    return passed()


@pytest.mark.parametrize("flow", FLOWS, ids=lambda flow: flow.name)
@pytest.mark.slow
def test_a_reader_passes_few_modules(ways: dict[str, list[str]], flow: Flow) -> None:
    way = ways[flow.name]
    assert way[0] == flow.begins
    assert flow.through is None or flow.through in way
    assert 4 < len(way) <= flow.at_most, way
