"""Simulated worlds in small portions, as tests that mutants meet (not collected otherwise)."""

import pytest

from tests.engine.simulator.runner import Simulator

_PORTION = 10


@pytest.mark.parametrize("first", range(1, 151, _PORTION))
def test_worlds(first: int) -> None:
    with Simulator(real_every=5) as simulator:
        for seed in range(first, first + _PORTION):
            simulator.run(seed)
