"""All that can be known to be wrong with a batch is told at once, in the order of its lines."""

import json
from pathlib import Path

import httpx
import pytest

from tests.commands.batches import Batches, batch
from tests.commands.test_batch import SCHEMA
from tests.conftest import Cli
from tests.support import Result

__all__ = ["batch"]

IMAGE = "sandbox/image"


class Files:
    """Runs `model batch` in the sandbox on the text of a file."""

    def __init__(self, cli: Cli, work: Path) -> None:
        self.cli = cli
        self.work = work

    def __call__(self, text: str, *options: str, name: str = "t.jsonl") -> Result:
        (self.work / name).write_text(text)
        return self.cli("model", "batch", name, "--yes", "--sandbox", "--json", *options)


@pytest.fixture
def run(cli: Cli, work: Path) -> Files:
    return Files(cli, work)


def line(slug: str = IMAGE, **body: object) -> str:
    return json.dumps({"modelSlug": slug, "body": body}) + "\n"


def told(result: Result) -> list[str]:
    assert result.status == 2
    return [fault["message"] for fault in result.json["faults"]]


@pytest.mark.parametrize("option", ["--check", "--dry-run"])
def test_what_cannot_be_read_and_what_a_model_refuses_are_told_together(
    run: Files, option: str
) -> None:
    first, second, third = told(run(line(prompt=7) + "{no}\n" + line(n="x", prompt="a"), option))
    assert first.startswith("Line 1 (sandbox/image): body.prompt")
    assert "on line 2" in second
    assert third.startswith("Line 3 (sandbox/image): body.n")


def test_an_option_and_a_line_that_are_wrong_are_told_together(run: Files) -> None:
    (first, second) = told(run("{no}\n" + line(prompt="a"), "--set", "size=@none.txt"))
    assert "on line 1" in first
    assert "none.txt" in second


def test_every_file_that_a_matrix_names_and_is_not_there_is_told(run: Files) -> None:
    result = run(line(prompt="a") * 3, "--matrix", "size=@one.txt,1K,@two.txt")
    assert ["one.txt" in told(result)[0], "two.txt" in told(result)[1]] == [True, True]
    assert len(told(result)) == 2


def test_every_model_that_is_not_there_is_told_once(run: Files) -> None:
    result = run("model,prompt\na/b,x\na/b,y\nc/d,x\n", name="t.csv")
    assert [("a/b" in text, "c/d" in text) for text in told(result)] == [
        (True, False), (False, True),
    ]  # fmt: skip


def test_one_fault_of_many_rows_is_told_as_itself(run: Files) -> None:
    result = run("model,prompt\na/b,x\na/b,y\n", name="t.csv")
    assert (result.status, result.json["error"]["code"]) == (5, "NOT_FOUND")


def test_every_column_that_is_wrong_is_told(run: Files) -> None:
    first, second = told(run("Model,prompt,a..b\nx,y,z\n", name="t.csv"))
    assert ("column A" in first, "column C" in second) == (True, True)


def test_a_row_that_is_wrong_is_told_once_whatever_the_matrix(run: Files) -> None:
    result = run(f"model,prompt,n\n{IMAGE},a,x\n", "--matrix", "seed=1..9", name="t.csv")
    assert result.json["error"]["message"].count("column C (n)") == 1
    assert "faults" not in result.json


def test_hints_stand_on_lines_of_their_own(run: Files) -> None:
    hint = run('{no}\n{"modelSlug": "a", "body": {}}\n').json["error"]["hint"]
    first, second = hint.splitlines()
    assert first.startswith("Write one task")
    assert "model list" in second


def test_hints_stand_on_lines_of_their_own_for_people_too(cli: Cli, work: Path) -> None:
    (work / "t.jsonl").write_text('{no}\n{"modelSlug": "a", "body": {}}\n')
    said = cli("model", "batch", "t.jsonl", "--yes", "--output", "human").stderr.splitlines()
    assert said[-2].startswith("Write one task")
    assert said[-1].startswith("Run modellix-cli model list")


def test_a_fault_of_a_body_says_where_to_see_what_the_model_takes(run: Files) -> None:
    result = run(line(prompt=7) + line("sandbox/imag"), "--check")
    hints = [fault["hint"] for fault in result.json["faults"]]
    assert "modellix-cli model params sandbox/image" in hints[0]
    assert "modellix-cli model list" in hints[1]


def test_what_ends_the_reading_is_told_last(run: Files) -> None:
    text = f'model,prompt\n,a\n{IMAGE},"b\n'
    first, second = told(run(text, name="t.csv"))
    assert "in row 2" in first
    assert "quotation mark" in second


def test_lines_without_a_fault_do_not_hide_a_line_where_the_network_is_down(
    batch: Batches,
) -> None:
    batch.service.schema.mock(side_effect=httpx.ConnectError("down"))
    (batch.work / "t.csv").write_text("model,line\n,1\na/b,2\n")
    result = batch.cli("model", "batch", "t.csv", "--yes")
    assert (result.status, "in row 2" in result.stderr) == (2, True)


def test_a_line_that_uses_nothing_and_a_body_that_is_wrong_are_told_together(
    batch: Batches,
) -> None:
    batch.service.schema.respond(json=SCHEMA)
    batch.write(4, 1)
    with (batch.work / "tasks.jsonl").open("a") as file:
        file.write('{"modelSlug": "a/b", "body": {"line": 1, "image": "@line:x"}}\n')
    first, second = told(batch("--wait", "--check", "--json"))
    assert ("Line 1" in first, "on line 3" in second) == (True, True)


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ('{"modelSlug": "sandbox/image"}', "Invalid task on line 1: body must be"),
        ('{"modelSlug": "a", "body": {}}', 'Invalid task on line 1: Invalid model slug "a".'),
        ("{no}", "Invalid JSON on line 1 of"),
        ('{"modelSlug": "a/b", "body": {"x": "@line:y"}}', "Invalid task on line 1: no line has"),
    ],
)
def test_a_fault_of_many_lines_is_told_once(cli: Cli, work: Path, wrong: str, words: str) -> None:
    (work / "t.jsonl").write_text(f"{wrong}\n" * 12)
    said = cli("model", "batch", "t.jsonl", "--yes", "--wait", "--output", "human").stderr
    (told,) = (one for one in said.splitlines() if one.startswith("  "))
    assert told.startswith(f"  {words}")
    assert told.endswith(" 12 lines have it.")
    given = cli("model", "batch", "t.jsonl", "--yes", "--wait", "--json")
    assert len(given.json["faults"]) == 12


def test_a_fault_counts_each_line_once_also_past_those_that_are_kept(cli: Cli, work: Path) -> None:
    (work / "t.jsonl").write_text(line(a="@line:") * 30)
    given = ("model", "batch", "t.jsonl", "--yes", "--wait", "--matrix", "seed=1..3", "--sandbox")
    result = cli(*given, "--output", "human")
    (told,) = (one for one in result.stderr.splitlines() if one.startswith("  "))
    assert told.endswith(" 30 lines have it.")


def test_a_fault_of_many_rows_is_told_once(cli: Cli, work: Path) -> None:
    (work / "t.csv").write_text("prompt,n\na,x\nb,x\na,y\n")
    given = ("model", "batch", "t.csv", "--yes", "--sandbox", "--model", IMAGE)
    first, second = (one for one in cli(*given).stderr.splitlines() if one.startswith("  "))
    assert first.startswith("  Invalid task in row 2: column B (n)")
    assert first.endswith(" 2 rows have it.")
    assert second.startswith("  Invalid task in row 4: column B (n)")
