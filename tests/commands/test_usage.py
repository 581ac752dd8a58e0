"""`usage`: what was spent, from the ledger alone."""

import csv
import io
import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
import respx

from tests.commands.batches import Batches, Service, batch
from tests.conftest import Cli
from tests.support import FakeClock, Result, task_reply

__all__ = ["batch"]

DAY = 86400.0
COLUMNS = [
    *("tasks", "failed", "unknown", "unpriced"),
    *("estimated_usd", "billed_usd", "reserved_usd"),
]


@pytest.fixture
def service() -> Iterator[Service]:
    with respx.mock(assert_all_called=False) as router:
        yield Service(router)


class Spent:
    """Runs requests, each of which costs 0.04 by the list that was kept."""

    def __init__(self, cli: Cli, service: Service) -> None:
        self.cli = cli
        self.service = service
        cli("model", "list")

    def run(self, number: int, *options: str, billed: float | None = None, **env: str) -> Result:
        status = "failed" if number > 100 else "success"
        billing = {} if billed is None else {"billing": {"amount": billed}}
        self.service.tasks[f"task-{number}"] = task_reply(f"task-{number}", status, **billing)
        body = json.dumps({"line": number})
        return self.cli("model", "run", "a/b", "--body", body, *options, env=env)

    def usage(self, *options: str, **env: str) -> Any:
        result = self.cli("usage", *options, "--json", env=env)
        assert result.status == 0, result
        return result.json


@pytest.fixture
def spent(cli: Cli, service: Service) -> Spent:
    return Spent(cli, service)


def test_tasks_estimates_bills_unknown_and_failed_are_added_up(spent: Spent) -> None:
    spent.run(1, "--wait", billed=0.03)
    spent.run(2)
    spent.run(101, "--wait", billed=0)
    spent.service.replies[3] = httpx.ReadError("cut")
    spent.run(3)
    spent.service.replies[4] = httpx.Response(400, json={"code": 400, "message": "no"})
    spent.run(4)
    expected = {
        "tasks": 3, "failed": 1, "unknown": 1, "unpriced": 0, "estimatedUsd": 0.16,
        "billedUsd": 0.03, "reservedUsd": 0.08,
    }  # fmt: skip
    assert spent.usage() == {
        "by": "model", "since": None, "groups": [{"model": "a/b"} | expected],
        "total": expected, "budget": None,
    }  # fmt: skip


def test_a_task_that_was_looked_at_here_and_submitted_elsewhere_counts(spent: Spent) -> None:
    spent.service.tasks["task-9"] = task_reply("task-9", "success", billing={"amount": 0.5})
    spent.cli("task", "get", "task-9")
    spent.cli("task", "get", "task-9", "--profile", "other", env={"MODELLIX_PROFILE": "other"})
    total = spent.usage()["total"]
    assert (total["tasks"], total["billedUsd"], total["estimatedUsd"]) == (1, 0.5, 0)


def test_one_task_for_two_requests_is_billed_once(spent: Spent) -> None:
    spent.run(1)
    spent.service.replies[2] = httpx.Response(200, json={
        "code": 0, "message": "success", "data": {"status": "pending", "task_id": "task-1"},
    })  # fmt: skip
    spent.run(2)
    spent.service.tasks["task-1"] = task_reply("task-1", "success", billing={"amount": 0.03})
    spent.cli("task", "get", "task-1")
    total = spent.usage()["total"]
    assert (total["tasks"], total["billedUsd"]) == (1, 0.03)


@pytest.mark.parametrize("command", ["get", "wait", "download"])
def test_every_look_at_a_task_records_its_bill(spent: Spent, command: str) -> None:
    spent.run(1)
    spent.service.tasks["task-1"] = task_reply("task-1", "success", billing={"amount": 0.03})
    spent.cli("task", command, "task-1")
    assert spent.usage()["total"]["billedUsd"] == 0.03


def test_what_has_neither_price_nor_bill_is_counted(cli: Cli, service: Service) -> None:
    cli("model", "run", "a/b", "--body", '{"line": 1}')
    assert cli("usage", "--json").json["total"]["unpriced"] == 1
    assert "What 1 request cost is not known." in cli("usage").stdout


def test_tenths_of_a_cent_are_shown_exactly(spent: Spent) -> None:
    spent.run(1, "--wait", billed=0.0301)
    spent.run(2, "--wait", billed=0.1)
    spent.run(3, "--wait", billed=0.2)
    assert spent.cli("usage", "-q").stdout == "0.3301\n"


# --- groups


def test_days_are_in_their_order_and_local(
    spent: Spent, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    import time

    monkeypatch.setenv("TZ", "Asia/Tokyo")
    time.tzset()
    try:
        spent.run(1)
        clock.sleep(DAY)
        spent.run(2)
        days = [group["day"] for group in spent.usage("--by", "day")["groups"]]
    finally:
        monkeypatch.undo()
        time.tzset()
    assert days == ["2027-01-15", "2027-01-16"]


def test_profiles_are_apart_and_one_can_be_chosen(spent: Spent) -> None:
    spent.run(1)
    spent.run(2, MODELLIX_PROFILE="work")
    assert {group["profile"] for group in spent.usage("--by", "profile")["groups"]} == {
        "default", "work",
    }  # fmt: skip
    assert spent.usage("--profile", "work")["total"]["tasks"] == 1


def test_batches_are_in_their_order_with_single_runs_last(batch: Batches) -> None:
    for number in range(1, 12):
        batch.write(number)
        batch()
    batch.cli("model", "run", "a/b", "--body", '{"line": 19}')
    groups = batch.cli("usage", "--by", "batch", "--json").json["groups"]
    assert [group["batch"] for group in groups] == [*map(str, range(1, 12)), None]


def test_what_was_tagged_is_known_by_its_tag(batch: Batches) -> None:
    batch()
    batch.sql("UPDATE submissions SET tag = 'launch' WHERE number < 3")
    groups = batch.cli("usage", "--by", "tag", "--json").json["groups"]
    assert {group["tag"]: group["tasks"] for group in groups} == {"launch": 2, None: 2}


@pytest.mark.parametrize(("since", "tasks"), [("1h", 1), ("2d", 2), ("2027-01-16", 1)])
def test_since_leaves_out_what_was_before(
    spent: Spent, clock: FakeClock, since: str, tasks: int
) -> None:
    spent.run(1)
    clock.sleep(DAY)
    spent.run(2)
    assert spent.usage("--since", since)["total"]["tasks"] == tasks


@pytest.mark.parametrize(("options", "words"), [
    (("--by", "week"), "Expected --by=week to be one of: model, day, profile, tag, batch."),
    (("--since", "long ago"), 'Invalid --since "long ago"'),
])  # fmt: skip
def test_wrong_options_are_named(cli: Cli, options: tuple[str, ...], words: str) -> None:
    result = cli("usage", *options)
    assert (result.status, words in result.stderr) == (2, True)


# --- how it is shown


def test_the_table_ends_with_the_total(spent: Spent) -> None:
    spent.run(1, "--wait", billed=0.03)
    spent.run(2)
    shown = spent.cli("usage").stdout.splitlines()
    assert shown == [
        "Tasks  Estimated  Billed  Reserved  Model",
        "2      $0.08      $0.03   $0.04     a/b",
        "2      $0.08      $0.03   $0.04     Total",
    ]


def test_the_budget_is_shown_with_what_is_left(spent: Spent) -> None:
    spent.run(1, "--wait", billed=0.03)
    spent.run(2)
    env = {"MODELLIX_BUDGET": "1", "MODELLIX_BUDGET_PERIOD": "7d"}
    assert spent.cli("usage", env=env).stdout.splitlines()[-1] == (
        "Budget: $1.00 in 168h (MODELLIX_BUDGET). $0.03 billed, $0.04 reserved, $0.93 left."
    )
    assert spent.usage(**env)["budget"] == {
        "limitUsd": 1, "periodSeconds": 604800, "source": "MODELLIX_BUDGET", "billedUsd": 0.03,
        "reservedUsd": 0.04, "unpriced": 0, "leftUsd": 0.93,
    }  # fmt: skip


def test_nothing_spent_needs_no_key_and_no_server(cli: Cli) -> None:
    result = cli("usage", env={"MODELLIX_API_KEY": None, "MODELLIX_BUDGET": "5"})
    assert result.stdout.splitlines() == [
        "Nothing was spent.",
        "Budget: $5.00 in 24h (MODELLIX_BUDGET). $0.00 billed, $0.00 reserved, $5.00 left.",
    ]


@pytest.mark.parametrize(
    ("tag", "cell"),
    [
        ('=HYPERLINK("http://x")', '\'=HYPERLINK("http://x")'),
        ("+1", "'+1"),
        ("-1", "'-1"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ('a, "b" c', 'a, "b" c'),
        ("two\nlines", "two lines"),
        ("fox", "fox"),
    ],
)
def test_csv_can_be_read_back_and_holds_no_formula(batch: Batches, tag: str, cell: str) -> None:
    batch()
    batch.sql(f"UPDATE submissions SET tag = '{tag}'")
    text = batch.cli("usage", "--by", "tag", "--output", "csv").stdout
    rows = list(csv.reader(io.StringIO(text)))
    assert rows == [
        ["tag", *COLUMNS],
        [cell, "4", "0", "0", "0", "0.16", "0", "0.16"],
    ]


def test_a_tag_limits_what_is_counted(cli: Cli) -> None:
    run = ("model", "run", "sandbox/image", "--sandbox", "-q")
    for prompt, tag in (("a", "spring"), ("b", "spring"), ("c", "summer")):
        cli(*run, prompt, "--tag", tag)
    cli(*run, "d")
    found = cli("usage", "--sandbox", "--json", "--tag", " spring ").json
    assert (found["total"]["tasks"], found["tag"]) == (2, "spring")
    assert [group["model"] for group in found["groups"]] == ["sandbox/image"]
    assert "tag" not in cli("usage", "--sandbox", "--json").json
    assert cli("usage", "--sandbox", "--json").json["total"]["tasks"] == 4
    assert cli("usage", "--sandbox", "--tag", "sprin").stdout == "Nothing was spent.\n"
    assert cli("usage", "--sandbox", "--tag", "").status == 2
