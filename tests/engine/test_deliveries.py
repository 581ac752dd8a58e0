"""The driver and webhooks: the news of a delivery ends the pause before the next poll."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.engine.runs import Bench
from tests.support import FakeClock


@pytest.fixture
def bench(tmp_path: Path, clock: FakeClock) -> Iterator[Bench]:
    bench = Bench(tmp_path, clock, total=1)
    bench.service.runs_for = 5.0
    yield bench
    bench.file.close()


def news_at(bench: Bench, seconds: float, task_id: str) -> None:
    """Let a delivery come in that long after now."""
    moment, told = bench.clock.time + seconds, list[str]()

    def news() -> list[str]:
        if bench.clock.time < moment or told:
            return []
        told.append(task_id)
        return told

    bench.deliveries = news


def took(bench: Bench) -> float:
    began = bench.clock.time
    (outcome,) = bench.run(wait=True, interval=60.0)
    assert outcome.status == "success"
    return bench.clock.time - began


def test_a_task_is_polled_at_once_when_its_delivery_came(bench: Bench) -> None:
    news_at(bench, 10.0, "task-1")
    assert 10.0 <= took(bench) <= 12.0
    assert bench.service.polls == ["task-1"]


def test_the_delivery_of_another_task_changes_nothing(bench: Bench) -> None:
    news_at(bench, 10.0, "task-2")
    assert took(bench) >= 60.0


def test_a_delivery_that_is_false_ends_nothing(bench: Bench) -> None:
    news_at(bench, 2.0, "task-1")
    assert took(bench) >= 60.0
    assert bench.service.polls == ["task-1", "task-1"]


def test_deliveries_are_asked_for_about_once_a_second(bench: Bench) -> None:
    asked: list[float] = []

    def news() -> list[str]:
        asked.append(bench.clock.time)
        return []

    bench.deliveries = news
    seconds = took(bench)
    assert 0.5 * seconds <= len(asked) <= seconds + 2
