"""Uploading and deleting inputs."""

import json
from typing import Any

import pytest

from modellix_cli.sandbox.media import mp4, wav
from modellix_cli.sandbox.uploads import UploadSlots
from modellix_cli.sandbox.wire import Refused
from tests.sandbox.harness import BASE, PNG, Reply, Service, form

LIMIT = 16 * 1024 * 1024


def send(service: Service, content: bytes, filename: str = "cat.png", field: str = "file") -> Reply:
    body, content_type = form(content, filename, field)
    return service.ask("POST", "/api/v1/media/files", body, headers={"Content-Type": content_type})


def test_an_upload_answers_with_what_was_kept(service: Service) -> None:
    data = send(service, PNG).json["data"]
    assert data == {
        "file_id": data["file_id"],
        "filename": "cat.png",
        "size": len(PNG),
        "type": "image/png",
        "url": f"{BASE}/media/files/{data['file_id']}/cat.png",
        "created_at": "2027-01-15T08:00:00Z",
    }


def test_an_upload_can_be_fetched_and_deleted_once(service: Service) -> None:
    data = send(service, PNG, "my cat?.png").json["data"]
    assert service.ask("GET", data["url"], key=None).body == PNG
    path = f"/api/v1/media/files/{data['file_id']}"
    deleted = service.ask("DELETE", path)
    assert (deleted.status, deleted.body) == (204, b"")
    assert service.ask("GET", data["url"], key=None).status == 404
    assert service.ask("DELETE", path).error == (404, 404, "Resource not found")


@pytest.mark.parametrize(
    ("content", "media_type"),
    [
        (PNG, "image/png"),
        (b"\xff\xd8\xff\xe0 jpeg", "image/jpeg"),
        (b"RIFF\0\0\0\0WEBPVP8 ", "image/webp"),
        (b"GIF89a", "image/gif"),
        (mp4("a", 0.1), "video/mp4"),
        (b"\0\0\0\x14ftypqt  ", "video/quicktime"),
        (b"\x1aE\xdf\xa3 webm", "video/webm"),
        (wav("a", 0.1), "audio/wav"),
        (b"ID3\4", "audio/mpeg"),
        (b"\xff\xfb\x90", "audio/mpeg"),
        (b"\xff\xf1\x50", "audio/aac"),
        (b"\0\0\0\x14ftypM4A ", "audio/mp4"),
        (b"OggS", "audio/ogg"),
        (b"fLaC", "audio/flac"),
        (PNG + b"\r\n--xy\r\n\r\n", "image/png"),
    ],
)
def test_the_type_is_told_by_the_content_not_by_the_name(
    service: Service, content: bytes, media_type: str
) -> None:
    data = send(service, content, "name.gif").json["data"]
    assert (data["type"], data["size"]) == (media_type, len(content))


@pytest.mark.parametrize("content", [b"", b"RIFF\0\0\0\0CDR ", b"plain text", b"\xff\xfet\0"])
def test_other_formats_are_refused(service: Service, content: bytes) -> None:
    assert send(service, content).error == (400, 400, "Invalid format")


@pytest.mark.parametrize(("extra", "status"), [(0, 200), (1, 400)])
def test_a_file_may_have_16_mib_and_no_byte_more(service: Service, extra: int, status: int) -> None:
    assert send(service, PNG.ljust(LIMIT + extra, b"x")).status == status


def test_the_field_must_be_named_file(service: Service) -> None:
    reply = send(service, PNG, field="image")
    assert reply.error == (400, 400, "Missing required parameter")


@pytest.mark.parametrize(
    "content_type", ["", "application/json", "multipart/form-data", "multipart/form-data; x\r\ny"]
)
def test_a_body_that_is_no_form_is_refused(service: Service, content_type: str) -> None:
    body, _ = form(PNG)
    reply = service.ask("POST", "/api/v1/media/files", body, headers={"Content-Type": content_type})
    assert reply.error == (400, 400, "Invalid format")


@pytest.mark.parametrize(
    ("sent", "kept"),
    [("../../etc/passwd", "passwd"), ("C:\\\\a\\\\b.png", "b.png"), ("猫.png",) * 2],
)
def test_a_file_name_is_kept_without_its_folders(service: Service, sent: str, kept: str) -> None:
    assert send(service, PNG, sent).json["data"]["filename"] == kept


def test_the_extended_file_name_of_the_official_cli_is_read(service: Service) -> None:
    head = b"Content-Disposition: form-data; name=\"file\"; filename*=UTF-8''%E7%8C%AB.png"
    body = b"--xyz\r\n" + head + b"\r\n\r\n" + PNG + b"\r\n--xyz--"
    headers = {"Content-Type": "multipart/form-data; boundary=xyz"}
    reply = service.ask("POST", "/api/v1/media/files", body, headers=headers)
    assert json.loads(reply.body)["data"]["filename"] == "猫.png"


def listed(service: Service, query: str = "") -> Any:
    return service.get(f"media/files{query}").json["data"]


def test_files_are_listed_in_pages_the_last_first(service: Service) -> None:
    sent = [send(service, PNG, f"{number}.png").json["data"] for number in range(5)]
    assert listed(service)["files"] == sent[::-1]
    page = listed(service, "?limit=2&offset=1")
    assert (page["files"], page["total"]) == (sent[2:4][::-1], 5)


@pytest.mark.parametrize("query", ["?limit=0", "?limit=101", "?offset=-1", "?limit=x"])
def test_a_list_that_cannot_be_is_refused(service: Service, query: str) -> None:
    assert service.get(f"media/files{query}").error == (400, 400, "Value out of range")


def test_an_eleventh_file_is_refused_until_one_is_deleted(service: Service) -> None:
    files = [send(service, PNG).json["data"]["file_id"] for _ in range(10)]
    refused = send(service, PNG)
    assert refused.status == 429
    assert "file quota" in refused.json["message"]
    assert "Retry-After" not in refused.headers
    service.ask("DELETE", f"/api/v1/media/files/{files[0]}")
    assert send(service, PNG).status == 200


def test_files_are_kept_for_7_days(service: Service) -> None:
    data = send(service, PNG).json["data"]
    for left, status in ((1, 200), (0, 404)):
        service.clock.time = 1_800_000_000 + 7 * 24 * 3600 - left
        assert service.ask("GET", data["url"], key=None).status == status
    for _ in range(10):
        assert send(service, PNG).status == 200


def test_a_third_upload_at_a_time_is_refused(service: Service) -> None:
    slots = UploadSlots()
    with slots.slot("main"), slots.slot("main"), slots.slot("other"):
        with pytest.raises(Refused) as refused, slots.slot("main"):
            pass
        assert refused.value.answer.status == 429
        assert b"Concurrent limit exceeded" in refused.value.answer.body
    with slots.slot("main"):
        pass
