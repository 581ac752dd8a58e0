"""Options and commands that do not exist: what to type instead; lines that a shell split."""

import shlex
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modellix_cli.commands._framework.suggestions import close_option, quoting_advice
from tests.commands.test_tree import COMMANDS
from tests.conftest import Cli

DESTRUCTIVE = {"--clear", "--force", "--yes", "--overwrite", "--new", "--resend-unknown"}
OPTIONS = sorted({o for _, c in COMMANDS for p in c.params for o in p.opts if o.startswith("--")})


@pytest.mark.parametrize(
    ("line", "meant"),
    [
        ("model list --typ text-to-image", "--type"),
        ("model list --serach cat", "--search"),
        ("task download t-1 --output-di out", "--output-dir"),
        ("task wait t-1 --time-out 5m", "--timeout"),
        ("model run --model a/b", "--model-slug"),
        ("--jsn model list", "--json"),
    ],
)
def test_a_close_option_is_named(cli: Cli, line: str, meant: str) -> None:
    result = cli(*line.split())
    assert result.status == 2
    assert f"Did you mean {meant}?" in result.stderr


@pytest.mark.parametrize(
    "line",
    [
        "task history --find cat",
        "task history --cleer",
        "task history --clea",
        "init --forse",
        "auth logout --yess",
        "task download t-1 --overwite",
        "model batch t.jsonl --nwe",
        "auth status --quux",
    ],
)
def test_no_destructive_and_no_distant_option_is_named(cli: Cli, line: str) -> None:
    result = cli(*line.split())
    assert result.status == 2
    assert "No such option" in result.stderr
    assert "Did you mean" not in result.stderr


@given(st.sampled_from(OPTIONS), st.text("abcdefghijklmnopqrstuvwxyz-", max_size=3))
def test_a_destructive_option_is_never_named(option: str, noise: str) -> None:
    for typed in (option + noise, option[:-1], "--" + noise + option[2:]):
        assert close_option(typed, OPTIONS) not in DESTRUCTIVE


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("model run a/b --prompt cat", ("model run SLUG", '"a cat"', "-p")),
        ("model run a/b --body {} --seed 7", ("-p seed=7",)),
        ("--prompt cat", ("modellix-cli model run", '"a cat"')),
        ("model list --prompt cat", ("modellix-cli model run", '"a cat"')),
        ("model run a/b a red cat", ("Put the prompt in quotes",)),
    ],
)
def test_how_prompt_and_parameters_are_given_is_said(
    cli: Cli, line: str, words: tuple[str, ...]
) -> None:
    result = cli(*line.split())
    assert result.status == 2
    for word in words:
        assert word in result.stderr


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("run a/b", "modellix-cli model run"),
        ("generate a cat", "modellix-cli model run"),
        ("login", "auth login"),
        ("logout", "auth logout"),
        ("whoami", "auth whoami"),
        ("list", "modellix-cli model list"),
        ("models", "modellix-cli model list"),
        ("task list", "modellix-cli task history"),
        ("tasks", "modellix-cli task history"),
        ("balance", "modellix-cli auth status"),
        ("version", "modellix-cli --version"),
        ("cancel t-1", "cannot cancel"),
        ("task cancel t-1", "cannot cancel"),
        ("wait t-1", "task wait"),
        ("download t-1", "task download"),
        ("upload cat.png", "file upload"),
        ("model wait t-1", "task wait"),
    ],
)
def test_commands_that_many_expect_are_answered(cli: Cli, line: str, words: str) -> None:
    result = cli(*line.split())
    assert result.status == 127
    assert words in result.stderr
    shown = cli("--json", *line.split()).json["error"]
    assert words in shown["message"] + shown["hint"]


@pytest.mark.parametrize(
    "words",
    [
        ["a/b", "--body", "{prompt: a", "cat}"],
        ["a/b", "--body", "{prompt:", "a", "cat}"],
        ["a/b", "--body", "'{prompt:", "a cat}'"],
        ["a/b", "--body={prompt:", "a", "cat}"],
        ["a/b", "--body", '{"prompt":', "a", "cat}"],
        ["a/b", "--body", "\\{\\prompt\\:", "a", "cat}"],
        ["--model-slug", "a/b", "--body", "{prompt: a", "cat}"],
    ],
)
def test_a_body_that_the_shell_split_gets_the_quoting_advice(cli: Cli, words: list[str]) -> None:
    result = cli("model", "run", *words)
    assert result.status == 2
    assert "The shell split --body at its blanks" in result.stderr
    for shell in ("cmd.exe", "PowerShell 5.1", "--body-file"):
        assert shell in result.stderr


@pytest.mark.parametrize("body", [None, "", "{}", '{"a": 1}', "[1,", "text", " {} "])
def test_a_whole_body_was_not_split(body: str | None) -> None:
    assert quoting_advice(body) is None


@pytest.mark.parametrize(
    "path",
    ["wait", "show", "get", "url", "open", "rerun", "download"],
)
def test_a_missing_task_is_told_of_last(cli: Cli, path: str) -> None:
    refused = cli("task", path)
    assert refused.status == 2
    assert "Missing argument 'TASKID" in refused.stderr
    assert "@last" in refused.stderr


# --- models


SHOP = '[presets.banner]\nmodel = "sandbox/image"\n'


@pytest.mark.parametrize("line", [
    'model run qwen-image-plus "a cat"',
    "model run --model-slug Qwen-Image-Plus x",
    "model describe qwen-image-plus",
    "model params qwen-image-plus",
    "model batch --set prompt=a --model qwen-image-plus --yes",
    "model batch --set prompt=a --matrix model=qwen-image-plus --yes",
])  # fmt: skip
def test_a_model_named_without_its_provider_is_recognised(cli: Cli, line: str) -> None:
    result = cli(*shlex.split(line), "--sandbox")
    assert result.status == 2
    assert "Did you mean alibaba/qwen-image-plus?" in result.stderr


def test_a_model_without_its_provider_is_recognised_in_every_line(cli: Cli, work: Path) -> None:
    (work / "t.jsonl").write_text(
        '{"modelSlug": "qwen-image-plus", "body": {}}\n{"modelSlug": "imag", "body": {}}\n'
    )
    result = cli("model", "batch", "t.jsonl", "--yes", "--sandbox")
    assert "Did you mean alibaba/qwen-image-plus?" in result.stderr
    assert "Did you mean sandbox/image" in result.stderr


def test_a_word_like_no_model_has_no_suggestion(cli: Cli) -> None:
    result = cli("model", "describe", "xyzzy", "--sandbox")
    assert (result.status, "Did you mean" in result.stderr) == (2, False)


@pytest.mark.parametrize(("name", "words"), [
    ("banner", "Name its model: sandbox/image."),
    ("baner", "Did you mean the preset @banner?"),
    ("other", "Presets are for model run alone."),
])  # fmt: skip
def test_a_preset_in_a_batch_is_told_from_a_model(
    cli: Cli, work: Path, name: str, words: str
) -> None:
    (work / "modellix.toml").write_text(SHOP)
    (work / "t.csv").write_text(f"model,prompt\n@{name},a\n")
    for words_given in (("t.csv",), ("--set", "prompt=a", "--model", f"@{name}")):
        result = cli("model", "batch", *words_given, "--yes", "--sandbox")
        assert result.status == 2
        assert "Presets are for model run alone." in result.stderr
        assert words in result.stderr


# --- commands


@pytest.mark.parametrize(("line", "words"), [
    ("batch run", "modellix-cli model batch"),
    ("batch start", "modellix-cli model batch"),
    ("batch resume", "--resume"),
    ("task status", "modellix-cli task get"),
    ("task lst", "modellix-cli task history"),
    ("task lists", "modellix-cli task history"),
    ("task hist", "Did you mean task history?"),
    ("model lst", "Did you mean model list?"),
])  # fmt: skip
def test_a_command_that_many_expect_is_answered(cli: Cli, line: str, words: str) -> None:
    result = cli(*line.split())
    assert result.status == 127
    assert words in result.stderr
    assert "auth status" not in result.stderr
    assert "model run SLUG" not in result.stderr


@pytest.mark.parametrize("line", [
    'model run sandbox/image "a cat"',
    "model run sandbox/image --body {}",
    "model params sandbox/image",
    "model describe sandbox/image",
    "model get-schema sandbox/image",
    "model docs sandbox/image",
    "model batch t.csv --yes",
    "model batch t.jsonl --yes",
])  # fmt: skip
def test_a_model_of_the_sandbox_is_asked_of_nobody_else(cli: Cli, work: Path, line: str) -> None:
    (work / "t.csv").write_text("model,n\nsandbox/image,1\n")
    (work / "t.jsonl").write_text('{"modelSlug": "sandbox/image", "body": {}}')
    refused = cli(*shlex.split(line))
    assert refused.status == 2
    assert "sandbox/image is a model of the sandbox." in refused.stderr
    assert "Add --sandbox" in refused.stderr


@pytest.mark.parametrize(
    "line",
    ["clear", "reset", "delete", "ledger clear", "config clera", "file delte", "sandbox rest"],
)
def test_no_command_that_removes_something_is_suggested(cli: Cli, line: str) -> None:
    result = cli(*line.split())
    assert result.status == 127
    assert not any(
        verb in result.stderr for verb in ("config clear", "file delete", "sandbox reset")
    )
