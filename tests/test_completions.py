"""Completion: the scripts in completions/ are what the program prints, and Tab is answered."""

import shlex
import subprocess
from pathlib import Path

import pytest
import respx

from completions.generate import FILES
from modellix_cli.clock import Clock
from modellix_cli.models.cache import ModelCache
from tests.conftest import Cli
from tests.e2e.conftest import COMMAND
from tests.support import API, BASE, KEY, invoke, task_reply

FOLDER = Path(__file__).parent.parent / "completions"


@pytest.mark.parametrize("shell", FILES)
def test_the_committed_script_is_the_one_that_is_printed(cli: Cli, shell: str) -> None:
    assert (FOLDER / FILES[shell]).read_text(encoding="utf-8") == cli("completion", shell).stdout


@pytest.mark.parametrize(("words", "wanted"), [
    ("modellix-cli ", {"model", "task", "sandbox"}),
    ("modellix-cli task ", {"get", "wait", "download", "history"}),
    ("modellix-cli file ", {"upload", "delete"}),
    ("modellix-cli task w", {"wait"}),
    ("modellix-cli model run --body", {"--body", "--body-file"}),
    ("modellix-cli --sandbox task get --q", {"--quiet"}),
    ("modellix-cli completion z", {"zsh"}),
])  # fmt: skip
def test_bash_is_told_what_could_follow(words: str, wanted: set[str]) -> None:
    assert wanted <= set(complete({}, words))


def complete(env: dict[str, str], words: str, **more: str) -> list[str]:
    asked = {
        "COMP_WORDS": words,
        "COMP_CWORD": str(len(words.split(" ")) - 1),
        "_MODELLIX_CLI_COMPLETE": "complete_bash",
    }
    ran = subprocess.run(
        [COMMAND], env=env | asked | more, capture_output=True, check=True, text=True
    )
    assert ran.stderr == ""
    return ran.stdout.split()


def list_models(env: dict[str, str], work: Path) -> None:
    assert invoke("model", "list", "--sandbox", env=env, cwd=work, clock=Clock()).status == 0


@pytest.mark.parametrize("before", [
    "run", "run --body {} --model-slug", "invoke", "describe", "params", "get-schema", "docs",
])  # fmt: skip
def test_slugs_that_were_listed_are_offered(env: dict[str, str], work: Path, before: str) -> None:
    list_models(env, work)
    offered = complete(env, f"modellix-cli --sandbox model {before} alibaba/q")
    assert {"alibaba/qwen-image-plus", "alibaba/qwen-image-edit"} < set(offered)
    assert all(slug.startswith("alibaba/q") for slug in offered)
    assert complete(env, f"modellix-cli model {before} alibaba/q") == []


def test_types_and_providers_are_offered(env: dict[str, str], work: Path) -> None:
    list_models(env, work)
    sandbox = {"MODELLIX_SANDBOX": "1"}
    types = complete(env, "modellix-cli model list --type text-to-", **sandbox)
    assert types == ["text-to-image", "text-to-video", "text-to-speech"]
    assert complete(env, "modellix-cli model list --provider g", **sandbox) == ["google"]


@pytest.mark.parametrize("before", ["get", "wait", "wait task-x", "download"])
def test_recent_tasks_are_offered_the_last_first(
    cli: Cli, env: dict[str, str], before: str
) -> None:
    run = ("model", "run", "sandbox/image", "--body", '{"prompt": "x"}', "--sandbox", "-q")
    first, second = cli(*run).stdout.strip(), cli(*run).stdout.strip()
    words = f"modellix-cli --sandbox task {before} "
    assert complete(env, words) == ["@last", second, first]
    assert complete(env, words + "@") == ["@last"]
    assert complete(env | {"MODELLIX_PROFILE": "work"}, words) == []


@pytest.mark.parametrize("words", [
    "modellix-cli model run a",
    "modellix-cli task wait ",
    "modellix-cli --profile bad/name task wait ",
    "modellix-cli --base-url nonsense model run ",
    "modellix-cli --output xml task get --in",
    "modellix-cli modle run ",
    "modellix-cli --sandbox model describe ",
])  # fmt: skip
def test_tab_creates_nothing_and_says_nothing(
    env: dict[str, str], tmp_path: Path, words: str
) -> None:
    before = sorted(tmp_path.rglob("*"))
    complete(env, words)
    assert sorted(tmp_path.rglob("*")) == before


def test_tab_offers_only_what_means_nothing_to_a_shell(env: dict[str, str]) -> None:
    slugs = ["a/b", "a/$(reboot)", "a/`x`", "a/b c", "a/;x", "a/'", 'a/"', "a/\x1b", "a/*", "a/é"]
    cache_of(env).keep(slugs)
    assert complete(env, "modellix-cli model run a") == ["a/b"]


def test_tab_says_nothing_where_cache_and_journal_are_broken(env: dict[str, str]) -> None:
    cache = cache_of(env)
    cache.keep(["a/b"])
    cache.path.write_bytes(b"\xff{")
    state = Path(env["XDG_STATE_HOME"]) / "modellix"
    state.mkdir(parents=True)
    (state / "journal.db").write_bytes(b"not a database" * 100)
    assert complete(env, "modellix-cli model run ") == []
    assert complete(env, "modellix-cli task get ") == []
    assert [file.name for file in state.iterdir()] == ["journal.db"]


def cache_of(env: dict[str, str]) -> ModelCache:
    return ModelCache(Path(env["XDG_CACHE_HOME"]) / "modellix", BASE, Clock())


def test_an_unknown_shell_is_refused(cli: Cli) -> None:
    result = cli("completion", "cmd")
    assert result.status == 2
    assert "powershell" in result.stderr


def test_the_official_name_says_how_to_set_it_up(cli: Cli) -> None:
    assert cli("autocomplete", "bash").stdout.startswith("modellix-cli completion bash > ")
    assert cli("autocomplete", "script", "zsh").stdout == cli("completion", "zsh").stdout
    assert len(cli("autocomplete", "-r").stdout.splitlines()) == 3


@pytest.mark.parametrize(("pieces", "words", "replies", "shown"), [
    (["x", " ru"], ["x", "ru"], ["run"], ["run"]),
    (["x", " -p", " "], ["x", "-p", ""], ["size=", "n="], ["size=", "n="]),
    (["x", " -p", " size", "="], ["x", "-p", "size="], ["size=1K"], ["1K"]),
    (["x", " -p", " size", "=", "1"], ["x", "-p", "size=1"], ["size=1K"], ["1K"]),
    (["x", " -p", " ratio", "=", "16", ":"], ["x", "-p", "ratio=16:"], ["ratio=16:9"], ["9"]),
    (["x", " a", "=", "b", " -p", " n"], ["x", "a=b", "-p", "n"], ["n="], ["n="]),
    (["x", " 'a b'", " c"], ["x", "'a b'", "c"], ["cd"], ["cd"]),
    (["x", " c"], ["x", "c"], [], []),
])  # fmt: skip
def test_bash_puts_words_together_that_it_splits_at_equals_signs_and_colons(
    tmp_path: Path, pieces: list[str], words: list[str], replies: list[str], shown: list[str]
) -> None:
    stub = tmp_path / "stub"
    reply = "".join(f"{one}\n" for one in replies)
    stub.write_text(f'#!/bin/sh\nprintf "%s|%s" "$COMP_WORDS" $COMP_CWORD >asked\nprintf "{reply}"')
    stub.chmod(0o755)
    given = " ".join(shlex.quote(piece.removeprefix(" ")) for piece in pieces)
    line = "".join(pieces)
    asked = f"""
        source {shlex.quote(str(FOLDER / FILES["bash"]))}
        COMP_WORDBREAKS=$' \\t\\n"\\'><=;|&(:'
        COMP_WORDS=({given}) COMP_CWORD={len(pieces) - 1}
        COMP_LINE={shlex.quote(line)} COMP_POINT={len(line)}
        _modellix_cli_completion ./stub
        printf '%s\\n' "${{COMPREPLY[@]}}"
    """
    ran = subprocess.run(
        ["bash", "-c", asked], cwd=tmp_path, capture_output=True, check=True, text=True
    )
    assert (tmp_path / "asked").read_text() == f"{chr(10).join(words)}|{len(words) - 1}"
    assert ran.stdout.split() == shown
    assert ran.stderr == ""


@respx.mock
def test_tab_offers_no_task_id_with_the_key_in_it(cli: Cli, env: dict[str, str]) -> None:
    for task_id in ("t-1", f"t-{KEY}"):
        respx.get(f"{API}/tasks/{task_id}").respond(json=task_reply(task_id))
        cli("task", "get", task_id)
    assert complete(env, "modellix-cli task wait ") == ["@last", "t-1"]
