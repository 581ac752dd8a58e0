"""`--sidecar` and `--embed`: files that say how they were made."""

import hashlib
import json
import sqlite3
from pathlib import Path
from typing import Any

import pytest
import respx

from modellix_cli.provenance.embedding import Embedded, embed, read_embedded
from modellix_cli.provenance.record import Provenance
from modellix_cli.provenance.sidecar import read_sidecar
from tests.conftest import Cli
from tests.support import API, KEY, Result, accepted, task_reply

BODY = '{"prompt": "a fox", "seed": 12345678901234567890}'


def run(cli: Cli, slug: str, *options: str, **keywords: Any) -> Result:
    result = cli(
        *("model", "run", slug, "--body", BODY, "--wait", "--output-dir", "out", "--sandbox"),
        *("--json", *options),
        **keywords,
    )
    assert result.status == 0, result.stderr
    return result


def in_ledger(env: dict[str, str]) -> dict[str, tuple[int, str]]:
    with sqlite3.connect(Path(env["XDG_STATE_HOME"]) / "modellix" / "ledger.db") as db:
        rows = db.execute("SELECT path, size, sha256 FROM files").fetchall()
    db.close()
    return {path: (size, sha256) for path, size, sha256 in rows}


def is_as_recorded(env: dict[str, str], path: Path) -> bool:
    data = path.read_bytes()
    return in_ledger(env)[str(path)] == (len(data), hashlib.sha256(data).hexdigest())


@pytest.mark.parametrize("slug", ["sandbox/image", "sandbox/video"])
def test_a_record_is_put_into_the_file(cli: Cli, env: dict[str, str], slug: str) -> None:
    shown = run(cli, slug, "--embed").json
    (entry,) = shown["files"]
    path = Path(entry["path"])
    record = read_embedded(path)
    assert record is not None
    assert (record.task_id, record.model) == (shown["data"]["task_id"], slug)
    assert (record.prompt, record.parameters, record.position) == ("a fox", BODY, 1)
    assert str(record.cost) == str(shown["data"]["billing"]["amount"])
    assert (entry["embedded"], entry["bytes"]) == (True, path.stat().st_size)
    assert is_as_recorded(env, path)
    assert cli("which", str(path), "--json").json["foundBy"] == "content"


def test_a_record_is_put_beside_a_file_of_any_format(cli: Cli, env: dict[str, str]) -> None:
    (entry,) = run(cli, "sandbox/audio", "--sidecar").json["files"]
    path = Path(entry["path"])
    record = read_sidecar(path)
    assert record is not None
    assert (record.model, record.parameters) == ("sandbox/audio", BODY)
    assert entry["sidecar"] == f"{path}.json"
    assert is_as_recorded(env, path)


def test_without_the_options_files_stay_as_they_came(cli: Cli) -> None:
    (entry,) = run(cli, "sandbox/image").json["files"]
    assert entry.keys() == {"bytes", "path", "type", "url"}
    assert read_embedded(Path(entry["path"])) is None


def test_a_format_that_holds_no_record_is_told_once(cli: Cli, work: Path) -> None:
    line = '{"modelSlug": "sandbox/audio", "body": {"prompt": "%s"}}\n'
    (work / "b.jsonl").write_text(line % "a" + line % "b")
    batch = ("model", "batch", "b.jsonl", "--yes", "--wait", "--output-dir", "out", "--sandbox")
    result = cli(*batch, "--embed")
    assert result.status == 0
    assert result.stderr.count("was left as it is: only PNG") == 1
    assert "Warning" not in result.stderr
    assert run(cli, "sandbox/audio", "--embed").stderr == ""  # JSON was asked for


def test_a_batch_writes_records_and_its_resume_keeps_the_files(
    cli: Cli, work: Path, env: dict[str, str]
) -> None:
    line = '{"modelSlug": "sandbox/image", "body": {"prompt": "a cat"}}'
    (work / "b.jsonl").write_text(line)
    batch = ("model", "batch", "b.jsonl", "--yes", "--wait", "--output-dir", "out", "--sandbox")
    cli(*batch, "--embed", "--sidecar")
    names = {path.name for path in (work / "out").iterdir()}
    again = cli(*batch, "--embed", "--sidecar", "--resume").json
    assert {path.name for path in (work / "out").iterdir()} == names
    (entry,) = again["tasks"][0]["files"]
    record = read_embedded(Path(entry["path"]))
    assert record is not None
    assert record.prompt == "a cat"
    assert is_as_recorded(env, Path(entry["path"]))


def test_a_later_download_knows_the_request_from_the_ledger(
    cli: Cli, work: Path, env: dict[str, str]
) -> None:
    task_id = cli("model", "run", "sandbox/image", "--body", BODY, "--sandbox", "-q").stdout.strip()
    cli("task", "wait", task_id, "--sandbox")
    result = cli("task", "download", task_id, "--sandbox", "--embed", "--json")
    (entry,) = result.json["files"]
    record = read_embedded(Path(entry["path"]))
    assert record is not None
    assert (record.model, record.parameters) == ("sandbox/image", BODY)
    assert is_as_recorded(env, Path(entry["path"]))


def test_a_file_kept_from_an_earlier_run_gets_its_record(cli: Cli, env: dict[str, str]) -> None:
    (before,) = run(cli, "sandbox/image").json["files"]
    (after,) = run(cli, "sandbox/image", "--resume", "--embed", "--sidecar").json["files"]
    assert after["path"] == before["path"]
    assert read_embedded(Path(after["path"])) == read_sidecar(Path(after["path"])) is not None
    assert is_as_recorded(env, Path(after["path"]))
    written = Path(after["path"]).stat()
    run(cli, "sandbox/image", "--resume", "--embed", "--sidecar")
    assert Path(after["path"]).stat().st_ino == written.st_ino


@pytest.mark.parametrize("fails", [OSError("disk full"), ValueError("a bug")])
def test_a_failure_loses_no_result(
    cli: Cli, env: dict[str, str], monkeypatch: pytest.MonkeyPatch, fails: Exception
) -> None:
    def failing(path: Path, record: Provenance) -> Embedded:
        raise fails

    monkeypatch.setattr("modellix_cli.provenance.embedding.embed", failing)
    result = run(cli, "sandbox/image", "--embed")
    (entry,) = result.json["files"]
    assert is_as_recorded(env, Path(entry["path"]))
    assert "Warning: How the files were made was not recorded" in result.stderr


def test_what_was_embedded_counts_if_the_sidecar_fails(
    cli: Cli, env: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def failing(path: Path, record: Provenance) -> Path:
        raise OSError("disk full")

    monkeypatch.setattr("modellix_cli.provenance.sidecar.write_sidecar", failing)
    (entry,) = run(cli, "sandbox/image", "--embed", "--sidecar").json["files"]
    assert entry["embedded"] is True
    assert is_as_recorded(env, Path(entry["path"]))


def test_a_file_of_the_sidecars_name_stays_and_is_warned_of(cli: Cli, work: Path) -> None:
    (entry,) = run(cli, "sandbox/image").json["files"]
    beside = Path(f"{entry['path']}.json")
    beside.write_text("mine")
    result = run(cli, "sandbox/image", "--resume", "--sidecar")
    assert beside.read_text() == "mine"
    assert "is not a record of modellix-cli" in result.stderr


@respx.mock
def test_the_key_is_in_no_record(cli: Cli) -> None:
    respx.post(f"{API}/a/b/async").respond(json=accepted("task-1"))
    url = "data:image/png;base64,iVBORw0KGgo="
    respx.get(f"{API}/tasks/task-1").respond(json=task_reply("task-1", "success", url))
    body = json.dumps({"prompt": f"my key is {KEY}"})
    run_it = ("model", "run", "a/b", "--body", body, "--wait", "--output-dir", ".", "--sidecar")
    (entry,) = cli(*run_it, "--json").json["files"]
    text = Path(entry["sidecar"]).read_text()
    assert "my key is" in text
    assert KEY not in text


@pytest.mark.parametrize("option", ["--sidecar", "--embed"])
@pytest.mark.parametrize("command", ["run", "batch"])
def test_records_of_nothing_are_refused_before_paying(
    cli: Cli, work: Path, command: str, option: str
) -> None:
    (work / "b.jsonl").write_text('{"modelSlug": "sandbox/image", "body": {}}')
    given = {"run": ("sandbox/image", "--body", "{}"), "batch": ("b.jsonl", "--yes")}[command]
    result = cli("model", command, *given, "--wait", option, "--sandbox")
    assert result.status == 2
    assert "about saved files: give --output-dir too" in result.stderr
    assert cli("task", "history", "-q", "--sandbox").stdout == ""


def test_embedding_again_elsewhere_is_no_trouble(cli: Cli, tmp_path: Path) -> None:
    (entry,) = run(cli, "sandbox/image", "--embed").json["files"]
    path = Path(entry["path"])
    assert isinstance(embed(path, Provenance.of("task-9", None)), Embedded)
