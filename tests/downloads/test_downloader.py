"""Saving results: whole or not at all, under safe names, within limits."""

import base64
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from modellix_cli.api.documents import read_task
from modellix_cli.domain.errors import ErrorCode, ModellixError
from modellix_cli.domain.saved import Saved
from modellix_cli.domain.task import Resource, Task
from modellix_cli.downloads.destination import DownloadDestination
from modellix_cli.downloads.downloader import Downloader, Limits, NameChooser, Silent
from modellix_cli.downloads.fetcher import MediaFetcher, MediaPolicy, MediaStream
from modellix_cli.downloads.parts import Part
from modellix_cli.downloads.response import Resume
from modellix_cli.downloads.tries import FetchFailed, Remedy, failed
from tests.support import FakeClock, task_reply

PNG = b"\x89PNG\r\n\x1a\n" + b"pixels" * 100
Answer = bytes | FetchFailed | list[bytes | FetchFailed]


class FakeMedia(MediaFetcher):
    """Hosts answers by URL; a list is used up one answer at a time."""

    def __init__(self, **answers: Answer) -> None:
        super().__init__(MediaPolicy())
        self.answers: dict[str, Answer] = {f"https://x/{name}": a for name, a in answers.items()}
        self.content_type: str | None = None
        self.announce: Callable[[bytes], int | None] = len
        self.seconds_per_chunk = 0.0
        self.clock = FakeClock()
        self.gates: dict[str, threading.Event] = {}
        self.opened: list[str] = []

    @contextmanager
    def open(
        self, url: str, resume: Resume | None = None, seconds: float = 600.0
    ) -> Iterator[MediaStream]:
        self.opened.append(url)
        if url in self.gates:
            assert self.gates[url].wait(10)
        answer = self.answers[url]
        if isinstance(answer, list):
            answer = answer.pop(0)
        if isinstance(answer, FetchFailed):
            raise answer
        yield MediaStream(self.content_type, self.announce(answer), self.chunks(answer))

    def chunks(self, data: bytes) -> Iterator[bytes]:
        for start in range(0, len(data), 100):
            self.clock.time += self.seconds_per_chunk
            yield data[start : start + 100]


@pytest.fixture
def media() -> FakeMedia:
    return FakeMedia(**{"a.png": PNG, "b.png": b"other"})


def task(*urls: str, **data: Any) -> Task:
    return read_task(task_reply("task-1", "success", *urls, **data), "task-1")


def resources(*items: Any, **extensions: str) -> Task:
    result = {"resources": list(items), "extensions": extensions}
    return read_task(task_reply("task-1", "success", result=result), "task-1")


def save(
    media: FakeMedia,
    folder: Path,
    task: Task,
    limits: Limits | None = None,
    names: NameChooser | None = None,
    **options: Any,
) -> Saved:
    saved = downloader(media, folder, limits, **options).save(task, names)
    assert not list(folder.glob("*.part"))
    return saved


def downloader(
    media: FakeMedia, folder: Path, limits: Limits | None = None, **options: Any
) -> Downloader:
    wanted: dict[str, Any] = {"overwrite": False, "clock": media.clock} | options
    return Downloader(media, folder, limits or Limits(), **wanted)


def names(saved: Saved) -> list[str]:
    return [file.path.name for file in saved.files]


def gone(status: int) -> FetchFailed:
    elsewhere = status in (400, 401, 403, 404, 410)
    remedy = Remedy.NEW_URL if elsewhere else Remedy.NONE
    return failed(f"HTTP status {status}.", remedy, status=status)


def broke_off() -> FetchFailed:
    return failed("The download broke off.")


@dataclass(frozen=True)
class Named:
    """Chooses names by a pattern of the position and the extension."""

    pattern: str

    def name(self, resource: Resource, extension: str) -> str:
        return self.pattern.format(resource.position, extension)


@dataclass
class Api:
    """Knows one task, or fails; remembers what it was asked."""

    now: Task | ModellixError
    asked: list[str] = field(default_factory=list)

    def task(self, task_id: str, /) -> Task:
        self.asked.append(task_id)
        if isinstance(self.now, ModellixError):
            raise self.now
        return self.now


def test_each_resource_becomes_a_file(media: FakeMedia, tmp_path: Path) -> None:
    saved = save(media, tmp_path, task("https://x/a.png", "https://x/b.png"))
    assert [file.path.name for file in saved.files] == ["a.png", "b.png"]
    assert saved.files[0].path.read_bytes() == PNG
    assert saved.files[0].as_dict() == {
        "bytes": len(PNG),
        "path": str(tmp_path / "a.png"),
        "type": "image",
        "url": "https://x/a.png",
    }


def test_existing_files_are_kept(media: FakeMedia, tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(b"mine")
    saved = save(media, tmp_path, task("https://x/a.png"))
    assert saved.files[0].path.name == "a-2.png"
    assert (tmp_path / "a.png").read_bytes() == b"mine"


def test_overwrite_replaces_but_never_what_this_run_saved(media: FakeMedia, tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(b"old")
    save(media, tmp_path, task("https://x/a.png", "https://x/a.png"), overwrite=True)
    assert sorted(file.name for file in tmp_path.iterdir()) == ["a-2.png", "a.png"]
    assert (tmp_path / "a.png").read_bytes() == PNG


def test_files_honour_the_umask(media: FakeMedia, tmp_path: Path) -> None:
    import os

    before = os.umask(0o027)
    try:
        saved = save(media, tmp_path, task("https://x/a.png"))
    finally:
        os.umask(before)
    assert saved.files[0].path.stat().st_mode & 0o777 == 0o640


@pytest.mark.parametrize(
    ("content_type", "name"),
    [
        ("image/webp; charset=x", "r.webp"),
        ("application/octet-stream", "r.png"),
        (None, "r.png"),
    ],
)
def test_an_extension_comes_from_the_type_or_the_bytes(
    tmp_path: Path, content_type: str | None, name: str
) -> None:
    media = FakeMedia(r=PNG)
    media.content_type = content_type
    assert save(media, tmp_path, task("https://x/r")).files[0].path.name == name


def test_data_urls_and_texts_are_files_too(media: FakeMedia, tmp_path: Path) -> None:
    data = "data:image/png;base64," + base64.b64encode(PNG).decode()
    saved = save(media, tmp_path, resources({"url": data}, {"type": "text", "text": "Hello"}))
    assert [(f.path.name, f.url) for f in saved.files] == [
        ("resource-1.png", None),
        ("resource-2.txt", None),
    ]
    assert saved.files[0].path.read_bytes() == PNG
    assert saved.files[1].path.read_text() == "Hello"


def test_one_failure_stops_no_other(media: FakeMedia, tmp_path: Path) -> None:
    media.answers["https://x/gone.png"] = gone(404)
    saved = save(media, tmp_path, task("https://x/gone.png", "https://x/a.png"))
    assert [file.path.name for file in saved.files] == ["a.png"]
    assert len(saved.errors) == 1


@pytest.mark.skipif(sys.platform == "win32", reason="needs a limit on the size of files")
def test_a_file_that_cannot_be_written_stops_no_other(media: FakeMedia, tmp_path: Path) -> None:
    import resource

    media.answers["https://x/a.png"] = bytes(100_000)
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, before[1]))
    try:
        saved = save(media, tmp_path, task("https://x/a.png", "https://x/b.png"))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert names(saved) == ["b.png"]
    assert saved.errors[0].code is ErrorCode.OUTPUT_UNWRITABLE
    assert "File too large" in saved.errors[0].message


def test_a_download_that_broke_off_is_tried_again(media: FakeMedia, tmp_path: Path) -> None:
    media.answers["https://x/a.png"] = [broke_off(), broke_off(), PNG]
    assert save(media, tmp_path, task("https://x/a.png")).files[0].bytes == len(PNG)
    assert media.clock.slept == [1.0, 2.0]


def test_too_few_bytes_are_never_a_file(media: FakeMedia, tmp_path: Path) -> None:
    media.announce = lambda data: len(data) + 1
    saved = save(media, tmp_path, task("https://x/a.png"))
    assert saved.errors[0].code is ErrorCode.DOWNLOAD_FAILED
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("limits", "announced", "word"),
    [
        (Limits(max_bytes=100), True, "100-byte limit"),
        (Limits(max_bytes=100), False, "100-byte limit"),
        (Limits(max_total_bytes=100), True, "100-byte total limit"),
        (Limits(max_total_bytes=100), False, "100-byte total limit"),
    ],
)
def test_size_limits_hold_whatever_was_announced(
    media: FakeMedia, tmp_path: Path, limits: Limits, announced: bool, word: str
) -> None:
    if not announced:
        media.announce = lambda data: None
    saved = save(media, tmp_path, task("https://x/a.png"), limits)
    assert saved.errors[0].code is ErrorCode.RESOURCE_LIMIT
    assert word in saved.errors[0].message
    assert list(tmp_path.iterdir()) == []


def test_the_total_counts_all_files(media: FakeMedia, tmp_path: Path) -> None:
    limits = Limits(max_total_bytes=len(PNG) + 3)
    saved = save(media, tmp_path, task("https://x/a.png", "https://x/b.png"), limits)
    assert (len(saved.files), len(saved.errors)) == (1, 1)


def test_a_trickling_download_ends_at_its_time_limit(media: FakeMedia, tmp_path: Path) -> None:
    media.seconds_per_chunk = 10
    saved = save(media, tmp_path, task("https://x/a.png"), Limits(timeout=30))
    assert "time limit of 30s" in saved.errors[0].message


@pytest.mark.parametrize(
    ("item", "code"),
    [
        (task_reply("task-1", "processing"), ErrorCode.TASK_NOT_FINISHED),
        (task_reply("task-1", "success"), ErrorCode.NO_RESOURCES),
        (task_reply("task-1", "failed", error="policy"), ErrorCode.TASK_FAILED),
        (
            task_reply("task-1", "success", "https://x/a.png", "https://x/b.png"),
            ErrorCode.RESOURCE_LIMIT,
        ),
    ],
)
def test_what_cannot_be_saved_is_said_before_any_request(
    media: FakeMedia, tmp_path: Path, item: dict[str, Any], code: ErrorCode
) -> None:
    with pytest.raises(ModellixError) as caught:
        save(media, tmp_path, read_task(item, "task-1"), Limits(max_resources=1))
    assert caught.value.code is code


@pytest.mark.parametrize(
    ("status", "ended", "code"),
    [
        (404, "2027-01-14T08:00:00Z", ErrorCode.DOWNLOAD_FAILED),
        (410, "2027-01-14T08:00:00Z", ErrorCode.DOWNLOAD_FAILED),
        (404, "2027-01-07T07:00:00Z", ErrorCode.RESULT_EXPIRED),
        (410, None, ErrorCode.RESULT_EXPIRED),
        (403, "2027-01-14T08:00:00Z", ErrorCode.DOWNLOAD_FAILED),
        (403, "2027-01-07T07:00:00Z", ErrorCode.RESULT_EXPIRED),
        (400, "2027-01-14T08:00:00Z", ErrorCode.DOWNLOAD_FAILED),
        (401, "2027-01-07T07:00:00Z", ErrorCode.RESULT_EXPIRED),
        (400, None, ErrorCode.DOWNLOAD_FAILED),
        (403, None, ErrorCode.RESULT_EXPIRED),
    ],
)
def test_a_result_that_is_gone_is_told_from_one_that_is_refused(
    media: FakeMedia, tmp_path: Path, status: int, ended: str | None, code: ErrorCode
) -> None:
    media.clock.time = 1_800_000_000.0 - 86400  # 2027-01-14 08:00 UTC
    media.answers["https://x/a.png"] = gone(status)
    extensions = {"end_time": ended} if ended else {}
    saved = save(media, tmp_path, resources("https://x/a.png", **extensions))
    assert saved.errors[0].code is code


def test_names_stay_inside_the_folder(tmp_path: Path) -> None:
    folder = tmp_path / "out"
    folder.mkdir()
    media = FakeMedia()
    media.answers = {"https://x/..%2f..%2fevil%00.png": PNG, "https://x/%2e%2e": PNG}
    saved = save(media, folder, task(*media.answers))
    assert all(file.path.parent == folder for file in saved.files)
    assert list(tmp_path.iterdir()) == [folder]


# Several at once


def test_files_keep_the_order_of_the_resources_however_they_arrive(
    media: FakeMedia, tmp_path: Path
) -> None:
    first = media.gates["https://x/a.png"] = threading.Event()

    class Watching(Silent):
        def progress(self, name: str, done: int, total: int | None) -> None:
            if name == "b.png" and done == total:
                first.set()

    wanted = task("https://x/a.png", "https://x/b.png")
    saved = downloader(media, tmp_path, listener=Watching()).save(wanted)
    assert names(saved) == ["a.png", "b.png"]


def test_files_of_one_name_are_numbered_in_the_order_of_the_resources(
    media: FakeMedia, tmp_path: Path
) -> None:
    media.answers["https://x/other/a.png"] = b"second"
    first = media.gates["https://x/a.png"] = threading.Event()

    class Watching(Silent):
        def progress(self, name: str, done: int, total: int | None) -> None:
            if done == total == len(b"second"):
                first.set()

    wanted = task("https://x/a.png", "https://x/other/a.png")
    saved = downloader(media, tmp_path, listener=Watching()).save(wanted)
    assert names(saved) == ["a.png", "a-2.png"]
    assert (tmp_path / "a-2.png").read_bytes() == b"second"


def test_a_failed_resource_takes_no_name(media: FakeMedia, tmp_path: Path) -> None:
    media.answers["https://x/other/a.png"] = gone(400)
    saved = save(media, tmp_path, task("https://x/other/a.png", "https://x/a.png"))
    assert names(saved) == ["a.png"]


def test_no_more_files_than_allowed_are_fetched_at_once(media: FakeMedia, tmp_path: Path) -> None:
    running, most = [0], [0]
    lock = threading.Lock()

    class Counting(FakeMedia):
        def chunks(self, data: bytes) -> Iterator[bytes]:
            with lock:
                running[0] += 1
                most[0] = max(most[0], running[0])
            yield data
            with lock:
                running[0] -= 1

    counting = Counting(**{f"{number}.png": PNG for number in range(12)})
    both = downloader(counting, tmp_path, Limits(parallel=2))
    urls = list(counting.answers)
    threads = [
        threading.Thread(target=both.save, args=(task(*part),)) for part in (urls[:6], urls[6:])
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert len(list(tmp_path.iterdir())) == 12
    assert most[0] <= 2


def test_tasks_saved_at_the_same_time_share_names_and_the_total(
    media: FakeMedia, tmp_path: Path
) -> None:
    shared = downloader(media, tmp_path, Limits(max_total_bytes=2 * len(PNG) + 10))
    outcomes: list[Saved] = []
    same = task("https://x/a.png")
    threads = [
        threading.Thread(target=lambda: outcomes.append(shared.save(same))) for _ in range(3)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a-2.png", "a.png"]
    assert sorted(len(saved.files) for saved in outcomes) == [0, 1, 1]
    assert [error.code for saved in outcomes for error in saved.errors] == [
        ErrorCode.RESOURCE_LIMIT
    ]


def test_what_a_failed_file_used_of_the_total_is_free_again(
    media: FakeMedia, tmp_path: Path
) -> None:
    media.answers["https://x/a.png"] = [PNG] * 4
    media.announce = lambda data: len(data) + (len(data) == len(PNG))
    limits = Limits(max_total_bytes=len(PNG) + 3, parallel=1)
    saved = save(media, tmp_path, task("https://x/a.png", "https://x/b.png"), limits)
    assert names(saved) == ["b.png"]


# Names that are chosen


def test_names_can_be_chosen_and_are_made_safe_and_unique(media: FakeMedia, tmp_path: Path) -> None:
    saved = save(
        media,
        tmp_path,
        task("https://x/a.png", "https://x/b.png"),
        names=Named("../cat.{1}"),
    )
    assert names(saved) == ["-cat.png", "-cat-2.png"]
    assert saved.files[1].path.read_bytes() == b"other"


def test_a_chosen_name_knows_the_resource_and_the_extension_that_was_found(tmp_path: Path) -> None:
    media = FakeMedia(r=PNG)
    saved = save(
        media,
        tmp_path,
        task("https://x/r"),
        names=Named("{0}.{1}"),
    )
    assert names(saved) == ["1.png"]


def test_a_chosen_name_that_is_none_is_the_usual_one(media: FakeMedia, tmp_path: Path) -> None:
    saved = save(media, tmp_path, task("https://x/a.png"), names=Named(".."))
    assert names(saved) == ["a.png"]


# Ends


def test_a_stop_leaves_nothing_incomplete_and_keeps_what_was_complete(
    media: FakeMedia, tmp_path: Path
) -> None:
    media.answers["https://x/other/a.png"] = b"second"
    first = media.gates["https://x/a.png"] = threading.Event()
    arrived = threading.Event()

    class Watching(Silent):
        def progress(self, name: str, done: int, total: int | None) -> None:
            arrived.set()

    outcomes: list[Saved] = []
    saving = downloader(media, tmp_path, listener=Watching())
    wanted = task("https://x/a.png", "https://x/other/a.png")
    thread = threading.Thread(target=lambda: outcomes.append(saving.save(wanted)))
    thread.start()
    assert arrived.wait(10)
    until(lambda: bool(saving._jobs[0].order._held))
    saving.stop()
    assert [path.name for path in tmp_path.iterdir()] == ["a.png"]
    thread.join(0.9)
    assert outcomes[0].stopped  # though a host has not answered yet
    first.set()
    assert [file.path.read_bytes() for file in outcomes[0].files] == [b"second"]
    until(lambda: [path.name for path in tmp_path.iterdir()] == ["a.png"])


@pytest.mark.parametrize("again", [False, True])
def test_ctrl_c_ends_it_at_once_and_a_second_one_leaves_nothing_behind(
    media: FakeMedia, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, again: bool
) -> None:
    stop, stops = DownloadDestination.stop, []
    parts: list[Part] = []

    def run(self: Downloader, job: Any) -> None:
        parts.append(self._destination.part("key", "a.png"))
        raise KeyboardInterrupt

    def torn(self: DownloadDestination) -> None:
        stops.append(self)
        if again and len(stops) == 1:
            raise KeyboardInterrupt
        stop(self)

    monkeypatch.setattr(Downloader, "_run", run)
    monkeypatch.setattr(DownloadDestination, "stop", torn)
    with pytest.raises(KeyboardInterrupt):
        downloader(media, tmp_path).save(task("https://x/a.png"))
    assert list(tmp_path.iterdir()) == []
    parts[0].close()


def test_nothing_is_saved_after_a_stop(media: FakeMedia, tmp_path: Path) -> None:
    saving = downloader(media, tmp_path)
    saving.stop()
    saved = saving.save(task("https://x/a.png"))
    assert (saved.stopped, saved.files) == (True, [])
    assert list(tmp_path.iterdir()) == []


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.001)


# URLs that are not there any more


@pytest.mark.parametrize("status", [400, 401, 403, 404, 410])
def test_a_result_that_moved_is_fetched_from_where_it_is_now(
    media: FakeMedia, tmp_path: Path, status: int
) -> None:
    media.answers["https://x/old.png"] = gone(status)
    api = Api(task("https://x/a.png", "https://x/b.png"))
    old = task("https://x/old.png", "https://x/old.png")
    saved = save(media, tmp_path, old, reread=api)
    assert [file.url for file in saved.files] == ["https://x/a.png", "https://x/b.png"]
    assert saved.errors == []
    assert api.asked == ["task-1"]


@pytest.mark.parametrize("now", [task("https://x/old.png"), task()])
def test_a_result_that_is_nowhere_else_is_gone(media: FakeMedia, tmp_path: Path, now: Task) -> None:
    media.answers["https://x/old.png"] = gone(404)
    saved = save(media, tmp_path, task("https://x/old.png"), reread=Api(now))
    assert saved.errors[0].code is ErrorCode.RESULT_EXPIRED
    assert media.opened == ["https://x/old.png"]


def test_a_result_that_is_late_is_waited_for(media: FakeMedia, tmp_path: Path) -> None:
    media.answers["https://x/a.png"] = [gone(404), gone(404), gone(404), PNG]
    fresh = task("https://x/a.png", result_expires_at=media.clock.now() + 60)
    api = Api(fresh)
    saved = save(media, tmp_path, fresh, reread=api)
    assert (names(saved), saved.errors) == (["a.png"], [])
    assert (media.clock.slept, api.asked) == ([1.0, 2.0, 4.0], ["task-1"])


def test_a_result_that_stays_away_within_its_lifetime_may_come_later(
    media: FakeMedia, tmp_path: Path
) -> None:
    media.answers["https://x/a.png"] = gone(404)
    saved = save(media, tmp_path, task("https://x/a.png", result_expires_at=1_800_000_060))
    (error,) = saved.errors
    assert (error.code, error.retryable) == (ErrorCode.DOWNLOAD_FAILED, True)
    assert "Tried 4 times. Its host should keep it until 2027-01-15 08:01" in error.message


def test_the_lifetime_of_one_result_counts_before_that_of_the_task(
    media: FakeMedia, tmp_path: Path
) -> None:
    media.answers |= {"https://x/old.png": gone(404), "https://x/new.png": gone(404)}
    now = media.clock.now()
    items = [
        {"url": "https://x/old.png", "result_expires_at": now - 60},
        {"url": "https://x/new.png", "result_expires_at": now + 60},
    ]
    saved = save(media, tmp_path, resources(*items))
    assert [error.code for error in saved.errors] == ["RESULT_EXPIRED", "DOWNLOAD_FAILED"]


def test_a_new_url_that_fails_too_is_the_end(media: FakeMedia, tmp_path: Path) -> None:
    media.answers |= {"https://x/old.png": gone(403), "https://x/new.png": gone(403)}
    saved = save(media, tmp_path, task("https://x/old.png"), reread=Api(task("https://x/new.png")))
    assert saved.errors[0].status == 403
    assert media.opened == ["https://x/old.png", "https://x/new.png"]


def test_a_task_that_cannot_be_read_again_leaves_the_first_failure(
    media: FakeMedia, tmp_path: Path
) -> None:
    media.answers["https://x/old.png"] = gone(404)
    api = Api(ModellixError(ErrorCode.NETWORK, "no route"))
    saved = save(media, tmp_path, task("https://x/old.png"), reread=api)
    assert saved.errors[0].code is ErrorCode.RESULT_EXPIRED


def test_a_failure_that_is_not_about_the_url_reads_no_task(
    media: FakeMedia, tmp_path: Path
) -> None:
    media.answers["https://x/a.png"] = gone(405)
    api = Api(task())
    saved = save(media, tmp_path, task("https://x/a.png"), reread=api)
    assert (saved.errors[0].status, api.asked) == (405, [])
