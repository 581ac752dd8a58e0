"""Help: examples first, groups after what is common, topics; colours where they are shown."""

import ast
import itertools
import re
from pathlib import Path
from typing import Any

import pytest
import respx

from modellix_cli import app
from modellix_cli.commands._framework.global_options import global_options
from modellix_cli.commands._framework.topics import TOPICS, topic_page
from modellix_cli.domain.exit_status import ExitStatus, worst
from tests.commands.test_model_params import schema
from tests.commands.test_tree import COMMANDS, every_command
from tests.conftest import Cli
from tests.support import Terminal, invoke

PACKAGE = Path(app.__file__).parent
STYLE = re.compile(r"\x1b\[[\d;]*m")
SCHEMA = "https://www.modellix.ai/models/test/model/api_schema"
every_topic = pytest.mark.parametrize("topic", TOPICS)


def headings(text: str) -> list[str]:
    return re.findall(r"^(\S.*?):", text, re.MULTILINE)


@every_command
def test_examples_come_first_and_are_never_wrapped(
    cli: Cli, path: tuple[str, ...], command: Any
) -> None:
    text = cli(*path, "--help").stdout
    assert headings(text)[:2] == ["Usage", "Examples"]
    for example in command.spec.examples:
        assert f"  modellix-cli {example}\n" in text
        assert len(example) <= 100


@every_command
def test_the_values_of_output_are_listed_and_global_options_are_one_line(
    cli: Cli, path: tuple[str, ...], command: Any
) -> None:
    text = cli(*path, "--help").stdout
    lines, choices = text.splitlines(), ", ".join(command.spec.outputs)
    assert re.search(rf"^  --output FORMAT +How results are written: {choices}\.",
                     re.sub(r"\n {5,}", " ", text), re.MULTILINE)  # fmt: skip
    assert "Global options: see modellix-cli help globals" in lines
    statuses = " ".join(str(int(status)) for status in command.spec.exits)
    assert f"Exit status: {statuses}; see modellix-cli help exit-status" in lines
    assert not any(line.startswith("  --base-url") for line in lines)


def test_many_options_are_listed_in_groups_the_common_ones_first(cli: Cli) -> None:
    titles = headings(cli("model", "batch", "--help").stdout)
    assert titles[3:] == [
        *("Common options", "Tables, and parameters of every line", "Before paying", "Waiting"),
        *("Saving", "Paying again", "Limits"),
        *("Other options", "Details", "Global options", "Exit status"),
    ]


def test_few_options_are_one_list(cli: Cli) -> None:
    titles = headings(cli("task", "get", "--help").stdout)
    assert titles == ["Usage", "Examples", "Arguments", "Options", "Global options", "Exit status"]


def test_what_most_need_of_model_run_fits_on_a_screen(cli: Cli) -> None:
    text = cli("model", "run", "--help").stdout
    common = text.partition("\n\nBefore paying:")[0].partition("\n\nWaiting:")[0]
    rows = sum(1 + (len(line) - 1) // 80 for line in common.splitlines())
    assert "Common options:" in common
    assert rows < 24


@pytest.mark.parametrize(("more", "options", "colours"), [
    ({}, (), True),
    ({"NO_COLOR": "1"}, (), False),
    ({"TERM": "dumb"}, (), False),
    ({}, ("--no-color",), False),
    ({"FORCE_COLOR": "1", "TERM": "dumb"}, (), True),
])  # fmt: skip
@pytest.mark.parametrize("words", [("task", "get"), ("task",), ()])
def test_headings_and_options_have_colours_at_a_terminal(
    env: dict[str, str],
    work: Path,
    words: tuple[str, ...],
    more: dict[str, str],
    options: tuple[str, ...],
    colours: bool,
) -> None:
    shown = invoke(*options, *words, "--help", env=env | more, cwd=work, stdout=Terminal()).stdout
    assert ("\x1b[1mUsage:\x1b[0m" in shown) is colours
    assert bool(STYLE.search(shown)) is colours


@pytest.mark.parametrize("noun", [(), ("task",), ("task", "get")])
def test_no_color_after_help_counts_too(
    env: dict[str, str], work: Path, noun: tuple[str, ...]
) -> None:
    words = (*noun, "--help", "--no-color")
    assert "\x1b" not in invoke(*words, env=env, cwd=work, stdout=Terminal()).stdout


def test_in_a_pipe_help_is_plain_unless_colours_are_forced(cli: Cli) -> None:
    assert "\x1b" not in cli("task", "get", "--help").stdout
    assert "\x1b[36m" in cli("task", "get", "--help", env={"FORCE_COLOR": "1"}).stdout


@pytest.mark.parametrize(
    "words", [(), ("task",), ("task", "wait"), ("help",), ("sandbox", "serve")]
)
def test_help_prints_the_help_of_any_command(cli: Cli, words: tuple[str, ...]) -> None:
    shown = cli("help", *words)
    assert shown.status == 0
    assert shown.stdout == cli(*words, "--help").stdout


def test_help_lists_nested_commands(cli: Cli) -> None:
    lines = cli("help", "-n").stdout.splitlines()
    paths = {" ".join(path) for path, _ in COMMANDS}
    assert all(any(line.strip().startswith(path) for line in lines) for path in paths)


@pytest.mark.parametrize(("words", "meant"), [
    (("task", "wiat"), "Did you mean task wait?"),
    (("enviroment",), "Did you mean help environment?"),
    (("exit",), "Did you mean help exit-status?"),
    (("modle",), "Did you mean model?"),
])  # fmt: skip
def test_an_unknown_command_or_topic_is_exit_2_and_suggests(
    cli: Cli, words: tuple[str, ...], meant: str
) -> None:
    result = cli("help", *words)
    assert result.status == 2
    assert meant in result.stderr
    assert "Topics: globals, exit-status" in result.stderr


def test_help_as_json_is_an_object(cli: Cli) -> None:
    shown = cli("help", "pricing", "--json", env={"FORCE_COLOR": "1"}).json
    assert shown == {"help": STYLE.sub("", topic_page("pricing")), "ok": True}


@every_topic
def test_a_topic_is_a_page_of_its_own(cli: Cli, topic: str) -> None:
    lines = cli("help", topic).stdout.splitlines()
    assert 5 < len(lines) <= 80
    assert max(map(len, lines)) <= 100


def test_the_root_help_lists_every_topic(cli: Cli) -> None:
    text = cli("--help").stdout
    assert all(re.search(rf"^  {topic} ", text, re.MULTILINE) for topic in TOPICS)


@every_topic
def test_a_topic_names_commands_and_options_that_exist(topic: str) -> None:
    text = STYLE.sub("", topic_page(topic))
    known = {" ".join(path) for path, _ in COMMANDS}
    nouns = {path[0] for path, _ in COMMANDS} | {"help"}
    for named in re.findall(r"modellix-cli ((?:[a-z][a-z-]* ?){1,2})", text):
        words = named.split()
        assert words[0] in nouns or words[0] in known
        assert len(words) == 1 or words[0] == "help" or {words[0], " ".join(words)} & known
    params = [param for _, command in COMMANDS for param in command.params]
    options = {name for one in params for name in (*one.opts, *one.secondary_opts)}
    assert set(re.findall(r"(?<![\w-])--[a-z-]+", text)) <= options | {"--help", "--version"}


def test_the_page_says_which_of_several_statuses_counts(cli: Cli) -> None:
    text = " ".join(cli("help", "exit-status").stdout.split())
    order = re.search(r"the first of these counts: a signal, ([0-9, ]+), 1", text)
    assert order is not None
    listed = [int(status) for status in order[1].split(",")]
    failures = set(ExitStatus) - {0, 127, 130}
    for one, other in itertools.combinations(failures, 2):
        named = [status for status in listed if status in (one, other)]
        assert worst([one, other]) == (named[0] if named else 1)
    assert "2, 5 and 124 only where all have the same" in text


def test_the_page_about_automation_says_how_a_rehearsal_ends(cli: Cli) -> None:
    text = " ".join(cli("help", "automation").stdout.split())
    assert "but it needs no --yes, and warns" in text


def test_the_exit_statuses_are_all_told(cli: Cli) -> None:
    text = cli("help", "exit-status").stdout
    for status in ExitStatus:
        assert re.search(rf"^ +{int(status)}  {re.escape(status.meaning)}$", text, re.MULTILINE)


def test_the_global_options_are_all_told(cli: Cli) -> None:
    text = cli("help", "globals").stdout
    assert all(option in text for param in global_options() for option in param.opts)
    assert "--version" in text


def variables_read() -> set[str]:
    """Return the names that the sources take out of the environment, or know as ours."""
    found = set()
    for file in PACKAGE.rglob("*.py"):
        if "sandbox" in file.relative_to(PACKAGE).parts:  # its environ is that of a request
            continue
        text = file.read_text(encoding="utf-8")
        found |= set(re.findall(r"env(?:iron)?(?:\.get\(|\[)\"([A-Za-z_]+)\"", text))
        for node in ast.walk(ast.parse(text)):
            value = getattr(node, "value", None)
            if isinstance(node, ast.Constant) and isinstance(value, str):
                found |= set(re.findall(r"^(_?MODELLIX_\w+|XDG_\w+|SSL_CERT_\w+|ZDOTDIR)$", value))
    return found


@pytest.mark.slow
def test_the_environment_topic_lists_every_variable_that_is_read() -> None:
    proxies = {"HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"}  # read in any spelling
    words = "CI|TERM|HOME|COLUMNS|LINES|SHELL|PATH|VISUAL|EDITOR|ZDOTDIR|DISPLAY|COLORTERM|TMUX|STY"
    named = rf"(?<![\w-])_?[A-Z]+(?:_[A-Z]+)+|\b(?:{words}|PSModulePath)\b"
    told = set(re.findall(named, topic_page("environment")))
    assert told == variables_read() | proxies


@respx.mock
def test_the_parameters_of_a_named_model_are_shown_after_the_options(cli: Cli) -> None:
    known = {
        "size": {"type": "string", "enum": ["1K", "2K"], "default": "1K"},
        "n": {"type": "integer", "minimum": 1, "maximum": 4},
        "prompt": {"type": "string", "description": "What to \x1b[2Jpaint."},
    }
    route = respx.get(SCHEMA).respond(json=schema(known, required=["prompt"]))
    shown = cli("model", "run", "test/model", "--help")
    rows = shown.stdout.partition("Parameters of test/model:\n")[2].splitlines()
    assert rows[0].split("  ") == ["", "prompt", "text, required. What to [2Jpaint."]
    assert rows[1].split("  ")[1:] == ["size", "", "text, default 1K. One of: 1K, 2K"]
    assert rows[2].split("  ")[1] == "n"
    assert rows[2].endswith("integer. 1 to 4.")
    assert "\x1b[2J" not in shown.stdout
    assert cli("model", "run", "--help", "test/model").stdout == shown.stdout
    assert route.call_count == 1


@respx.mock
@pytest.mark.parametrize("slug", ["test/model", "nonsense", "a/b/c", "../..", "a/\x1b[2J"])
def test_help_stands_where_parameters_cannot_be_had(cli: Cli, slug: str) -> None:
    respx.get(SCHEMA).respond(404, json={"code": 404, "message": "Not found: model"})
    shown = cli("model", "run", slug, "--help")
    assert (shown.status, shown.stderr) == (0, "")
    assert "\x1b" not in shown.stdout
    assert "Parameters of the model: see modellix-cli model params " in shown.stdout


def test_in_the_sandbox_its_models_are_explained(cli: Cli) -> None:
    shown = cli("model", "run", "sandbox/image", "--sandbox", "--help")
    assert re.search(r"Parameters of sandbox/image:\n  prompt +text", shown.stdout)


def test_help_without_a_model_asks_nobody(cli: Cli) -> None:
    with respx.mock:
        assert "Parameters" not in cli("model", "run", "--help").stdout
