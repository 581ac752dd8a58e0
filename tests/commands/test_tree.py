"""What holds for every command: walk the tree and look."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer

from modellix_cli import app
from modellix_cli.commands._framework.command import Command, Group
from modellix_cli.context.session import Session
from modellix_cli.domain.errors import REGISTRY, ErrorCode, ExitStatus
from modellix_cli.output.sink import Output, Sink
from modellix_cli.runtime import Runtime
from tests.conftest import Cli

PACKAGE = Path(app.__file__).parent


def walk(group: Group, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    context = typer.Context(group)
    for name in group.list_commands(context):
        found = group.get_command(context, name)
        yield (*path, name), found
        if isinstance(found, Group):
            yield from walk(found, (*path, name))


TREE = list(walk(app.build()))
COMMANDS = [(path, command) for path, command in TREE if isinstance(command, Command)]
every_command = pytest.mark.parametrize(
    ("path", "command"), COMMANDS, ids=[" ".join(path) for path, _ in COMMANDS]
)


@every_command
def test_it_has_help_an_example_of_itself_and_its_exit_statuses(
    cli: Cli, path: tuple[str, ...], command: Command
) -> None:
    shown, short = cli(*path, "--help"), cli(*path, "-h")
    text = shown.stdout
    assert shown.status == short.status == 0
    assert short.stdout == text
    assert command.help
    assert "Examples:" in text
    assert {ExitStatus.DONE, ExitStatus.FAILED, ExitStatus.USAGE, ExitStatus.INTERRUPTED} <= set(
        command.spec.exits
    )
    names = {" ".join(other) for other, c in COMMANDS if c.spec is command.spec}
    assert all(any(e.startswith(name) for name in names) for e in command.spec.examples)


@every_command
def test_it_takes_the_global_options(path: tuple[str, ...], command: Command) -> None:
    options = {option for param in command.params for option in param.opts}
    assert {
        "--json",
        "--output",
        "-q",
        "--quiet",
        "--profile",
        "--base-url",
        "--sandbox",
        "--debug",
        "-v",
        "--verbose",
        "--no-color",
        "--no-progress",
    } <= options
    assert set(command.spec.outputs) >= {Output.HUMAN, Output.JSON, Output.QUIET}


@every_command
def test_whatever_tab_asks_for_is_answered(
    env: dict[str, str], path: tuple[str, ...], command: Command
) -> None:
    session = Session(Runtime(None, None, None, env, None), Sink(None, None, env))
    context = typer.Context(command, parent=typer.Context(app.build()), obj=session)
    for param in command.params:
        param.shell_complete(context, "-")  # raises where it names no function of completers.py


@every_command
def test_every_option_and_argument_is_explained(path: tuple[str, ...], command: Command) -> None:
    unexplained = [param.name for param in command.params if not getattr(param, "help", None)]
    assert unexplained == []


@every_command
def test_its_module_is_its_path(path: tuple[str, ...], command: Command) -> None:
    module = command.spec.function.__module__
    *nouns, verb = module.removeprefix("modellix_cli.commands.").split(".")
    assert nouns == list(path[:-1])
    assert (PACKAGE / "commands").joinpath(*nouns, f"{verb}.py").exists()
    assert verb == command.spec.function.__name__.rstrip("_")


@every_command
def test_an_unknown_option_is_exit_2_and_names_it(
    cli: Cli, path: tuple[str, ...], command: Command
) -> None:
    result = cli(*path, "--bogus", "--json")
    assert result.status == 2
    assert result.json["error"]["code"] == "USAGE"
    assert "--bogus" in result.json["error"]["message"]


def test_every_command_module_is_registered() -> None:
    modules = {
        f"{file.parent.name}.{file.stem}"
        for file in (PACKAGE / "commands").glob("*/*.py")
        if file.stem != "__init__" and file.parent.name != "_framework"
    }
    registered = {
        command.spec.function.__module__.removeprefix("modellix_cli.commands.")
        for _, command in COMMANDS
    }
    assert {name for name in registered if "." in name} == modules


@pytest.mark.parametrize("path", [path for path, c in TREE if isinstance(c, Group)])
def test_a_noun_alone_prints_its_help(cli: Cli, path: tuple[str, ...]) -> None:
    shown = cli(*path)
    assert shown.status == 0
    assert shown.stdout.startswith("Usage: modellix-cli")


@pytest.mark.parametrize(
    ("arguments", "meant"),
    [
        (("modle", "run"), "Did you mean model?"),
        (("task", "wiat"), "Did you mean task wait?"),
        (("frobnicate",), "frobnicate is not a modellix-cli command."),
    ],
)
def test_an_unknown_command_is_127_and_never_run(
    cli: Cli, arguments: tuple[str, ...], meant: str
) -> None:
    result = cli(*arguments)
    assert result.status == 127
    assert meant in result.stderr
    assert cli(*arguments, "--json").json["error"]["exitCode"] == 127


@pytest.mark.slow
def test_the_registry_knows_every_code_and_every_code_is_used() -> None:
    assert set(REGISTRY) == set(ErrorCode)
    used = {
        node.attr
        for file in PACKAGE.rglob("*.py")
        if file.name != "errors.py"
        for node in ast.walk(ast.parse(file.read_text()))
        if isinstance(node, ast.Attribute)
        and isinstance(node.value, ast.Name)
        and node.value.id == "ErrorCode"
    } | {"USAGE"}
    assert used == {code.name for code in ErrorCode}


@pytest.mark.parametrize("code", ErrorCode)
def test_every_error_has_a_meaning_and_advice_and_never_exits_0(code: ErrorCode) -> None:
    kind = REGISTRY[code]
    assert kind.meaning
    assert kind.hint or code is ErrorCode.INTERRUPTED
    assert kind.exit_status is not ExitStatus.DONE


def test_a_command_may_be_named_with_a_colon(cli: Cli) -> None:
    assert "Usage: modellix-cli task get" in cli("task:get", "--help").stdout
    assert cli("task:wiat").status == 127


@pytest.mark.parametrize("arguments", [("--version",), ("--json", "--version")])
def test_the_version_is_one_line(cli: Cli, arguments: tuple[str, ...]) -> None:
    assert re.fullmatch(r"modellix-cli/\d+\.\d+\.\d+ \S+ python-\S+\n", cli(*arguments).stdout)
