"""How a run ends when it does not end by itself: Ctrl-C, signals, pipes, full disks, kill -9."""

import json
import signal
import socket
import sqlite3
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.e2e.conftest import BODY, COMMAND, Scripted, Served, Shell, http_json

RUN = ("model", "run", "sandbox/slow", "--body", BODY)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_a_wait_with_the_id_and_the_command_that_resumes(
    shell: Shell, number: int
) -> None:
    shell.env["MODELLIX_SANDBOX"] = "1"
    run = shell.start(*RUN, "--wait", stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert run.stderr is not None
    seen = ""
    while "Task task-" not in seen:
        seen = run.stderr.readline().decode()
    task_id = seen.split()[1].rstrip(":")
    sent = time.monotonic()
    run.send_signal(number)
    out, err = run.communicate(timeout=60)
    assert run.returncode == -number  # by the signal itself, so that shells stop too
    assert time.monotonic() - sent < 5  # the promise is one second; machines are noisy
    assert out == b""
    assert f"Resume with: modellix-cli task wait {task_id}" in err.decode()


class Hanging:
    """An answer that does not come until the test says so."""

    def __init__(self, begin: bytes = b"") -> None:
        self.begin = begin
        self.asked, self.released = threading.Event(), threading.Event()

    def __call__(self, connection: socket.socket) -> None:
        connection.sendall(self.begin)
        self.asked.set()
        self.released.wait(60)


@pytest.fixture
def hanging() -> Iterator[Hanging]:
    answer = Hanging()
    yield answer
    answer.released.set()


def test_ctrl_c_while_the_submission_is_under_way_says_that_its_outcome_is_unknown(
    shell: Shell, scripted: Callable[..., Scripted], hanging: Hanging
) -> None:
    shell.env["MODELLIX_BASE_URL"] = scripted(hanging).url
    run = shell.start(*RUN, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert hanging.asked.wait(60)
    run.send_signal(signal.SIGINT)
    out, err = run.communicate(timeout=60)
    assert (run.returncode, out) == (-signal.SIGINT, b"")
    assert "outcome is unknown" in err.decode()
    assert "Do not submit the same request again" in err.decode()
    assert "modellix-cli task resolve 1 --task-id ID" in err.decode()
    assert ledger(shell, "SELECT state FROM submissions") == [("intent",)]


def test_a_second_ctrl_c_does_not_change_what_is_known(
    shell: Shell, scripted: Callable[..., Scripted], hanging: Hanging
) -> None:
    shell.env["MODELLIX_BASE_URL"] = scripted(hanging).url
    run = shell.start(*RUN, "--json", stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert hanging.asked.wait(60)
    run.send_signal(signal.SIGINT)
    time.sleep(0.2)
    run.send_signal(signal.SIGINT)
    out, _ = run.communicate(timeout=60)
    assert run.returncode == -signal.SIGINT
    assert json.loads(out)["error"]["charged"] == "unknown"


def ledger(shell: Shell, query: str) -> list[tuple[object, ...]]:
    with sqlite3.connect(Path(shell.env["XDG_STATE_HOME"]) / "modellix" / "ledger.db") as db:
        rows = db.execute(query).fetchall()
    db.close()
    return rows


def test_a_killed_submission_is_known_to_the_next_one(
    shell: Shell, scripted: Callable[..., Scripted], hanging: Hanging
) -> None:
    server = scripted(hanging, b"")
    shell.env["MODELLIX_BASE_URL"] = server.url
    run = shell.start(*RUN, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    assert hanging.asked.wait(60)
    run.kill()
    run.wait(60)
    hanging.released.set()
    assert ledger(shell, "SELECT state FROM submissions") == [("intent",)]
    again = shell(*RUN)
    assert (again.status, again.stdout) == (8, b"")
    assert "its outcome is unknown, so it was not sent again" in again.stderr
    assert "modellix-cli task resolve 1 --task-id ID" in again.stderr
    assert "--resend-unknown" in again.stderr
    assert len(server.requests) == 1
    assert ledger(shell, "SELECT state FROM submissions") == [("intent",)]


def test_a_reader_that_leaves_ends_it_in_silence(shell: Shell, sandbox: Served) -> None:
    ran = subprocess.run(
        ["bash", "-c", f'"{COMMAND}" --help | true; "{COMMAND}" task --help | true'],
        env=shell.env, capture_output=True, check=False,
    )  # fmt: skip
    assert ran.stderr == b""


@pytest.mark.parametrize(("redirect", "reason"), [
    (">/dev/full", "No space left on device"), (">&-", "it is closed"),
])  # fmt: skip
def test_a_task_whose_id_cannot_be_printed_is_told_on_stderr(
    shell: Shell, sandbox: Served, redirect: str, reason: str
) -> None:
    line = f"\"{COMMAND}\" model run sandbox/image --body '{BODY}' {redirect}"
    ran = subprocess.run(["bash", "-c", line], env=shell.env, capture_output=True, check=False)
    stderr = ran.stderr.decode()
    assert ran.returncode == 1
    assert reason in stderr
    (task_id,) = ledger(shell, "SELECT task_id FROM tasks")[0]
    assert f"modellix-cli task wait {task_id}" in stderr
    assert "Traceback" not in stderr
    assert "Exception ignored" not in stderr


@pytest.mark.parametrize("redirect", [">/dev/full", ">&-"])
def test_what_was_saved_is_told_where_the_result_cannot_be_shown(
    shell: Shell, sandbox: Served, tmp_path: Path, redirect: str
) -> None:
    made = tmp_path / "made"
    saving = f"--wait --output-dir '{made}' --allow-insecure-http --allow-private-network"
    line = f"\"{COMMAND}\" model run sandbox/image --body '{BODY}' {saving} {redirect}"
    ran = subprocess.run(["bash", "-c", line], env=shell.env, capture_output=True, check=False)
    stderr = ran.stderr.decode()
    assert ran.returncode == 1
    (file,) = made.iterdir()
    assert f"Saved: {file}" in stderr
    assert "task download" not in stderr
    assert ("Check free space" in stderr) == (redirect == ">/dev/full")


@pytest.mark.parametrize("option", ["--version", "--help"])
def test_help_and_version_survive_a_full_disk(shell: Shell, option: str) -> None:
    line = f'"{COMMAND}" {option} >/dev/full'
    ran = subprocess.run(["bash", "-c", line], env=shell.env, capture_output=True, check=False)
    assert ran.returncode == 1
    assert b"Traceback" not in ran.stderr


@pytest.mark.parametrize(("redirect", "reason"), [
    (">/dev/full", "No space left on device"), (">&-", "it is closed"),
])  # fmt: skip
@pytest.mark.parametrize("option", ["--version", "--help"])
def test_help_and_version_that_cannot_be_printed_say_why(
    shell: Shell, option: str, redirect: str, reason: str
) -> None:
    line = f'"{COMMAND}" {option} {redirect}'
    ran = subprocess.run(["bash", "-c", line], env=shell.env, capture_output=True, check=False)
    assert ran.stderr.decode().startswith("Error: The result could not be written to stdout: ")
    assert reason in ran.stderr.decode()


def test_an_interrupted_download_leaves_nothing_behind(
    shell: Shell, scripted: Callable[..., Scripted], hanging: Hanging
) -> None:
    hanging.begin = b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n" + b"x" * 300_000
    media = scripted(hanging)
    result = {"resources": [f"{media.url}/a.bin"]}
    data = {"status": "success", "task_id": "task-1", "result": result}
    shell.env["MODELLIX_BASE_URL"] = scripted(http_json(200, {"code": 0, "data": data})).url
    run = shell.start(
        "task", "download", "task-1", "--allow-insecure-http", "--allow-private-network",
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    assert hanging.asked.wait(60)
    deadline = time.monotonic() + 10
    while not list(shell.cwd.glob("*.part")) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert list(shell.cwd.glob("*.part"))
    run.send_signal(signal.SIGINT)
    _, err = run.communicate(timeout=60)
    assert run.returncode == -signal.SIGINT
    assert "Resume with: modellix-cli task download task-1" in err.decode()
    assert list(shell.cwd.iterdir()) == []
