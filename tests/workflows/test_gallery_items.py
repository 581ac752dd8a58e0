"""From what the ledger and a folder hold to the items of the gallery."""

import os
from collections.abc import Iterable
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

from modellix_cli.ledger.task_details import TaskDetails
from modellix_cli.ledger.task_records import KeptFile
from modellix_cli.output.gallery.item import GalleryItem
from modellix_cli.workflows.gallery_items import (
    Item,
    file_address,
    folder_version,
    items_of_folder,
    items_of_task,
    linked,
    media_files,
)

PNG = b"\x89PNG\r\n\x1a\n" + bytes(8) + bytes((0, 0, 0, 4, 0, 0, 0, 3))
URL = "https://cdn.example.com/1.png"


def command(task: TaskDetails, body: str) -> str:
    return f"run {task.slug} {body}"


def task(*files: KeptFile, task_id: str = "t", body: bytes | None = None) -> TaskDetails:
    return TaskDetails(
        base_url="https://api.modellix.ai",
        task_id=task_id,
        profile="default",
        slug="a/b",
        status="success",
        created_at=100.0,
        ended_at=104.5,
        billed_cost=None,
        estimated_cost="0.03",
        batch=None,
        line=0,
        line_id=None,
        tag=None,
        body=body,
        files=files,
    )


def kept(path: Path, position: int = 1, **other: object) -> KeptFile:
    content = path.read_bytes() if path.exists() else b""
    file = KeptFile(position, str(path), len(content), sha256(content).hexdigest(), "image", URL)
    return replace(file, **other)  # type: ignore[arg-type]


def items(folder: Path, tasks: Iterable[TaskDetails]) -> list[Item]:
    address = file_address(folder)
    return [item for one in tasks for item in items_of_task(one, address, command)]


def made(folder: Path, *tasks: TaskDetails) -> list[GalleryItem]:
    return linked(items(folder, tasks))


def in_folder(folder: Path, *tasks: TaskDetails) -> list[GalleryItem]:
    return linked(items_of_folder(folder, items(folder, tasks), file_address(folder)))


def write(path: Path, content: bytes = PNG) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def test_an_item_knows_its_file_and_its_task(tmp_path: Path) -> None:
    body = b'{"prompt": "a fox", "n": 1}'
    (item,) = made(tmp_path, task(kept(write(tmp_path / "out" / "1.png")), body=body))
    assert (item.kind, item.width, item.height, item.size) == ("image", 4, 3, len(PNG))
    assert (item.src, item.missing) == ("./out/1.png", False)
    assert (item.prompt, item.parameters) == ("a fox", (("n", "1"),))
    assert (item.cost, item.billed, item.took, item.line) == ("0.03", False, 4.5, None)
    assert item.command == 'run a/b {"prompt":"a fox","n":1}'


def test_a_file_that_is_gone_is_missing(tmp_path: Path) -> None:
    (item,) = made(tmp_path, task(kept(tmp_path / "gone.png", size=7)))
    assert (item.missing, item.src, item.kind, item.size) == (True, None, "image", 7)


def test_of_copies_the_newest_that_is_there_is_shown(tmp_path: Path) -> None:
    old = kept(write(tmp_path / "old.png"))
    (item,) = made(tmp_path, task(old, kept(tmp_path / "newer.png")))
    assert item.src == "./old.png"


def test_results_of_one_task_know_their_place(tmp_path: Path) -> None:
    files = [kept(write(tmp_path / f"{n}.png", PNG + bytes([n])), n) for n in (1, 3)]
    results = made(tmp_path, task(*files))
    assert [(item.position, item.siblings) for item in results] == [(1, 2), (2, 2)]
    assert len({item.id for item in results}) == 2
    assert len({item.task_key for item in results}) == 1


def test_a_result_that_was_given_to_a_model_is_a_source(tmp_path: Path) -> None:
    first = task(kept(write(tmp_path / "1.png"), url=f"{URL}?sig=1"))
    body = f'{{"prompt": "night", "image": ["{URL}?sig=2", "@task:t"]}}'.encode()
    other = kept(write(tmp_path / "2.png", PNG + b"2"), url="https://cdn.example.com/2.png")
    night, day = made(tmp_path, task(other, task_id="u", body=body), first)
    assert night.sources == (day.id,)
    assert day.sources == ()


def test_an_address_is_escaped_and_relative_only_below_the_page(tmp_path: Path) -> None:
    address = file_address(tmp_path)
    assert address("", tmp_path / "a b" / "100%#?.png") == "./a%20b/100%25%23%3F.png"
    assert address("", tmp_path / 'c:"><é.png') == "./c%3A%22%3E%3C%C3%A9.png"
    assert address("", Path("/elsewhere/1.png")) == "file:///elsewhere/1.png"


def test_a_name_that_is_not_utf_8_is_still_an_address(tmp_path: Path) -> None:
    name = os.fsdecode(b"\xff.png")
    (item,) = made(tmp_path, task(replace(kept(tmp_path / "x.png"), path=str(tmp_path / name))))
    assert item.name == "\ufffd.png"
    assert file_address(tmp_path)("", tmp_path / name) == "./%FF.png"


def test_a_text_is_shown_by_its_beginning(tmp_path: Path) -> None:
    path = write(tmp_path / "1.txt", b"\xffwords" + b"x" * 9000)
    (item,) = made(tmp_path, task(kept(path, type="text")))
    assert item.kind == "text"
    assert item.text is not None
    assert item.text.startswith("\ufffdwords")
    assert len(item.text) == 4000


def test_a_folder_shows_its_media_and_nothing_else(tmp_path: Path) -> None:
    for name in ("a.png", "b.JPG", "deep/er/c.mp4", ".hidden/d.png", ".e.png", "f.html", "g"):
        write(tmp_path / name)
    (tmp_path / "link").symlink_to(tmp_path)
    (tmp_path / "lost.png").symlink_to(tmp_path / "nowhere")
    names = [path.relative_to(tmp_path).as_posix() for path in media_files(tmp_path)]
    assert names == ["a.png", "b.JPG", "deep/er/c.mp4"]


def test_a_link_shows_nothing_from_outside_the_folder(tmp_path: Path) -> None:
    secret = write(tmp_path / "secret.png")
    folder = tmp_path / "shown"
    write(folder / "a.png")
    (folder / "out.png").symlink_to(secret)
    (folder / "in.png").symlink_to(folder / "a.png")
    assert [path.name for path in media_files(folder)] == ["a.png", "in.png"]


def test_a_file_of_a_folder_is_known_by_its_path(tmp_path: Path) -> None:
    known = task(kept(write(tmp_path / "1.png"), sha256=None), body=b'{"prompt": "a fox"}')
    (item,) = in_folder(tmp_path, known)
    assert item.prompt == "a fox"


def test_a_file_that_was_moved_is_known_by_its_content(tmp_path: Path) -> None:
    saved = write(tmp_path / "out" / "1.png")
    known = task(kept(saved), body=b'{"prompt": "a fox"}')
    saved.rename(tmp_path / "best.png")
    (item,) = in_folder(tmp_path, known)
    assert (item.prompt, item.name, item.missing) == ("a fox", "best.png", False)
    assert item.src == "./best.png"


def test_a_file_of_the_same_size_is_not_taken_for_another(tmp_path: Path) -> None:
    known = task(kept(write(tmp_path / "out" / "1.png")), body=b'{"prompt": "a fox"}')
    (tmp_path / "out" / "1.png").unlink()
    write(tmp_path / "2.png", PNG[:-1] + b"\x05")
    (item,) = in_folder(tmp_path, known)
    assert (item.prompt, item.model) == (None, None)


def test_the_newest_file_of_a_folder_comes_first(tmp_path: Path) -> None:
    for name, moment in (("old.png", 1), ("new.png", 3), ("middle.png", 2)):
        os.utime(write(tmp_path / name), (moment, moment))
    assert [item.name for item in in_folder(tmp_path)] == ["new.png", "middle.png", "old.png"]


def test_the_version_of_a_folder_changes_with_its_files(tmp_path: Path) -> None:
    write(tmp_path / "1.png")
    before = folder_version(tmp_path)
    assert folder_version(tmp_path) == before
    write(tmp_path / "2.png")
    assert folder_version(tmp_path) != before
