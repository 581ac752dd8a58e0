"""A ledger that was damaged blocks paid batches until the user answers."""

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.e2e.batches import Batches, batch, running_service
from tests.e2e.ledgers import (
    codes,
    cut_short,
    damage_header,
    damage_pages,
    damage_some_pages,
    drop_column,
    ledger,
    make_newer,
    state_folder,
)
from tests.e2e.orders import again, end, ended, lines, prompts, run, task_ids

__all__ = ["batch", "running_service"]

DAMAGES = [damage_header, damage_pages, drop_column, cut_short]
INCOMPLETE = (2, "LEDGER_INCOMPLETE")

Damage = Callable[[Path], None]


def paid_lines(batch: Batches, count: int) -> None:
    batch.write(*[{}] * count)
    assert batch().status == 0


@pytest.fixture(params=DAMAGES, ids=lambda damage: damage.__name__)
def damaged(request: pytest.FixtureRequest, batch: Batches) -> Batches:
    """Three lines that were paid for, and a ledger that was damaged since."""
    paid_lines(batch, 3)
    request.param(ledger(batch.shell))
    return batch


def test_a_damaged_ledger_refuses_a_batch_until_it_is_acknowledged(damaged: Batches) -> None:
    for options in (["--resume"], ["--resume"], [], ["--resume", "--wait"]):
        ran = again(damaged, *options)
        assert end(ran) == INCOMPLETE, ended(ran)
        assert ran.json["error"]["charged"] == "no"
    assert damaged.posts == 3
    assert damaged.shell("ledger", "acknowledge").status == 0
    ran = again(damaged, "--resume")
    assert ran.status == 0, ended(ran)
    assert None not in task_ids(ran)


@pytest.mark.parametrize("words", [("doctor",), ("task", "history"), ("batch", "list")],
                         ids=" ".join)  # fmt: skip
@pytest.mark.parametrize("damage", DAMAGES)
def test_a_command_that_meets_the_damage_first_does_not_answer_it(
    batch: Batches, damage: Damage, words: tuple[str, ...]
) -> None:
    paid_lines(batch, 2)
    damage(ledger(batch.shell))
    batch.shell(*words)
    for _ in range(2):
        ran = again(batch, "--resume")
        assert end(ran) == INCOMPLETE, ended(ran)
    assert batch.posts == 2


def test_new_answers_for_its_batch_alone(damaged: Batches) -> None:
    assert end(again(damaged, "--resume")) == INCOMPLETE
    ran = again(damaged, "--new")
    assert ran.status == 0, ended(ran)
    assert damaged.posts == 6
    later = again(damaged, "--resume")
    assert later.status == 0, ended(later)
    assert task_ids(later) == task_ids(ran)
    damaged.path = damaged.shell.cwd / "other.jsonl"
    damaged.path.write_text(lines(*prompts("other")))
    assert end(again(damaged, "--resume")) == INCOMPLETE
    assert damaged.posts == 6


def test_many_processes_that_meet_the_damage_at_once_pay_for_nothing(damaged: Batches) -> None:
    words = ("model", "batch", str(damaged.path), "--yes", "--resume", "--json")
    pipe = subprocess.PIPE
    runs = [damaged.shell.start(*words, stdout=pipe, stderr=pipe) for _ in range(8)]
    outs = [one.communicate(timeout=60) for one in runs]
    assert [one.returncode for one in runs] == [2] * 8, outs
    assert end(again(damaged, "--resume")) == INCOMPLETE
    assert damaged.posts == 3


def test_rows_that_can_be_read_are_kept(batch: Batches) -> None:
    paid_lines(batch, 200)
    damage_some_pages(ledger(batch.shell))
    assert end(again(batch, "--resume")) == INCOMPLETE
    assert batch.shell("ledger", "acknowledge").status == 0
    ran = again(batch, "--resume")
    assert ran.status == 0, ended(ran)
    assert ran.json["reused"] > 0
    assert ran.json["newlySubmitted"] == 200 - ran.json["reused"] == batch.posts - 200


def test_a_newer_ledger_is_refused_and_left_alone(batch: Batches) -> None:
    paid_lines(batch, 2)
    path = ledger(batch.shell)
    make_newer(path)
    before = path.read_bytes()
    for ran in (again(batch, "--resume"), again(batch, "--new"), run(batch)):
        assert ran.status not in (0, 8), ended(ran)
        assert not ran.json["ok"]
    assert batch.posts == 2
    assert path.read_bytes() == before


def test_a_state_folder_that_cannot_be_made_refuses_batches_and_warns_of_runs(
    batch: Batches,
) -> None:
    (batch.shell.cwd / "file").write_text("")
    batch.shell.env["XDG_STATE_HOME"] = str(batch.shell.cwd / "file" / "state")
    ran = again(batch)
    assert ran.status not in (0, 8), ended(ran)
    assert not ran.json["ok"]
    assert batch.posts == 0
    ran = run(batch)
    assert ran.status == 0, ended(ran)
    assert ran.stderr.strip() != ""
    assert batch.posts == 1


def test_the_ledger_holds_no_key(batch: Batches) -> None:
    key = batch.shell.env["MODELLIX_API_KEY"].encode()
    paid_lines(batch, 2)
    run(batch)
    files = [path for path in state_folder(batch.shell).rglob("*") if path.is_file()]
    assert ledger(batch.shell) in files
    assert [path for path in files if key in path.read_bytes()] == []


def test_a_code_is_found_wherever_it_stands() -> None:
    assert codes({"a": [{"code": "X", "b": {"code": "Y"}}], "c": 1}) == {"X", "Y"}
