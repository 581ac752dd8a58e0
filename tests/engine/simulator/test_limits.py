"""Many clients and one service with limits: all work is done, with few refusals."""

import random
from pathlib import Path
from typing import Any

import pytest

from tests.engine.simulator.clients import Outcome, Service, World, simulate

SEEDS = [1, 2, 3]


def lengths(seed: int, number: int, shortest: float = 1, longest: float = 3) -> list[float]:
    chance = random.Random(seed)
    return [chance.uniform(shortest, longest) for _ in range(number)]


def world(folder: Path, seed: int) -> World:
    """A world that begins somewhere within a window."""
    made = World(folder, seed)
    made.start = made.time = made.time + made.random.uniform(0, 5)
    return made


def many(folder: Path, seed: int, **service: Any) -> Outcome:
    """24 clients, each with one task of 1 to 3 s; 40 requests per 5 s unless told otherwise."""
    made = world(folder, seed)
    return simulate(made, Service(made, **service), [[length] for length in lengths(seed, 24)])


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("running", [0, 3])
@pytest.mark.parametrize("windows", ["fixed", "sliding"])
@pytest.mark.parametrize("whole", [True, False])
def test_24_clients_are_hardly_ever_refused(
    tmp_path: Path, seed: int, running: int, windows: str, whole: bool
) -> None:
    outcome = many(tmp_path, seed, running=running, windows=windows, whole=whole)
    assert outcome.done
    assert len(outcome.refusals) <= 12
    assert outcome.took <= (32 if running else 16)


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("running", [0, 3])
@pytest.mark.parametrize("retry_after", [True, False])
def test_a_service_that_tells_nothing_refuses_little_more(
    tmp_path: Path, seed: int, running: int, retry_after: bool
) -> None:
    outcome = many(tmp_path, seed, running=running, tells=False, retry_after=retry_after)
    assert outcome.done
    assert len(outcome.refusals) <= 14
    assert outcome.took <= (32 if running else 18)


@pytest.mark.parametrize("seed", SEEDS)
def test_a_slow_service_with_many_requests_under_way_refuses_no_more(
    tmp_path: Path, seed: int
) -> None:
    outcome = many(tmp_path, seed, latency=1.0)
    assert outcome.done
    assert len(outcome.refusals) <= 4


@pytest.mark.parametrize("seed", SEEDS)
def test_nobody_starves(tmp_path: Path, seed: int) -> None:
    """All wait for the same few requests: 72 at least, four windows, and so long at most."""
    made = world(tmp_path, seed)
    work = [lengths(seed + number, 3) for number in range(12)]
    outcome = simulate(made, Service(made, limit=20), work)
    assert outcome.done
    assert outcome.longest_wait <= 18
    assert outcome.took <= 24


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("windows", ["fixed", "sliding"])
def test_a_batch_within_a_tight_limit_wastes_neither_time_nor_requests(
    tmp_path: Path, seed: int, windows: str
) -> None:
    made = world(tmp_path, seed)
    service = Service(made, limit=20, running=3, windows=windows)
    outcome = simulate(made, service, [lengths(seed, 40)])
    assert outcome.done
    assert len(outcome.refusals) <= 12
    assert outcome.took <= 45
    assert outcome.requests <= 4.5 * 40


@pytest.mark.parametrize("seed", SEEDS)
def test_a_batch_of_quick_tasks_takes_little_longer_than_the_service_needs(
    tmp_path: Path, seed: int
) -> None:
    made = world(tmp_path, seed)
    service = Service(made, limit=1000, window=60, running=3)
    outcome = simulate(made, service, [[0.5] * 40])
    assert outcome.done
    assert outcome.took <= 13.4
    assert outcome.requests <= 90


@pytest.mark.parametrize("seed", SEEDS)
def test_a_batch_that_fits_into_a_window_is_not_spread_over_all_of_it(
    tmp_path: Path, seed: int
) -> None:
    made = world(tmp_path, seed)
    service = Service(made, limit=100, window=60, running=3)
    outcome = simulate(made, service, [[0.5] * 40])
    assert outcome.done
    assert outcome.took <= 20
