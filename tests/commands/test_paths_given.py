"""Paths on the command line: `~`, and a current folder that was deleted."""

from pathlib import Path

import pytest
import respx

from tests.conftest import Cli
from tests.support import API, FakeClock, accepted, invoke

BODY = b'{"prompt": "a cat"}'
LINE = b'{"modelSlug": "a/b", "body": {"prompt": "a cat"}}\n'


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    home = tmp_path / "home"
    monkeypatch.setenv("HOME", str(home))
    return home


@respx.mock
def test_a_tilde_in_body_file_is_the_home_folder(cli: Cli, home: Path) -> None:
    (home / "body.json").write_bytes(BODY)
    route = respx.post(f"{API}/a/b/async").respond(json=accepted("task-1"))
    result = cli("model", "run", "a/b", "--body-file", "~/body.json")
    assert result.status == 0, result.stderr
    assert route.calls.last.request.content == BODY


def test_a_tilde_in_the_file_of_a_batch_is_the_home_folder(cli: Cli, home: Path) -> None:
    (home / "tasks.jsonl").write_bytes(LINE.replace(b"a/b", b"sandbox/image"))
    result = cli("model", "batch", "~/tasks.jsonl", "--dry-run", "--yes", "--sandbox")
    assert result.status == 0, result.stderr


def test_a_tilde_with_an_unknown_user_is_exit_2(cli: Cli) -> None:
    result = cli("model", "run", "a/b", "--body-file", "~nosuchuser/body.json")
    assert result.status == 2
    assert "no such user" in result.stderr


@pytest.mark.parametrize(
    "line",
    [
        ("model", "run", "a/b", "--body-file", "body.json"),
        ("model", "run", "a/b", "--body", "{}", "--wait", "--output-dir", "out"),
        ("model", "batch", "tasks.jsonl", "--yes"),
        ("task", "download", "task-1"),
        ("file", "upload", "cat.png"),
    ],
)
def test_a_relative_path_in_a_deleted_folder_is_exit_2(
    env: dict[str, str], line: tuple[str, ...]
) -> None:
    with respx.mock:
        result = invoke(*line, env=env, cwd=None, clock=FakeClock())
    assert result.status == 2
    assert "The current folder no longer exists" in result.stderr
    assert "absolute path" in result.stderr


@respx.mock
def test_an_absolute_path_works_in_a_deleted_folder(env: dict[str, str], work: Path) -> None:
    (work / "body.json").write_bytes(BODY)
    respx.post(f"{API}/a/b/async").respond(json=accepted("task-1"))
    line = ("model", "run", "a/b", "--body-file", str(work / "body.json"))
    assert invoke(*line, env=env, cwd=None, clock=FakeClock()).status == 0
