"""Tab in real shells: in a terminal of their own, with what `completion install` put there."""

import os
import pty
import re
import select
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from tests.e2e.conftest import COMMAND, Shell

STYLES = re.compile(r"\x1b(?:\[[0-9;?]*[A-Za-z]|[=>]|\][^\x07]*\x07)|[\x07\r]")
PATIENCE = 20.0
"""Seconds until a shell must have answered; it is asked again and again, never slept for."""


def needs(program: str) -> pytest.MarkDecorator:
    return pytest.mark.skipif(shutil.which(program) is None, reason=f"there is no {program}")


class Typist:
    """A shell at a terminal of 150 columns, and somebody who types."""

    def __init__(self, argv: list[str], env: dict[str, str], folder: Path) -> None:
        self._pid, self._terminal = pty.fork()
        if self._pid == 0:
            os.chdir(folder)
            os.execvpe(argv[0], argv, env)
        self._seen = ""
        self.wait_for("ready>")

    def type(self, keys: str) -> None:
        self._seen = ""
        os.write(self._terminal, keys.encode())

    def wait_for(self, text: str) -> str:
        """Return what was shown since the last keys, once `text` is part of it."""
        end = time.monotonic() + PATIENCE
        while text not in STYLES.sub("", self._seen):
            left = end - time.monotonic()
            assert left > 0, f"{text!r} did not come, but {self._seen!r}"
            if select.select([self._terminal], [], [], left)[0]:
                self._seen += os.read(self._terminal, 65536).decode("utf-8", "replace")
        return STYLES.sub("", self._seen)

    def words_after_tab(self, typed: str) -> list[str]:
        """Return the words of the line that Tab makes of `typed`: the shell prints them."""
        self.type(f"{typed}\t\x01printf '{{%s}}' \r")
        shown = re.search(r"\n((?:\{[^}]*\})+)", self.wait_for("ready>"))
        assert shown, self._seen
        return [word.rstrip("/") for word in re.findall(r"\{([^}]*)\}", shown[1])]

    def close(self) -> None:
        with suppress(ProcessLookupError):
            os.kill(self._pid, signal.SIGKILL)
        os.close(self._terminal)
        os.waitpid(self._pid, 0)


@pytest.fixture
def home(shell: Shell) -> Path:
    """A home folder with a list of models, two tasks and a file."""
    shell.env.pop("MODELLIX_BASE_URL", None)
    shell.env["MODELLIX_SANDBOX"] = "1"
    for name in ("XDG_CONFIG_HOME", "XDG_DATA_HOME", "ZDOTDIR"):
        shell.env.pop(name, None)
    shell.env["PATH"] = f"{Path(COMMAND).parent}{os.pathsep}{os.environ['PATH']}"
    shell.env |= {"TERM": "xterm", "COLUMNS": "150", "LC_ALL": "C.UTF-8"}
    assert shell("model", "list", "-q").status == 0
    assert shell("model", "run", "sandbox/image", "--body", '{"prompt": "x"}').status == 0
    (shell.cwd / "tasks.jsonl").touch()
    (shell.cwd / "pictures").mkdir()
    return Path(shell.env["HOME"])


def installed(shell: Shell, name: str) -> None:
    assert shell("completion", "install", "--shell", name).status == 0


COMPLETED = [
    ("modellix-cli tas", ["modellix-cli", "task"]),
    ("modellix-cli task get @l", ["modellix-cli", "task", "get", "@last"]),
    ("modellix-cli model run sandbox/im", ["modellix-cli", "model", "run", "sandbox/image"]),
    ("modellix-cli model list --type=text-to-sp", ["--type=text-to-speech"]),
    ("modellix-cli model list --type text-to-sp", ["--type", "text-to-speech"]),
    ("modellix-cli task get --output=j", ["--output=json"]),
    ("modellix-cli model batch tas", ["modellix-cli", "model", "batch", "tasks.jsonl"]),
    ("modellix-cli model batch --results=tas", ["--results=tasks.jsonl"]),
    ("modellix-cli model run --output-dir pic", ["--output-dir", "pictures"]),
    ('modellix-cli model run "it\'s" --body-', ["it's", "--body-file"]),
    ("modellix-cli model run 'a b' --body-", ["a b", "--body-file"]),
]
"""What is typed, and with which words the line ends after Tab."""


def check(typist: Typist, *more: tuple[str, list[str]]) -> None:
    for typed, words in [*COMPLETED, *more]:
        assert typist.words_after_tab(typed)[-len(words) :] == words


@pytest.fixture
def bash(home: Path, shell: Shell) -> Iterator[Typist]:
    (home / ".bashrc").write_text("alias mx='modellix-cli'\nalias mt='modellix-cli task'\n")
    installed(shell, "bash")
    with (home / ".bashrc").open("a") as file:
        file.write("PS1='ready> '\nbind 'set enable-bracketed-paste off'\n")
    argv = ["bash", "--noprofile", "--rcfile", str(home / ".bashrc"), "-i"]
    typist = Typist(argv, shell.env, shell.cwd)
    yield typist
    typist.close()


def test_bash_completes(bash: Typist) -> None:
    check(bash)


def test_bash_completes_aliases(bash: Typist) -> None:
    assert bash.words_after_tab("mx model run sandbox/im") == [
        "mx",
        "model",
        "run",
        "sandbox/image",
    ]
    assert bash.words_after_tab("mt get @l") == ["mt", "get", "@last"]


@needs("zsh")
@pytest.mark.parametrize("startup", [
    "{installed}",
    "autoload -Uz compinit && compinit -i\n{installed}",
    "fpath=(~/.local/share/zsh/site-functions $fpath)\nautoload -Uz compinit && compinit -i",
], ids=["without compinit", "after compinit", "from fpath"])  # fmt: skip
def test_zsh_completes(home: Path, shell: Shell, startup: str) -> None:
    installed(shell, "zsh")
    rc = home / ".zshrc"
    rest = "alias mx=modellix-cli\nbindkey -e\nPS1='ready> '\n"
    rc.write_text(f"{startup.format(installed=rc.read_text())}\n{rest}")
    typist = Typist(["zsh", "-d", "-i"], shell.env, shell.cwd)
    try:
        check(typist, ("mx task get @l", ["task", "get", "@last"]))
    finally:
        typist.close()


@needs("fish")
def test_fish_completes(home: Path, shell: Shell) -> None:
    installed(shell, "fish")
    for typed, completed in COMPLETED:
        ran = subprocess.run(
            ["fish", "-c", 'alias mx=modellix-cli; complete -C "$argv[1]"', typed],
            env=shell.env, cwd=shell.cwd, capture_output=True, text=True, timeout=60, check=True,
        )  # fmt: skip
        words = [line.partition("\t")[0].rstrip("/") for line in ran.stdout.splitlines()]
        assert words == [completed[-1]], ran.stderr
