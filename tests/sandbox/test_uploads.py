"""Uploading and deleting inputs."""

import json

import pytest

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
    assert service.ask("DELETE", path).json["code"] == 0
    assert service.ask("GET", data["url"], key=None).status == 404
    assert service.ask("DELETE", path).error == (404, 404, "Resource not found")


@pytest.mark.parametrize(
    ("content", "media_type"),
    [
        (PNG, "image/png"),
        (b"\xff\xd8\xff\xe0 jpeg", "image/jpeg"),
        (b"RIFF\0\0\0\0WEBPVP8 ", "image/webp"),
        (PNG + b"\r\n--xy\r\n\r\n", "image/png"),
    ],
)
def test_the_type_is_told_by_the_content_not_by_the_name(
    service: Service, content: bytes, media_type: str
) -> None:
    data = send(service, content, "name.gif").json["data"]
    assert (data["type"], data["size"]) == (media_type, len(content))


@pytest.mark.parametrize("content", [b"", b"GIF89a", b"RIFF\0\0\0\0WAVE", b"plain text"])
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
