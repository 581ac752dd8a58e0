"""`task url` and `task open`: where results are, and looking at them."""

from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
import respx

from tests.conftest import Cli
from tests.support import API, FakeClock, problem, task_reply

A, B = "https://cdn.example.com/a.png?sig=1", "https://cdn.example.com/b.png"


@pytest.fixture(autouse=True)
def api() -> Iterator[None]:
    with respx.mock:
        yield


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What the system's viewer was given."""
    seen: list[str] = []

    def start(words: list[str], env: Mapping[str, str]) -> int:
        seen.append(words[-1])
        return 0

    monkeypatch.setattr("modellix_cli.workflows.viewer._start", start)
    monkeypatch.setattr("modellix_cli.workflows.viewer.viewer", lambda system: ["view"])
    return seen


def reply(*urls: str, status: str = "success", **data: object) -> respx.Route:
    return respx.get(f"{API}/tasks/t-1").respond(json=task_reply("t-1", status, *urls, **data))


def saved(cli: Cli, slug: str = "sandbox/many") -> tuple[str, list[str]]:
    run = ("model", "run", slug, "--body", '{"prompt": "a"}', "--wait", "--output-dir", "out")
    result = cli(*run, "--sandbox", "--json")
    return result.json["data"]["task_id"], [file["path"] for file in result.json["files"]]


class TestUrl:
    def test_it_prints_the_addresses_and_asks_once(self, cli: Cli) -> None:
        route = reply(A, B)
        assert cli("task", "url", "t-1").stdout == f"{A}\n{B}\n"
        assert route.call_count == 1
        assert cli("task", "url", "t-1", "-q").stdout == f"{A}\n{B}\n"
        assert cli("task", "url", "t-1", "2").stdout == f"{B}\n"

    def test_json_has_positions_types_and_the_end(self, cli: Cli) -> None:
        reply(A, result_expires_at="2027-01-20T10:00:00Z")
        assert cli("task", "url", "t-1", "--json").json == {
            "ok": True,
            "taskId": "t-1",
            "urls": [{"position": 1, "type": "image", "url": A}],
            "expiresAt": "2027-01-20T10:00:00.000Z",
        }

    def test_what_was_seen_is_recorded(self, cli: Cli) -> None:
        reply(A)
        cli("task", "url", "t-1")
        assert cli("task", "history", "-q").stdout == "t-1\n"

    @pytest.mark.parametrize(
        ("status", "urls", "code", "exit_status"),
        [
            ("processing", (), "TASK_NOT_FINISHED", 1),
            ("failed", (), "TASK_FAILED", 1),
            ("success", (), "NO_RESOURCES", 1),
            ("success", ("data:image/png;base64,AA==",), "NO_RESOURCES", 1),
        ],
    )
    def test_without_an_address_it_says_why(
        self, cli: Cli, status: str, urls: tuple[str, ...], code: str, exit_status: int
    ) -> None:
        reply(*urls, status=status)
        result = cli("task", "url", "t-1", "--json")
        assert (result.status, result.json["error"]["code"]) == (exit_status, code)

    @pytest.mark.parametrize("number", ["0", "x", "-1"])
    def test_a_number_that_is_none_is_exit_2(self, cli: Cli, number: str) -> None:
        assert cli("task", "url", "t-1", number).status == 2

    def test_so_is_one_of_more_results_than_there_are(self, cli: Cli) -> None:
        reply(A, B)
        result = cli("task", "url", "t-1", "3")
        assert (result.status, "has 2 results" in result.stderr) == (2, True)

    def test_a_task_that_is_not_there_is_exit_5(self, cli: Cli) -> None:
        respx.get(f"{API}/tasks/t-1").respond(404, json=problem(404, "Resource not found: task"))
        assert cli("task", "url", "t-1").status == 5


class TestOpen:
    def test_a_saved_file_is_opened_without_asking_anybody(
        self, cli: Cli, opened: list[str]
    ) -> None:
        task_id, paths = saved(cli)
        result = cli("task", "open", task_id, env={"MODELLIX_API_KEY": None})
        assert (result.status, result.stdout) == (0, "")
        assert f"Opened {paths[0]}" in result.stderr
        assert cli("task", "open", "@last", "3", "--sandbox", "--json").json == {
            "ok": True,
            "taskId": task_id,
            "position": 3,
            "path": paths[2],
            "opened": True,
        }
        assert opened == [paths[0], paths[2]]

    def test_print_opens_nothing(self, cli: Cli, opened: list[str]) -> None:
        task_id, paths = saved(cli)
        assert cli("task", "open", task_id, "--print").stdout == f"{paths[0]}\n"
        assert cli("task", "open", task_id, "2", "--print", "--json").json["opened"] is False
        assert opened == []

    def test_of_files_saved_twice_the_last_one_there_counts(
        self, cli: Cli, clock: FakeClock, opened: list[str]
    ) -> None:
        task_id, (first,) = saved(cli, "sandbox/image")
        clock.sleep(1)
        again = cli("task", "download", task_id, "--output-dir", "out", "--sandbox", "--json")
        second = again.json["files"][0]["path"]
        assert second != first
        cli("task", "open", task_id)
        Path(second).unlink()
        cli("task", "open", task_id)
        assert opened == [second, first]

    def test_what_is_not_saved_is_opened_at_its_address(self, cli: Cli, opened: list[str]) -> None:
        route = reply(A, B)
        result = cli("task", "open", "t-1", "2", "--json")
        assert (result.json["url"], result.json["opened"]) == (B, True)
        assert opened == [B]
        assert route.call_count == 1

    def test_the_sandboxs_addresses_are_not_for_a_browser(
        self, cli: Cli, opened: list[str]
    ) -> None:
        task_id, (path,) = saved(cli, "sandbox/image")
        Path(path).unlink()
        result = cli("task", "open", task_id, "--sandbox", "--json")
        assert (result.status, result.json["error"]["code"]) == (1, "NO_VIEWER")
        assert f"modellix-cli task download {task_id} --sandbox" in result.json["error"]["hint"]
        assert opened == []

    def test_without_a_viewer_it_says_so_and_how_to_see_the_path(
        self, cli: Cli, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("sys.platform", "linux")
        task_id, _ = saved(cli, "sandbox/image")
        result = cli("task", "open", task_id)
        assert result.status == 1
        assert "no graphical session" in result.stderr
        assert f"modellix-cli task open {task_id} 1 --print" in result.stderr

    def test_a_result_that_is_not_there_is_exit_2(self, cli: Cli, opened: list[str]) -> None:
        reply(A)
        assert cli("task", "open", "t-1", "2").status == 2
        assert opened == []


@respx.mock
@pytest.mark.parametrize("verb", ["url", "open"])
def test_numbers_of_results_say_how_they_count(cli: Cli, verb: str) -> None:
    route = respx.get(f"{API}/tasks/t-1").respond(json=task_reply("t-1", "success", A))
    for number, said in (("0", "There is no result 0."), ("2", "1 result, so there is no 2.")):
        result = cli("task", verb, "t-1", number)
        assert result.status == 2
        assert said in result.stderr
        assert "counted from 1, as in file names" in result.stderr
    assert route.call_count == 1  # none for a number that no task has
