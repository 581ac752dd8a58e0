"""Files, the history, doctor and quickstart with the installed command."""

import socket
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.e2e.conftest import Scripted, Served, Shell, http_json

pytestmark = pytest.mark.usefixtures("installed")

PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 40


def test_a_picture_is_uploaded_then_deleted(shell: Shell, sandbox: Served) -> None:
    (shell.cwd / "my cät.png").write_bytes(PNG)
    ran = shell("file", "upload", "my cät.png", "--json")
    assert ran.status == 0
    file = ran.json["file"]
    assert (file["filename"], file["size"], file["type"]) == ("my cät.png", len(PNG), "image/png")
    assert shell("file", "delete", file["fileId"], "-q").stdout.decode() == f"{file['fileId']}\n"
    assert shell("file", "delete", file["fileId"]).status == 5


def answer_about_any_task(connection: socket.socket) -> None:
    """Say of whatever task was asked for that it is done: its id is not in the reply."""
    data = {"status": "success"}
    connection.sendall(http_json(200, {"code": 0, "message": "success", "data": data}))


def test_processes_that_look_at_tasks_all_end_up_in_the_history(
    shell: Shell, scripted: Callable[..., Scripted]
) -> None:
    shell.env["MODELLIX_BASE_URL"] = scripted(answer_about_any_task).url
    task_ids = {f"task-{number}" for number in range(16)}
    with ThreadPoolExecutor(8) as pool:
        ran = list(pool.map(lambda task_id: shell("task", "get", task_id, "-q"), task_ids))
    assert [(one.status, one.stderr) for one in ran] == [(0, "")] * 16
    shown = shell("task", "history", "--limit", "100", "--json").json
    assert {entry["taskId"] for entry in shown["entries"]} == task_ids
    assert shown["total"] == 16


def test_clearing_in_a_script_needs_yes(shell: Shell) -> None:
    ran = shell("task", "history", "--clear", "--json")
    assert ran.status == 2
    assert "--yes" in ran.json["error"]["message"]


def test_the_bare_command_says_how_to_begin(shell: Shell) -> None:
    del shell.env["MODELLIX_API_KEY"]
    ran = shell()
    assert (ran.status, ran.stderr) == (0, "")
    assert 'modellix-cli model run sandbox/image "a cat' in ran.stdout.decode()


def test_doctor_finds_the_sandbox_server_healthy(shell: Shell, sandbox: Served) -> None:
    ran = shell("doctor", "--json")
    assert ran.status == 0
    checks = ran.json["checks"] + ran.json["machineChecks"]
    assert [check["name"] for check in checks if not check["ok"]] == ["tls"]
    tls = next(check for check in checks if check["name"] == "tls")
    assert tls["skipped"]
    assert tls["detail"] == "Not used by plain http."
    assert {"dns", "ledger", "stateFolder"} <= {check["name"] for check in checks}
