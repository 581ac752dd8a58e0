"""Fixtures of the tests of what is kept on this machine."""

from pathlib import Path

import pytest

from tests.machine import Machine
from tests.support import FakeClock


@pytest.fixture
def machine(tmp_path: Path, clock: FakeClock, request: pytest.FixtureRequest) -> Machine:
    made = Machine(tmp_path, clock)
    request.addfinalizer(made.file.close)
    return made
