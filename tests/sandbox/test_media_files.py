"""Media: results within their 7 days, whole or in ranges."""

import pytest

from modellix_cli.sandbox.media import png
from tests.sandbox.harness import Service

WEEK = 7 * 24 * 3600


def url_of(service: Service, slug: str = "sandbox/image") -> str:
    return str(service.finished(slug)["result"]["resources"][0]["url"])


@pytest.mark.parametrize(
    ("slug", "media_type", "start"),
    [
        ("sandbox/image", "image/png", b"\x89PNG\r\n\x1a\n"),
        ("sandbox/video", "video/mp4", b"\0\0\0\x20ftypisom"),
        ("sandbox/audio", "audio/wav", b"RIFF"),
    ],
)
def test_a_result_is_a_file_of_its_type(
    service: Service, slug: str, media_type: str, start: bytes
) -> None:
    reply = service.ask("GET", url_of(service, slug), key=None)
    assert reply.status == 200
    assert reply.headers["Content-Type"] == media_type
    assert reply.headers["Content-Length"] == str(len(reply.body))
    assert reply.body.startswith(start)


def test_the_same_request_gives_the_same_picture_and_another_gives_another(
    service: Service,
) -> None:
    one, same = (service.ask("GET", url_of(service)).body for _ in range(2))
    other = service.finished("sandbox/image", prompt="a dog")["result"]["resources"][0]["url"]
    assert one == same != service.ask("GET", other).body


def test_the_order_of_parameters_does_not_matter(service: Service) -> None:
    pictures = []
    for body in (b'{"prompt": "a", "seed": 1}', b'{"seed": 1, "prompt": "a"}'):
        sent = service.ask("POST", "/api/v1/sandbox/image/async", body).json
        service.clock.time += 60
        pictures.append(service.ask("GET", f"/media/{sent['data']['task_id']}/1.png").body)
    assert pictures[0] == pictures[1]


def test_a_picture_has_the_size_that_was_asked_for(service: Service) -> None:
    data = service.finished("sandbox/image", size="48x32")
    picture = service.ask("GET", data["result"]["resources"][0]["url"]).body
    assert picture[16:24] == b"\0\0\0\x30\0\0\0\x20"


def test_a_result_is_gone_7_days_after_the_task_ended(service: Service) -> None:
    task_id = service.task_of("sandbox/image")
    url = f"/media/{task_id}/1.png"
    service.clock.time += 2 + WEEK - 1
    assert service.ask("GET", url).status == 200
    service.clock.time += 1
    assert service.ask("GET", url).status == 404
    assert service.task(task_id)["status"] == "success"


def test_there_is_no_media_before_the_task_has_ended(service: Service) -> None:
    assert service.ask("GET", f"/media/{service.task_of('sandbox/image')}/1.png").status == 404


@pytest.mark.parametrize("name", ["2.png", "0.png", "1.mp4", "1", "1/x.png", "99999.png", ""])
def test_what_the_task_did_not_make_is_not_found(service: Service, name: str) -> None:
    task_id = service.finished("sandbox/image")["task_id"]
    assert service.ask("GET", f"/media/{task_id}/{name}").status == 404


@pytest.mark.parametrize("slug", ["sandbox/text", "sandbox/data-url", "sandbox/fails"])
def test_tasks_without_files_have_no_media(service: Service, slug: str) -> None:
    task_id = service.finished(slug)["task_id"]
    assert service.ask("GET", f"/media/{task_id}/1.png").status == 404


def test_a_picture_shows_its_prompt(service: Service) -> None:
    data = service.finished("sandbox/image", prompt="a cat", size="128x64")
    task = service.store.task(data["task_id"])
    assert task is not None
    picture = service.ask("GET", data["result"]["resources"][0]["url"]).body
    assert picture == png(f"{task.seed} 1", 128, 64, "a cat")


@pytest.mark.parametrize(
    ("asked", "first", "last"),
    [("0-9", 0, 9), ("100-", 100, -1), ("-7", -7, -1), ("5-99999999999", 5, -1), ("3-3", 3, 3)],
)
def test_a_range_gives_those_bytes(service: Service, asked: str, first: int, last: int) -> None:
    url = url_of(service)
    whole = service.ask("GET", url).body
    first, last = first % len(whole), last % len(whole)
    part = service.ask("GET", url, headers={"Range": f"bytes={asked}"})
    assert part.status == 206
    assert part.body == whole[first : last + 1]
    assert part.headers["Content-Range"] == f"bytes {first}-{last}/{len(whole)}"


def test_a_range_beyond_the_end_cannot_be_had(service: Service) -> None:
    url = url_of(service)
    size = service.ask("GET", url).headers["Content-Length"]
    for asked in (f"{size}-", "-0"):
        reply = service.ask("GET", url, headers={"Range": f"bytes={asked}"})
        assert reply.status == 416
        assert reply.headers["Content-Range"] == f"bytes */{size}"


@pytest.mark.parametrize("asked", ["bytes=-", "bytes=9-3", "bytes=0-1,5-6", "lines=1-2", "x"])
def test_a_range_that_is_none_gives_the_whole(service: Service, asked: str) -> None:
    assert service.ask("GET", url_of(service), headers={"Range": asked}).status == 200


def test_if_range_gives_the_part_only_of_the_same_bytes(service: Service) -> None:
    url = url_of(service)
    etag = service.ask("GET", url).headers["ETag"]
    for condition, status in ((etag, 206), ('"other"', 200)):
        headers = {"Range": "bytes=5-", "If-Range": condition}
        assert service.ask("GET", url, headers=headers).status == status


def test_media_cannot_be_posted_to(service: Service) -> None:
    assert service.ask("POST", url_of(service)).status == 405
