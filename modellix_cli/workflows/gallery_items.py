"""From what the ledger and a folder hold to the items that the gallery shows."""

import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from hashlib import file_digest, sha256
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import quote

from modellix_cli.domain.frozen import frozen
from modellix_cli.domain.text import clip
from modellix_cli.downloads.media_header import UNKNOWN, MediaHeader, read_header
from modellix_cli.output.gallery.item import GalleryItem
from modellix_cli.workflows.gallery_request import SentRequest, names_of, read_request

if TYPE_CHECKING:
    from modellix_cli.ledger.task_details import TaskDetails
    from modellix_cli.ledger.task_records import KeptFile

MEDIA_TYPES: Final = {
    ".png": "image/png",
    ".jpg": "image/jpeg",
    ".jpeg": "image/jpeg",
    ".gif": "image/gif",
    ".webp": "image/webp",
    ".avif": "image/avif",
    ".bmp": "image/bmp",
    ".svg": "image/svg+xml",
    ".mp4": "video/mp4",
    ".m4v": "video/mp4",
    ".mov": "video/quicktime",
    ".webm": "video/webm",
    ".ogv": "video/ogg",
    ".wav": "audio/wav",
    ".mp3": "audio/mpeg",
    ".m4a": "audio/mp4",
    ".aac": "audio/aac",
    ".ogg": "audio/ogg",
    ".opus": "audio/ogg",
    ".flac": "audio/flac",
    ".txt": "text/plain; charset=utf-8",
    ".srt": "text/plain; charset=utf-8",
    ".vtt": "text/plain; charset=utf-8",
    ".md": "text/plain; charset=utf-8",
}
"""What a page can show, by the extension of the file."""
_SHOWN: Final = ("image", "video", "audio")
_OF_THE_FILE: Final = (
    *("id", "kind", "name", "path", "src", "missing", "size"),
    *("width", "height", "seconds", "text"),
)
_TEXT_BYTES: Final = 4_000
_MOST_FOLDER_FILES: Final = 20_000

Address = Callable[[str, Path], str]
"""Gives the address of a media file, of an item's id and its path, for the page."""
Command = Callable[["TaskDetails", str], str]
"""Gives the command line that sends a body again."""


@frozen
class Item:
    """An item with what it takes to find its place among the others and to serve it."""

    shown: GalleryItem
    path: Path
    created: float
    names: tuple[str, ...] = ()
    mentions: tuple[str, ...] = ()


def items_of_task(task: "TaskDetails", address: Address, command: Command) -> list[Item]:
    """Return an item for each result that was saved of a task, in their order."""
    return list(_of_task(task, address, command))


def items_of_folder(folder: Path, saved: Iterable[Item], address: Address) -> list[Item]:
    """Return an item for each media file below a folder, the newest first.

    What `saved` items tell about a file is found by its path, else by its content.
    """
    known = _Known(list(saved), address)
    found = [known.item(path) or _of_file(path, address) for path in media_files(folder)]
    return sorted(found, key=lambda item: item.created, reverse=True)


def linked(items: Iterable[Item]) -> list[GalleryItem]:
    """Return the items with the ids of those that they were made from."""
    items = list(items)
    ids = {name: item.shown.id for item in items for name in item.names}
    shown: list[GalleryItem] = []
    for item in items:
        sources = (ids[name] for name in item.mentions if name in ids)
        unique = tuple(dict.fromkeys(id_ for id_ in sources if id_ != item.shown.id))
        shown.append(replace(item.shown, sources=unique))
    return shown


def media_files(folder: Path) -> Iterator[Path]:
    """Yield what a page can show in a folder and those in it; nothing hidden, no links out of it.

    At most 20,000 files.
    """
    left, root = _MOST_FOLDER_FILES, folder.resolve()
    for place, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(names):
            path = Path(place, name)
            if name.startswith(".") or path.suffix.lower() not in MEDIA_TYPES:
                continue
            if path.is_file() and path.resolve().is_relative_to(root):
                left -= 1
                yield path
            if not left:
                return


def folder_version(folder: Path) -> str:
    """Return a text that changes when media files come to a folder, change or go."""
    facts = sha256()
    for path in media_files(folder):
        try:
            found = path.stat()
        except OSError:
            continue
        facts.update(f"{_readable(str(path))} {found.st_size} {found.st_mtime_ns}\n".encode())
    return facts.hexdigest()[:16]


def file_address(folder: Path) -> Address:
    """Return how a page in `folder` names files: relative below it, so that both can be moved."""

    def address(_id: str, path: Path) -> str:
        try:
            parts = path.relative_to(folder).parts
        except ValueError:
            return path.as_uri()
        return "./" + "/".join(quote(os.fsencode(part)) for part in parts)

    return address


def server_address(id_: str, path: Path) -> str:
    """Return how the gallery's own server names a file."""
    return f"/media/{id_}/{quote(os.fsencode(path.name))}"


class _Known:
    """What the ledger knows about files, by path and by content."""

    def __init__(self, items: list[Item], address: Address) -> None:
        self._address = address
        self._by_path = {os.path.realpath(item.path): item for item in items}
        self._by_size: dict[int, list[Item]] = {}
        for item in items:
            if item.shown.size is not None:
                self._by_size.setdefault(item.shown.size, []).append(item)

    def item(self, path: Path) -> Item | None:
        """Return what is known of a file, under its own path; None if nothing is."""
        there = self._by_path.get(os.path.realpath(path))
        if there is not None:
            return there
        try:
            alike = self._by_size.get(path.stat().st_size, [])
            if not alike:
                return None
            with path.open("rb") as file:
                digest = file_digest(file, "sha256").hexdigest()
        except OSError:
            return None
        same = next((item for item in alike if digest in item.names), None)
        return None if same is None else self._at(same, path)

    def _at(self, item: Item, path: Path) -> Item:
        """Return an item for a copy of its file, with an id of its own."""
        file = _media(_id(str(path)), path, item.shown.kind, self._address)
        own = {name: getattr(file, name) for name in _OF_THE_FILE}
        return replace(item, shown=replace(item.shown, **own), path=path)


def _of_task(task: "TaskDetails", address: Address, command: Command) -> Iterator[Item]:
    sent = read_request(task.body)
    positions: dict[int, list[KeptFile]] = {}
    for file in task.files:
        positions.setdefault(file.position, []).append(file)
    for place, position in enumerate(sorted(positions), 1):
        file = _there(positions[position])
        id_ = _id(task.base_url, task.task_id, str(position))
        shown = _media(id_, Path(file.path), file.type, address)
        names = names_of(task.task_id, position, file.url, file.sha256)
        yield Item(
            shown=_with_task(shown, task, sent, command, place, len(positions), file),
            path=Path(file.path),
            created=task.created_at,
            names=tuple(names),
            mentions=sent.mentions,
        )


def _there(files: "list[KeptFile]") -> "KeptFile":
    """Return the newest file that is still there, else the newest."""
    return next((file for file in reversed(files) if Path(file.path).is_file()), files[-1])


def _with_task(
    shown: GalleryItem,
    task: "TaskDetails",
    sent: SentRequest,
    command: Command,
    place: int,
    siblings: int,
    file: "KeptFile",
) -> GalleryItem:
    took = task.ended_at - task.created_at if task.ended_at else 0.0
    return replace(
        shown,
        size=file.size if shown.size is None else shown.size,
        created=task.created_at,
        took=took if took > 0 else None,
        cost=task.billed_cost or task.estimated_cost,
        billed=task.billed_cost is not None,
        prompt=sent.prompt,
        parameters=sent.parameters,
        model=task.slug,
        task_id=task.task_id,
        task_key=_id(task.base_url, task.task_id),
        profile=task.profile,
        batch=task.batch,
        line=task.line if task.batch is not None else None,
        line_id=task.line_id,
        tag=task.tag,
        command=command(task, sent.body) if sent.body and task.slug else None,
        position=place,
        siblings=siblings,
    )


def _of_file(path: Path, address: Address) -> Item:
    try:
        created = path.stat().st_mtime
    except OSError:
        created = 0.0
    shown = _media(_id(str(path)), path, None, address)
    return Item(replace(shown, created=created), path, created)


def _media(id_: str, path: Path, type_: str | None, address: Address) -> GalleryItem:
    """Return an item with what the file itself says."""
    by_name = MEDIA_TYPES.get(path.suffix.lower(), "").partition("/")[0]
    size: int | None = None
    header = UNKNOWN
    try:
        size = path.stat().st_size if path.is_file() else None
        header = read_header(path) if size is not None else UNKNOWN
    except OSError:
        size = None
    kind = _kind(header, by_name, type_)
    item = GalleryItem(
        id=id_,
        kind=kind,
        name=_readable(path.name),
        path=_readable(str(path)),
        missing=size is None,
        size=size,
        width=header.width,
        height=header.height,
        seconds=header.seconds,
    )
    if size is None:
        return item
    if kind == "text":
        return replace(item, text=_beginning(path))
    return replace(item, src=address(id_, path)) if kind in _SHOWN else item


def _kind(header: MediaHeader, by_name: str, type_: str | None) -> str:
    if by_name == "audio" and header.kind in (None, "video"):  # audio in a container for video
        return "audio"
    if header.kind is not None:
        return header.kind
    if by_name:
        return by_name
    return type_ if type_ in (*_SHOWN, "text") else "other"


def _beginning(path: Path) -> str | None:
    try:
        with path.open("rb") as file:
            text = file.read(_TEXT_BYTES + 1).decode("utf-8", "replace")
    except OSError:
        return None
    return clip(text, _TEXT_BYTES)


def _readable(text: str) -> str:
    """Return a path as text that is UTF-8, whatever bytes it has."""
    return os.fsencode(text).decode("utf-8", "replace")


def _id(*parts: str) -> str:
    text = "\0".join(parts)
    return sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:16]
