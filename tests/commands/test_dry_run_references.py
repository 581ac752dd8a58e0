"""`model run --dry-run` with files and results of tasks: looked up where that costs nothing."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import respx

from tests.commands.test_run_parameters import (
    PICTURE,
    RUN,
    accept,
    accept_uploads,
    publish,
)
from tests.conftest import Cli
from tests.support import API, Result, task_reply

URL = "https://cdn.example.com/1.png"


@pytest.fixture
def rehearse(cli: Cli) -> Iterator[Any]:
    """Run with a value for `image`, rehearsed; `task-1` was submitted before."""
    respx.mock.start()
    publish()
    respx.get(f"{API}/models").respond(json={"models": []})
    accept()
    cli(*RUN, "first")

    def run(image: str, *options: str, **more: Any) -> Result:
        return cli(*RUN, "a cat", "-p", f"image={image}", "--dry-run", *options, **more)

    yield run
    respx.mock.stop(quiet=True)


def finished(task_id: str = "task-1", status: str = "success", *urls: str) -> respx.Route:
    return respx.get(f"{API}/tasks/{task_id}").respond(json=task_reply(task_id, status, *urls))


@pytest.mark.parametrize("named", ["@last", "@last[0]", "@task:task-1", "@task:task-1[0]"])
def test_a_result_is_looked_up(rehearse: Any, named: str) -> None:
    finished("task-1", "success", URL)
    shown = rehearse(named).json
    assert shown["body"] == {"prompt": "a cat", "image": URL}
    assert shown["unresolved"] == []


def test_a_request_with_a_result_is_known_to_be_paid_for(rehearse: Any, cli: Cli) -> None:
    finished("task-1", "success", URL)
    cli(*RUN, "a cat", "-p", "image=@task:task-1")
    assert "paid for before" in rehearse("@task:task-1").json["warnings"][0]


@pytest.mark.parametrize(
    ("status", "urls", "code"),
    [("processing", (), 1), ("failed", (), 1), ("success", (), 1)],
)
def test_a_task_without_a_result_ends_the_rehearsal_as_a_run(
    rehearse: Any, cli: Cli, status: str, urls: tuple[str, ...], code: int
) -> None:
    finished("task-1", status, *urls)
    real = cli(*RUN, "a cat", "-p", "image=@task:task-1")
    rehearsed = rehearse("@task:task-1")
    assert (rehearsed.status, rehearsed.stderr) == (real.status, real.stderr)
    assert rehearsed.status != 0


@pytest.mark.parametrize("trouble", [httpx.ConnectError("down"), httpx.Response(503)])
def test_a_result_that_cannot_be_asked_for_is_told(rehearse: Any, trouble: Any) -> None:
    respx.get(f"{API}/tasks/task-1").mock(side_effect=[trouble] * 9)
    result = rehearse("@task:task-1")
    assert result.status == 0
    assert result.json["body"]["image"] == "@task:task-1[0]"
    assert result.json["unresolved"][0].startswith("-p image=@task:task-1: ")


def test_without_a_key_a_result_stays_as_it_is_written(rehearse: Any, cli: Cli) -> None:
    cli("model", "list")
    result = rehearse("@task:task-1", env={"MODELLIX_API_KEY": None})
    assert "API key" in result.json["unresolved"][0]


def test_a_file_is_not_uploaded(rehearse: Any, work: Path) -> None:
    (work / "cat.png").write_bytes(PICTURE)
    uploads = accept_uploads()
    shown = rehearse("@cat.png").json
    assert shown["body"]["image"] == "@cat.png"
    assert shown["unresolved"] == ["-p image=@cat.png: the file would be uploaded"]
    assert not uploads.called


def test_a_file_whose_upload_still_lives_has_its_address(
    rehearse: Any, cli: Cli, work: Path
) -> None:
    (work / "cat.png").write_bytes(PICTURE)
    uploads = accept_uploads()
    cli(*RUN, "a dog", "-p", "image=@cat.png")
    shown = rehearse("@cat.png").json
    assert shown["body"]["image"] == "https://files.example.com/f-1.png"
    assert (shown["unresolved"], uploads.call_count) == ([], 1)


def test_people_are_told_what_stays_open(rehearse: Any, work: Path) -> None:
    (work / "cat.png").write_bytes(PICTURE)
    told = rehearse("@cat.png", "--output", "human").stderr
    assert "-p image=@cat.png: the file would be uploaded." in told


@pytest.mark.parametrize("named", ["@task:task-1", "@last"])
def test_a_reply_about_another_task_ends_the_rehearsal_as_a_run(
    rehearse: Any, cli: Cli, named: str
) -> None:
    respx.get(f"{API}/tasks/task-1").respond(json=task_reply("task-2", "success", URL))
    rehearsed = rehearse(named)
    real = cli(*RUN, "a cat", "-p", f"image={named}")
    assert rehearsed.status == real.status == 7
    assert "another task" in rehearsed.stderr


def test_a_reply_about_another_task_ends_the_rehearsal_of_a_batch(rehearse: Any, cli: Cli) -> None:
    respx.get(f"{API}/tasks/task-1").respond(json=task_reply("task-2", "success", URL))
    line = ("model", "batch", "--model", "a/b", "--set", "image=@task:task-1", "--yes")
    assert cli(*line, "--dry-run").status == cli(*line).status == 7
