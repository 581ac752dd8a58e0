"""`model batch` from tables and options: what is sent, and that the network does not decide it."""

import json
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.commands.batches import Batches, batch
from tests.conftest import Cli
from tests.support import problem

__all__ = ["batch"]

MODEL = "alibaba/qwen-image-plus"
REHEARSED = ("--dry-run", "--yes", "--wait")


@pytest.fixture
def table(cli: Cli, work: Path) -> Any:
    """Runs a batch in the sandbox from a table, and returns what would be sent."""

    def run(text: str, *options: str, name: str = "t.csv") -> list[dict[str, Any]]:
        (work / name).write_text(text)
        given = (name, *options, *REHEARSED, "--output", "jsonl", "--sandbox")
        result = cli("model", "batch", *given)
        assert result.status == 0, result.stderr
        return [json.loads(line) for line in result.stdout.splitlines()]

    return run


def schema(**properties: Any) -> dict[str, Any]:
    body = {"type": "object", "properties": properties}
    content = {"application/json": {"schema": body}}
    return {
        "servers": [{"url": "https://api.modellix.ai/api/v1/a/b/async"}],
        "post": {"requestBody": {"content": content}, "responses": {}},
    }


def test_cells_become_what_the_schema_says(table: Any) -> None:
    text = "id,model,prompt,n,watermark,seed:\nx,alibaba/qwen-image-plus,12,2,TRUE,\ny,,b,,,3\n"
    assert table(text, "--model", MODEL, "--set", "seed=7", "--set", "prompt=c") == [
        {
            "id": "x",
            "modelSlug": MODEL,
            "body": {"prompt": "12", "n": 2, "watermark": True, "seed": 7},
        },
        {"id": "y", "modelSlug": MODEL, "body": {"prompt": "b", "seed": 3}},
    ]


def test_a_dry_run_as_json_lines_is_an_input_of_the_same_tasks(table: Any, work: Path) -> None:
    text = "id,prompt,image\ncat,@@line:x,\ndog,b,@line:cat\n"
    first = table(text, "--model", MODEL, "--matrix", "seed=1,2")
    again = table("".join(json.dumps(one) + "\n" for one in first), name="t.jsonl")
    assert again == first
    assert [one["body"].get("image") for one in first] == [
        None, None, "@line:cat-seed=1[0]", "@line:cat-seed=2[0]",
    ]  # fmt: skip


def test_a_format_may_be_named(cli: Cli, work: Path) -> None:
    (work / "t.txt").write_text("prompt\tn\na\t2\n")
    given = ("t.txt", "--format", "tsv", "--model", MODEL, *REHEARSED, "--output", "jsonl")
    assert json.loads(cli("model", "batch", *given, "--sandbox").stdout)["body"]["n"] == 2


def test_a_file_of_prompts_is_answered_with_how_to_read_it(cli: Cli, work: Path) -> None:
    prompts = 'a cat, on a "mat"\nein Bär\n'
    (work / "p.txt").write_text(prompts)
    told = cli("model", "batch", "p.txt", *REHEARSED, "--sandbox")
    way = "write the line prompt above them, and add: --format tsv --model SLUG"
    assert (told.status, way in told.stderr) == (2, True)
    (work / "p.txt").write_text(f"prompt\n{prompts}")
    given = ("p.txt", "--format", "tsv", "--model", MODEL, *REHEARSED, "--output", "jsonl")
    lines = cli("model", "batch", *given, "--sandbox").stdout.splitlines()
    assert [json.loads(line)["body"]["prompt"] for line in lines] == prompts.splitlines()


def test_a_model_that_is_not_there_is_told_with_the_first_row_that_names_it(
    cli: Cli, work: Path
) -> None:
    rows = "sandbox/image,a,1\nsandbox/imag,b,2\nsandbox/imag,c,2\n"
    (work / "t.csv").write_text(f"model,prompt,n\n{rows}")
    told = cli("model", "batch", "t.csv", *REHEARSED, "--sandbox")
    assert told.status == 5
    assert "Invalid task in row 3: Modellix API error (404 Not Found)." in told.stderr
    assert "Did you mean sandbox/image" in told.stderr
    assert "row 4" not in told.stderr


def test_a_parameter_that_the_schema_does_not_name_is_warned_of_once(cli: Cli, work: Path) -> None:
    (work / "t.csv").write_text("prompt,promt\na,b\nc,d\n")
    given = ("t.csv", "--model", MODEL, *REHEARSED, "--sandbox")
    warned = cli("model", "batch", *given).stderr
    assert warned.count("column B (promt) is no parameter of") == 1


@pytest.mark.parametrize(
    ("cell", "says"),
    [
        ("zwei", 'row 2: column B (n) is "zwei", and alibaba/qwen-image-plus takes integer as n'),
        ('"1,5"', 'row 2: column B (n) is "1,5"'),
        ("@last", "row 2: column B (n)"),
    ],
)
def test_a_cell_that_is_no_number_is_refused_before_paying(
    cli: Cli, work: Path, cell: str, says: str
) -> None:
    (work / "t.csv").write_text(f"prompt,n\na,{cell}\n")
    result = cli("model", "batch", "t.csv", "--model", MODEL, "--yes", "--sandbox")
    assert (result.status, says in result.stderr) == (2, True)


def test_options_alone_describe_a_batch(cli: Cli) -> None:
    given = ("--model", MODEL, "--set", "prompt=a cat", "--matrix", "seed=1..3")
    result = cli("model", "batch", *given, "--max-tasks", "3", "--sandbox")
    assert (result.status, [one["id"] for one in result.json["tasks"]]) == (
        0,
        ["seed=1", "seed=2", "seed=3"],
    )
    again = cli("model", "batch", *given, "--yes", "--resume", "--sandbox")
    assert (again.json["newlySubmitted"], again.json["reused"]) == (0, 3)


def test_the_guard_counts_what_a_matrix_makes(cli: Cli) -> None:
    given = ("--model", MODEL, "--set", "prompt=a", "--matrix", "seed=1..3", "--sandbox")
    result = cli("model", "batch", *given, "--max-tasks", "2")
    assert (result.status, "It has 3 tasks" in result.stderr) == (2, True)


def test_without_a_file_and_options_the_file_is_missing(cli: Cli) -> None:
    result = cli("model", "batch", "--yes")
    assert (result.status, "FILE is missing" in result.stderr) == (2, True)


def test_the_command_that_resumes_repeats_every_set_and_matrix(batch: Batches) -> None:
    batch.service.replies[2] = httpx.Response(400, json={"code": 400, "message": "No."})
    batch.work.joinpath("tasks.jsonl").write_text('{"body": {}}\n')
    given = ("--model", "a/b", "--set", "x:=1", "--set", "y:=2", "--matrix", "line:=[1,2]")
    resume = batch(*given).json["resumeArgv"]
    assert [word for word in resume if word in given or word == "--resume"] == [*given, "--resume"]


# The types of parameters


def test_a_line_is_the_same_request_in_a_table_and_in_json_lines(batch: Batches) -> None:
    batch.service.schema.respond(json=schema(line={"type": "integer"}))
    (batch.work / "t.csv").write_text("model,line\na/b,1\na/b,2\n")
    batch.write(1)
    assert batch().json["newlySubmitted"] == 1
    result = batch.cli("model", "batch", "t.csv", "--yes", "--resume")
    assert (result.json["newlySubmitted"], batch.service.posts) == (1, [1, 2])


@pytest.mark.parametrize("later", [503, 200])
def test_a_schema_that_is_gone_or_changed_makes_no_other_requests(
    batch: Batches, later: int
) -> None:
    batch.service.schema.respond(json=schema(line={"type": "integer"}))
    (batch.work / "t.csv").write_text("model,line\na/b,1\n")
    assert batch.cli("model", "batch", "t.csv", "--yes").json["newlySubmitted"] == 1
    batch.service.schema.respond(later, json=schema(line={"type": "string"}))
    result = batch.cli("model", "batch", "t.csv", "--yes", "--resume")
    assert (result.json["newlySubmitted"], result.json["reused"]) == (0, 1)


def test_without_a_schema_nothing_is_sent(batch: Batches) -> None:
    batch.service.schema.mock(side_effect=httpx.ConnectError("no route"))
    (batch.work / "t.csv").write_text("model,line\na/b,1\n")
    result = batch.cli("model", "batch", "t.csv", "--yes")
    assert (result.status, batch.service.posts) == (7, [])
    assert "The types of a/b's parameters are not known" in result.stderr
    assert "Nothing was sent" in result.stderr


@pytest.mark.parametrize("kept", [True, False])
def test_a_model_that_is_listed_without_a_schema_is_not_called_missing(
    batch: Batches, *, kept: bool
) -> None:
    batch.service.schema.respond(404, json=problem(404, "Resource not found: model"))
    if kept:
        batch.cli("model", "list")
    (batch.work / "t.csv").write_text("model,line\na/b,1\na/b,2\na/b,3\n")
    result = batch.cli("model", "batch", "t.csv", "--yes")
    assert (result.status, batch.service.posts) == (7, [])
    assert batch.service.schema.call_count == 1
    assert "The types of a/b's parameters are not known: it has no schema." in result.stderr
    assert "a column named n:" in result.stderr
    (batch.work / "t.csv").write_text("model,line:\na/b,1\n")
    checked = batch.cli("model", "batch", "t.csv", "--yes", "--check")
    assert "no such model" not in checked.stderr
    assert batch.cli("model", "batch", "t.csv", "--yes").status == 0


def test_json_needs_no_schema(batch: Batches) -> None:
    batch.service.schema.mock(side_effect=httpx.ConnectError("no route"))
    (batch.work / "t.csv").write_text("model,line:\na/b,1\n")
    assert batch.cli("model", "batch", "t.csv", "--yes").status == 0
    assert batch.service.posts == [1]


def test_a_model_that_is_not_there_is_refused_before_paying(cli: Cli, work: Path) -> None:
    (work / "t.csv").write_text("model,prompt\nalibaba/qwen-image-plux,a\n")
    result = cli("model", "batch", "t.csv", "--yes", "--sandbox")
    assert (result.status, f"Did you mean {MODEL}" in result.stderr) == (5, True)


def test_a_check_names_the_row(batch: Batches) -> None:
    batch.service.schema.respond(json=schema(line={"type": "integer", "maximum": 1}))
    (batch.work / "t.csv").write_text("model,line\na/b,1\na/b,2\n")
    result = batch.cli("model", "batch", "t.csv", "--yes", "--check")
    assert (result.status, "Row 3 (a/b): " in result.stderr) == (2, True)


def test_all_that_is_wrong_with_a_file_is_told_at_once(cli: Cli, work: Path) -> None:
    lines = [
        '{"modelSlug": "a/b", "body": {}}',
        "{nonsense}",
        "[]",
        '{"modelSlug": "a", "body": {}}',
    ]
    (work / "t.jsonl").write_text("\n".join(lines))
    result = cli("model", "batch", "t.jsonl", "--yes")
    assert result.status == 2
    said = result.stderr.splitlines()
    assert said[0] == "Error: 3 lines of the batch input are wrong. Nothing was sent."
    assert "Invalid JSON on line 2 of the batch input" in said[1]
    assert "at column 2" in said[1]
    assert "on line 3: expected a JSON object" in said[2]
    assert "on line 4: Invalid model slug" in said[3]
    shown = cli("model", "batch", "t.jsonl", "--yes", "--json")
    assert (shown.json["ok"], shown.json["error"]["code"]) == (False, "INVALID_BODY")
    assert [fault["code"] for fault in shown.json["faults"]] == ["INVALID_BODY"] * 3


def test_of_very_many_faults_the_first_are_told(cli: Cli, work: Path) -> None:
    (work / "t.csv").write_text("id,model,n:\n" + "x,a/b,1\n" * 100)
    result = cli("model", "batch", "t.csv", "--yes")
    said = result.stderr.splitlines()
    assert "99 rows of the batch input are wrong. Nothing was sent. Among them:" in said[0]
    assert 'in row 3: id "x" is already that of row 2' in said[1]
    assert said[1].endswith(" 20 rows have it.")
    assert sum("is already that of row 2" in line for line in said) == 1


def test_lines_that_use_what_is_not_there_are_told_together(cli: Cli, work: Path) -> None:
    line = '{"modelSlug": "a/b", "body": {"image": "@line:ID"}}\n'
    (work / "t.jsonl").write_text(line.replace("ID", "one") + line.replace("ID", "two"))
    result = cli("model", "batch", "t.jsonl", "--yes", "--wait")
    assert "2 lines of the batch input are wrong" in result.stderr
    assert '"one"' in result.stderr
    assert '"two"' in result.stderr


def test_a_schema_that_a_table_was_read_by_also_prices_it(cli: Cli, work: Path) -> None:
    table = "model,prompt,image\nalibaba/wan2.5-i2v,a,https://example.com/a.png\n"
    (work / "t.csv").write_text(table)
    result = cli("model", "batch", "t.csv", "--yes", "--sandbox", "--output", "human")
    assert "1 task, listed prices: $0.25 to $0.75." in result.stderr


def test_a_request_key_of_two_lines_is_advised_about_the_lines(cli: Cli, work: Path) -> None:
    lines = [
        {"modelSlug": "sandbox/image", "body": {"prompt": prompt}, "requestKey": "k"}
        for prompt in ("a cat", "a dog")
    ]
    (work / "t.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    result = cli("model", "batch", "t.jsonl", "--yes", "--sandbox", "--output", "human")
    assert result.status == 2
    assert "in a batch requestKey beside the body" in result.stderr
