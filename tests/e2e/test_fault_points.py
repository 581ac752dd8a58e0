"""Killed at each durable step, then resumed: nothing is paid twice, nothing is lost, no half file.

`faulty.py` kills within the process; `make sweep` kills at system calls.
"""

import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.account import (
    KINDS,
    broken_files,
    command,
    faults,
    names_of,
    told_ids,
    unknown_names,
)
from tests.e2e.batches import Batches, batch, running_service
from tests.e2e.faulty import STEPS
from tests.e2e.orders import ended

__all__ = ["batch", "running_service"]

ROOT = Path(__file__).parents[2]
SAMPLE = 3
"""About so many rounds are resumed once more, by the installed command."""
AT_A_TIME = {"batch": 2, "batch with saving": 2}
"""How many share the steps of a kind. Single runs have few; a pause for another shifts them."""


@pytest.mark.parametrize("kind", KINDS)
def test_a_kill_at_any_durable_step_pays_nothing_twice_and_loses_nothing(
    batch: Batches, kind: str
) -> None:
    batch.served.change(task_time="0.05")
    saving = "saving" in kind
    shares = AT_A_TIME.get(kind, 1)
    with ThreadPoolExecutor(shares) as pool:
        parts = pool.map(lambda first: rounds_of(batch, kind, first, shares), range(1, shares + 1))
        rounds = [one for part in parts for one in part]
    killed_at = {one["step"] for one in rounds if one["killed"]}
    assert killed_at == (set(STEPS) if saving else set(STEPS) - {"before file"})
    told: dict[str, str | None] = {}
    for one in rounds:
        assert one["status"] in (0, 8), one
        assert one["broken"] == [], one
        ids = told_ids(kind, one["result"])
        told |= dict(zip(names_of(kind, one["number"]), ids, strict=True))
        if saving:  # a kill between a file and its record leaves one more, never one less
            files = list((batch.shell.cwd / f"out-{one['number']}").glob("*.png"))
            assert len(files) >= sum(map(bool, ids)), one
    unknown = unknown_names(batch.shell("task", "history", "--json").json)
    assert faults(told, batch.served.tasks_of(), unknown) == []
    assert {name for name, task_id in told.items() if task_id is None} == set(unknown)
    for one in rounds[:: len(rounds) // SAMPLE]:
        number = one["number"]
        ran = batch.shell(*command(kind, number, batch.shell.cwd), "--resume", "--json")
        assert ran.status in (0, 8), ended(ran)
        assert told_ids(kind, ran.json) == [told[name] for name in names_of(kind, number)]
    assert broken_files(batch.shell.cwd) == []
    assert faults(told, batch.served.tasks_of(), unknown) == []


def rounds_of(batch: Batches, kind: str, first: int, shares: int) -> list[dict[str, Any]]:
    """Kill a command at each of its steps from the `first`, and return what `faulty.py` tells.

    It does each `shares`-th of them.
    """
    share = (str(first), str(shares))
    ran = subprocess.run(
        [sys.executable, "-m", "tests.e2e.faulty", str(batch.shell.cwd), kind, *share],
        env=batch.shell.env | {"MODELLIX_CLI_NO_PROGRESS": "1"},
        cwd=ROOT, capture_output=True, timeout=300, check=False,
    )  # fmt: skip
    assert ran.returncode == 0, ran.stderr.decode()
    rounds: list[dict[str, Any]] = json.loads(ran.stdout)
    return rounds


def test_the_account_sees_what_was_paid_twice_lost_or_made_up() -> None:
    made = {"1": ["task-1"], "2": ["task-2"]}
    told: dict[str, str | None] = {"1": "task-1", "2": "task-2"}
    assert faults(told, made, []) == []
    assert faults(told, made | {"1": ["task-1", "task-9"]}, []) != []
    assert faults(told | {"1": None}, made, []) != []
    assert faults(told | {"1": None}, made, ["1"]) == []
    assert faults(told, {"1": ["task-1"]}, []) != []
    assert faults({"1": "task-1"}, made, []) != []
