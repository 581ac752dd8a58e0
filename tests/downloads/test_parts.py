"""Parts: locked while they are filled, gone on with or removed when nobody does."""

import hashlib
import json
import os
import sys
from pathlib import Path

import pytest

from modellix_cli.domain.errors import ErrorCode, ModellixError
from modellix_cli.downloads import hashing
from modellix_cli.downloads.destination import DownloadDestination
from modellix_cli.downloads.hashing import StreamHash
from modellix_cli.downloads.parts import Part, open_part, sweep
from modellix_cli.downloads.response import Checksum

KEY = "0123456789abcdef"
FACTS = {"source": "x", "etag": '"v1"'}
DATA = bytes(range(256)) * 1000

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="parts are not shared there")


def opened(folder: Path, key: str = KEY) -> Part:
    return open_part(folder, key, folder / "a.png")


def left_behind(folder: Path, data: bytes = DATA) -> Path:
    """Leave what a killed process leaves; return the part."""
    part = opened(folder)
    part.restart(None, dict(FACTS))
    part.write(data)
    part.close()
    return part.path


def test_a_part_is_a_hidden_file_beside_its_target(tmp_path: Path) -> None:
    part = opened(tmp_path)
    assert part.path == tmp_path / f".modellix-{KEY}.part"
    part.close()


def test_a_part_that_is_being_filled_is_not_taken(tmp_path: Path) -> None:
    first, second = opened(tmp_path), opened(tmp_path)
    assert first.path != second.path
    sweep(tmp_path)
    assert first.path.exists()
    assert second.path.exists()
    first.close()
    second.close()


def test_what_a_killed_process_left_can_be_gone_on_with(tmp_path: Path) -> None:
    left_behind(tmp_path, DATA)
    part = opened(tmp_path)
    facts = part.earlier()
    assert facts is not None
    assert facts["etag"] == '"v1"'
    assert part.take_over(None, 16) == DATA[:16]
    part.write(b"more")
    part.finish()
    assert part.path.read_bytes() == DATA + b"more"
    assert part.sha256 == hashlib.sha256(DATA + b"more").hexdigest()
    part.close()


def test_a_small_part_is_not_worth_a_second_file(tmp_path: Path) -> None:
    left_behind(tmp_path, b"few")
    assert [path.suffix for path in tmp_path.iterdir()] == [".part"]


@pytest.mark.parametrize("facts", [b"", b"[]", b"{", b'{"boot": "another"}'])
def test_a_part_of_which_nothing_certain_is_known_is_begun_again(
    tmp_path: Path, facts: bytes
) -> None:
    left_behind(tmp_path).with_suffix(".json").write_bytes(facts)
    part = opened(tmp_path)
    assert part.earlier() is None
    part.restart(None, None)
    part.write(b"new")
    part.finish()
    assert part.path.read_bytes() == b"new"
    part.close()


def test_a_file_is_not_truncated_before_it_is_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def truncated(*_arguments: object) -> None:
        pytest.fail("a fresh file that was truncated is flushed when it is closed")

    monkeypatch.setattr(os, "ftruncate", truncated)
    part = opened(tmp_path)
    part.restart(None, None)
    part.write(DATA)
    part.finish()
    part.close()


@pytest.mark.parametrize("kind", ["symlink", "link", "folder", "pipe"])
def test_only_a_plain_file_with_one_name_is_taken(tmp_path: Path, kind: str) -> None:
    path, other = tmp_path / f".modellix-{KEY}.part", tmp_path / "mine"
    other.write_bytes(b"mine")
    if kind == "symlink":
        path.symlink_to(other)
    elif kind == "link":
        path.hardlink_to(other)
    elif kind == "folder":
        path.mkdir()
    else:
        os.mkfifo(path)
    part = opened(tmp_path)
    assert part.path != path
    part.restart(None, None)
    part.write(b"new")
    part.finish()
    part.remove()
    part.close()
    sweep(tmp_path)
    assert other.read_bytes() == b"mine"


def test_sweeping_removes_only_what_is_ours(tmp_path: Path) -> None:
    left_behind(tmp_path)
    for name in ("a.part", ".modellix-12.part", "b.png"):
        (tmp_path / name).write_bytes(b"x")
    sweep(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        ".modellix-12.part",
        "a.part",
        "b.png",
    ]


def test_a_folder_in_which_nothing_was_saved_is_not_swept(tmp_path: Path) -> None:
    path = left_behind(tmp_path)
    target = DownloadDestination(tmp_path, overwrite=False, max_bytes=9, max_total_bytes=9)
    target.sweep()
    assert path.exists()
    target.discard(target.part("fedcba9876543210", "b.png"))
    target.sweep()
    assert list(tmp_path.iterdir()) == []


def test_a_part_that_cannot_be_made_names_its_file(tmp_path: Path) -> None:
    with pytest.raises(ModellixError, match=r"a\.png") as caught:
        opened(tmp_path / "missing")
    assert caught.value.code is ErrorCode.OUTPUT_UNWRITABLE


def test_without_locks_every_part_has_a_name_of_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import fcntl

    def no_locks(*_arguments: object) -> None:
        raise OSError("no locks available")

    monkeypatch.setattr(fcntl, "flock", no_locks)
    first, second = opened(tmp_path), opened(tmp_path)
    assert first.path != second.path
    sweep(tmp_path)
    assert first.path.exists()
    first.close()
    second.close()


def test_a_promise_is_kept_or_not(tmp_path: Path) -> None:
    part = opened(tmp_path)
    promise = Checksum("md5", hashlib.md5(DATA).digest())
    part.restart(promise, None)
    part.write(DATA)
    assert part.keeps(promise)
    assert not part.keeps(Checksum("md5", bytes(16)))
    part.close()


# Behind the reader


def test_big_files_are_hashed_on_another_thread(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hashing, "_ALONE_FROM", 1000)
    part = opened(tmp_path)
    part.restart(Checksum("md5", b""), None)
    rooms = [memoryview(bytearray(500)) for _ in range(4)]
    wanted = b""
    for number in range(50):
        room = rooms[number % 4]
        room[:] = bytes([number]) * 500
        wanted += bytes(room)
        part.write(room)
    part.finish()
    assert part.path.read_bytes() == wanted
    assert part.sha256 == hashlib.sha256(wanted).hexdigest()
    part.close()


def test_an_empty_hash_is_that_of_nothing() -> None:
    assert StreamHash().digest("sha256") == hashlib.sha256().digest()


def test_facts_are_json_that_only_the_user_reads(tmp_path: Path) -> None:
    facts = left_behind(tmp_path).with_suffix(".json")
    assert json.loads(facts.read_text())["source"] == "x"
    assert facts.stat().st_mode & 0o077 == 0
