"""docs/modellix-cli-entry.cjs: modellix-cli for programs that run `node ENTRY …`."""

import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

ENTRY = Path(__file__).parent.parent / "docs" / "modellix-cli-entry.cjs"
NODE = shutil.which("node")
pytestmark = pytest.mark.skipif(
    NODE is None or sys.platform == "win32", reason="needs Node, and POSIX signals"
)


@pytest.fixture
def node_env(env: dict[str, str]) -> dict[str, str]:
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    return env | {"PATH": path, "MODELLIX_SANDBOX": "1"}


def start(env: dict[str, str], *arguments: str) -> "subprocess.Popen[bytes]":
    pipe = subprocess.PIPE
    command = [str(NODE), str(ENTRY), *arguments]
    return subprocess.Popen(command, env=env, stdin=pipe, stdout=pipe, stderr=pipe)


def run(env: dict[str, str], *arguments: str, stdin: bytes = b"") -> tuple[int, bytes, bytes]:
    process = start(env, *arguments)
    out, err = process.communicate(stdin, timeout=60)
    return process.returncode, out, err


def program(folder: Path, script: str) -> str:
    file = folder / "program"
    file.write_text(f"#!/bin/sh\n{script}\n")
    file.chmod(0o755)
    return str(file)


@pytest.mark.slow
def test_arguments_stdin_stdout_and_the_status_pass_through(node_env: dict[str, str]) -> None:
    line = ("model", "run", "sandbox/image", "--body-file", "-", "--json")
    status, out, err = run(node_env, *line, stdin=b'{"prompt": "a b  \xe7\x8c\xab"}')
    assert (status, err) == (0, b"")
    assert json.loads(out)["code"] == 0
    assert run(node_env, "frobnicate", "--json")[0] == 127


def test_sigterm_reaches_the_program_and_its_status_comes_back(
    node_env: dict[str, str], tmp_path: Path
) -> None:
    trap = program(
        tmp_path, "trap 'echo stopped; exit 143' TERM; echo ready; while :; do sleep 0.05; done"
    )
    process = start(node_env | {"MODELLIX_CLI_PROGRAM": trap})
    assert process.stdout is not None
    assert process.stdout.readline() == b"ready\n"
    process.send_signal(signal.SIGTERM)
    assert process.communicate(timeout=30)[0] == b"stopped\n"
    assert process.returncode == 143


def test_a_program_that_a_signal_ended_ends_its_starter_by_that_signal(
    node_env: dict[str, str], tmp_path: Path
) -> None:
    killed = program(tmp_path, "kill -TERM $$")
    assert run(node_env | {"MODELLIX_CLI_PROGRAM": killed})[0] == -signal.SIGTERM


def test_a_program_that_is_not_installed_is_127_and_says_how_to_install_it(
    node_env: dict[str, str],
) -> None:
    status, out, err = run(node_env | {"MODELLIX_CLI_PROGRAM": "no-such-program"})
    assert (status, out) == (127, b"")
    assert b"pipx install modellix-cli" in err
