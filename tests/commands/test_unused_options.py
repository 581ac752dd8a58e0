"""Options that can have no effect beside the others: nothing is ignored in silence."""

from pathlib import Path

import pytest

from modellix_cli.domain.frozen import fields_of
from modellix_cli.options.saving import Saving
from tests.conftest import Cli

RUN = ("model", "run", "sandbox/image", "a cat", "--sandbox")
BATCH = ("model", "batch", "b.jsonl", "--yes", "--sandbox")
FLAGS = [field.name for field in fields_of(Saving) if field.default is False]
NUMBERS = [field.name for field in fields_of(Saving) if type(field.default) is int]


@pytest.fixture(params=["run", "batch", "rerun"])
def command(request: pytest.FixtureRequest, cli: Cli, work: Path) -> tuple[str, ...]:
    (work / "b.jsonl").write_text('{"modelSlug": "sandbox/image", "body": {"prompt": "a cat"}}')
    if request.param == "rerun":
        cli(*RUN)
        return ("task", "rerun", "@last", "--sandbox")
    return RUN if request.param == "run" else BATCH


def options() -> list[tuple[str, ...]]:
    flags = [("--" + name.replace("_", "-"),) for name in FLAGS]
    numbers = [("--" + name.replace("_", "-"), "7") for name in NUMBERS]
    return [*flags, *numbers, ("--name-template", "{id}.{ext}")]


def test_every_option_about_saving_is_meant() -> None:
    others = {"output_dir", "name_template", "file_timeout"}
    assert {*FLAGS, *NUMBERS} == {field.name for field in fields_of(Saving)} - others


def test_options_about_saving_are_refused_where_nothing_is_saved(
    cli: Cli, command: tuple[str, ...]
) -> None:
    before = cli("task", "history", "-q", "--sandbox").stdout
    for option in options():
        result = cli(*command, *option)
        assert (option, result.status) == (option, 2)
        assert f"{option[0]} is about saved files: give --wait and --output-dir" in result.stderr
    waiting = cli(*command, "--wait", *options()[0], *options()[1])
    assert "--overwrite and --sidecar are about saved files: give --output-dir" in waiting.stderr
    assert cli("task", "history", "-q", "--sandbox").stdout == before


def test_options_about_waiting_are_told_where_nothing_waits(
    cli: Cli, command: tuple[str, ...]
) -> None:
    result = cli(*command, "--timeout", "5m")
    assert result.status == 0
    assert "Warning: --timeout has no effect without --wait." in result.stderr


def test_several_are_told_together(cli: Cli) -> None:
    result = cli(*RUN, "--no-wait", "--interval", "1s", "--timeout", "5m")
    assert "Warning: --interval and --timeout have no effect without --wait." in result.stderr


def test_a_program_that_asks_for_json_reads_no_warning(cli: Cli, command: tuple[str, ...]) -> None:
    assert cli(*command, "--timeout", "5m", "--json").stderr == ""


@pytest.mark.parametrize("option", [("--open",), ("--preview", "on")])
def test_nothing_is_shown_of_what_is_not_saved(cli: Cli, option: tuple[str, ...]) -> None:
    result = cli(*RUN, *option)
    assert result.status == 2
    assert f"{' '.join(option)} is about saved files" in result.stderr


def test_preview_that_is_off_or_automatic_may_stand_by(cli: Cli) -> None:
    assert cli(*RUN, "--preview", "off").status == 0


def test_a_folder_of_the_settings_is_one_to_save_into(cli: Cli, work: Path) -> None:
    (work / "modellix.toml").write_text('output_dir = "out"\n')
    result = cli(*RUN, "--wait", "--name-template", "{id}.{ext}")
    assert (result.status, (work / "out" / "1.png").exists()) == (0, True)
