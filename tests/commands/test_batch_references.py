"""`--set` and `--matrix` with files and results of tasks: the rules are those of `-p`."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import respx

from modellix_cli.sandbox.media.png import png
from tests.commands.test_run_parameters import FILES, PICTURE, accept_uploads, publish
from tests.conftest import Cli
from tests.support import API, FakeClock, Result, accepted, problem, task_reply

URL = "https://files.example.com/f-1.png"
MADE = "https://cdn.example.com/1.png"


class References:
    """Runs `model batch --model a/b` without a file; `bodies` are what was submitted."""

    def __init__(self, cli: Cli, work: Path) -> None:
        self.cli = cli
        self.work = work
        self.bodies: list[Any] = []
        (work / "cat.png").write_bytes(PICTURE)
        (work / "dog.png").write_bytes(png("dog", 8, 8))
        (work / "text.txt").write_text("@line:a dog\n")
        publish()
        respx.get(f"{API}/models").respond(
            json={"models": [{"slug": "a/b", "price": {"fixed": 0.04, "unit": "$/img"}}]}
        )
        respx.post(f"{API}/a/b/async").mock(side_effect=self._submit)
        self.uploads = accept_uploads()

    def _submit(self, request: httpx.Request) -> httpx.Response:
        self.bodies.append(json.loads(request.content))
        return httpx.Response(200, json=accepted(f"task-{len(self.bodies)}"))

    def __call__(self, *options: str, output: str = "json", **more: Any) -> Result:
        given = ("--model", "a/b", "--set", "prompt=x", "--yes", "--output", output, *options)
        return self.cli("model", "batch", *given, **more)


@pytest.fixture
def batch(cli: Cli, work: Path) -> Iterator[References]:
    respx.mock.start()
    yield References(cli, work)
    respx.mock.stop(quiet=True)


def test_a_file_is_uploaded_once_for_all_lines(batch: References) -> None:
    result = batch("--set", "image=@cat.png", "--matrix", "seed=1..3")
    assert result.status == 0, result.stdout
    assert [body["image"] for body in batch.bodies] == [URL] * 3
    assert batch.uploads.call_count == 1


def test_an_upload_that_lives_is_used_again(batch: References, cli: Cli) -> None:
    cli("model", "run", "a/b", "x", "-p", "image=@cat.png")
    batch("--set", "image=@cat.png", "--set", "seed=2")
    assert batch.bodies[1]["image"] == URL
    assert batch.uploads.call_count == 1


def test_a_line_may_have_each_file_of_a_matrix(batch: References) -> None:
    data = {"file_id": "f", "filename": "n", "size": 9, "type": "image/png", "created_at": "x"}
    batch.uploads.side_effect = [
        httpx.Response(200, json={"code": 0, "data": data | {"url": f"https://e.com/{name}"}})
        for name in ("cat", "dog")
    ]
    result = batch("--matrix", "image=@cat.png,@dog.png")
    assert [body["image"] for body in batch.bodies] == ["https://e.com/cat", "https://e.com/dog"]
    assert [entry["id"] for entry in result.json["tasks"]] == ["image=@cat.png", "image=@dog.png"]


def test_a_list_of_files_and_a_text_are_as_for_p(batch: References) -> None:
    options = ("--set", "image_urls[]=@cat.png", "--set", "image_urls[]=https://e.com/a")
    batch(*options, "--set", "image=@@home", "--set", "size.width=7")
    assert batch.bodies[0]["image_urls"] == [URL, "https://e.com/a"]
    assert batch.bodies[0]["image"] == "@home"


def test_a_file_of_text_is_read_and_means_nothing_else(batch: References) -> None:
    given = ("--model", "a/b", "--set", "prompt=@text.txt", "--yes", "--json")
    assert batch.cli("model", "batch", *given).status == 0
    assert batch.bodies == [{"prompt": "@line:a dog"}]


@pytest.mark.parametrize("named", ["@task:old", "@task:old[0]", "@last"])
def test_a_result_is_looked_up(batch: References, cli: Cli, named: str) -> None:
    respx.get(f"{API}/tasks/old").respond(json=task_reply("old", "success", MADE))
    cli("task", "get", "old")
    assert batch("--set", f"image={named}", "--matrix", "seed=1,2").status == 0
    assert [body["image"] for body in batch.bodies] == [MADE, MADE]


def test_a_line_is_the_same_request_as_a_run_with_p(batch: References, cli: Cli) -> None:
    cli("model", "run", "a/b", "x", "-p", "image=@cat.png")
    (batch.work / "copy.png").write_bytes(PICTURE)
    answered = cli("model", "run", "a/b", "x", "-p", "image=@copy.png", "--resume", "-q")
    assert answered.stdout == "task-1\n"
    assert batch("--set", "image=@copy.png").status == 0
    identities = cli("task", "show", "task-2", "--json").json["sameRequestTaskIds"]
    assert identities == ["task-1"]


def test_a_line_that_was_paid_for_is_known_by_the_content(
    batch: References, clock: FakeClock
) -> None:
    batch("--set", "image=@cat.png")
    (batch.work / "cat.png").rename(batch.work / "other.png")
    clock.sleep(6.5 * 86400)  # the upload has expired: another address would be sent
    again = batch("--set", "image=@other.png", "--resume")
    assert (again.status, again.json["reused"], len(batch.bodies)) == (0, 1, 1)
    assert batch.uploads.call_count == 1
    (batch.work / "other.png").write_bytes(png("else", 8, 8))
    assert batch("--set", "image=@other.png", "--resume").json["newlySubmitted"] == 1


def test_a_resume_means_the_same_last_task(batch: References, cli: Cli) -> None:
    respx.get(f"{API}/tasks/old").respond(json=task_reply("old", "success", MADE))
    cli("task", "get", "old")
    respx.post(f"{API}/a/b/async").respond(402, json=problem(402, "empty"))
    stopped = batch("--set", "image=@last", "--matrix", "image_urls[]=@last[0],https://e.com/a")
    argv = stopped.json["resumeArgv"]
    assert "image=@task:old" in argv
    assert "image_urls[]=@task:old[0],https://e.com/a" in argv
    assert "@last" not in stopped.json["resume"]


def test_nothing_is_uploaded_for_a_batch_that_is_refused(batch: References) -> None:
    file = ("--set", "image=@cat.png", "--matrix", "seed=1..3")
    assert batch(*file, "--max-cost", "0.01").status == 10
    assert batch(*file, "--max-tasks", "2").status == 2
    assert batch.cli("model", "batch", "--model", "a/b", *file).status == 2
    assert (batch.uploads.called, batch.bodies) == (False, [])


def test_an_upload_that_fails_pays_for_nothing_and_is_tried_once(batch: References) -> None:
    respx.post(FILES).respond(400, json=problem(400, "no"))
    result = batch("--set", "image=@cat.png", "--matrix", "seed=1..3")
    assert (result.status != 0, batch.bodies) == (True, [])
    assert batch.uploads.call_count == 1


def test_a_file_that_changes_while_the_batch_runs_is_not_sent(batch: References) -> None:
    real = batch._submit

    def change(request: httpx.Request) -> httpx.Response:
        (batch.work / "dog.png").write_bytes(PICTURE)
        return real(request)

    respx.post(f"{API}/a/b/async").mock(side_effect=change)
    result = batch("--matrix", "image=@cat.png,@dog.png", "--concurrency", "1")
    assert (result.status, len(batch.bodies)) == (1, 1)
    assert "dog.png changed" in result.json["tasks"][1]["error"]


def test_a_batch_with_a_file_that_is_not_there_does_not_begin(batch: References) -> None:
    result = batch("--set", "image=@none.png")
    assert (result.status, batch.bodies) == (2, [])
    assert "none.png" in result.json["error"]["message"]


def test_a_check_takes_a_file_for_its_address(batch: References) -> None:
    assert batch("--set", "image=@cat.png", "--check").status == 0


def test_a_dry_run_looks_results_up_and_says_what_stays_open(batch: References) -> None:
    respx.get(f"{API}/tasks/old").respond(json=task_reply("old", "success", MADE))
    options = ("--set", "image=@cat.png", "--set", "image_urls[]=@task:old", "--matrix", "n=1,2")
    shown = batch(*options, "--dry-run")
    assert (shown.status, shown.json["total"]) == (0, 2)
    assert shown.json["unresolved"] == ["--set image=@cat.png: the file would be uploaded"]
    assert (batch.uploads.called, batch.bodies) == (False, [])
    lines = batch(*options, "--dry-run", output="jsonl").stdout.splitlines()
    assert json.loads(lines[0])["body"]["image"] == "@cat.png"
    assert json.loads(lines[0])["body"]["image_urls"] == [MADE]


def test_a_dry_run_without_the_network_says_which_result_is_open(batch: References) -> None:
    respx.get(f"{API}/tasks/old").mock(side_effect=httpx.ConnectError("down"))
    shown = batch("--set", "image=@task:old", "--dry-run")
    assert (shown.status, len(shown.json["unresolved"])) == (0, 1)
    assert batch("--set", "image=@task:old").status != 0
    assert batch.bodies == []


@pytest.mark.parametrize("name", ["d" * 120 + ".png", "a\tb.png", "a\nb.png"])
def test_whatever_a_file_is_called_its_line_says_that_it_would_be_uploaded(
    batch: References, name: str
) -> None:
    (batch.work / "cat.png").rename(batch.work / name)
    shown = batch("--set", f"image=@{name}", "--dry-run", output="jsonl").stdout
    assert len(json.loads(shown)["unresolved"]) == 1


def test_json_lines_of_a_dry_run_say_what_is_not_what_would_be_sent(batch: References) -> None:
    options = ("--set", "image=@cat.png", "--matrix", "n=1,2")
    lines = [
        json.loads(text)
        for text in batch(*options, "--dry-run", output="jsonl").stdout.splitlines()
    ]
    unresolved = ["--set image=@cat.png: the file would be uploaded"]
    assert [line["unresolved"] for line in lines] == [unresolved] * 2
    assert batch(*options).status == 0  # which uploads it
    shown = json.loads(batch(*options, "--new", "--dry-run", output="jsonl").stdout.splitlines()[0])
    assert shown["body"]["image"].startswith("https://")
    assert "unresolved" not in shown


def test_a_line_that_a_dry_run_could_not_complete_is_no_task(batch: References) -> None:
    """Otherwise the name of the file would be paid for as a text."""
    written = batch("--set", "image=@cat.png", "--dry-run", output="jsonl").stdout
    result = batch.cli("model", "batch", "-", "--yes", stdin=written.encode())
    assert result.status == 2
    assert "--set image=@cat.png: the file would be uploaded" in result.stderr
    assert batch.bodies == []


@pytest.mark.parametrize("extra", [(), ("--dry-run",)])
@pytest.mark.parametrize("given", [
    ("--set", "image=@cat.png"), ("--matrix", "image=@other.png,@cat.png"),
])  # fmt: skip
def test_results_never_overwrite_a_file_that_is_to_be_sent(
    batch: References, extra: tuple[str, ...], given: tuple[str, ...]
) -> None:
    picture = (batch.work / "cat.png").read_bytes()
    (batch.work / "other.png").write_bytes(picture)
    result = batch(*given, "--results", "cat.png", *extra)
    assert (result.status, batch.bodies) == (2, [])
    assert "--results names a file of --set or --matrix" in result.stdout + result.stderr
    assert (batch.work / "cat.png").read_bytes() == picture
