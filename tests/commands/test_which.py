"""`which`: from a file to its task."""

import json
import os
import shlex
from pathlib import Path
from typing import Any

import pytest

from modellix_cli.provenance.embedding import embed
from modellix_cli.provenance.record import Provenance
from modellix_cli.provenance.sidecar import write_sidecar
from tests.conftest import Cli
from tests.support import Terminal, invoke

BODY = """{"prompt": "a fox's “den”", "seed": 12345678901234567890}"""


def made(cli: Cli, work: Path, body: str = BODY, *options: str) -> tuple[Path, str]:
    """Make a picture in the sandbox; return it and its task's id."""
    before = set(work.iterdir())
    run = ("model", "run", "sandbox/image", "--body", body, "--wait", "--output-dir", ".")
    result = cli(*run, "--sandbox", "--json", *options)
    assert result.status == 0, result.stderr
    (path,) = set(work.iterdir()) - before
    return path, result.json["data"]["task_id"]


def shown(cli: Cli, path: Path) -> Any:
    result = cli("which", str(path), "--json")
    assert result.status == 0, result.stderr
    return result.json


def test_it_knows_a_file_by_its_content_under_any_name(cli: Cli, work: Path) -> None:
    path, task_id = made(cli, work)
    path = path.rename(work / "renamed.png")
    found = shown(cli, path)
    words = ["modellix-cli", "task", "rerun", task_id, "--wait", "--output-dir", ".", "--sandbox"]
    assert shlex.split(found.pop("again")) == words
    assert found == {
        "path": str(path),
        "foundBy": "content",
        "inLedger": True,
        "taskId": task_id,
        "position": 1,
        "modelSlug": "sandbox/image",
        "prompt": "a fox's “den”",
        "parameters": {"prompt": "a fox's “den”", "seed": 12345678901234567890},
        "createdAt": "2027-01-15T08:00:00.000Z",
        "billedUsd": 0.01,
        "profile": "default",
        "baseUrl": "https://api.sandbox.invalid",
        "againArgv": words,
        "ok": True,
    }


def test_the_command_that_it_names_makes_the_same_request(cli: Cli, work: Path) -> None:
    path, _ = made(cli, work)
    again = shown(cli, path)["againArgv"]
    assert cli(*again[1:]).status == 0
    (other,) = set(work.iterdir()) - {path}
    found = shown(cli, other)
    assert (found["parameters"], found["modelSlug"]) == (
        shown(cli, path)["parameters"],
        "sandbox/image",
    )


def test_people_get_facts_and_quiet_is_the_task(cli: Cli, work: Path) -> None:
    path, task_id = made(cli, work)
    lines = cli("which", path.name).stdout.splitlines()
    assert lines[:5] == [
        f"Task:        {task_id}",
        "Model:       sandbox/image",
        "Prompt:      a fox's “den”",
        f"Parameters:  {BODY}",
        "Cost:        $0.01",
    ]
    assert "Found by:    its content, which the ledger knows" in lines
    assert cli("which", path.name, "-q").stdout == f"{task_id}\n"


def test_a_file_with_a_record_in_it_is_known_by_that(cli: Cli, work: Path) -> None:
    path, task_id = made(cli, work)
    embed(path, Provenance.of(task_id, b'{"prompt": "x"}', sources=["task-0"], position=1))
    found = shown(cli, path)
    assert found["foundBy"] == "embedded"
    assert found["inLedger"] is True
    assert found["parameters"]["seed"] == 12345678901234567890  # the ledger is right
    assert found["sourceTaskIds"] == ["task-0"]


@pytest.mark.parametrize("beside", [True, False])
def test_a_file_from_another_machine_says_it_itself(cli: Cli, work: Path, beside: bool) -> None:
    from modellix_cli.sandbox.media.png import png

    path = work / "from-elsewhere.png"
    path.write_bytes(png("seed", 16, 16))
    record = Provenance.of("task-77", b'{"prompt": "a\\u001b[2Jfox"}', model="alibaba/wan")
    if beside:
        write_sidecar(path, record)
    else:
        embed(path, record)
    found = shown(cli, path)
    assert found["foundBy"] == ("sidecar" if beside else "embedded")
    assert (found["inLedger"], found["taskId"]) == (False, "task-77")
    assert found["againArgv"][:4] == ["modellix-cli", "model", "run", "alibaba/wan"]
    told = cli("which", path.name)
    assert "\x1b" not in told.stdout
    assert "ledger does not know the task" in told.stderr


def test_a_record_with_something_taken_out_names_no_command(cli: Cli, work: Path) -> None:
    path = work / "a.wav"
    path.write_bytes(b"RIFF")
    body = b'{"prompt": "a", "image": "https://x.com/a?s=1"}'
    write_sidecar(path, Provenance.of("task-77", body, model="a/b"))
    assert "again" not in shown(cli, path)


def test_a_file_that_was_changed_is_known_by_its_path(cli: Cli, work: Path) -> None:
    path, task_id = made(cli, work)
    path.write_bytes(b"something else")
    found = shown(cli, path)
    assert (found["foundBy"], found["taskId"]) == ("path", task_id)
    assert "not what was saved there" in cli("which", path.name).stdout


def test_a_link_to_a_file_that_was_changed_is_known_too(cli: Cli, work: Path) -> None:
    path, task_id = made(cli, work)
    path.write_bytes(b"something else")
    os.symlink(path, work / "link")
    assert cli("which", "link", "-q").stdout == f"{task_id}\n"


def test_of_the_same_content_twice_the_one_at_this_path_counts(cli: Cli, work: Path) -> None:
    body = '{"prompt": "a", "seed": 1}'
    first, one = made(cli, work, body)
    second, two = made(cli, work, body)
    assert first.read_bytes() == second.read_bytes()
    assert (shown(cli, first)["taskId"], shown(cli, first)["otherTaskIds"]) == (one, [two])
    assert (shown(cli, second)["taskId"], shown(cli, second)["otherTaskIds"]) == (two, [one])


def test_a_line_of_a_batch_is_named(cli: Cli, work: Path) -> None:
    line = '{"id": "cat", "modelSlug": "sandbox/image", "body": {"prompt": "a cat"}}'
    (work / "b.jsonl").write_text(line)
    result = cli("model", "batch", "b.jsonl", "--wait", "--output-dir", "out", "--sandbox", "--yes")
    assert result.status == 0, result.stderr
    (path,) = (work / "out").iterdir()
    found = shown(cli, path)
    assert (found["batch"], found["line"], found["lineId"]) == (1, 1, "cat")
    assert 'Batch:       1, line 1 ("cat")' in cli("which", str(path)).stdout


def test_nothing_known_is_exit_5_and_says_what_was_tried(cli: Cli, work: Path) -> None:
    (work / "a.png").write_bytes(b"x")
    result = cli("which", "a.png", "--json")
    assert result.status == 5
    error = result.json["error"]
    assert error["code"] == "NOT_FOUND"
    for word in ("content (SHA-256 2d711642b726", "path", "inside the file", "a.png.json"):
        assert word in error["hint"]


@pytest.mark.parametrize("name", ["none.png", ".", "pipe"])
def test_what_is_no_file_is_exit_2(cli: Cli, work: Path, name: str) -> None:
    os.mkfifo(work / "pipe")
    result = cli("which", name, "--json")
    assert (result.status, result.json["error"]["code"]) == (2, "INPUT_UNREADABLE")


def test_neither_key_nor_network_is_needed(env: dict[str, str], work: Path, cli: Cli) -> None:
    path, task_id = made(cli, work)
    without = {name: value for name, value in env.items() if name != "MODELLIX_API_KEY"}
    result = invoke("which", path.name, env=without, cwd=work, stdout=Terminal())
    assert task_id in result.stdout


def test_where_the_body_is_not_kept_the_file_itself_says_how_to_make_it_again(
    cli: Cli, work: Path
) -> None:
    run = ("model", "run", "sandbox/image", "--body", BODY, "--wait", "--output-dir", ".")
    result = cli(*run, "--sandbox", "--embed", "--json", env={"MODELLIX_KEEP_BODIES": "0"})
    (file,) = result.json["files"]
    words = ["modellix-cli", "model", "run", "sandbox/image", "--body", BODY, "--wait"]
    assert shown(cli, Path(file["path"]))["againArgv"] == [*words, "--output-dir", ".", "--sandbox"]


@pytest.mark.parametrize("model", ["--base-url=https://evil.example", "--x/b", "-x/b", "../../b"])
def test_a_model_that_is_an_option_is_in_no_command(cli: Cli, work: Path, model: str) -> None:
    path = work / "a.png"
    path.write_bytes(b"x")
    record = {"modellix": 1, "taskId": "t", "model": model, "parameters": {"prompt": "p"}}
    Path(f"{path}.json").write_text(json.dumps(record))
    found = shown(cli, path)
    assert found.get("again") is None
    assert found.get("againArgv") is None
    assert model not in json.dumps(found)
