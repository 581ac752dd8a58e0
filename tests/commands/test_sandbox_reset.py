"""`sandbox reset`: what was made before is gone, and no command leads to it any more."""

import json
from pathlib import Path

import pytest
import respx

from tests.conftest import Cli
from tests.support import API, accepted

RUN = ("model", "run", "sandbox/image", "--body", '{"prompt": "a cat"}', "--sandbox")
BATCH = ("model", "batch", "b.jsonl", "--yes", "--sandbox")


@pytest.fixture
def batch(work: Path) -> None:
    line = {"modelSlug": "sandbox/image", "body": {"prompt": "a cat"}}
    (work / "b.jsonl").write_text(json.dumps(line))


def test_a_batch_that_is_resumed_makes_its_tasks_again(cli: Cli, batch: None) -> None:
    cli(*BATCH)
    assert cli("sandbox", "reset", "--json").json == {"ok": True, "reset": True, "tasksGone": 1}
    result = cli(*BATCH, "--resume", "--wait", "--output-dir", "out")
    assert (result.status, result.json["newlySubmitted"], result.json["reused"]) == (0, 1, 0)


def test_a_batch_that_is_gone_leads_to_no_task(cli: Cli, batch: None) -> None:
    cli(*BATCH)
    cli("sandbox", "reset")
    (entry,) = cli("batch", "show", "1", "--sandbox", "--json").json["tasks"]
    assert entry["error"] == "The sandbox was reset: nothing is left of it."


def test_a_plain_batch_is_not_refused_for_what_is_gone(cli: Cli, batch: None) -> None:
    cli(*BATCH)
    cli("sandbox", "reset")
    assert cli(*BATCH).status == 0


def test_a_run_that_is_resumed_makes_its_task_again(cli: Cli) -> None:
    old = cli(*RUN, "-q").stdout
    cli("sandbox", "reset")
    new = cli(*RUN, "--resume", "--wait", "--json")
    assert (new.status, new.json["data"]["status"]) == (0, "success")
    assert new.json["data"]["task_id"] not in old


def test_the_history_tells_that_the_task_is_gone_and_keeps_its_prompt(cli: Cli) -> None:
    cli(*RUN)
    cli("sandbox", "reset")
    (entry,) = cli("task", "history", "--sandbox", "--json").json["entries"]
    assert (entry["status"], entry["request"]) == ("gone", 1)
    assert "gone" in cli("task", "history", "--sandbox", "--search", "cat").stdout
    found = cli("task", "history", "--sandbox", "--status", "gone", "--output", "jsonl")
    assert json.loads(found.stdout)["status"] == "gone"
    assert cli("task", "history", "--sandbox", "--status", "rejected").stdout == ""


def test_nothing_is_pending_and_nothing_the_last(cli: Cli) -> None:
    cli(*RUN)
    cli("sandbox", "reset")
    assert "Nothing to save" in cli("task", "download", "--pending", "--sandbox").stderr
    last = cli("task", "get", "@last", "--sandbox")
    assert (last.status, "404" in last.stderr) == (2, False)


def test_a_task_named_by_its_id_is_explained(cli: Cli) -> None:
    task_id = cli(*RUN, "-q").stdout.strip()
    cli("sandbox", "reset")
    result = cli("task", "get", task_id, "--sandbox")
    assert result.status == 5
    assert "A task from before a sandbox reset is gone." in result.stderr


def test_its_charges_and_uploads_are_forgotten(cli: Cli, work: Path) -> None:
    (work / "cat.png").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(100))
    edit = ("model", "run", "sandbox/image", "a cat", "-p", "image=@cat.png", "--sandbox")
    cli(*edit, "--wait")
    cli("sandbox", "reset")
    assert cli("usage", "--sandbox", "--json").json["total"]["tasks"] == 0
    cli(*edit)
    assert len(cli("file", "list", "--sandbox", "--json").json["files"]) == 1


@respx.mock
def test_real_tasks_and_batches_stay(cli: Cli, work: Path) -> None:
    respx.post(f"{API}/a/b/async").respond(json=accepted("paid"))
    respx.get(f"{API}/models").respond(json={"models": [{"slug": "a/b"}]})
    (work / "real.jsonl").write_text('{"modelSlug": "a/b", "body": {}}')
    cli("model", "batch", "real.jsonl", "--yes")
    before = cli("task", "history", "--json").json
    cli("sandbox", "reset")
    assert cli("task", "history", "--json").json == before
    assert cli("model", "batch", "real.jsonl", "--yes").status == 2


def test_without_a_ledger_none_is_made(cli: Cli, env: dict[str, str]) -> None:
    assert cli("sandbox", "reset").stdout == "Sandbox reset. Its balance is $10.00.\n"
    assert not (Path(env["XDG_STATE_HOME"]) / "modellix" / "ledger.db").exists()
