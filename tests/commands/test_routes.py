"""Which address a task is submitted to: option, variable, default."""

from pathlib import Path

import pytest
import respx

from tests.conftest import Cli
from tests.support import API, accepted, problem

WITH, WITHOUT = f"{API}/a/b/async", f"{API}/a/b"
RUN = ("model", "run", "a/b", "--body", "{}")


@pytest.mark.parametrize(
    ("options", "variable", "address"),
    [
        ((), None, WITH),
        ((), "", WITH),
        ((), "1", WITH),
        ((), "0", WITHOUT),
        ((), "off", WITHOUT),
        (("--no-async-route",), None, WITHOUT),
        (("--no-async-route",), "1", WITHOUT),
        (("--async-route",), "0", WITH),
    ],
)
@respx.mock
def test_a_run_goes_where_option_or_variable_say(
    cli: Cli, options: tuple[str, ...], variable: str | None, address: str
) -> None:
    respx.post(address).respond(json=accepted("task-1"))
    assert cli(*RUN, *options, env={"MODELLIX_ASYNC_ROUTE": variable}).status == 0


@respx.mock
def test_a_typed_slug_keeps_its_type_only_where_the_service_has_such_a_route(cli: Cli) -> None:
    respx.post(f"{API}/text-to-video/a/b/async").respond(json=accepted("task-1"))
    respx.post(WITHOUT).respond(json=accepted("task-2"))
    typed = ("model", "run", "text-to-video/a/b", "--body")
    assert cli(*typed, '{"n": 1}').json["data"]["task_id"] == "task-1"
    assert cli(*typed, '{"n": 2}', "--no-async-route").json["data"]["task_id"] == "task-2"
    assert cli(*typed, '{"n": 1}', "--no-async-route", "--resume").json["reused"] is True


def test_a_variable_that_is_neither_on_nor_off_is_refused(cli: Cli) -> None:
    result = cli(*RUN, env={"MODELLIX_ASYNC_ROUTE": "maybe"})
    assert result.status == 2
    assert 'MODELLIX_ASYNC_ROUTE="maybe" is neither on nor off.' in result.stderr


@respx.mock
def test_the_same_request_by_the_other_route_is_not_paid_for_again(cli: Cli) -> None:
    respx.post(WITH).respond(json=accepted("task-1"))
    assert cli(*RUN, "--resume").status == 0
    result = cli(*RUN, "--resume", "--no-async-route")
    assert result.json["data"]["task_id"] == "task-1"


@respx.mock
def test_a_batch_takes_the_route_and_its_resume_command_repeats_it(cli: Cli, work: Path) -> None:
    (work / "tasks.jsonl").write_text('{"modelSlug": "a/b", "body": {}}\n')
    respx.get(f"{API}/models").respond(json={"models": [{"slug": "a/b"}]})
    respx.post(WITHOUT).respond(402, json=problem(402, "no balance"))
    result = cli("model", "batch", "tasks.jsonl", "--yes", "--no-async-route", "--json")
    assert result.status == 4
    assert "--no-async-route" in result.json["resumeArgv"]
    assert "False" not in result.json["resumeArgv"]
