"""`task resolve` and what `task history` tells of unknown outcomes."""

from pathlib import Path

import httpx
import pytest
import respx

from tests.conftest import Cli
from tests.support import API, FakeClock, Terminal, accepted, invoke, task_reply

NOT_FOUND = {"code": 404, "message": "Resource not found"}
RUN = ("model", "run", "a/b", "--body", '{"prompt": "a cat"}')
HISTORY = ("task", "history")


@pytest.fixture
def unknown(cli: Cli) -> None:
    """A submission whose answer never came."""
    with respx.mock:
        respx.post(f"{API}/a/b/async").mock(side_effect=httpx.ReadError("cut"))
        assert cli(*RUN, "--json").status == 8


@respx.mock
def test_programs_are_told_the_number_by_which_it_is_resolved(cli: Cli) -> None:
    respx.post(f"{API}/a/b/async").mock(side_effect=httpx.ReadError("cut"))
    for _ in ("sent now", "sent before"):
        told = cli(*RUN, "--json")
        assert (told.status, told.json["error"]["request"]) == (8, 1)


@respx.mock
@pytest.mark.usefixtures("unknown")
def test_an_id_beyond_ascii_resolves_a_submission(cli: Cli) -> None:
    respx.get(url__startswith=f"{API}/tasks/").respond(json=task_reply("猫-1"))
    assert cli("task", "resolve", "1", "--task-id", "猫-1").status == 0
    assert cli("task", "get", "@last").json["data"]["task_id"] == "猫-1"


@pytest.mark.usefixtures("unknown")
class TestHistory:
    def test_json_has_what_resolving_takes(self, cli: Cli, clock: FakeClock) -> None:
        shown = cli(*HISTORY, "--json").json["unknownSubmissions"]
        assert len(shown) == 1
        assert shown[0]["request"] == 1
        assert shown[0]["modelSlug"] == "a/b"
        assert shown[0]["sentAt"].startswith("2027-01-15T08:00")
        assert "taskId" not in shown[0]

    @respx.mock
    def test_they_are_told_apart_by_their_prompts(
        self, cli: Cli, env: dict[str, str], work: Path, clock: FakeClock
    ) -> None:
        respx.post(f"{API}/a/b/async").mock(side_effect=httpx.ReadError("cut"))
        cli("model", "run", "a/b", "--body", '{"prompt": "a red fox"}')
        shown = cli(*HISTORY, "--json").json["unknownSubmissions"]
        assert "a red fox" in [one.get("prompt") for one in shown]
        plain = env | {"NO_COLOR": "1", "COLUMNS": "120"}
        table = invoke(*HISTORY, env=plain, cwd=work, clock=clock, stdout=Terminal()).stdout
        assert "a red fox" in table

    def test_a_terminal_gets_a_second_table_and_the_way_on(
        self, env: dict[str, str], work: Path, clock: FakeClock
    ) -> None:
        plain = env | {"NO_COLOR": "1"}
        result = invoke(*HISTORY, env=plain, cwd=work, clock=clock, stdout=Terminal())
        title, head, row = result.stdout.splitlines()
        assert title == "Unknown outcomes"
        assert head.index("Model") == row.index("a/b")
        assert "task resolve REQUEST --task-id ID" in result.stderr

    def test_a_pipe_gets_a_note_and_quiet_nothing(self, cli: Cli) -> None:
        result = cli(*HISTORY)
        assert "1 submission of unknown outcome" in result.stderr
        assert cli(*HISTORY, "-q").stderr == ""


@pytest.mark.usefixtures("unknown")
class TestResolve:
    def test_with_a_task_id_it_is_known_as_that_task(self, cli: Cli) -> None:
        result = cli("task", "resolve", "1", "--task-id", "task-x", "--json")
        assert result.json == {
            "ok": True,
            "request": 1,
            "modelSlug": "a/b",
            "state": "accepted",
            "taskId": "task-x",
        }
        shown = cli(*HISTORY, "--json").json
        assert shown["unknownSubmissions"] == []
        assert [entry["taskId"] for entry in shown["entries"]] == ["task-x"]

    def test_not_created_says_how_to_take_it_back(self, cli: Cli) -> None:
        told = cli("task", "resolve", "1", "--not-created")
        assert "takes it back: modellix-cli task resolve 1 --task-id ID" in told.stderr

    @respx.mock
    def test_not_created_lets_it_be_sent_again(self, cli: Cli) -> None:
        route = respx.post(f"{API}/a/b/async").respond(json=accepted("task-y"))
        assert cli(*RUN).status == 8
        assert not route.called
        assert cli("task", "resolve", "1", "--not-created").status == 0
        assert cli(*RUN).status == 0
        assert route.call_count == 1

    @pytest.mark.parametrize(
        "options", [(), ("--not-created", "--task-id", "t"), ("--task-id", "a b")]
    )
    def test_it_takes_exactly_one_answer(self, cli: Cli, options: tuple[str, ...]) -> None:
        assert cli("task", "resolve", "1", *options).status == 2

    def test_what_is_not_there_is_not_found(self, cli: Cli) -> None:
        result = cli("task", "resolve", "9", "--not-created", "--json")
        assert (result.status, result.json["error"]["code"]) == (5, "NOT_FOUND")
        assert "charged" not in result.json["error"]

    @respx.mock
    def test_an_id_that_was_wrong_can_be_corrected(self, cli: Cli) -> None:
        respx.get(f"{API}/tasks/wrong").respond(404, json=NOT_FOUND)
        respx.get(f"{API}/tasks/right").respond(json=task_reply("right"))
        cli("task", "resolve", "1", "--task-id", "wrong")
        command = "modellix-cli task resolve 1 --task-id ID"
        for words in (
            (*RUN, "--resume", "--wait"),
            ("task", "wait", "wrong"),
            ("task", "get", "wrong"),
        ):
            told = cli(*words)
            assert f"If it is another one: {command}" in told.stderr
            assert told.status == 5
        assert cli("task", "resolve", "1", "--task-id", "right").status == 0
        assert cli(*RUN, "--resume", "--wait").status == 0

    @respx.mock
    def test_or_called_not_created_until_the_service_knows_it(self, cli: Cli) -> None:
        cli("task", "resolve", "1", "--task-id", "task-x")
        assert cli("task", "resolve", "1", "--not-created").status == 0
        cli("task", "resolve", "1", "--task-id", "task-x")
        respx.get(f"{API}/tasks/task-x").respond(json=task_reply("task-x"))
        cli("task", "get", "task-x")
        refused = cli("task", "resolve", "1", "--not-created")
        assert refused.status == 2
        assert "Task task-x was named for request 1, and the service knows it." in refused.stderr

    def test_that_it_was_not_created_can_be_taken_back(self, cli: Cli) -> None:
        cli("task", "resolve", "1", "--not-created")
        corrected = cli("task", "resolve", "1", "--task-id", "task-x", "--json")
        assert (corrected.status, corrected.json["taskId"]) == (0, "task-x")
        resumed = cli(*RUN, "--resume", "--json")
        assert (resumed.status, resumed.json["data"]["task_id"]) == (0, "task-x")

    @respx.mock
    def test_but_not_once_it_was_sent_again(self, cli: Cli) -> None:
        respx.post(f"{API}/a/b/async").respond(json=accepted("task-y"))
        cli("task", "resolve", "1", "--not-created")
        cli(*RUN)
        refused = cli("task", "resolve", "1", "--task-id", "task-x", "--json")
        assert refused.status == 2
        assert "sent again as request 2" in refused.json["error"]["message"]

    def test_it_needs_no_key(self, cli: Cli) -> None:
        env = {"MODELLIX_API_KEY": None}
        assert cli("task", "resolve", "1", "--not-created", env=env).status == 0


@pytest.mark.parametrize("number", ["9" * 19, "9" * 4301])
def test_a_number_of_any_length_is_not_found(cli: Cli, number: str) -> None:
    result = cli("task", "resolve", number, "--not-created", "--json")
    assert (result.status, result.json["error"]["code"]) == (5, "NOT_FOUND")
