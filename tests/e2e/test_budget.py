"""Budgets with real processes against `sandbox serve`, and usage against its account."""

import json
import random
import subprocess
import time
from pathlib import Path
from typing import Any

from tests.e2e.conftest import Served, Shell

MODEL = "alibaba/qwen-image-plus"
PRICE = 0.03


def run_words(name: object, **body: Any) -> list[str]:
    return ["model", "run", MODEL, "--body", json.dumps({"prompt": str(name)} | body), "--json"]


def started(shell: Shell, *words: str) -> "subprocess.Popen[bytes]":
    quiet = {"stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}
    return shell.start(*words, **quiet)


def usage(shell: Shell) -> Any:
    return shell("usage", "--json").json["total"]


def test_of_twenty_processes_with_one_budget_for_five_exactly_five_pay(
    shell: Shell, sandbox: Served
) -> None:
    shell.env["MODELLIX_BUDGET"] = "0.15"
    runs = [started(shell, *run_words(number)) for number in range(20)]
    ended = [(one.communicate(timeout=120)[0], one.returncode) for one in runs]
    assert sorted(status for _, status in ended) == [0] * 5 + [10] * 15
    refused = [json.loads(out)["error"]["code"] for out, status in ended if status == 10]
    assert set(refused) == {"BUDGET_EXCEEDED"}
    assert sandbox.stats()["tasks_created"] == 5
    assert shell(*run_words("one more")).status == 10


def test_batches_and_runs_at_once_keep_to_one_budget(shell: Shell, sandbox: Served) -> None:
    shell.env["MODELLIX_BUDGET"] = "0.3"
    for name in ("a", "b", "c"):
        lines = [{"modelSlug": MODEL, "body": {"prompt": f"{name}{n}", "n": n % 3 + 1}}
                 for n in range(6)]  # fmt: skip
        (shell.cwd / name).write_text("".join(json.dumps(line) + "\n" for line in lines))
    runs = [started(shell, "model", "batch", name, "--yes", "--json") for name in ("a", "b", "c")]
    runs += [started(shell, *run_words(number, n=2)) for number in range(3)]
    statuses = [one.wait(120) for one in runs]
    for one in runs:
        assert one.stdout is not None
        one.stdout.close()
    assert set(statuses) <= {0, 10}
    assert 10 in statuses
    billed = sandbox.stats()["billed"]
    assert 0.3 - 6 * PRICE < billed <= 0.3 + 1e-9
    for task_id in shell("task", "history", "--json", "--limit", "100").json["entries"]:
        assert shell("task", "wait", task_id["taskId"]).status == 0
    total = usage(shell)
    assert (total["billedUsd"], total["reservedUsd"]) == (round(billed, 6), 0)


def test_after_kills_the_account_lies_within_the_ledgers_bounds(
    shell: Shell, sandbox: Served, tmp_path: Path
) -> None:
    shell.env["MODELLIX_BUDGET"] = "1"
    rng = random.Random(5)
    for number in range(10):
        one = started(shell, *run_words(number), "--wait")
        time.sleep(rng.uniform(0.2, 1.0))
        one.kill()
        one.communicate(timeout=10)
        total, billed = usage(shell), sandbox.stats()["billed"]
        assert total["billedUsd"] <= billed + 1e-9
        assert billed <= total["billedUsd"] + total["reservedUsd"] + 1e-9
    history = shell("task", "history", "--json", "--limit", "100").json
    for entry in history["entries"]:
        assert shell("task", "wait", entry["taskId"]).status == 0
    total, billed = usage(shell), sandbox.stats()["billed"]
    made = sandbox.stats()["tasks_created"]
    assert total["reservedUsd"] == round(PRICE * total["unknown"], 6)
    assert total["billedUsd"] == round(PRICE * total["tasks"], 6)
    assert total["tasks"] <= made <= total["tasks"] + total["unknown"]
    assert total["billedUsd"] <= billed + 1e-9 <= total["billedUsd"] + total["reservedUsd"] + 2e-9
