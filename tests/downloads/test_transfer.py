"""One resource over many tries: what is kept of a cut one, and when to start over."""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from modellix_cli.api.documents import read_task
from modellix_cli.domain.errors import ErrorCode
from modellix_cli.domain.saved import Saved
from modellix_cli.downloads.downloader import Downloader, Limits, Silent
from modellix_cli.downloads.fetcher import MediaFetcher, MediaPolicy, MediaStream
from modellix_cli.downloads.response import Checksum, Resume, Version
from modellix_cli.downloads.tries import MAX_TRIES, FetchFailed, Remedy, failed
from tests.support import FakeClock, task_reply

DATA = bytes(range(250)) * 4
V1, V2, UNKNOWN = Version('"v1"'), Version('"v2"'), Version()
SHA256 = Checksum("sha256", hashlib.sha256(DATA).digest())


@dataclass(frozen=True)
class Try:
    """How the host behaves once: the bytes it gives before it cuts, and what it says."""

    gives: int = len(DATA)
    data: bytes = DATA
    version: Version = V1
    length: int | None = len(DATA)
    ranges: bool = True
    checksum: Checksum | None = None
    error: FetchFailed | None = None


class Host(MediaFetcher):
    """Behaves as told, try by try; the last way is repeated."""

    def __init__(self, *tries: Try) -> None:
        super().__init__(MediaPolicy())
        self.tries = list(tries)
        self.resumes: list[Resume | None] = []
        self.seconds_left: list[float] = []
        self.clock = FakeClock()
        self.seconds = 0.0

    @contextmanager
    def open(
        self, url: str, resume: Resume | None = None, seconds: float = 600.0
    ) -> Iterator[MediaStream]:
        self.resumes.append(resume)
        self.seconds_left.append(seconds)
        now = self.tries.pop(0) if len(self.tries) > 1 else self.tries[0]
        if now.error:
            raise now.error
        start = resume.offset if resume and now.ranges and resume.version == now.version else 0
        checksum = None if start else now.checksum
        chunks = self.chunks(now.data[start : start + now.gives], start + now.gives < len(now.data))
        yield MediaStream("image/png", now.length, chunks, start, now.version, checksum)

    def chunks(self, data: bytes, cut: bool) -> Iterator[bytes]:
        for start in range(0, len(data), 100):
            self.clock.time += self.seconds
            yield data[start : start + 100]
        if cut:
            raise broken()


def broken() -> FetchFailed:
    return failed("The download broke off.")


class Listening(Silent):
    """Remembers what it is told."""

    def __init__(self) -> None:
        self.notices: list[str] = []
        self.moved: list[tuple[str, int, int | None]] = []

    def progress(self, name: str, done: int, total: int | None) -> None:
        self.moved.append((name, done, total))

    def notice(self, text: str) -> None:
        self.notices.append(text)


def fetched(host: Host, folder: Path, timeout: float = 600.0) -> tuple[Saved, list[str]]:
    listener = Listening()
    limits = Limits(timeout=timeout)
    downloader = Downloader(
        host, folder, limits, overwrite=False, clock=host.clock, listener=listener
    )
    saved = downloader.save(read_task(task_reply("t", "success", "https://x/a.png"), "t"))
    assert not list(folder.glob(".*"))
    return saved, listener.notices


def check_whole(saved: Saved, data: bytes = DATA) -> None:
    assert saved.errors == []
    assert saved.files[0].path.read_bytes() == data
    assert saved.files[0].bytes == len(data)
    assert saved.files[0].sha256 == hashlib.sha256(data).hexdigest()


def test_a_cut_download_goes_on_where_it_stopped(tmp_path: Path) -> None:
    host = Host(Try(300), Try(400), Try())
    saved, told = fetched(host, tmp_path)
    check_whole(saved)
    assert host.resumes == [None, Resume(300, V1, 1000), Resume(700, V1, 1000)]
    assert told[0] == "The download broke off. Going on after 300 B in 1s."


def test_without_a_validator_it_starts_over(tmp_path: Path) -> None:
    host = Host(Try(300, version=UNKNOWN), Try(version=UNKNOWN))
    saved, told = fetched(host, tmp_path)
    check_whole(saved)
    assert host.resumes == [None, None]
    assert told[0] == "The download broke off. Trying again in 1s."


@pytest.mark.parametrize("other", [Try(ranges=False), Try(data=DATA[::-1], version=V2)])
def test_a_host_that_sends_all_of_it_starts_the_file_over(tmp_path: Path, other: Try) -> None:
    saved, _ = fetched(Host(Try(300), other), tmp_path)
    check_whole(saved, other.data)


def test_a_shorter_file_leaves_nothing_of_the_longer_one(tmp_path: Path) -> None:
    other = Try(data=b"short", length=5, version=V2)
    saved, _ = fetched(Host(Try(300), other), tmp_path)
    check_whole(saved, b"short")


def test_too_few_bytes_are_a_cut(tmp_path: Path) -> None:
    host = Host(Try(data=DATA[:600]), Try())
    saved, _ = fetched(host, tmp_path)
    check_whole(saved)
    assert host.resumes[1] == Resume(600, V1, 1000)


def test_more_bytes_than_announced_are_no_file(tmp_path: Path) -> None:
    host = Host(Try(length=900), Try())
    saved, told = fetched(host, tmp_path)
    check_whole(saved)
    assert host.resumes == [None, None]
    assert "1000 bytes arrived where 900 were announced" in told[0]


def test_the_pauses_begin_anew_after_a_try_that_brought_bytes(tmp_path: Path) -> None:
    nothing = Try(error=broken())
    host = Host(nothing, nothing, Try(300), nothing, nothing, Try(300), Try())
    saved, _ = fetched(host, tmp_path)
    check_whole(saved)
    assert host.clock.slept == [1.0, 2.0, 1.0, 2.0, 4.0, 1.0]


def test_four_tries_without_a_byte_are_the_end(tmp_path: Path) -> None:
    host = Host(Try(300), Try(error=broken()))
    saved, _ = fetched(host, tmp_path)
    assert saved.errors[0].message == "The download broke off. Tried 4 times."
    assert host.clock.slept == [1.0, 2.0, 4.0]
    assert list(tmp_path.iterdir()) == []


def test_bytes_that_come_again_are_no_gain(tmp_path: Path) -> None:
    saved, _ = fetched(Host(Try(300, version=UNKNOWN)), tmp_path)
    assert "Tried 4 times" in saved.errors[0].message


def test_the_tries_are_bounded_whatever_they_bring(tmp_path: Path) -> None:
    host = Host(Try(10))
    saved, _ = fetched(host, tmp_path)
    assert f"Tried {MAX_TRIES} times" in saved.errors[0].message
    assert len(host.resumes) == MAX_TRIES


def test_a_failure_that_stays_is_not_tried_again(tmp_path: Path) -> None:
    refused = failed("No.", Remedy.NONE, status=405)
    host = Host(Try(300), Try(error=refused))
    saved, _ = fetched(host, tmp_path)
    assert saved.errors == [refused.error]
    assert len(host.resumes) == 2


def test_the_time_limit_counts_over_all_tries(tmp_path: Path) -> None:
    host = Host(Try(300), Try(300), Try())
    host.seconds = 3
    saved, _ = fetched(host, tmp_path, timeout=25)
    assert saved.errors[0].code is ErrorCode.RESOURCE_LIMIT
    assert "time limit of 25s" in saved.errors[0].message
    assert host.seconds_left == [25.0, 15.0, 5.0]


def test_no_pause_goes_beyond_the_time_limit(tmp_path: Path) -> None:
    host = Host(Try(error=broken()))
    saved, _ = fetched(host, tmp_path, timeout=2)
    assert host.clock.slept == [1.0]
    assert "time limit of 2s. The download broke off." in saved.errors[0].message


# Checksums


def test_a_file_that_keeps_the_promise_is_saved(tmp_path: Path) -> None:
    saved, _ = fetched(Host(Try(checksum=SHA256)), tmp_path)
    check_whole(saved)


def test_a_promise_holds_for_a_file_that_came_in_parts(tmp_path: Path) -> None:
    host = Host(Try(300, checksum=SHA256), Try())
    check_whole(fetched(host, tmp_path)[0])
    host = Host(Try(300, checksum=SHA256), Try(data=DATA[:-1] + b"x"), Try(checksum=SHA256))
    saved, told = fetched(host, tmp_path)
    check_whole(saved)
    assert "sha256 of what arrived is not what the host promised" in told[1]
    assert host.resumes[2] is None


def test_a_promise_that_is_never_kept_is_a_failure(tmp_path: Path) -> None:
    host = Host(Try(checksum=replace(SHA256, digest=bytes(32))))
    saved, _ = fetched(host, tmp_path)
    assert saved.errors[0].code is ErrorCode.DOWNLOAD_FAILED
    assert saved.errors[0].retryable
    assert len(host.resumes) == 4
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_changed_is_held_to_its_own_promise(tmp_path: Path) -> None:
    other = Try(data=DATA[::-1], version=V2)
    saved, _ = fetched(Host(Try(300, checksum=SHA256), other), tmp_path)
    check_whole(saved, DATA[::-1])


# Progress


def test_progress_is_told_a_few_times_a_second_and_in_the_end(tmp_path: Path) -> None:
    host, listener = Host(Try(length=None)), Listening()
    host.seconds = 0.04
    task = read_task(task_reply("t", "success", "https://x/a.png"), "t")
    Downloader(host, tmp_path, Limits(), overwrite=False, clock=host.clock, listener=listener).save(
        task
    )
    assert [done for _, done, _ in listener.moved] == [100, 400, 700, 1000, 1000]
    assert listener.moved[-1] == ("a.png", 1000, 1000)
