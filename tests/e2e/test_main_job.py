"""The main job with the installed command: submit, wait, save."""

import subprocess
import sys
from pathlib import Path

import pytest

from modellix_cli import __version__
from tests.e2e.conftest import BODY, Served, Shell

pytestmark = pytest.mark.usefixtures("installed")


def test_version_names_program_system_and_python(shell: Shell) -> None:
    ran = shell("--version")
    assert ran.stdout.decode().startswith(f"modellix-cli/{__version__} {sys.platform}-")


def test_the_package_runs_as_a_module(shell: Shell) -> None:
    ran = subprocess.run(
        [sys.executable, "-m", "modellix_cli", "--version"], capture_output=True, check=True
    )
    assert ran.stdout.decode().startswith("modellix-cli/")


def test_a_picture_is_on_disk_without_key_or_network(shell: Shell) -> None:
    del shell.env["MODELLIX_API_KEY"]
    run = ("model", "run", "sandbox/image", "--body", BODY, "--wait", "--output-dir", "out")
    ran = shell(*run, "-q", MODELLIX_SANDBOX="1")
    assert ran.status == 0
    path = Path(ran.stdout.decode().strip())
    assert path.parent == shell.cwd / "out"
    assert path.read_bytes().startswith(b"\x89PNG\r\n\x1a\n")
    assert "nothing is charged" in ran.stderr


def test_submit_then_wait_then_get_then_download(shell: Shell, sandbox: Served) -> None:
    task_id = shell("model", "invoke", "--model-slug", "sandbox/many", "--body", BODY, "-q")
    name = task_id.stdout.decode().strip()
    waited = shell("task", "wait", name)
    assert waited.status == 0
    assert waited.json["data"]["status"] == "success"
    billed = waited.json["data"]["billing"]["amount"]
    summary = [{"taskId": name, "status": "success", "files": [], "billedUsd": billed}]
    assert shell("task", "get", "@last").json | {"tasks": summary} == waited.json
    allow = ("--allow-insecure-http", "--allow-private-network")
    saved = shell("task", "download", name, "--output-dir", "out", "--json", *allow)
    assert saved.status == 0
    paths = [Path(file["path"]) for file in saved.json["files"]]
    assert [path.name for path in paths] == ["1.png", "2.png", "3.png", "4.png"]
    assert all(
        path.stat().st_size == file["bytes"]
        for path, file in zip(paths, saved.json["files"], strict=True)
    )
    assert not list((shell.cwd / "out").glob("*.part"))
    known = shell("task", "wait", name).json["tasks"][0]["files"]
    assert [Path(file["path"]) for file in known] == paths


def test_the_media_of_a_sandbox_on_this_machine_need_no_flags(
    shell: Shell, sandbox: Served
) -> None:
    ran = shell("model", "run", "sandbox/image", "--body", BODY, "--wait", "--output-dir", "out")
    assert ran.status == 0, ran.stderr
    assert shell("task", "download", "@last", "--output-dir", "again").status == 0
    assert [path.suffix for path in (shell.cwd / "again").iterdir()] == [".png"]


def test_several_tasks_are_waited_for_at_once(shell: Shell, sandbox: Served) -> None:
    ids = [
        shell("model", "run", slug, "--body", BODY, "-q").stdout.decode().strip()
        for slug in ("sandbox/image", "sandbox/fails", "sandbox/odd-status")
    ]
    waited = shell("task", "wait", *ids, "task-nowhere")
    assert waited.status == 1
    entries = waited.json["tasks"]
    assert [entry["taskId"] for entry in entries] == [*ids, "task-nowhere"]
    statuses = [entry["response"]["data"]["status"] for entry in entries[:3]]
    assert statuses == ["success", "failed", "success"]
    assert entries[3]["error"]["code"] == "NOT_FOUND"
    assert "content policy" in waited.stderr


def test_signs_of_life_are_lines_in_a_log(shell: Shell, sandbox: Served) -> None:
    ran = shell("model", "run", "sandbox/image", "--body", BODY, "--wait", CI="true")
    assert "success after" in ran.stderr
    assert "\x1b" not in ran.stderr + ran.stdout.decode()


def test_hostile_results_stay_harmless(shell: Shell, sandbox: Served) -> None:
    out = shell.cwd / "out"
    ran = shell(
        "model", "run", "sandbox/evil", "--body", BODY, "--wait", "--output-dir", "out",
        "--output", "human", "--allow-insecure-http", "--allow-private-network",
    )  # fmt: skip
    assert "Traceback" not in ran.stderr
    assert not set(ran.stdout.decode() + ran.stderr) & set("\x1b\x07\r")
    assert list(shell.cwd.iterdir()) == [out]
    assert all(file.parent == out for file in out.rglob("*"))


def test_reset_forgets_the_sandboxs_tasks(shell: Shell) -> None:
    run = shell("model", "run", "sandbox/image", "--body", BODY, "--sandbox", "-q")
    task_id = run.stdout.decode().strip()
    assert shell("task", "get", task_id, "--sandbox").status == 0
    assert shell("sandbox", "reset", "--json").json["reset"] is True
    assert shell("task", "get", task_id, "--sandbox").status == 5


def test_a_port_in_use_is_told(shell: Shell, sandbox: Served) -> None:
    port = sandbox.url.rsplit(":", 1)[1]
    ran = shell("sandbox", "serve", "--port", port)
    assert ran.status == 2
    assert f"port {port}" in ran.stderr


def test_a_model_is_found_read_about_and_run(shell: Shell) -> None:
    shell.env["MODELLIX_SANDBOX"] = "1"
    del shell.env["MODELLIX_API_KEY"]
    found = shell("model", "list", "--search", "posters", "--output", "slugs")
    slug = found.stdout.decode().strip()
    assert slug == "alibaba/qwen-image-plus"
    assert shell("model", "describe", slug, "--json").json["type"] == "text-to-image"
    parameters = shell("model", "get-schema", slug).json["post"]["requestBody"]
    assert "prompt" in str(parameters)
    assert shell("model", "docs", slug).stdout.startswith(b"# alibaba/qwen-image-plus\n")
    assert shell("model", "run", slug, "--body", BODY, "-q").stdout.startswith(b"task-")
    mistyped = shell("model", "run", "alibaba/quen-image-plus", "--body", BODY)
    assert mistyped.status == 5
    assert f"Did you mean {slug}" in mistyped.stderr
