"""`task history`."""

import csv
import io
import json
from pathlib import Path
from typing import Any

import pytest
import respx
from rich.cells import cell_len

from tests.commands.test_run_parameters import schema
from tests.conftest import Cli
from tests.support import (
    API,
    KEY,
    FakeClock,
    Terminal,
    accepted,
    at_terminal,
    invoke,
    problem,
    task_reply,
)

HISTORY = ("task", "history")
SEEN = "2027-01-15T08:00:00.000Z"


def see(cli: Cli, *task_ids: str, profile: str | None = None) -> None:
    for task_id in task_ids:
        respx.get(f"{API}/tasks/{task_id}").respond(json=task_reply(task_id))
        cli("task", "get", task_id, env={"MODELLIX_PROFILE": profile})


def official(env: dict[str, str], *entries: dict[str, str]) -> Path:
    path = Path(env["XDG_CONFIG_HOME"]) / "modellix" / "history.json"
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps({"entries": entries, "version": 1}))
    return path


@respx.mock
def test_tasks_are_listed_as_json(cli: Cli, env: dict[str, str]) -> None:
    see(cli, "t-1")
    result = cli(*HISTORY, "--json")
    assert result.status == 0
    assert result.json == {
        "entries": [
            {
                "createdAt": SEEN,
                "taskId": "t-1",
                "updatedAt": SEEN,
                "baseUrl": "https://api.modellix.ai",
                "profile": "default",
                "status": "success",
                "prompt": None,
            }
        ],
        "historyPath": str(Path(env["XDG_CONFIG_HOME"]) / "modellix" / "history.json"),
        "ledgerPath": str(Path(env["XDG_STATE_HOME"]) / "modellix" / "ledger.db"),
        "ok": True,
        "total": 1,
        "unknownSubmissions": [],
    }


@respx.mock
def test_piped_lines_have_tab_separated_fields_and_quiet_ones_ids(cli: Cli) -> None:
    see(cli, "t-1", "t-2")
    fields = (SEEN, "default", "t-2", "-", "success", "https://api.modellix.ai", "-", "-")
    line = "\t".join(fields)
    assert cli(*HISTORY, "--limit", "1").stdout == line + "\n"
    assert cli(*HISTORY, "-q").stdout == "t-2\nt-1\n"


@respx.mock
def test_a_terminal_gets_a_table(
    cli: Cli, env: dict[str, str], work: Path, clock: FakeClock
) -> None:
    see(cli, "t-1", "t-2")
    plain = env | {"NO_COLOR": "1"}
    shown = invoke(*HISTORY, "--limit", "1", env=plain, cwd=work, clock=clock, stdout=Terminal())
    head, row = shown.stdout.splitlines()
    assert head.index("Task") == row.index("t-2")
    assert "1 of 2 tasks" in shown.stderr


def test_entries_have_the_prompt_of_what_was_sent_here(cli: Cli) -> None:
    cli("model", "run", "sandbox/image", "a cat", "--sandbox", "-q")
    cli("model", "run", "sandbox/image", "a dog", "--sandbox", env={"MODELLIX_KEEP_BODIES": "0"})
    entries = cli(*HISTORY, "--json", "--sandbox").json["entries"]
    assert {entry["prompt"] for entry in entries} == {"a cat", None}


def test_columns_are_those_asked_for(cli: Cli) -> None:
    run = ("model", "run", "sandbox/image", "a cat", "--tag", "x", "--sandbox", "-q")
    task_id = cli(*run).stdout.strip()
    shown = cli(*HISTORY, "--sandbox", "--columns", "prompt, Task,profile,batch")
    assert shown.stdout == f"a cat\t{task_id}\tdefault\t-\n"
    refused = cli(*HISTORY, "--columns", "price")
    assert refused.status == 2
    assert '"price" is not one of updated, submitted, task,' in refused.stderr
    assert cli(*HISTORY, "--columns", "task", "--json").status == 2


def test_csv_has_every_record_for_a_spreadsheet(cli: Cli) -> None:
    for number in range(22):
        cli("model", "run", "sandbox/image", f"=cat {number}", "--tag", "x", "--sandbox", "-q")
    cli("model", "run", "sandbox/invalid", "a cat", "--sandbox", "-q")
    written = cli(*HISTORY, "--sandbox", "--output", "csv").stdout
    rows = list(csv.DictReader(io.StringIO(written)))
    assert len(rows) == 23
    assert (rows[0]["prompt"], rows[0]["tag"]) == ("'=cat 0", "x")
    assert (rows[0]["model"], rows[0]["request"]) == ("sandbox/image", "1")
    assert (rows[22]["task"], rows[22]["status"]) == ("", "rejected")
    assert "Invalid parameters" in rows[22]["message"]


def test_no_cell_of_csv_is_a_formula(cli: Cli, work: Path) -> None:
    line = {"id": "=1+1", "modelSlug": "sandbox/image", "body": {"prompt": "a cat"}}
    (work / "t.jsonl").write_text(json.dumps(line))
    cli("model", "batch", "t.jsonl", "--yes", "--sandbox")
    written = cli(*HISTORY, "--sandbox", "--output", "csv").stdout
    assert next(csv.DictReader(io.StringIO(written)))["line_id"] == "'=1+1"


def test_an_empty_history_says_so(cli: Cli) -> None:
    assert cli(*HISTORY).stdout == "No local task history.\n"
    assert cli(*HISTORY, "-q").stdout == ""
    assert cli(*HISTORY, "--json").json["entries"] == []


@respx.mock
@pytest.mark.parametrize("by_variable", [True, False])
def test_a_profile_limits_the_list(cli: Cli, by_variable: bool) -> None:
    see(cli, "t-1")
    see(cli, "t-2", profile="work")
    assert cli(*HISTORY, "--json").json["total"] == 2
    option = () if by_variable else ("--profile", "work")
    variable = {"MODELLIX_PROFILE": "work" if by_variable else None}
    shown = cli(*HISTORY, *option, "--json", env=variable).json
    assert [entry["taskId"] for entry in shown["entries"]] == ["t-2"]
    assert shown["profile"] == "work"


def test_the_official_history_is_shown_and_named(cli: Cli, env: dict[str, str]) -> None:
    entry = {"createdAt": SEEN, "taskId": "h-1", "updatedAt": SEEN, "modelSlug": "a/b"}
    path = official(env, entry)
    shown = cli(*HISTORY, "--json").json
    assert shown["entries"] == [
        entry | {"baseUrl": "https://api.modellix.ai", "profile": "default", "prompt": None}
    ]
    assert shown["historyPath"] == str(path)


def test_a_broken_official_history_is_a_warning(cli: Cli, env: dict[str, str]) -> None:
    official(env).write_text("{")
    result = cli(*HISTORY, "--json")
    assert result.status == 0
    assert result.json["entries"] == []
    assert result.stderr.count("Warning:") == 1


def test_no_text_of_the_file_acts_on_the_terminal(cli: Cli, env: dict[str, str]) -> None:
    entry = {"createdAt": SEEN, "taskId": "h-1", "updatedAt": SEEN, "status": "a\x1b[2J\tb\nc"}
    official(env, entry)
    line = cli(*HISTORY).stdout
    assert "\x1b" not in line
    assert (line.count("\t"), line.count("\n")) == (7, 1)


def test_the_sandboxs_tasks_are_shown_with_sandbox_only(cli: Cli) -> None:
    run = ("model", "run", "sandbox/image", "--body", '{"prompt": "a cat"}', "--sandbox", "-q")
    task_id = cli(*run).stdout
    assert cli(*HISTORY, "-q").stdout == ""
    assert cli(*HISTORY, "-q", "--sandbox").stdout == task_id


@respx.mock
def test_clearing_forgets_and_says_where(cli: Cli, env: dict[str, str]) -> None:
    see(cli, "t-1")
    path = str(Path(env["XDG_STATE_HOME"]) / "modellix" / "ledger.db")
    assert cli(*HISTORY, "--clear", "--yes").stdout == f"Cleared local task history at {path}.\n"
    assert cli(*HISTORY, "-q").stdout == ""
    assert cli(*HISTORY, "--clear", "-y").stdout == "No local task history exists.\n"
    see(cli, "t-1")
    shown = cli(*HISTORY, "--clear", "-y", "--json").json
    assert (shown["cleared"], shown["ok"], shown["ledgerPath"]) == (True, True, path)
    assert shown["historyPath"].endswith("history.json")
    assert cli(*HISTORY, "--clear", "-y", "-q").stdout == ""


@respx.mock
def test_clearing_one_profile_leaves_the_others(cli: Cli) -> None:
    see(cli, "t-1")
    see(cli, "t-2", profile="work")
    cli(*HISTORY, "--clear", "--yes", "--profile", "work")
    assert cli(*HISTORY, "-q").stdout == "t-1\n"


@respx.mock
def test_clearing_keeps_what_protects_money_and_says_so(cli: Cli) -> None:
    run = ("model", "run", "a/b", "--body", "{}")
    respx.post(f"{API}/a/b/async").respond(502)
    assert cli(*run).status == 8
    assert "1 submission of unknown outcome" in cli(*HISTORY, "--clear", "-y").stderr
    route = respx.post(f"{API}/a/b/async").respond(json=accepted("t-1"))
    posted = route.call_count
    assert cli(*run).status == 8
    assert route.call_count == posted


@respx.mock
def test_clearing_where_nobody_can_answer_needs_yes(cli: Cli) -> None:
    see(cli, "t-1")
    result = cli(*HISTORY, "--clear")
    assert result.status == 2
    assert "--yes" in result.stderr
    assert cli(*HISTORY, "-q").stdout == "t-1\n"


@respx.mock
@pytest.mark.parametrize(
    ("answer", "status", "left"),
    [
        (b"y\n", 0, ""),
        (b"YES\n", 0, ""),
        (b"n\n", 1, "t-1\n"),
        (b"\n", 1, "t-1\n"),
        (b"", 1, "t-1\n"),
    ],
)
def test_a_terminal_is_asked_first(
    cli: Cli, monkeypatch: pytest.MonkeyPatch, answer: bytes, status: int, left: str
) -> None:
    see(cli, "t-1")
    with monkeypatch.context() as patch:
        patch.setattr("modellix_cli.context.prompts.is_terminal", lambda stream: True)
        result = cli(*HISTORY, "--clear", stdin=answer)
        assert cli(*HISTORY, "--clear", "--json", stdin=b"y\n").status == 2
    assert result.status == status
    assert "[y/N]" in result.stdout + result.stderr
    assert cli(*HISTORY, "-q").stdout == left


@pytest.mark.parametrize(
    "arguments", [("--limit", "0"), ("--limit", "x"), ("--yes",), ("extra",), ("--profile", "a b")]
)
def test_a_wrong_command_line_is_exit_2(cli: Cli, arguments: tuple[str, ...]) -> None:
    assert cli(*HISTORY, *arguments).status == 2


def test_a_huge_limit_is_no_trouble(cli: Cli) -> None:
    assert cli(*HISTORY, "--limit", "9" * 30).status == 0


RUN = ("model", "run", "a/b", "--body", '{"prompt": "a fox", "seed": 12345678901234567890}')


def unknown_one(cli: Cli) -> None:
    respx.post(f"{API}/a/b/async").respond(502)
    assert cli(*RUN, "--tag", "spring").status == 8


@respx.mock
def test_piped_rows_have_unknown_outcomes_with_their_numbers(cli: Cli, clock: FakeClock) -> None:
    unknown_one(cli)
    clock.sleep(60)
    see(cli, "t-1")
    first, second = (line.split("\t") for line in cli(*HISTORY).stdout.splitlines())
    assert (first[2], first[4]) == ("t-1", "success")
    assert second[2:] == ["-", "a/b", "unknown", "https://api.modellix.ai", "-", "1"]


@respx.mock
def test_the_log_has_every_record_with_what_was_asked_and_refused(cli: Cli) -> None:
    respx.post(f"{API}/a/b/async").respond(400, json=problem(400, "Invalid parameters: too red"))
    assert cli(*RUN, "--tag", "spring").status == 2
    respx.post(f"{API}/a/b/async").respond(json=accepted("t-1"))
    cli(*RUN, "--request-key", "k")
    see(cli, "t-2")
    result = cli(*HISTORY, "--output", "jsonl")
    refused, sent, seen = (json.loads(line) for line in result.stdout.splitlines())
    parameters = {"prompt": "a fox", "seed": 12345678901234567890}
    assert refused == {
        "type": "submission",
        "createdAt": SEEN,
        "updatedAt": SEEN,
        "baseUrl": "https://api.modellix.ai",
        "modelSlug": "a/b",
        "profile": "default",
        "status": "rejected",
        "request": 1,
        "tag": "spring",
        "state": "rejected",
        "message": refused["message"],
        "parameters": parameters,
    }
    assert "too red" in refused["message"]
    assert (sent["taskId"], sent["requestKey"], sent["parameters"]) == ("t-1", "k", parameters)
    assert (seen["type"], seen["taskId"], seen["status"]) == ("task", "t-2", "success")


def refusals(cli: Cli) -> list[dict[str, Any]]:
    lines = cli(*HISTORY, "--output", "jsonl").stdout.splitlines()
    return [entry for entry in map(json.loads, lines) if entry["status"] == "rejected"]


@respx.mock
def test_the_log_has_what_a_limit_of_cost_refused(cli: Cli) -> None:
    rate = {"fixed": 0.04, "unit": "$/img"}
    respx.get(f"{API}/models").respond(json={"models": [{"slug": "a/b", "price": rate}]})
    respx.get(url__startswith="https://www.modellix.ai/").respond(404)
    assert cli(*RUN, "--tag", "spring", "--max-cost", "0.03").status == 10
    assert cli(*RUN, env={"MODELLIX_BUDGET": "0.01"}).status == 10
    first, second = refusals(cli)
    assert first["message"].startswith("Not sent: This request may cost $0.04, which is more than")
    assert second["message"].startswith("Not sent: The budget of $0.01 in 24h does not allow")
    assert (first["createdAt"], first["modelSlug"], first["tag"]) == (SEEN, "a/b", "spring")
    assert first["parameters"] == {"prompt": "a fox", "seed": 12345678901234567890}
    assert (first["estimatedUsd"], first["state"]) == (0.04, "rejected")
    assert cli("usage", "--json").json["total"]["estimatedUsd"] == 0


@respx.mock
def test_the_log_has_lines_that_the_budget_refused(cli: Cli) -> None:
    rate = {"fixed": 0.04, "unit": "$/img"}
    respx.get(f"{API}/models").respond(json={"models": [{"slug": "a/b", "price": rate}]})
    respx.get(url__startswith="https://www.modellix.ai/").respond(404)
    lines = b'{"modelSlug": "a/b", "id": "cat", "body": {"prompt": "a cat"}}'
    given = ("model", "batch", "-", "--yes", "--resume")
    for _ in range(2):
        assert cli(*given, env={"MODELLIX_BUDGET": "0.01"}, stdin=lines).status == 10
    assert [entry["lineId"] for entry in refusals(cli)] == ["cat", "cat"]
    respx.post(f"{API}/a/b/async").respond(json=accepted("t-1"))
    assert cli(*given, stdin=lines).json["newlySubmitted"] == 1


@respx.mock
def test_the_log_has_what_a_check_refused(cli: Cli) -> None:
    document = schema({"prompt": {"type": "string"}, "n": {"type": "integer", "maximum": 4}})
    respx.get(url__startswith="https://www.modellix.ai/").respond(json=document)
    assert cli("model", "run", "a/b", "a fox", "-p", "n:=9").status == 2
    lines = b'{"modelSlug": "a/b", "id": "cat", "body": {"n": 7}}'
    assert cli("model", "batch", "-", "--yes", "--check", stdin=lines).status == 2
    single, line = refusals(cli)
    assert single["message"] == "Not sent: body.n: 9 is greater than 4."
    assert single["parameters"] == {"prompt": "a fox", "n": 9}
    assert (line["lineId"], line["message"]) == ("cat", "Not sent: body.n: 7 is greater than 4.")


@respx.mock
def test_a_rehearsal_is_not_in_the_log(cli: Cli) -> None:
    respx.get(f"{API}/models").respond(json={"models": []})
    respx.get(url__startswith="https://www.modellix.ai/").respond(404)
    assert cli(*RUN, "--dry-run", "--max-cost", "0.03").status == 10
    assert refusals(cli) == []


@respx.mock
def test_a_limit_limits_the_log_too(cli: Cli) -> None:
    see(cli, *(f"t-{number}" for number in range(25)))
    assert len(cli(*HISTORY, "--output", "jsonl").stdout.splitlines()) == 25
    assert len(cli(*HISTORY, "--output", "jsonl", "--limit", "2").stdout.splitlines()) == 2


@respx.mock
def test_filters_are_those_of_the_options(cli: Cli, clock: FakeClock) -> None:
    respx.post(f"{API}/a/b/async").respond(json=accepted("t-1"))
    cli(*RUN, "--tag", "spring")
    clock.sleep(3 * 86400)
    see(cli, "t-2")
    for options, found in (
        (("--tag", "spring"), "t-1\n"),
        (("--search", "FOX"), "t-1\n"),
        (("--model", "a/b"), "t-1\n"),
        (("--status", "completed"), "t-2\n"),
        (("--status", "submitted"), "t-1\n"),
        (("--since", "2d"), "t-2\n"),
        (("--since", "2027-01-18"), "t-2\n"),
        (("--since", "2027-01-15T00:00:00Z"), "t-2\nt-1\n"),
        (("--tag", "spring", "--since", "1d"), ""),
    ):
        assert cli(*HISTORY, *options, "-q").stdout == found, options
    result = cli(*HISTORY, "--tag", "autumn")
    assert (result.status, result.stdout) == (0, "")
    assert "No task matches." in result.stderr


@respx.mock
def test_refused_submissions_are_listed_when_asked_for(cli: Cli) -> None:
    respx.post(f"{API}/a/b/async").respond(400, json=problem(400, "Invalid parameters: too red"))
    cli(*RUN)
    assert "rejectedSubmissions" not in cli(*HISTORY, "--json").json
    (shown,) = cli(*HISTORY, "--status", "rejected", "--json").json["rejectedSubmissions"]
    assert (shown["request"], shown["modelSlug"]) == (1, "a/b")
    assert "too red" in shown["detail"]
    assert cli(*HISTORY, "--status", "rejected").stdout.split("\t")[4] == "rejected"


@pytest.mark.parametrize(
    "arguments",
    [
        ("--since", "yesterday"),
        ("--since", ""),
        ("--since", "7"),
        ("--since", "2027-13-01"),
        ("--since", "99999999d"),
        ("--model", "no slug"),
        ("--tag", ""),
        ("--search", " "),
        ("--status", ""),
        ("--clear", "--tag", "x", "--yes"),
        ("--clear", "--limit", "5", "--yes"),
    ],
)
def test_a_wrong_filter_is_exit_2(cli: Cli, arguments: tuple[str, ...]) -> None:
    assert cli(*HISTORY, *arguments).status == 2


def test_files_are_listed_when_asked_for(cli: Cli, env: dict[str, str], work: Path) -> None:
    run = ("model", "run", "sandbox/image", "--body", '{"prompt": "a"}', "--wait", "--sandbox")
    (file,) = cli(*run, "--output-dir", ".", "--json").json["files"]
    (entry,) = cli(*HISTORY, "--files", "--json", "--sandbox").json["entries"]
    assert [shown["path"] for shown in entry["files"]] == [file["path"]]
    assert entry["files"][0].keys() == {"path", "bytes", "sha256", "type", "position"}
    assert cli(*HISTORY, "--files", "--sandbox").stdout.rstrip("\n").split("\t")[8:] == [
        file["path"]
    ]
    shown = at_terminal(env, work, *HISTORY, "--files", "--sandbox")
    assert shown[2].strip() == file["path"]


@pytest.mark.parametrize("columns", [40, 60, 80, 120])
def test_rows_fit_the_terminal(cli: Cli, env: dict[str, str], work: Path, columns: int) -> None:
    run = ("model", "run", "sandbox/image", "--sandbox", "--tag", "a long tag for the summer")
    cli(*run, "--body", json.dumps({"prompt": "a very long prompt with 狐 in it, " * 9}))
    cli(*run, "--body", '{"prompt": "b"}', "--profile", "work", "--wait")
    lines = at_terminal(env, work, *HISTORY, "--sandbox", columns=columns)
    assert all(cell_len(line) <= columns for line in lines)
    text = "\n".join(lines)
    for task_id in cli(*HISTORY, "--sandbox", "-q").stdout.split():
        assert task_id in text
    assert "$0.01" in text


@respx.mock
def test_no_key_is_shown_wherever_it_was_recorded(cli: Cli, env: dict[str, str]) -> None:
    task_id = f"t-{KEY}"
    respx.post(f"{API}/a/b/async").respond(json=accepted(task_id))
    words = ("--body", json.dumps({"prompt": KEY}), "--tag", KEY[:20])
    cli("model", "run", "a/b", *words, env={"MODELLIX_API_KEY": "mk-another-key-0123456789"})
    saved = Path(env["XDG_CONFIG_HOME"]) / "modellix" / "config.json"
    saved.parent.mkdir(parents=True, exist_ok=True)
    saved.write_text(json.dumps({"apiKey": KEY}))
    for variable in (KEY, None):
        for mode in ((), ("--json",), ("-q",), ("--output", "jsonl"), ("--files", "--json")):
            shown = cli(*HISTORY, *mode, env={"MODELLIX_API_KEY": variable})
            assert KEY not in shown.stdout + shown.stderr
            assert "[REDACTED]" in shown.stdout


@respx.mock
def test_a_status_that_is_misspelt_is_told_with_the_nearest(cli: Cli) -> None:
    for mode in ((), ("--json",), ("--output", "jsonl")):
        result = cli("task", "history", "--status", "succes", *mode)
        assert result.status == 2
        said = result.stderr + result.stdout
        assert "the status" in said
        assert "Did you mean success?" in said
        assert "Usual ones: pending, processing, success, failed, canceled" in said


@respx.mock
@pytest.mark.parametrize("word", ["Reviewing", "reviewing", " SUCCESS ", "running", "gone"])
def test_a_status_of_a_task_here_or_of_the_service_may_be_asked_for(cli: Cli, word: str) -> None:
    respx.get(f"{API}/tasks/t-1").respond(json=task_reply("t-1", "Reviewing"))
    cli("task", "get", "t-1")
    result = cli("task", "history", "--status", word, "-q")
    assert (result.status, result.stdout) == (0, "t-1\n" if "eviewing" in word else "")


@respx.mock
def test_the_log_has_what_refused_a_whole_batch(cli: Cli) -> None:
    rate = {"fixed": 0.04, "unit": "$/img"}
    respx.get(f"{API}/models").respond(json={"models": [{"slug": "a/b", "price": rate}]})
    respx.get(url__startswith="https://www.modellix.ai/").respond(404)
    respx.post(f"{API}/a/b/async").respond(json=accepted("t-1"))
    lines = b'{"modelSlug": "a/b", "id": "cat", "body": {"prompt": "a cat"}, "tag": "spring"}'
    given = ("model", "batch", "-", "--yes")
    assert cli(*given, "--max-cost", "0.03", stdin=lines).status == 10
    assert cli(*given, stdin=lines).status == 0
    assert cli(*given, stdin=lines).status == 2
    dear, paid = refusals(cli)
    assert dear["message"].startswith("Not sent: With its whole batch: The tasks may cost more")
    assert paid["message"].startswith("Not sent: With its whole batch: Of 1 line, 1 is paid for")
    for entry in (dear, paid):
        assert (entry["lineId"], entry["line"], entry["tag"]) == ("cat", 1, "spring")
        assert entry["parameters"] == {"prompt": "a cat"}
    assert len(cli("batch", "list", "--json").json["batches"]) == 1
    assert cli(*given, "--resume", stdin=lines).json["newlySubmitted"] == 0


@respx.mock
def test_of_a_long_batch_that_was_refused_the_log_has_the_first_lines(cli: Cli) -> None:
    rate = {"fixed": 0.04, "unit": "$/img"}
    respx.get(f"{API}/models").respond(json={"models": [{"slug": "a/b", "price": rate}]})
    respx.get(url__startswith="https://www.modellix.ai/").respond(404)
    lines = b'{"modelSlug": "a/b", "body": {"prompt": "a cat"}}\n' * 50
    given = ("model", "batch", "-", "--yes", "--max-cost", "0.03")
    assert cli(*given, stdin=lines).status == 10
    assert [entry["line"] for entry in refusals(cli)] == list(range(1, 21))
