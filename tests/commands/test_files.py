"""`file upload` and `file delete`."""

from pathlib import Path

import httpx
import pytest
import respx

from tests.conftest import Cli
from tests.support import API, problem

ROUTE = f"{API}/media/files"
PNG = b"\x89PNG\r\n\x1a\nrest"
URL = "https://cdn.example.com/cat.png"
UPLOADED = {
    "code": 0,
    "data": {
        "file_id": "file-1",
        "filename": "cat.png",
        "size": 12,
        "type": "image/png",
        "url": URL,
        "created_at": "2026-01-01T00:00:00Z",
    },
}


@pytest.fixture
def picture(work: Path) -> Path:
    path = work / "cat.png"
    path.write_bytes(PNG)
    return path


@respx.mock
def test_an_upload_shows_the_file_as_json(cli: Cli, picture: Path) -> None:
    respx.post(ROUTE).respond(json=UPLOADED)
    result = cli("file", "upload", "cat.png", "--json")
    assert result.status == 0
    assert result.json == {
        "file": {
            "createdAt": "2026-01-01T00:00:00Z",
            "fileId": "file-1",
            "filename": "cat.png",
            "size": 12,
            "type": "image/png",
            "url": URL,
        },
        "ok": True,
    }
    assert result.stderr == ""


@respx.mock
def test_an_upload_in_words_and_in_quiet(cli: Cli, picture: Path) -> None:
    respx.post(ROUTE).respond(json=UPLOADED)
    words = cli("file", "upload", str(picture)).stdout
    assert words == f"Uploaded cat.png (12 bytes).\nFile ID: file-1\nURL: {URL}\n"
    assert cli("file", "upload", "cat.png", "-q").stdout == f"{URL}\n"


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (("upload", "nowhere.png"), "No such file"),
        (("upload", "."), "regular file"),
        (("upload", "notes.txt"), "no image, video or audio"),
        (("upload", "empty.png"), "empty"),
        (("upload", ""), "path"),
        (("upload",), "PATH"),
        (("delete",), "FILEID"),
        (("delete", ""), "empty"),
        (("delete", "a/b"), "unsupported characters"),
        (("delete", ".."), "unsupported characters"),
        (("delete", "x" * 513), "512"),
    ],
)
def test_what_cannot_be_right_is_exit_2_before_anything_is_sent(
    cli: Cli, work: Path, arguments: tuple[str, ...], word: str
) -> None:
    (work / "notes.txt").write_text("hello")
    (work / "empty.png").touch()
    with respx.mock:
        result = cli("file", *arguments)
    assert result.status == 2
    assert result.stdout == ""
    assert word in result.stderr


@respx.mock
def test_an_upload_of_unknown_outcome_is_exit_7_and_sent_once(cli: Cli, picture: Path) -> None:
    route = respx.post(ROUTE).mock(side_effect=httpx.ReadError("reset"))
    result = cli("file", "upload", "cat.png", "--json")
    assert result.status == 7
    assert result.json["error"]["code"] == "UPLOAD_UNKNOWN"
    assert "file list" in result.json["error"]["hint"]
    assert route.call_count == 1


@respx.mock
@pytest.mark.parametrize(
    ("mode", "stdout"),
    [((), "Deleted Modellix file file-1.\n"), (("-q",), "file-1\n")],
)
def test_a_deletion_in_words_and_in_quiet(cli: Cli, mode: tuple[str, ...], stdout: str) -> None:
    respx.delete(f"{ROUTE}/file-1").respond(204)
    result = cli("file", "delete", "file-1", *mode)
    assert (result.status, result.stdout) == (0, stdout)


@respx.mock
def test_a_deletion_as_json(cli: Cli) -> None:
    respx.delete(f"{ROUTE}/file-1").respond(204)
    shown = cli("file", "delete", "file-1", "--json").json
    assert shown == {"deleted": True, "fileId": "file-1", "ok": True}


@respx.mock
def test_deleting_what_is_not_there_is_exit_5(cli: Cli) -> None:
    respx.delete(f"{ROUTE}/file-1").respond(404, json=problem(404, "Resource not found: file"))
    result = cli("file", "delete", "file-1")
    assert result.status == 5
    assert "Resource not found: file" in result.stderr


@respx.mock
def test_uploaded_files_are_listed_by_page(cli: Cli) -> None:
    page = {"code": 0, "data": {"files": [UPLOADED["data"]], "total": 3}}
    route = respx.get(url__startswith=ROUTE).respond(json=page)
    assert cli("file", "list", "--quiet").stdout == "file-1\n"
    listed = cli("file", "list", "--limit", "1", "--offset", "2", "--json").json
    assert (listed["total"], listed["offset"], len(listed["files"])) == (3, 2, 1)
    assert listed["files"][0]["url"] == URL
    assert route.calls.last.request.url.params["limit"] == "1"
    assert route.calls.last.request.url.params["offset"] == "2"
