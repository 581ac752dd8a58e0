"""`model batch --check`: what a model would refuse is told as for a single run."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from modellix_cli.sandbox.catalog import MODELS
from tests.conftest import Cli
from tests.support import Result

EDIT = "alibaba/qwen-image-edit"
IMAGE = "sandbox/image"


class Lines:
    """Runs `model batch` in the sandbox on lines that are given as models and bodies."""

    def __init__(self, cli: Cli, work: Path) -> None:
        self.cli = cli
        self.path = work / "tasks.jsonl"

    def __call__(self, *lines: tuple[str, dict[str, Any]], options: tuple[str, ...]) -> Result:
        tasks = ({"modelSlug": slug, "body": body} for slug, body in lines)
        self.path.write_text("".join(json.dumps(task) + "\n" for task in tasks))
        return self.cli("model", "batch", "tasks.jsonl", "--yes", "--sandbox", *options)


@pytest.fixture
def batch(cli: Cli, work: Path) -> Lines:
    return Lines(cli, work)


CHECK = ("--check",)


def test_a_path_where_an_address_is_wanted_is_refused(batch: Lines) -> None:
    good = {"prompt": "a", "image": "https://example.com/a.png"}
    result = batch((EDIT, good), (EDIT, good | {"image": "../photo.png"}), options=CHECK)
    assert result.status == 2
    assert "Line 2 (alibaba/qwen-image-edit): image takes an address" in result.stderr


def test_a_path_for_an_address_is_refused_without_a_check_too(batch: Lines) -> None:
    path = (EDIT, {"prompt": "a", "image": "pictures/cat.png"})
    result = batch((IMAGE, {"prompt": "a.png"}), path, options=())
    assert result.status == 2
    assert "Line 2 (alibaba/qwen-image-edit): image takes an address" in result.stderr
    assert "To send them all the same, pass --no-check." in result.stderr
    assert batch(path, options=("--no-check",)).stderr.count("takes an address") == 0


def test_a_name_that_the_model_does_not_know_is_warned_of_once(batch: Lines) -> None:
    line = (IMAGE, {"prompt": "a", "sead": 3})
    result = batch((IMAGE, {"prompt": "b"}), line, line, options=CHECK)
    assert result.status == 0
    assert result.stderr.count("sead") == 1
    assert 'Line 2 (sandbox/image): The model has no parameter "sead".' in result.stderr
    assert 'Did you mean "seed"? 2 lines have it.' in result.stderr


@pytest.mark.parametrize("options", [("--strict",), ("--strict", "--dry-run")])
def test_strictly_such_a_name_is_refused(batch: Lines, options: tuple[str, ...]) -> None:
    line = (IMAGE, {"prompt": "a", "sead": 3})
    result = batch((IMAGE, {"prompt": "b"}), line, line, options=options)
    assert result.status == 2
    (told,) = (one for one in result.stderr.splitlines() if '"sead"' in one)
    assert told.startswith('  Line 2 (sandbox/image): The model has no parameter "sead".')
    assert told.endswith(" 2 lines have it.")
    assert "2 of 3 lines would be refused." in result.stderr
    assert batch.cli("task", "history", "--sandbox", "-q").stdout == ""


def test_strictly_lines_are_checked_for_the_rest_too(batch: Lines) -> None:
    result = batch((IMAGE, {}), options=("--strict",))
    assert (result.status, "body.prompt: is required" in result.stderr) == (2, True)
    fine = batch((IMAGE, {"prompt": "a"}), options=("--strict",))
    assert (fine.status, "1 of 1 line checked, no fault found." in fine.stderr) == (0, True)


@pytest.mark.parametrize("option", ["--strict", "--check", "--no-check"])
def test_what_goes_on_with_a_batch_checks_as_it_did(batch: Lines, option: str) -> None:
    result = batch(("sandbox/cut", {"prompt": "a"}), (IMAGE, {"prompt": "b"}), options=(option,))
    assert result.status == 8
    (resume,) = (one for one in result.stderr.splitlines() if one.startswith("Resume with: "))
    assert f" {option} " in resume


def test_a_misspelt_column_of_a_table_is_refused_strictly(batch: Lines, work: Path) -> None:
    (work / "shots.csv").write_text("prompt,sead\na,3\nb,4\n")
    words = ("model", "batch", "shots.csv", "--model", IMAGE, "--yes", "--sandbox")
    result = batch.cli(*words, "--strict")
    assert result.status == 2
    assert 'Row 2 (sandbox/image): The model has no parameter "sead".' in result.stderr
    assert "sent all the same" not in result.stderr
    sent = batch.cli(*words)
    assert (sent.status, "is sent all the same, unless with --strict" in sent.stderr) == (0, True)


@pytest.fixture
def frame(monkeypatch: pytest.MonkeyPatch) -> None:
    """Give the model an object among its parameters."""
    size = {"type": "object", "properties": {"width": {"type": "integer"}}}
    model = MODELS[IMAGE]
    taught = replace(model, properties={**model.properties, "frame": size})
    monkeypatch.setitem(MODELS, IMAGE, taught)


@pytest.mark.usefixtures("frame")
def test_a_whole_object_is_a_parameter_that_the_model_names(batch: Lines, work: Path) -> None:
    (work / "prompts.csv").write_text("prompt\na\n")
    words = ("model", "batch", "prompts.csv", "--model", IMAGE, "--yes", "--sandbox")
    told = batch.cli(*words, "--set", "frame=wide", "--dry-run").stderr
    assert ("frame" in told, "is no parameter" in told) == (True, False)


@pytest.mark.usefixtures("frame")
def test_a_misspelt_column_inside_of_an_object_is_refused_strictly(
    batch: Lines, work: Path
) -> None:
    (work / "shots.csv").write_text("prompt,frame.widht\na,3\n")
    words = ("model", "batch", "shots.csv", "--model", IMAGE, "--yes", "--sandbox")
    result = batch.cli(*words, "--strict")
    assert result.status == 2
    assert 'The model has no parameter "frame.widht". Did you mean "frame.width"?' in result.stderr
    assert batch.cli(*words, "--check", "--dry-run").stderr.count("frame.widht") == 1


def test_a_result_that_is_gone_is_no_failure_of_its_task_when_told_again(batch: Lines) -> None:
    saving = ("--wait", "--output-dir", "out", "--resume", "--json")
    codes = []
    for _ in ("fetched", "told again"):
        told = batch(("sandbox/expired", {"prompt": "a"}), options=saving).json["tasks"][0]
        codes.append((told["status"], told["errorInfo"]["code"], told["errorInfo"]["exitCode"]))
    assert codes == [("success", "RESULT_EXPIRED", 9), ("success", "DOWNLOAD_FAILED", 9)]


def test_a_model_that_does_not_exist_has_names_near_it(batch: Lines) -> None:
    result = batch(("sandbox/imag", {"prompt": "a"}), options=CHECK)
    assert result.status == 5
    assert batch(("sandbox/imag", {"prompt": "a"}), (IMAGE, {}), options=CHECK).status == 2
    assert "there is no such model. Did you mean sandbox/image" in result.stderr


def test_the_lines_that_are_refused_are_in_the_json_too(batch: Lines) -> None:
    result = batch((IMAGE, {"prompt": "a"}), (IMAGE, {}), options=(*CHECK, "--json"))
    (fault,) = result.json["faults"]
    assert fault["message"] == "Line 2 (sandbox/image): body.prompt: is required."


def test_what_was_warned_of_is_in_the_json_as_in_that_of_a_rehearsal(batch: Lines) -> None:
    line = (IMAGE, {"prompt": "a", "sead": 3})
    given = ((IMAGE, {"prompt": "b"}), line, line)
    rehearsed = batch(*given, options=(*CHECK, "--json", "--dry-run"))
    real = batch(*given, options=(*CHECK, "--json"))
    (warning,) = real.json["warnings"]
    assert 'Did you mean "seed"? 2 lines have it.' in warning
    assert rehearsed.json["warnings"] == [warning]
    assert f"Warning: {warning}" in real.stderr


def test_json_of_lines_that_were_checked_says_that_nothing_is_to_be_warned_of(batch: Lines) -> None:
    assert batch((IMAGE, {"prompt": "a"}), options=(*CHECK, "--json")).json["warnings"] == []
    assert "warnings" not in batch((IMAGE, {"prompt": "b"}), options=("--json",)).json


def test_a_misspelt_column_that_is_sent_is_in_the_json(batch: Lines, work: Path) -> None:
    (work / "shots.csv").write_text("prompt,sead\na,3\nb,4\n")
    words = ("model", "batch", "shots.csv", "--model", IMAGE, "--sandbox", "--json", "--yes")
    rehearsed, real = batch.cli(*words, "--dry-run"), batch.cli(*words)
    assert real.json["warnings"] == rehearsed.json["warnings"] != []
    (warning,) = batch.cli(*words, "--check", "--new").json["warnings"]
    assert warning == real.json["warnings"][0]


@pytest.mark.parametrize("option", ["--check", "--dry-run"])
def test_a_fault_of_many_lines_is_told_once_and_hides_no_other(batch: Lines, option: str) -> None:
    wrong: tuple[str, dict[str, Any]] = (IMAGE, {})
    lines = ((IMAGE, {"prompt": "a"}), *[wrong] * 30, (IMAGE, {"prompt": 7}), wrong)
    result = batch(*lines, options=(option, "--output", "human"))
    told = [one.strip() for one in result.stderr.splitlines() if one.startswith("  ")]
    assert told[0] == "Line 2 (sandbox/image): body.prompt: is required. 31 lines have it."
    assert told[1].startswith("Line 32 (sandbox/image): body.prompt: ")
    assert len(told) == 2
    assert "more like them" not in result.stderr
    machine = batch(*lines, options=(option, "--json"))
    faults = machine.json["faults"]
    faults = faults if option == "--check" else faults[0]["faults"]
    numbers = [fault["message"].split()[1] for fault in faults]
    assert numbers == [*map(str, range(2, 22)), "32"]


def test_a_model_that_is_not_there_is_told_once(batch: Lines) -> None:
    result = batch(*[("sandbox/imag", {"prompt": "a"})] * 30, options=CHECK)
    assert result.stderr.count("there is no such model. Did you mean sandbox/image") == 1
    assert "? 30 lines have it." in result.stderr
