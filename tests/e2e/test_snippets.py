"""Commands and programs that `--curl` and `--snippet` print, run as they are."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from modellix_cli.output.snippets import RequestAsCode
from tests.e2e.conftest import Scripted, Served, http, http_json

BODY = '{"prompt": "it\'s $5 \\"two\\" \u732b"}'
PROGRAMS = {
    "python": ("program.py", sys.executable),
    "javascript": ("program.mjs", "node"),
    "curl": ("program.sh", "bash"),
}
PAUSES = {
    "python": "time.sleep(pause)",
    "javascript": "setTimeout(done, pause)",
    "curl": 'sleep "$pause"',
}
QUICK = {"python": "pass", "javascript": "setTimeout(done, 0)", "curl": ":"}
ACCEPTED = http_json(200, {"code": 0, "data": {"status": "pending", "task_id": "t-1"}})
GATEWAY = http(502, b"<html>Bad Gateway</html>", "Content-Type: text/html")
LOST = b""
every_language = pytest.mark.parametrize("language", PROGRAMS)
Start = Callable[..., Scripted]


def code(url: str, slug: str = "sandbox/image") -> RequestAsCode:
    api = f"{url}/api/v1"
    return RequestAsCode(f"{api}/{slug}/async", api, BODY)


def run(folder: Path, *words: str, key: str = "any") -> subprocess.CompletedProcess[str]:
    env = os.environ | {"MODELLIX_API_KEY": key, "NO_PROXY": "*"}
    return subprocess.run(
        words, cwd=folder, env=env, capture_output=True, text=True, timeout=120, check=False
    )


def run_program(
    folder: Path, language: str, request: RequestAsCode, key: str = "any"
) -> subprocess.CompletedProcess[str]:
    """Run a program in a folder, without its pauses."""
    name, program = PROGRAMS[language]
    needed = [program, "jq", "curl"] if language == "curl" else [program]
    if not all(shutil.which(each) for each in needed):
        pytest.skip(f"needs {', '.join(needed)}")
    pause, text = PAUSES[language], request.program(language)
    assert pause in text
    (folder / name).write_text(text.replace(pause, QUICK[language]), encoding="utf-8")
    return run(folder, program, name, key=key)


def task(result: Any, status: str = "success") -> bytes:
    return http_json(
        200, {"code": 0, "data": {"status": status, "task_id": "t-1", "result": result}}
    )


def posts(server: Scripted) -> int:
    return sum(request.startswith(b"POST") for request in server.requests)


@every_language
def test_a_program_submits_once_waits_and_saves(
    sandbox: Served, tmp_path: Path, language: str
) -> None:
    name, program = PROGRAMS[language]
    (tmp_path / name).write_text(code(sandbox.url).program(language), encoding="utf-8")
    ended = run(tmp_path, program, name)
    assert (ended.returncode, ended.stderr) == (0, "")
    saved = ended.stdout.splitlines()[-1].removeprefix("Saved: ")
    assert (tmp_path / saved).read_bytes().startswith(b"\x89PNG")
    assert sandbox.stats()["posts"] == {"sandbox/image": 1}


@every_language
@pytest.mark.parametrize("reply", [LOST, GATEWAY, http(200, b'{"code": 0, "data": {}}')])
def test_a_program_says_when_nobody_knows_what_became_of_the_request(
    scripted: Start, tmp_path: Path, language: str, reply: bytes
) -> None:
    server = scripted(reply)
    ended = run_program(tmp_path, language, code(server.url))
    assert ended.returncode == 1
    assert "may have been created and charged" in ended.stderr
    assert is_no_traceback(ended.stderr)
    assert len(server.requests) == 1


def is_no_traceback(text: str) -> bool:
    return not any(word in text for word in ("Traceback", "    at ", "jq:"))


@every_language
@pytest.mark.parametrize(("status", "number"), [(400, 400), (200, 402), (503, 503)])
def test_a_program_tells_why_the_api_refused(
    scripted: Start, tmp_path: Path, language: str, status: int, number: int
) -> None:
    server = scripted(http_json(status, {"code": number, "message": "Not so\x1b[2J"}))
    ended = run_program(tmp_path, language, code(server.url))
    assert ended.returncode == 1
    assert "Not so" in ended.stderr
    assert "\x1b" not in ended.stderr
    assert "charged" not in ended.stderr
    assert is_no_traceback(ended.stderr)
    assert len(server.requests) == 1


@every_language
@pytest.mark.parametrize(
    ("status", "reply"),
    [
        (500, {"code": 400, "message": "upstream timed out"}),
        (200, {"code": 429, "data": {"taskId": "task-9"}}),
        (429, {"code": 429, "message": "x" * 600, "data": {"taskId": "task-9"}}),
        (200, {"code": 0, "data": {"log": "a" * 600, "taskId": "task-9"}}),
    ],
)
def test_a_program_calls_refused_only_what_created_nothing(
    scripted: Start, tmp_path: Path, language: str, status: int, reply: Any
) -> None:
    server = scripted(http_json(status, reply))
    ended = run_program(tmp_path, language, code(server.url))
    assert ended.returncode == 1
    assert "may have been created and charged" in ended.stderr
    assert ("task-9" in ended.stderr) == ("data" in reply)
    assert len(server.requests) == 1


@every_language
@pytest.mark.parametrize(
    ("result", "name"),
    [
        ({"resources": "abc"}, "t-1-1.json"),
        ({"resources": ["data:text/plain;base64,aGk="]}, "t-1-1.bin"),
    ],
)
def test_a_program_saves_results_of_odd_forms(
    scripted: Start, tmp_path: Path, language: str, result: Any, name: str
) -> None:
    server = scripted(ACCEPTED, task(result))
    ended = run_program(tmp_path, language, code(server.url))
    assert (ended.returncode, ended.stderr) == (0, "")
    assert (tmp_path / name).read_bytes()


@every_language
def test_a_program_takes_the_key_nowhere_else(
    scripted: Start, tmp_path: Path, language: str
) -> None:
    moved = http(302, b"", "Location: /elsewhere", "Content-Type: text/html")
    server = scripted(moved, ACCEPTED)
    ended = run_program(tmp_path, language, code(server.url))
    assert ended.returncode == 1
    assert "may have been created and charged" in ended.stderr
    assert len(server.requests) == 1


@every_language
def test_a_program_goes_on_with_a_task_that_a_refusal_names(
    scripted: Start, tmp_path: Path, language: str
) -> None:
    named = http_json(429, {"code": 429, "message": "Slow down", "data": {"task_id": "t-1"}})
    server = scripted(named, task({}, "failed"))
    ended = run_program(tmp_path, language, code(server.url))
    assert (ended.returncode, ended.stdout) == (1, "Submitted: t-1\n")
    assert "t-1 ended: failed" in ended.stderr


@every_language
def test_a_program_shows_an_id_that_stands_in_half_a_reply(
    scripted: Start, tmp_path: Path, language: str
) -> None:
    server = scripted(ACCEPTED[:-2])
    ended = run_program(tmp_path, language, code(server.url))
    assert ended.returncode == 1
    assert "t-1" in ended.stderr
    assert len(server.requests) == 1


@every_language
def test_a_program_goes_on_while_polls_fail_for_a_while(
    scripted: Start, tmp_path: Path, language: str
) -> None:
    busy = http_json(429, {"code": 429, "message": "Slow down"})
    failing = [LOST, GATEWAY, busy, http(200, b"[]"), http(200, b"<html>")]
    going = task(None, "processing")
    url = "data:text/plain;base64,aGk="
    ended_task = task({"resources": [{"url": url, "format": "txt"}]}, "SUCCESS")
    server = scripted(ACCEPTED, *failing, *failing, going, *failing, ended_task)
    ended = run_program(tmp_path, language, code(server.url))
    assert ended.stdout.splitlines() == ["Submitted: t-1", "Saved: t-1-1.txt"]
    assert ended.returncode == 0
    assert is_no_traceback(ended.stderr)
    assert (tmp_path / "t-1-1.txt").read_text() == "hi"


@every_language
@pytest.mark.parametrize("reply", [LOST, GATEWAY])
def test_a_program_that_cannot_read_its_task_says_where_it_is(
    scripted: Start, tmp_path: Path, language: str, reply: bytes
) -> None:
    server = scripted(ACCEPTED, reply)
    ended = run_program(tmp_path, language, code(server.url))
    assert (ended.returncode, ended.stdout) == (1, "Submitted: t-1\n")
    assert f"{server.url}/api/v1/tasks/t-1" in ended.stderr
    assert is_no_traceback(ended.stderr)
    assert posts(server) == 1


@every_language
def test_a_program_saves_texts_and_results_of_another_form(
    scripted: Start, tmp_path: Path, language: str
) -> None:
    texts = [
        {"type": "text", "text": "a\n\u732b"},
        {"type": "text", "content": "b", "format": "text/md"},
        {"odd": 1},
    ]
    server = scripted(ACCEPTED, task({"resources": texts}))
    ended = run_program(tmp_path, language, code(server.url))
    assert (ended.returncode, ended.stderr) == (0, "")
    assert (tmp_path / "t-1-1.txt").read_text("utf-8") == "a\n\u732b"
    assert (tmp_path / "t-1-2.md").read_text("utf-8") == "b"
    assert '"odd"' in (tmp_path / "t-1-3.json").read_text("utf-8")


@every_language
@pytest.mark.parametrize("result", [{"rows": [1]}, {"resources": [], "rows": [1]}, "rows"])
def test_a_program_saves_a_result_without_resources(
    scripted: Start, tmp_path: Path, language: str, result: Any
) -> None:
    server = scripted(ACCEPTED, task(result))
    ended = run_program(tmp_path, language, code(server.url))
    assert (ended.returncode, ended.stderr) == (0, "")
    assert "rows" in (tmp_path / "t-1-1.json").read_text("utf-8")


@every_language
def test_a_program_replaces_no_file_and_saves_what_else_there_is(
    scripted: Start, tmp_path: Path, language: str
) -> None:
    (tmp_path / "t-1-1.txt").write_text("mine")
    (tmp_path / "secret").write_text("secret")
    resources = [
        {"text": "theirs"},
        {"url": (tmp_path / "secret").as_uri()},
        {"url": "data:text/plain;base64,aGk=", "format": "txt"},
    ]
    server = scripted(ACCEPTED, task({"resources": resources}))
    ended = run_program(tmp_path, language, code(server.url))
    assert ended.returncode == 1
    assert (tmp_path / "t-1-1.txt").read_text() == "mine"
    assert ended.stdout.splitlines() == [
        "Submitted: t-1",
        "Saved: t-1-2.json",
        "Saved: t-1-3.txt",
    ]
    assert "t-1-1.txt" in ended.stderr
    assert "secret" not in (tmp_path / "t-1-2.json").read_text().replace("/secret", "")
    assert f"{server.url}/api/v1/tasks/t-1" in ended.stderr
    assert is_no_traceback(ended.stderr)


@every_language
@pytest.mark.parametrize("reply", [LOST, GATEWAY, http(200, b"123456")[:-1]])
def test_a_program_leaves_no_part_of_a_file(
    scripted: Start, tmp_path: Path, language: str, reply: bytes
) -> None:
    media = scripted(reply)
    resources = [{"url": f"{media.url}/a[1].png", "format": "png"}]
    server = scripted(ACCEPTED, task({"resources": resources}))
    ended = run_program(tmp_path, language, code(server.url))
    assert ended.returncode == 1
    assert "Not saved" in ended.stderr
    assert not list(tmp_path.glob("*.png"))
    assert is_no_traceback(ended.stderr)


@every_language
def test_an_odd_id_is_written_as_in_an_address(
    scripted: Start, tmp_path: Path, language: str
) -> None:
    accepted = http_json(200, {"code": 0, "data": {"task_id": "../\u732b\x1b"}})
    server = scripted(accepted, task("a"))
    ended = run_program(tmp_path, language, code(server.url))
    name = "..%2F%E7%8C%AB%1B"
    assert ended.stdout.splitlines() == [f"Submitted: {name}", f"Saved: {name}-1.json"]
    assert server.requests[1].startswith(f"GET /api/v1/tasks/{name} ".encode())


@every_language
def test_a_program_asks_for_the_key_and_never_shows_it(
    scripted: Start, tmp_path: Path, language: str
) -> None:
    server = scripted(LOST)
    without = run_program(tmp_path, language, code(server.url), key="")
    assert without.returncode == 1
    assert "MODELLIX_API_KEY" in without.stderr
    assert is_no_traceback(without.stderr)
    broken = run_program(tmp_path, language, code(server.url), key="mk-1\nmk-2\r\n")
    assert "mk-" not in broken.stdout + broken.stderr
    assert len(server.requests) == 1


@pytest.mark.skipif(shutil.which("curl") is None, reason="needs curl")
def test_the_curl_command_works_as_printed(sandbox: Served, tmp_path: Path) -> None:
    ended = run(tmp_path, "sh", "-c", code(sandbox.url).curl())
    assert '"task_id"' in ended.stdout
    assert sandbox.stats()["posts"] == {"sandbox/image": 1}


@pytest.mark.skipif(not all(map(shutil.which, ("curl", "jq"))), reason="needs curl and jq")
def test_settings_of_curl_do_not_repeat_the_paid_request(scripted: Start, tmp_path: Path) -> None:
    (tmp_path / ".curlrc").write_text("retry = 2\nretry-delay = 1\nretry-all-errors\n")
    for words in (code("URL").curl(), code("URL").program("curl")):
        server = scripted(http_json(503, {}))
        env = os.environ | {"MODELLIX_API_KEY": "any", "NO_PROXY": "*", "HOME": str(tmp_path)}
        line = words.replace("URL", server.url)
        subprocess.run(["bash", "-c", line], env=env, cwd=tmp_path, check=False, timeout=60)
        assert len(server.requests) == 1
