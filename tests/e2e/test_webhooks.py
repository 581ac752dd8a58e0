"""`webhook listen` as a process: the sandbox delivers, a wait in another process ends with it."""

import json
import os
import re
import shlex
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.e2e.conftest import COMMAND, Served, Shell
from tests.support import KEY
from tests.webhooks.deliveries import body, headers

Listen = Callable[..., "Listener"]


class Listener:
    """The command, listening; what it tells comes as JSON Lines."""

    def __init__(self, shell: Shell, *options: str) -> None:
        self.process = shell.start(
            *("webhook", "listen", "--port", "0", "--json", *options),
            stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip
        self.url = str(self.next()["url"])

    def next(self) -> Any:
        assert self.process.stdout is not None
        return json.loads(self.process.stdout.readline())

    def stop(self) -> tuple[list[Any], str]:
        """End it with Ctrl-C; return what it still told, and what it said on stderr."""
        self.process.send_signal(signal.SIGINT)
        out, err = self.process.communicate(timeout=30)
        assert self.process.returncode == 0
        return [json.loads(line) for line in out.splitlines()], err.decode()

    def deliver(self, delivery_id: str, task_id: str = "t-1") -> int:
        about = headers(task_id, delivery_id)
        request = urllib.request.Request(self.url, body(task_id), about)
        with urllib.request.urlopen(request, timeout=30) as reply:
            return int(reply.status)


@pytest.fixture
def listen(shell: Shell) -> Iterator[Listen]:
    started: list[Listener] = []

    def start(*options: str) -> Listener:
        started.append(Listener(shell, *options))
        return started[-1]

    yield start
    for listener in started:
        if listener.process.poll() is None:
            listener.process.kill()
        listener.process.communicate()


def submit(sandbox: Served, webhook: str) -> str:
    """Submit a task as a program without this one would."""
    request = urllib.request.Request(
        f"{sandbox.url}/api/v1/sandbox/image/async",
        b'{"prompt": "a cat"}',
        {"Authorization": f"Bearer {KEY}", "X-Webhook-URL": webhook},
    )
    with urllib.request.urlopen(request, timeout=10) as reply:
        return str(json.load(reply)["data"]["task_id"])


@pytest.fixture
def slow_sandbox(shell: Shell) -> Iterator[Served]:
    """A sandbox whose tasks take long enough that a wait begins before they end."""
    server = shell.start(
        *("sandbox", "serve", "--port", "0", "--task-time", "6s", "--repeat-webhooks", "1"),
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    assert server.stdout is not None
    shell.env["MODELLIX_BASE_URL"] = server.stdout.readline().decode().strip()
    yield Served(shell.env["MODELLIX_BASE_URL"])
    server.terminate()
    server.communicate(timeout=10)


def test_a_wait_ends_with_the_delivery_and_not_with_the_next_poll(
    shell: Shell, slow_sandbox: Served, listen: Listen
) -> None:
    listener = listen()
    task_id = submit(slow_sandbox, listener.url)
    began = time.monotonic()
    ran = shell("task", "wait", task_id, "--interval", "50s")
    assert (ran.status, ran.json["data"]["status"]) == (0, "success")
    assert re.search("(pending|processing) after", ran.stderr)
    assert time.monotonic() - began < 30
    assert listener.next()["taskId"] == task_id


def test_the_sandbox_of_a_run_delivers_to_this_machine(shell: Shell, listen: Listen) -> None:
    listener = listen("--sandbox")
    run = ("model", "run", "sandbox/image", "--body", '{"prompt": "a cat"}', "--sandbox", "--wait")
    ran = shell(*run, "--webhook", listener.url)
    assert ran.status == 0
    told = listener.next()
    assert (told["taskId"], told["known"]) == (ran.json["data"]["task_id"], True)


def test_the_run_to_try_works_as_it_is_printed_in_another_terminal(shell: Shell) -> None:
    chosen = shell.env | {"MODELLIX_SANDBOX": "1"}
    listening = subprocess.Popen(
        [COMMAND, "webhook", "listen", "--port", "0", "--output", "human"],
        env=chosen, cwd=shell.cwd, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert listening.stderr is not None
    told = next(line for line in listening.stderr if "Try it: " in line)
    assert shell(*shlex.split(told.partition("Try it: ")[2])[1:]).status == 0
    listening.send_signal(signal.SIGINT)
    assert "1 delivery." in listening.communicate(timeout=30)[1]


def test_a_batch_line_takes_a_webhook_of_this_machine(
    shell: Shell, sandbox: Served, listen: Listen
) -> None:
    listener = listen()
    line = {"modelSlug": "sandbox/image", "body": {"prompt": "a"}, "webhook": listener.url}
    ran = shell("model", "batch", "-", "--yes", "--wait", stdin=json.dumps(line).encode())
    assert ran.status == 0
    assert listener.next()["taskId"] == ran.json["tasks"][0]["taskId"]


def test_many_deliveries_and_their_repeats_are_told_once(listen: Listen) -> None:
    many = int(os.environ.get("DELIVERIES", "1000"))
    listener = listen()
    lines: list[Any] = []
    with ThreadPoolExecutor(9) as pool:
        reading = pool.submit(lambda: lines.extend(listener.next() for _ in range(many)))
        names = [f"d-{number}" for number in range(many)] + [f"d-{n}" for n in range(500)]
        assert set(pool.map(listener.deliver, names, chunksize=50)) == {200}
        reading.result(60)
    assert len({line["deliveryId"] for line in lines}) == many
    (summary,), _ = listener.stop()
    assert (summary["deliveries"], summary["repeats"]) == (many, 500)


def test_a_listener_that_is_started_again_knows_what_it_told(listen: Listen) -> None:
    first = listen()
    assert first.deliver("d-1") == 200
    first.next()
    first.stop()
    second = listen()
    assert second.deliver("d-1") == 200
    told, stderr = second.stop()
    assert [(line["type"], line["repeats"]) for line in told] == [("summary", 1)]
    assert stderr == ""


def test_the_command_runs_once_without_the_key_and_its_failure_ends_nothing(
    listen: Listen,
) -> None:
    program = (
        "import os, sys; print('env', 'MODELLIX_API_KEY' in os.environ); "
        "sys.exit(os.environ['MODELLIX_TASK_ID'] == 'bad')"
    )
    listener = listen("--exec", f'{sys.executable} -c "{program}"')
    for delivery_id, task_id in (("d-1", "bad"), ("d-1", "bad"), ("d-2", "good")):
        assert listener.deliver(delivery_id, task_id) == 200
    told, stderr = listener.stop()
    assert [line.get("taskId") for line in told] == ["bad", "good", None]
    assert told[-1]["failedCommands"] == 1
    assert stderr.splitlines().count("env False") == 2
    assert "The command for task bad failed with status 1." in stderr
