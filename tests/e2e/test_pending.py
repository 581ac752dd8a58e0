"""`task download --pending` by several processes at once: each result is saved once."""

import signal
import subprocess
from pathlib import Path

import pytest

from modellix_cli.ledger.file_lock import only_one
from tests.e2e.conftest import BODY, Served, Shell

PENDING = (
    *("task", "download", "--pending", "--allow-insecure-http", "--allow-private-network"),
    "--output-dir",
)


@pytest.fixture
def task_ids(shell: Shell, sandbox: Served) -> list[str]:
    """Tasks that have ended and whose results are not saved."""
    bodies = [BODY.replace("cat", f"cat {number}") for number in range(4)]
    made = [shell("model", "run", "sandbox/image", "--body", body, "--quiet") for body in bodies]
    ids = [ran.stdout.decode().strip() for ran in made]
    assert shell("task", "wait", *ids).status == 0
    return ids


def test_each_result_is_saved_once(shell: Shell, work: Path, task_ids: list[str]) -> None:
    running = [
        shell.start(*PENDING, folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        for folder in ("one", "two", "one")
    ]
    for process in running:
        process.communicate(timeout=60)
    assert [process.returncode for process in running] == [0, 0, 0]
    saved = [*work.glob("one/*"), *work.glob("two/*")]
    assert len(saved) == len(task_ids)


def test_a_command_that_waits_says_so_and_can_be_interrupted(
    shell: Shell, work: Path, task_ids: list[str]
) -> None:
    place = Path(shell.env["XDG_STATE_HOME"]) / "modellix" / "pending"
    with only_one(place, 0.0):
        process = shell.start(*PENDING, "one", stderr=subprocess.PIPE)
        assert process.stderr is not None
        said = process.stderr.readline().decode()
        assert said == "Another command saves the pending results. Waiting for it to end.\n"
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=20)
    assert process.returncode == -signal.SIGINT
    assert not (work / "one").exists()
    assert shell(*PENDING, "one").status == 0
    assert len(list(work.glob("one/*"))) == len(task_ids)
