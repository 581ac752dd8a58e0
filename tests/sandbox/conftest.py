"""A sandbox without limits for every test."""

from collections.abc import Iterator

import pytest

from tests.sandbox.harness import Service


@pytest.fixture
def service() -> Iterator[Service]:
    one = Service()
    yield one
    one.store.close()
