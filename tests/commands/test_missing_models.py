"""A model that is not there, or has no schema: `model run` and `model batch` tell the same."""

import json

import httpx
import pytest

from tests.commands.batches import Batches, batch
from tests.support import API, Result, problem

__all__ = ["batch"]

GONE = "x/y"


def both(batch: Batches, slug: str, *options: str) -> tuple[Result, Result]:
    """The same request as the only line of a batch, and as a run."""
    site = f"https://www.modellix.ai/models/{slug}/api_schema"
    batch.service.router.get(site).respond(404)
    batch.service.router.post(f"{API}/{GONE}/async").respond(404, json=problem(404, "no model"))
    line = {"modelSlug": slug, "body": {"line": 1}}
    (batch.work / "tasks.jsonl").write_text(json.dumps(line) + "\n")
    body = ("--body", '{"line":1}')
    return batch(*options), batch.cli("model", "run", slug, *body, *options)


@pytest.mark.parametrize("more", [(), ("--dry-run",)])
@pytest.mark.parametrize("option", ["--check", "--strict"])
def test_a_model_that_is_not_listed_is_not_found(
    batch: Batches, option: str, more: tuple[str, ...]
) -> None:
    for result in both(batch, GONE, option, *more):
        assert result.status == 5
        assert "here is no" in result.stderr
        assert "See the models with: modellix-cli model list" in result.stderr + result.stdout
        assert "Try again later" not in result.stderr
    assert batch.service.posts == []


@pytest.mark.parametrize("more", [(), ("--dry-run",)])
@pytest.mark.parametrize("kept", [True, False])
def test_a_listed_model_without_a_schema_cannot_be_checked(
    batch: Batches, kept: bool, more: tuple[str, ...]
) -> None:
    if kept:
        batch.cli("model", "list")
    for result in both(batch, "a/b", "--strict", *more):
        assert result.status == 7
        assert "no such model" not in result.stderr
    assert batch.service.posts == []


def test_without_a_list_nobody_says_that_there_is_no_model(batch: Batches) -> None:
    batch.service.models.mock(side_effect=httpx.ConnectError("down"))
    for result in both(batch, "a/b", "--strict"):
        assert result.status == 7
        assert "no such model" not in result.stderr


def test_the_list_is_asked_for_once_for_all_that_it_has_not(batch: Batches) -> None:
    lines = [{"modelSlug": f"x/{number}", "body": {}} for number in range(5)]
    (batch.work / "tasks.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    batch.service.router.get(url__startswith="https://www.modellix.ai/models/x/").respond(404)
    result = batch("--check", "--json")
    assert (result.status, batch.service.models.call_count) == (5, 1)
    assert {fault["code"] for fault in result.json["faults"]} == {"NOT_FOUND"}


def test_a_fault_elsewhere_does_not_make_a_model_without_a_schema_a_missing_one(
    batch: Batches,
) -> None:
    batch.service.schema.respond(404)
    with (batch.work / "tasks.jsonl").open("a") as file:
        file.write("{no}\n")
    result = batch("--check")
    assert (result.status, "no such model" in result.stderr) == (2, False)
    assert "on line 5" in result.stderr
