"""Fixtures of the tests of what is kept on this machine."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.ledger.ledgers import Ledger
from tests.machine import Machine
from tests.support import FakeClock


@pytest.fixture
def machine(tmp_path: Path, clock: FakeClock, request: pytest.FixtureRequest) -> Machine:
    made = Machine(tmp_path, clock)
    request.addfinalizer(made.close)
    return made


@pytest.fixture
def opened(tmp_path: Path, clock: FakeClock) -> Iterator[Callable[..., Ledger]]:
    """Open the ledger of this test as one more process would."""
    ledgers: list[Ledger] = []

    def one(**other: Any) -> Ledger:
        ledgers.append(Ledger(tmp_path / "state", clock, **other))
        return ledgers[-1]

    yield one
    for ledger in ledgers:
        ledger.close()


@pytest.fixture
def ledger(opened: Callable[..., Ledger]) -> Ledger:
    return opened()
