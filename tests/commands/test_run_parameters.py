"""`model run SLUG PROMPT -p KEY=VALUE`: requests without JSON, checked before they are paid for."""

import json
import os
import re
import shlex
from pathlib import Path
from typing import Any

import httpx
import pytest
import respx

from modellix_cli.sandbox.media.png import png
from tests.conftest import Cli
from tests.models.test_batch_check import document
from tests.support import API, Terminal, accepted, invoke, task_reply

ROUTE = f"{API}/a/b/async"
SCHEMA_ROUTE = "https://www.modellix.ai/models/a/b/api_schema"
FILES = f"{API}/media/files"
RUN = ("model", "run", "a/b")
PROPERTIES: dict[str, Any] = {
    "prompt": {"type": "string"},
    "n": {"type": "integer", "minimum": 1, "maximum": 4},
    "seed": {"type": "integer"},
    "hd": {"type": "boolean"},
    "image": {"type": "string", "format": "uri"},
    "image_urls": {"type": "array", "items": {"type": "string", "format": "uri"}},
    "size": {"type": "object", "properties": {"width": {"type": "integer"}}},
}
PICTURE = png("cat", 8, 8)


def schema(properties: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    body = {"type": "object", "properties": properties or PROPERTIES} | more
    content = {"application/json": {"schema": body}}
    servers = [{"url": "https://api.modellix.ai/api/v1/a/b"}]
    return {"servers": servers, "post": {"requestBody": {"content": content}, "responses": {}}}


def publish(document: dict[str, Any] | None = None) -> None:
    respx.get(SCHEMA_ROUTE).respond(json=document or schema())


def accept(task_id: str = "task-1") -> respx.Route:
    return respx.post(ROUTE).respond(json=accepted(task_id))


def accept_uploads() -> respx.Route:
    data = {
        "file_id": "f-1",
        "filename": "cat.png",
        "size": 9,
        "type": "image/png",
        "url": "https://files.example.com/f-1.png",
        "created_at": "2026-01-01T00:00:00Z",
    }
    return respx.post(FILES).respond(json={"code": 0, "data": data})


def sent(route: respx.Route) -> Any:
    return json.loads(route.calls.last.request.content)


@respx.mock
def test_a_prompt_is_the_models_main_text(cli: Cli) -> None:
    publish(schema({"text": {"type": "string"}, "voice": {"type": "string"}}))
    route = accept()
    assert cli(*RUN, "Good morning").status == 0
    assert sent(route) == {"text": "Good morning"}


@respx.mock
def test_without_a_schema_a_prompt_is_called_prompt(cli: Cli) -> None:
    respx.get(SCHEMA_ROUTE).mock(side_effect=httpx.ConnectError("down"))
    route = accept()
    result = cli(*RUN, "a cat")
    assert (result.status, result.stderr) == (0, "")
    assert sent(route) == {"prompt": "a cat"}


@respx.mock
def test_parameters_are_what_the_schema_wants(cli: Cli) -> None:
    publish()
    route = accept()
    line = (
        "-p n=2 -p hd=true -p seed=007 -p size.width=512 -p image_urls[]=https://e.com/a --no-check"
    )
    cli(*RUN, "a cat", "--no-check", *line.split())
    assert sent(route) == {
        "prompt": "a cat",
        "n": 2,
        "hd": True,
        "seed": "007",
        "size": {"width": 512},
        "image_urls": ["https://e.com/a"],
    }


@respx.mock
def test_parameters_lie_over_the_body(cli: Cli) -> None:
    publish()
    route = accept()
    cli(*RUN, "--body", '{"prompt": "a dog", "seed": 12345678901234567890}', "-p", "prompt=a cat")
    assert route.calls.last.request.content == b'{"prompt":"a cat","seed":12345678901234567890}'


@respx.mock
def test_two_at_signs_are_one(cli: Cli) -> None:
    publish()
    route = accept()
    cli(*RUN, "-p", "prompt=@@home")
    assert sent(route) == {"prompt": "@home"}


@respx.mock
def test_a_prompt_may_come_from_a_pipe(cli: Cli) -> None:
    publish()
    route = accept()
    cli(*RUN, "-", stdin=b"a cat\n")
    assert sent(route) == {"prompt": "a cat"}


@respx.mock
def test_the_model_may_be_an_option_beside_a_prompt(cli: Cli) -> None:
    publish()
    route = accept()
    cli("model", "run", "--model-slug", "a/b", "a cat")
    assert sent(route) == {"prompt": "a cat"}


# Files and earlier results


@respx.mock
def test_a_file_is_uploaded_and_its_address_sent(cli: Cli, work: Path) -> None:
    publish()
    (work / "cat.png").write_bytes(PICTURE)
    upload, route = accept_uploads(), accept()
    cli(*RUN, "make it night", "-p", "image=@cat.png", "-p", "image_urls=@cat.png")
    assert sent(route)["image"] == "https://files.example.com/f-1.png"
    assert sent(route)["image_urls"] == ["https://files.example.com/f-1.png"]
    assert upload.call_count == 1


@respx.mock
def test_an_upload_is_used_again_while_it_lives_and_forgotten_when_deleted(
    cli: Cli, work: Path
) -> None:
    publish()
    (work / "cat.png").write_bytes(PICTURE)
    upload, _ = accept_uploads(), accept()
    respx.delete(f"{FILES}/f-1").respond(204)
    cli(*RUN, "-p", "image=@cat.png")
    cli(*RUN, "-p", "image=@cat.png")
    assert upload.call_count == 1
    cli("file", "delete", "f-1")
    cli(*RUN, "-p", "image=@cat.png")
    assert upload.call_count == 2


@respx.mock
def test_a_request_is_known_by_its_files_content_not_by_their_address(cli: Cli, work: Path) -> None:
    publish()
    (work / "cat.png").write_bytes(PICTURE)
    (work / "copy.png").write_bytes(PICTURE)
    accept_uploads()
    route = accept()
    cli(*RUN, "night", "-p", "image=@cat.png")
    again = cli(*RUN, "night", "-p", "image=@copy.png", "--resume")
    assert again.json["data"]["task_id"] == "task-1"
    assert route.call_count == 1


@respx.mock
def test_a_text_parameter_is_read_from_a_file(cli: Cli, work: Path) -> None:
    publish()
    (work / "prompt.txt").write_text("a cat\n", encoding="utf-8")
    route = accept()
    cli(*RUN, "-p", "prompt=@prompt.txt")
    assert sent(route) == {"prompt": "a cat"}


@respx.mock
def test_a_file_that_is_not_there_ends_the_command(cli: Cli) -> None:
    publish()
    result = cli(*RUN, "-p", "prompt=@alice")
    assert result.status == 2
    assert "there is no file" in result.stderr
    assert "prompt=@@" in result.stderr


@respx.mock
@pytest.mark.parametrize("name", ["prompt", "no_such_parameter"])
@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes")
def test_a_pipe_is_no_file_and_nobody_waits_for_it(cli: Cli, work: Path, name: str) -> None:
    publish()
    os.mkfifo(work / "pipe")
    result = cli(*RUN, "-p", f"{name}=@pipe")
    assert result.status == 2
    assert "pipe or device. Write a text to a file first" in result.stderr


@respx.mock
def test_a_dash_is_no_file_but_a_prompt(cli: Cli) -> None:
    publish()
    result = cli(*RUN, "-p", "prompt=@-")
    assert result.status == 2
    assert "modellix-cli model run SLUG -" in result.stderr


@respx.mock
def test_a_result_of_the_last_task_is_sent(cli: Cli) -> None:
    publish()
    route = accept("task-1")
    cli(*RUN, "a cat")
    made = [{"url": "https://e.com/1.png"}, {"url": "https://e.com/2.png"}]
    done = task_reply("task-1", "success", result={"resources": made})
    respx.get(f"{API}/tasks/task-1").respond(json=done)
    cli(*RUN, "night", "-p", "image=@last[1]")
    assert sent(route)["image"] == "https://e.com/2.png"


@respx.mock
def test_a_task_that_still_runs_cannot_be_used(cli: Cli) -> None:
    publish()
    route = accept()
    respx.get(f"{API}/tasks/task-9").respond(json=task_reply("task-9", "processing"))
    result = cli(*RUN, "night", "-p", "image=@task:task-9")
    assert result.status == 1
    assert "has not ended yet" in result.stderr
    assert route.call_count == 0


# Checks before paying


@respx.mock
@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("-p", "n=9"), ("body.n: 9 is greater than 4", "model params a/b", "--no-check")),
        (("-p", "image=cat.png"), ("image takes an address", "-p image=@cat.png")),
        (("-p", "sead=1", "--strict"), ('no parameter "sead"', 'Did you mean "seed"?')),
    ],
)
def test_what_the_model_would_refuse_is_not_sent(
    cli: Cli, arguments: tuple[str, ...], words: tuple[str, ...]
) -> None:
    publish()
    route = accept()
    result = cli(*RUN, "a cat", *arguments)
    assert result.status == 2
    assert all(word in result.stderr for word in words)
    assert route.call_count == 0


@respx.mock
@pytest.mark.parametrize("path", ["pictures/cat.png", "~/CAT.JPEG", "C:\\\\cat.png"])
def test_a_path_for_an_address_is_refused_in_a_body_as_well(cli: Cli, path: str) -> None:
    publish()
    route = accept()
    body = f'{{"prompt": "a", "image": "{path}"}}'
    result = cli(*RUN, "--body", body)
    assert result.status == 2
    assert "image takes an address" in result.stderr
    assert "modellix-cli file upload" in result.stderr
    assert route.call_count == 0
    assert cli(*RUN, "--body", body, "--no-check").status == 0
    assert route.call_count == 1


@respx.mock
def test_a_body_without_paths_of_files_is_sent_without_a_look_at_the_schema(cli: Cli) -> None:
    asked = respx.get(SCHEMA_ROUTE).respond(json=schema())
    accept()
    assert cli(*RUN, "--body", '{"prompt": "a", "image": "https://x.test/a.jpg?b"}').status == 0
    assert asked.call_count == 0


@respx.mock
def test_nothing_is_uploaded_for_a_request_that_is_refused(cli: Cli, work: Path) -> None:
    publish()
    (work / "cat.png").write_bytes(PICTURE)
    upload = accept_uploads()
    assert cli(*RUN, "-p", "image=@cat.png", "-p", "n=9").status == 2
    assert upload.call_count == 0


@respx.mock
def test_no_check_sends_all_the_same(cli: Cli) -> None:
    publish()
    route = accept()
    assert cli(*RUN, "a cat", "-p", "n=9", "--no-check").status == 0
    assert sent(route)["n"] == 9


@respx.mock
def test_a_misspelt_parameter_is_warned_of(cli: Cli) -> None:
    publish()
    accept()
    result = cli(*RUN, "a cat", "-p", "sead=1")
    assert result.status == 0
    assert 'Did you mean "seed"?' in result.stderr


@respx.mock
def test_a_body_given_as_json_is_checked_only_when_asked(cli: Cli) -> None:
    publish()
    route = accept()
    assert cli(*RUN, "--body", '{"n": 9}').status == 0
    assert cli(*RUN, "--body", '{"n": 9}', "--check").status == 2
    assert route.call_count == 1


@respx.mock
def test_a_check_that_nobody_asked_for_stops_nothing_where_it_cannot_be_made(cli: Cli) -> None:
    respx.get(SCHEMA_ROUTE).respond(503)
    route = accept()
    assert cli(*RUN, "a cat", "-p", "n=2").status == 0
    assert route.call_count == 1


@respx.mock
@pytest.mark.parametrize("option", ["--strict", "--check"])
@pytest.mark.parametrize("others", [(), ("--dry-run",)])
def test_a_check_that_was_asked_for_and_cannot_be_made_refuses(
    cli: Cli, option: str, others: tuple[str, ...]
) -> None:
    respx.get(SCHEMA_ROUTE).respond(503)
    respx.get(url__regex=".*/models").respond(503)
    route = accept()
    result = cli(*RUN, "--body", "{}", option, *others)
    assert (result.status, route.call_count) == (7, 0)
    assert "not checked: the model's schema cannot be had: Modellix API error (503" in result.stderr
    assert f"To send it unchecked, leave out {option}" in result.stderr


@respx.mock
@pytest.mark.parametrize("option", ["--check", "--strict"])
def test_a_check_that_was_asked_for_waits_for_its_schema(cli: Cli, option: str) -> None:
    late = respx.get(SCHEMA_ROUTE)
    late.side_effect = [httpx.ReadTimeout("slow"), httpx.Response(200, json=schema())]
    route = accept()
    result = cli(*RUN, "--body", '{"n": 9}', option)
    assert (result.status, route.call_count) == (2, 0)
    assert "n: 9 is greater than" in result.stderr


@respx.mock
@pytest.mark.parametrize("options", [("--strict",), ("--strict", "--dry-run")])
def test_strictly_every_name_must_be_looked_up(cli: Cli, options: tuple[str, ...]) -> None:
    taught = {"properties": {"size": {"properties": ["width"]}}}
    publish(dict(document(taught, servers=[{"url": API}])))
    respx.get(url__regex=".*/models").respond(503)
    route = accept()
    body = ("--body", '{"size": {"width": 1}}')
    result = cli(*RUN, *body, *options)
    assert (result.status, route.call_count) == (7, 0)
    assert "The body was not checked: the model's schema has properties" in result.stderr
    assert cli(*RUN, *body, "--check").status == 0


@pytest.mark.parametrize("command", [RUN, ("model", "batch", "t.jsonl", "--yes")])
def test_strict_and_no_check_exclude_each_other(cli: Cli, command: tuple[str, ...]) -> None:
    result = cli(*command, "--strict", "--no-check")
    assert result.status == 2
    assert "--strict and --no-check exclude each other." in result.stderr


# Shown instead of sent


@respx.mock
def test_a_dry_run_shows_the_request_and_sends_nothing(cli: Cli, work: Path) -> None:
    publish()
    (work / "cat.png").write_bytes(PICTURE)
    respx.get(f"{API}/models").respond(
        json={"models": [{"slug": "a/b", "price": {"fixed": 0.03, "unit": "$/img"}}]}
    )
    line = ("-p", "n=2", "-p", "image=@cat.png", "-p", "sead=1", "--dry-run")
    result = cli(*RUN, "a cat", *line)
    assert result.status == 0
    assert result.json["body"] == {"prompt": "a cat", "n": 2, "image": "@cat.png", "sead": "1"}
    assert result.json["estimate"]["estimatedUsd"] == 0.06
    assert result.json["faults"] == []
    assert result.json["warnings"] == ['The model has no parameter "sead". Did you mean "seed"?']


@respx.mock
def test_a_dry_run_with_faults_is_exit_2(cli: Cli) -> None:
    publish()
    respx.get(f"{API}/models").respond(json={"models": []})
    result = cli(*RUN, "a cat", "-p", "n=9", "--dry-run")
    assert result.status == 2
    fault = result.json["faults"][0]
    assert (fault["message"], fault["exitCode"]) == ("body.n: 9 is greater than 4.", 2)
    assert "body.n: 9 is greater than 4." in result.stderr


@respx.mock
def test_a_request_is_printed_as_curl(cli: Cli) -> None:
    publish()
    result = cli(*RUN, "it's a cat", "--curl")
    words = shlex.split(result.stdout)
    assert words[words.index("--data-raw") + 1] == '{"prompt":"it\'s a cat"}'
    assert ROUTE in words


@respx.mock
def test_a_request_is_printed_as_a_program(cli: Cli) -> None:
    publish()
    result = cli(*RUN, "a cat", "--snippet", "python")
    compile(result.stdout, "program.py", "exec")


@respx.mock
@pytest.mark.parametrize(
    ("options", "language", "begin"),
    [(("--curl",), "curl", "curl -sS"), (("--snippet", "python"), "python", "# Run with the key")],
)
def test_code_is_a_text_of_json_where_that_is_asked_for(
    cli: Cli, options: tuple[str, ...], language: str, begin: str
) -> None:
    publish()
    told = cli(*RUN, "a cat", *options, "--json").json
    assert (told["language"], told["code"].startswith(begin)) == (language, True)


@pytest.mark.parametrize("options", [("--curl",), ("--snippet", "python")])
def test_code_for_the_sandbox_says_what_must_be_started_first(
    cli: Cli, options: tuple[str, ...]
) -> None:
    line = ("model", "run", "sandbox/image", "a cat", "--sandbox", *options)
    assert "start that with modellix-cli sandbox serve." in cli(*line).stderr
    told = cli(*line, "--json")
    assert told.json["needs"] == "modellix-cli sandbox serve"
    assert "http://127.0.0.1:8787/" in told.json["code"]


@respx.mock
def test_code_for_the_service_needs_nothing_else(cli: Cli) -> None:
    publish()
    assert set(cli(*RUN, "a cat", "--curl", "--json").json) == {"language", "code"}


def test_ways_of_showing_exclude_each_other(cli: Cli) -> None:
    assert cli(*RUN, "a cat", "--curl", "--dry-run").status == 2


# At a terminal


def test_at_a_terminal_a_prompt_waits_and_saves_under_its_own_name(
    env: dict[str, str], work: Path
) -> None:
    line = ("model", "run", "sandbox/image", "Waves at dawn!", "--sandbox")
    assert invoke(*line, env=env, cwd=work, stdout=Terminal()).status == 0
    (name,) = [path.name for path in work.iterdir()]
    assert re.fullmatch(r"waves-at-dawn-[0-9a-f]{4}\.png", name)


@respx.mock
def test_at_a_terminal_no_wait_does_not_wait(env: dict[str, str], work: Path) -> None:
    publish()
    accept()
    result = invoke(*RUN, "a cat", "--no-wait", env=env, cwd=work, stdout=Terminal())
    assert result.status == 0
    assert list(work.iterdir()) == []


@respx.mock
@pytest.mark.parametrize("words", [("\udcff\udcfe",), ("a cat", "-p", "style=\udcff")])
def test_words_that_are_no_utf_8_are_not_sent(cli: Cli, words: tuple[str, ...]) -> None:
    post = respx.post(f"{API}/a/b/async").respond(json=accepted("task-1"))
    result = cli("model", "run", "a/b", *words, "--no-check", "--json")
    assert result.status == 2
    assert "not UTF-8" in result.json["error"]["message"]
    assert not post.called


@pytest.mark.parametrize("prompt", ["@last", "@task:task-1[0]", "@notes.txt", "@photo"])
@pytest.mark.parametrize("how", [(), ("--json",), ("-q",)])
def test_a_prompt_that_looks_like_a_reference_is_sent_with_a_warning(
    cli: Cli, prompt: str, how: tuple[str, ...]
) -> None:
    ran = cli("model", "run", "sandbox/image", prompt, "--sandbox", *how)
    assert ran.status == 0
    (warning,) = [line for line in ran.stderr.splitlines() if line.startswith("Warning:")]
    word = shlex.quote(f"prompt={prompt}")
    assert warning == (
        f'Warning: The prompt is sent as it is: "{prompt}". For what it names: -p {word}'
    )


@pytest.mark.parametrize("prompt", ["@home in the evening", "@", "a@b", "@@home"])
def test_other_prompts_with_an_at_sign_are_no_reference(cli: Cli, prompt: str) -> None:
    assert "Warning:" not in cli("model", "run", "sandbox/image", prompt, "--sandbox").stderr


@pytest.mark.parametrize("prompt", ["-a cat", "-quiet forest", "-x", "--a cat--"])
def test_a_prompt_that_begins_with_a_dash_is_told_how_it_is_given(cli: Cli, prompt: str) -> None:
    refused = cli("model", "run", "sandbox/image", prompt, "--sandbox")
    assert refused.status == 2
    advice = "A prompt that begins with - is given as -p prompt=TEXT, or behind --"
    assert advice in " ".join(refused.stderr.split())
    sent = cli("model", "run", "sandbox/image", "--sandbox", "--json", "--", prompt)
    assert sent.status == 0
    assert cli("task", "show", "@last", "--sandbox", "--json").json["prompt"] == prompt


@respx.mock
def test_a_misspelt_name_is_told_where_the_right_one_is_missing(cli: Cli) -> None:
    publish(schema(required=["prompt"]))
    result = cli(*RUN, "-p", "promt=a cat")
    assert result.status == 2
    assert 'The model has no parameter "promt". Did you mean "prompt"?' in result.stderr


def test_a_seed_that_was_not_sent_is_none_in_a_name(cli: Cli, work: Path) -> None:
    saving = ("--wait", "--output-dir", ".", "--name-template", "{prompt}-{seed}.{ext}")
    assert cli("model", "run", "sandbox/image", "a cat", "--sandbox", *saving).status == 0
    assert (work / "a-cat-none.png").exists()
