"""Values that are hostile to shells arrive as they were given, and come back in printed commands.

Printed commands are read by the shells that are installed: bash, zsh and fish.
"""

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import respx

from modellix_cli.domain.shell import join
from modellix_cli.inputs.parameters import write_text
from tests.commands.test_run_parameters import schema
from tests.conftest import Cli
from tests.hostile import VALUES, windows_words
from tests.support import API, Result, accepted, problem

ROUTE = f"{API}/a/b/async"
DUMP = "import json, sys; print(json.dumps(sys.argv[1:]))"
SHELLS = [
    pytest.param(name, marks=pytest.mark.skipif(shutil.which(name) is None, reason=f"needs {name}"))
    for name in ("bash", "zsh", "fish")
]
KEYS = {f"k{number}": value for number, value in enumerate(VALUES)}


class Bodies(list[Any]):
    """What was submitted; with `broke` everything is refused."""

    broke = False

    def submit(self, request: httpx.Request) -> httpx.Response:
        if self.broke:
            return httpx.Response(402, json=problem(402, "empty"))
        self.append(json.loads(request.content))
        return httpx.Response(200, json=accepted(f"task-{len(self)}"))


@pytest.fixture
def bodies() -> Iterator[Bodies]:
    with respx.mock(assert_all_called=False) as router:
        sent = Bodies()
        router.post(ROUTE).mock(side_effect=sent.submit)
        texts = {key: {"type": "string"} for key in ("prompt", *KEYS)}
        router.get("https://www.modellix.ai/models/a/b/api_schema").respond(json=schema(texts))
        router.get(f"{API}/models").respond(json={"models": []})
        yield sent


def parameters(option: str) -> list[str]:
    """Return the options that set every value, each under a key of its own."""
    return [word for key, text in KEYS.items() for word in (option, f"{key}={write_text(text)}")]


def read_by(shell: str, line: str, folder: Path) -> list[str]:
    """Return the words that a shell makes of a line, but for the first one."""
    program = folder / "program"
    program.write_text(f"#!{sys.executable}\n{DUMP}\n")
    program.chmod(0o755)
    words = [shell, "--no-config" if shell == "fish" else "-f" if shell == "zsh" else "--norc"]
    ran = subprocess.run(
        [*words, "-c", re.sub(r"^\S+", str(program), line)],
        cwd=folder, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert ran.stderr == ""
    read: list[str] = json.loads(ran.stdout)
    return read


def test_there_are_twenty_different_values() -> None:
    assert len(set(VALUES)) == 20


@pytest.mark.parametrize("shell", SHELLS)
def test_a_line_is_read_back_by_each_shell(shell: str, work: Path) -> None:
    assert read_by(shell, join(["x", *VALUES]), work) == list(VALUES)


def test_a_line_has_nothing_that_a_terminal_acts_on() -> None:
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", join(VALUES))


def test_parameters_arrive_as_they_were_given(cli: Cli, bodies: Bodies) -> None:
    assert cli("model", "run", "a/b", *parameters("-p")).status == 0
    assert bodies == [KEYS]


def test_parameters_arrive_by_the_rules_of_windows(cli: Cli, bodies: Bodies) -> None:
    line = subprocess.list2cmdline(["model", "run", "a/b", *parameters("-p")])
    assert cli(*windows_words(line)).status == 0
    assert bodies == [KEYS]


@pytest.mark.parametrize("value", [value for value in VALUES if value.strip()])
def test_a_prompt_arrives_as_it_was_given(cli: Cli, bodies: Bodies, value: str) -> None:
    assert cli("model", "run", "--", "a/b", value).status == 0
    assert bodies == [{"prompt": value}]


def test_a_request_that_is_sent_again_has_them(cli: Cli, bodies: Bodies) -> None:
    cli("model", "run", "a/b", "--body", "{}")
    assert cli("task", "rerun", "task-1", *parameters("-p")).status == 0
    assert cli("task", "rerun", "task-2").status == 0
    assert bodies == [{}, KEYS, KEYS]


def test_values_of_a_batch_arrive_as_they_were_given(cli: Cli, bodies: Bodies) -> None:
    line = json.dumps({"modelSlug": "a/b", "body": KEYS}).encode()
    assert cli("model", "batch", "-", "--yes", stdin=line).status == 0
    options = ("--model", "a/b", "--yes", "--new", *parameters("--set"))
    assert cli("model", "batch", *options).status == 0
    assert bodies == [KEYS] * 2


@pytest.fixture
def stopped(cli: Cli, bodies: Bodies) -> Result:
    """Return the result of a batch that is to be resumed."""
    bodies.broke = True
    options = ("--model", "a/b", "--yes", "--json", *parameters("--set"))
    result = cli("model", "batch", *options)
    assert result.status == 4
    return result


@pytest.mark.parametrize("shell", SHELLS)
def test_the_command_that_resumes_is_read_back_by_each_shell(
    shell: str, stopped: Result, work: Path
) -> None:
    argv = stopped.json["resumeArgv"][1:]
    assert set(parameters("--set")) <= set(argv)
    assert read_by(shell, stopped.json["resume"], work) == argv
    told = stopped.stderr.partition("Resume with: ")[2].removesuffix("\n")
    assert read_by(shell, told, work) == argv


def test_the_command_that_resumes_asks_for_the_same(
    cli: Cli, bodies: Bodies, stopped: Result
) -> None:
    bodies.broke = False
    assert cli(*stopped.json["resumeArgv"][1:]).status == 0
    assert bodies == [KEYS]


@pytest.mark.parametrize("shell", SHELLS)
def test_the_curl_command_is_read_back_by_each_shell(
    shell: str, cli: Cli, bodies: Bodies, work: Path
) -> None:
    printed = cli("model", "run", "a/b", *parameters("-p"), "--curl").stdout
    words = read_by(shell, printed, work)
    assert json.loads(words[words.index("--data-raw") + 1]) == KEYS
    assert bodies == []


@pytest.mark.parametrize("shell", SHELLS)
def test_the_command_that_makes_a_file_again_is_read_back_by_each_shell(
    shell: str, cli: Cli, work: Path
) -> None:
    made = ("model", "run", "sandbox/image", "--sandbox", "--no-check", "--json", "--wait")
    saving = ("--output-dir", ".", "--name-template", "made.{ext}", "--embed")
    prompt = " ".join(VALUES)
    assert cli(*made, *saving, "--body", json.dumps({"prompt": prompt})).status == 0
    (work / "ledger").mkdir()
    elsewhere = {"XDG_STATE_HOME": str(work / "ledger")}
    found = cli("which", "made.png", "--json", env=elsewhere)
    argv = found.json["againArgv"][1:]
    assert any(prompt in word or json.dumps(prompt)[1:9] in word for word in argv)
    assert read_by(shell, found.json["again"], work) == argv
