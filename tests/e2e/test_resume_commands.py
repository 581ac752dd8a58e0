"""The command that a result names to go on with: run as it is, it completes what was begun."""

import json
import shlex
import signal
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.batches import LINES, Batches, batch, running_service
from tests.e2e.conftest import COMMAND, Ran
from tests.e2e.orders import SAVING, again, ended, made, run, until

__all__ = ["batch", "running_service"]

PIPES = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
SAVE = (*SAVING, "--output-dir", "out dir")
OPTIONS: dict[str, Sequence[str]] = {
    "none": (),
    "saving": (*SAVE, "--overwrite", "--max-bytes", "5000000", "--parallel", "2"),
    "names": (*SAVE, "--name-template", "{index} it's {task_id}.{ext}", "--max-resources", "7"),
    "results": ("--results", "results file.jsonl", "--continue-on-unknown", "--max-tasks", "50"),
    "waiting": ("--wait", "--timeout", "5m", "--interval", "200ms", "--max-retry-wait", "20s"),
    "limits": ("--max-cost", "5", "--max-body-bytes", "100000", "--max-input-bytes", "900000"),
    "profile": ("--profile", "work", "--no-progress", "--no-color"),
    "checked": ("--check", "--json"),
}

NOT_NEEDED = {"--check", "--results", "--no-progress", "--no-color", "--max-tasks"}


def interrupt(batch: Batches, *options: str, source: str | None = None) -> Ran:
    """Stop a batch that sends slowly when it has made two tasks."""
    batch.served.change(latency=0.3)
    words = ("model", "batch", source or str(batch.path), "--yes", "--concurrency", "1")
    running = batch.shell.start(*words, *options, **PIPES)
    until(lambda: made(batch) >= 2 or running.poll() is not None)
    running.send_signal(signal.SIGINT)
    out, err = running.communicate(timeout=30)
    batch.served.change(latency=0)
    return Ran(running.returncode, out, err.decode())


def execute(batch: Batches, argv: list[Any], stdin: bytes = b"") -> Ran:
    """Run a command as it was told, from the folder of the first one."""
    assert all(isinstance(word, str) for word in argv), argv
    assert Path(argv[0]).name == "modellix-cli"
    ran = subprocess.run(
        [COMMAND, *argv[1:]], env=batch.shell.env, cwd=batch.shell.cwd,
        input=stdin, capture_output=True, timeout=60, check=False,
    )  # fmt: skip
    return Ran(ran.returncode, ran.stdout, ran.stderr.decode())


@pytest.mark.parametrize("options", OPTIONS.values(), ids=OPTIONS)
def test_the_command_of_an_interrupted_batch_completes_it(
    batch: Batches, options: Sequence[str]
) -> None:
    stopped = interrupt(batch, *options)
    assert stopped.status == -signal.SIGINT, ended(stopped)
    ran = execute(batch, stopped.json["resumeArgv"])
    assert ran.status == 0, ended(ran)
    assert [entry["taskId"] for entry in ran.json["tasks"]] == batch.ids()
    assert None not in batch.ids()
    needed = {word for word in options if word.startswith("--")} - NOT_NEEDED
    assert needed <= set(stopped.json["resumeArgv"])
    if "--output-dir" in options:
        assert len(list((batch.shell.cwd / "out dir").iterdir())) == LINES


def test_the_command_carries_the_address_that_was_given(batch: Batches) -> None:
    url = batch.shell.env.pop("MODELLIX_BASE_URL")
    stopped = interrupt(batch, "--base-url", url)
    ran = execute(batch, stopped.json["resumeArgv"])
    assert ran.status == 0, ended(ran)
    assert None not in batch.ids()


def test_the_text_of_the_command_is_the_same_command(batch: Batches) -> None:
    stopped = interrupt(batch, *OPTIONS["names"])
    assert shlex.split(stopped.json["resume"]) == stopped.json["resumeArgv"]
    line = next(line for line in stopped.stderr.splitlines() if line.startswith("Resume with: "))
    assert shlex.split(line.removeprefix("Resume with: ")) == stopped.json["resumeArgv"]


@pytest.mark.parametrize(
    "name", ["it's $HOME.jsonl", "-lines.jsonl", "two  blanks.jsonl", "ü.jsonl"]
)
def test_the_command_names_any_file(batch: Batches, name: str) -> None:
    path = batch.shell.cwd / name
    batch.path.rename(path)
    batch.path = path
    source = f"./{name}" if name.startswith("-") else name
    stopped = interrupt(batch, source=source)
    ran = execute(batch, stopped.json["resumeArgv"])
    assert ran.status == 0, ended(ran)
    line = subprocess.run(
        ["bash", "-c", stopped.json["resume"].replace("modellix-cli", shlex.quote(COMMAND), 1)],
        env=batch.shell.env, cwd=batch.shell.cwd, capture_output=True, check=False,
    )  # fmt: skip
    assert line.returncode == 0, line.stderr
    assert None not in batch.ids()


def test_the_command_of_a_batch_from_stdin_takes_it_from_stdin(batch: Batches) -> None:
    text = batch.path.read_bytes()
    batch.served.change(post_status=402, post_good=2)
    words = ("model", "batch", "-", "--yes", "--concurrency", "1", "--json")
    stopped = batch.shell(*words, stdin=text)
    assert stopped.status == 4, ended(stopped)
    batch.served.change(post_status=0)
    ran = execute(batch, stopped.json["resumeArgv"], text)
    assert ran.status == 0, ended(ran)
    assert None not in batch.ids()


def test_the_command_never_resends_nor_starts_over(batch: Batches) -> None:
    batch.write({}, {})
    batch.served.change(lost_posts=2)
    again(batch, "--continue-on-unknown")
    batch.served.change(lost_posts=2)
    ran = again(batch, "--resume", "--resend-unknown", "--continue-on-unknown", "--retry-failed")
    argv = ran.json["resumeArgv"]
    assert not {"--resend-unknown", "--new", "--retry-failed"} & set(argv)
    execute(batch, argv)
    assert batch.posts == 4


def test_a_batch_that_is_done_names_no_command(batch: Batches) -> None:
    ran = again(batch)
    assert (ran.json["resume"], ran.json["resumeArgv"]) == (None, None)


def test_no_command_holds_the_key(batch: Batches) -> None:
    key = batch.shell.env["MODELLIX_API_KEY"]
    stopped = interrupt(batch, "--api-key", key)
    assert key not in stopped.stdout.decode() + stopped.stderr


def test_the_command_of_a_wait_that_timed_out_waits_on(batch: Batches) -> None:
    body = {"prompt": "1", "_seconds": 3}
    stopped = run(batch, "--wait", "--timeout", "1s", body=body)
    assert stopped.status == 124, ended(stopped)
    argv = shlex.split(stopped.json["error"]["resume"])
    ran = execute(batch, argv)
    assert ran.status == 0, ended(ran)
    assert batch.posts == 1


def files_of(ran: Ran) -> list[Path]:
    found = [file for entry in ran.json["tasks"] for file in entry["files"]]
    return [Path(file if isinstance(file, str) else file["path"]) for file in found]


def test_files_that_a_resume_reports_exist(batch: Batches) -> None:
    batch.write({}, {}, {})
    first = again(batch, *SAVE)
    assert first.status == 0, ended(first)
    files = files_of(first)
    (batch.shell.cwd / files[0]).unlink()
    (batch.shell.cwd / files[1]).write_bytes(b"cut")
    ran = again(batch, *SAVE, "--resume")
    assert ran.status == 0, ended(ran)
    assert len(files_of(ran)) == 3
    for file in files_of(ran):
        assert (batch.shell.cwd / file).read_bytes().startswith(b"\x89PNG")
    assert batch.posts == 3


def test_a_resume_into_another_folder_fetches_into_that(batch: Batches) -> None:
    batch.write({}, {})
    assert again(batch, *SAVE).status == 0
    ran = again(batch, *SAVING, "--output-dir", "elsewhere", "--resume")
    assert ran.status == 0, ended(ran)
    assert len(list((batch.shell.cwd / "elsewhere").iterdir())) == 2
    for file in files_of(ran):
        assert (batch.shell.cwd / file).resolve().parent == batch.shell.cwd / "elsewhere"
    assert batch.posts == 2


def test_files_that_are_there_are_not_fetched_again(batch: Batches) -> None:
    batch.write({}, {})
    first = again(batch, *SAVE)
    media = batch.served.stats()["media"]
    ran = again(batch, *SAVE, "--resume")
    assert ran.status == 0, ended(ran)
    assert files_of(ran) == files_of(first)
    assert batch.served.stats()["media"] == media
    assert len(list((batch.shell.cwd / "out dir").iterdir())) == 2


def test_a_resume_in_jsonl_tells_every_line(batch: Batches) -> None:
    interrupt(batch)
    ran = batch("--resume", "--output", "jsonl")
    entries = [json.loads(line) for line in ran.stdout.splitlines()]
    assert {entry["taskId"] for entry in entries if "index" in entry} == set(batch.ids())
