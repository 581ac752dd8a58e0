"""Which lines ask for the same as one that was paid for, however they are written."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.conftest import Shell
from tests.e2e.orders import end, ended
from tests.e2e.served import FakeService, service
from tests.e2e.spellings import LINES, OTHER, SAME, Order, Spelling
from tests.support import KEY


@pytest.fixture(scope="module")
def served() -> Iterator[FakeService]:
    with service("--task-time", "0.1") as running:
        yield running


@pytest.fixture(scope="module")
def paid(served: FakeService, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a state folder whose ledger knows of `TEXT`: submitted once, from lines.jsonl."""
    folder = tmp_path_factory.mktemp("paid")
    env = {"HOME": str(folder), "XDG_STATE_HOME": str(folder / "state"), "MODELLIX_API_KEY": KEY}
    env |= {"MODELLIX_BASE_URL": localhost(served)}
    ran = Order(Shell(env, folder), served.url)()
    assert ran.status == 0, ended(ran)
    return folder / "state"


@pytest.fixture
def order(shell: Shell, served: FakeService, paid: Path) -> Order:
    shutil.copytree(paid, shell.env["XDG_STATE_HOME"])
    shell.env["MODELLIX_BASE_URL"] = localhost(served)
    return Order(shell, localhost(served))


def localhost(served: FakeService) -> str:
    return served.url.replace("127.0.0.1", "localhost")


@pytest.mark.parametrize("spelling", SAME, ids=lambda spelling: spelling.__name__)
def test_a_line_that_was_paid_for_is_known_however_it_is_written(
    order: Order, served: FakeService, spelling: Spelling
) -> None:
    spelling(order)
    posts = served.stats()["posts"]
    refused = order()
    assert end(refused) == (2, "ALREADY_PAID"), ended(refused)
    assert served.stats()["posts"] == posts
    resumed = order("--resume")
    assert resumed.status == 0, ended(resumed)
    assert served.stats()["posts"] == posts + order.new
    entries = resumed.json["tasks"]
    assert [entry["submissionState"] for entry in entries] == ["accepted"] * order.total
    assert len({entry["taskId"] for entry in entries}) == order.total


@pytest.mark.parametrize("text", OTHER.values(), ids=OTHER)
def test_a_line_that_asks_for_something_else_is_sent(
    order: Order, served: FakeService, text: str
) -> None:
    order.text = text
    posts = served.stats()["posts"]
    ran = order()
    assert ran.status == 0, ended(ran)
    assert served.stats()["posts"] == posts + 1


def test_what_another_server_was_paid_for_is_not_paid_for_here(
    order: Order, served: FakeService
) -> None:
    with service() as other:
        order.env = {"MODELLIX_BASE_URL": localhost(other)}
        ran = order()
        assert ran.status == 0, ended(ran)
        assert other.stats()["posts"] == len(LINES)
