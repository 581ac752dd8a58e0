"""Commands and programs that `--curl` and `--snippet` print, run as they are."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from modellix_cli.output.snippets import RequestAsCode
from tests.e2e.conftest import Served

BODY = '{"prompt": "it\'s $5 \\"two\\" \u732b"}'
PROGRAMS = [
    ("python", "program.py", sys.executable),
    ("javascript", "program.mjs", "node"),
    ("curl", "program.sh", "bash"),
]


def code(server: Served) -> RequestAsCode:
    api = f"{server.url}/api/v1"
    return RequestAsCode(f"{api}/sandbox/image/async", api, BODY)


def run(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    env = os.environ | {"MODELLIX_API_KEY": "any", "NO_PROXY": "*"}
    return subprocess.run(
        words, cwd=folder, env=env, capture_output=True, text=True, timeout=120, check=False
    )


@pytest.mark.parametrize(("language", "name", "program"), PROGRAMS)
def test_a_program_submits_once_waits_and_saves(
    sandbox: Served, tmp_path: Path, language: str, name: str, program: str
) -> None:
    needed = [program, "jq", "curl"] if language == "curl" else [program]
    if not all(shutil.which(each) for each in needed):
        pytest.skip(f"needs {', '.join(needed)}")
    (tmp_path / name).write_text(code(sandbox).program(language), encoding="utf-8")
    ended = run(tmp_path, program, name)
    assert (ended.returncode, ended.stderr) == (0, "")
    assert ended.stdout.splitlines()[-1] == "Saved: result-1.png"
    assert (tmp_path / "result-1.png").read_bytes().startswith(b"\x89PNG")
    assert sandbox.stats()["posts"] == {"sandbox/image": 1}


@pytest.mark.skipif(shutil.which("curl") is None, reason="needs curl")
def test_the_curl_command_works_as_printed(sandbox: Served, tmp_path: Path) -> None:
    ended = run(tmp_path, "sh", "-c", code(sandbox).curl())
    assert '"task_id"' in ended.stdout
    assert sandbox.stats()["posts"] == {"sandbox/image": 1}
