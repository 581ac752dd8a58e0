"""The gallery: what is in it, the file it is written to, the server that keeps it up to date."""

import os
import threading
from datetime import datetime
from pathlib import Path
from secrets import token_hex
from typing import TYPE_CHECKING, Final

from modellix_cli.context.session import Session
from modellix_cli.context.settings import DEFAULT_BASE_URL, SANDBOX_BASE_URL
from modellix_cli.domain.errors import ModellixError, usage
from modellix_cli.domain.frozen import frozen
from modellix_cli.domain.values import DAY, parse_duration
from modellix_cli.downloads.files import appear, unwritable
from modellix_cli.ledger.history import Scope
from modellix_cli.ledger.task_details import TaskQuery
from modellix_cli.output.gallery.page import Gallery, is_ours, page
from modellix_cli.workflows.gallery_items import (
    Address,
    Item,
    file_address,
    folder_version,
    items_of_folder,
    items_of_task,
    linked,
    server_address,
)

if TYPE_CHECKING:
    from modellix_cli.ledger.task_details import TaskDetails

DEFAULT_NAME: Final = "modellix-gallery.html"
_EVERY_TASK: Final = 2**31
_LONGEST_PAST: Final = 100 * 365 * DAY
_BEGINNING: Final = 200


@frozen
class Wanted:
    """What a gallery is to show: a folder, or the saved tasks in `scope`; the newest `limit`.

    `since` is a Unix time; `model` a part of the slug.
    """

    scope: Scope
    limit: int
    folder: Path | None = None
    since: float = 0.0
    model: str | None = None


@frozen
class Snapshot:
    """A gallery, and where each of its media files is, by the id of the item."""

    gallery: Gallery
    paths: dict[str, Path]


def parse_since(text: str, now: float) -> float:
    """Read `7d`, `12h` or a date such as `2026-11-20` (midnight here) as a Unix time."""
    written = text.strip()
    try:
        return datetime.fromisoformat(written).astimezone().timestamp()
    except (ValueError, OverflowError, OSError):
        pass
    try:
        return now - parse_duration(written, "--since", _LONGEST_PAST)
    except ModellixError as error:
        raise usage(
            error.message.split(". ")[0].rstrip(".") + ".",
            hint="Use a time ago such as 12h or 7d, or a date such as 2026-11-20.",
        ) from error


class Collector:
    """Collects what a gallery shows, as often as it is asked."""

    def __init__(self, session: Session, wanted: Wanted) -> None:
        self._session = session
        self._wanted = wanted
        self._reader = session.stores.task_details

    def version(self) -> str:
        """Return a text that changes with what is shown. Raises the ledger's errors."""
        version, folder = self._reader.version(), self._wanted.folder
        return version if folder is None else f"{version} {folder_version(folder)}"

    def collect(self, address: Address, *, live: bool = False) -> Snapshot:
        """Return the gallery as it is now. Raises the ledger's errors."""
        wanted, version = self._wanted, self.version()
        if wanted.folder is None:
            query = TaskQuery(wanted.scope, wanted.limit, wanted.since, wanted.model)
            items, shown, total = self._saved(query, address)
        else:
            saved, _, _ = self._saved(TaskQuery(wanted.scope, _EVERY_TASK), address)
            found = items_of_folder(wanted.folder, saved, address)
            chosen = [item for item in found if self._is_wanted(item)]
            items, total = chosen[: wanted.limit], len(chosen)
            shown = len(items)
        gallery = Gallery(
            title=self._title(),
            items=tuple(linked(items)),
            made_at=self._session.runtime.clock.now(),
            tasks=shown,
            total=total,
            version=version,
            live=live,
        )
        return Snapshot(gallery, {item.shown.id: item.path for item in items if item.shown.src})

    def _saved(self, query: TaskQuery, address: Address) -> tuple[list[Item], int, int]:
        """Return the items of saved tasks, how many tasks that are, and how many there are."""
        by_task, total = self._reader.find(
            query, lambda task: items_of_task(task, address, self._command)
        )
        return [item for items in by_task for item in items], len(by_task), total

    def _is_wanted(self, item: Item) -> bool:
        model = self._wanted.model
        if model is not None and model.lower() not in (item.shown.model or "").lower():
            return False
        return item.created >= self._wanted.since

    def _title(self) -> str:
        if self._wanted.folder is not None:
            return os.fsencode(self._wanted.folder.name or "/").decode("utf-8", "replace")
        return "Sandbox" if self._wanted.scope.sandbox else "Gallery"

    def _command(self, task: "TaskDetails", body: str) -> str:
        """Return the command line that sends a task's request again."""
        words = ["modellix-cli", "model", "run", task.slug or "", "--body", body]
        words += ["--wait", "--output-dir", "."]
        if task.base_url == SANDBOX_BASE_URL:
            words.append("--sandbox")
        elif task.base_url != DEFAULT_BASE_URL:
            words += ["--base-url", task.base_url]
        if task.profile != "default":
            words += ["--profile", task.profile]
        return self._session.commands.join(words)


def write_gallery(session: Session, wanted: Wanted, out: Path, *, overwrite: bool) -> Gallery:
    """Write the page whole or not at all, and return what is in it.

    Raises the usage error for a file that is none of ours, unless `overwrite`,
    `OUTPUT_UNWRITABLE` and the ledger's errors.
    """
    if not overwrite:
        _refuse_foreign(out)
    folder = Path(os.path.realpath(out.parent))
    gallery = Collector(session, wanted).collect(file_address(folder)).gallery
    text = page(gallery).encode("utf-8", "replace")
    part = folder / f".modellix-{token_hex(4)}.part"
    try:
        part.write_bytes(text)
        appear(part, folder, out.name, overwrite=True, taken=set())
    except OSError as error:
        raise unwritable(out, error) from error
    finally:
        part.unlink(missing_ok=True)
    return gallery


def _refuse_foreign(out: Path) -> None:
    """Raise the usage error if there is a file that no gallery command wrote."""
    try:
        with out.open("rb") as file:
            beginning = file.read(_BEGINNING).decode("utf-8", "replace")
    except FileNotFoundError:
        return
    except OSError as error:
        raise unwritable(out, error) from error
    if not is_ours(beginning):
        raise usage(
            f"{out} exists and is not a gallery.",
            hint="Choose another name with --out, or replace the file with --overwrite.",
        )


class LiveGallery:
    """The gallery for its server: collected again when the ledger has changed."""

    def __init__(self, collector: Collector) -> None:
        self._collector = collector
        self._lock = threading.Lock()
        self._snapshot: Snapshot | None = None

    def current(self) -> Gallery:
        """Return the gallery as it is now. Raises the ledger's errors."""
        with self._lock:
            known = self._snapshot
            if known is None or known.gallery.version != self._collector.version():
                self._snapshot = self._collector.collect(server_address, live=True)
            assert self._snapshot is not None
            return self._snapshot.gallery

    def media(self, id_: str) -> Path | None:
        """Return where a media file of the gallery is, as it was shown last."""
        known = self._snapshot
        return None if known is None else known.paths.get(id_)


def existing_folder(session: Session, text: str) -> Path:
    """Return the folder that the user named. Raises the usage error if there is none."""
    folder = session.settings.path(text)
    if not folder.is_dir():
        raise usage(f"There is no folder {text}.", hint="Give a folder that exists to --folder.")
    return folder


def make_gallery(
    session: Session, wanted: Wanted, out: Path, *, overwrite: bool, show: bool
) -> None:
    """Write the page, tell where it is and, with `show`, open it in the browser.

    Raises what `write_gallery` raises.
    """
    from modellix_cli.output.gallery import report

    gallery = write_gallery(session, wanted, out, overwrite=overwrite)
    report.written(session.out, gallery, out)
    if show:
        _open_in_browser(session, out.as_uri())


def serve_gallery(session: Session, wanted: Wanted, port: int, *, show: bool) -> None:
    """Serve the page until Ctrl-C. Raises the usage error for a port that cannot be had."""
    from modellix_cli.output.gallery import report
    from modellix_cli.workflows import gallery_server

    live = LiveGallery(Collector(session, wanted))
    first = live.current()

    def ready(bound: int) -> None:
        address = f"http://{gallery_server.HOST}:{bound}/"
        report.serving(session.out, first, address)
        if show:
            _open_in_browser(session, address)

    try:
        gallery_server.serve(port, live, ready)
        session.out.stopped("Stopped.")
    except OSError as error:
        raise usage(
            f"Cannot listen on port {port}: {error.strerror or error}.",
            hint="Choose another with --port, or --port 0 for any free one.",
        ) from error


def _open_in_browser(session: Session, address: str) -> None:
    """Show an address in the user's browser; where there is none, say so."""
    import webbrowser

    try:
        opened = webbrowser.open(address)
    except (webbrowser.Error, OSError):
        opened = False
    if not opened:
        session.out.note(f"No browser could be opened. Open it yourself: {address}")
