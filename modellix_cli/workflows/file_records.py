"""`--sidecar` and `--embed`: saved files say how they were made. No result is lost by it."""

import threading
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from modellix_cli.context.session import Session
from modellix_cli.domain.errors import ModellixError
from modellix_cli.engine.ports import PaidRequest
from modellix_cli.options.saving import Saving

if TYPE_CHECKING:
    from modellix_cli.domain.saved import Saved, SavedFile
    from modellix_cli.domain.task import Task
    from modellix_cli.ledger.origins import Origin
    from modellix_cli.provenance.record import Provenance

RequestOf = Callable[[int], PaidRequest]
"""Returns what a line sends, from any thread."""


def record_writer(
    session: Session, saving: Saving, request_of: RequestOf | None = None
) -> "RecordWriter | None":
    """Return who writes the records that `saving` asks for, None if it asks for none.

    Without `request_of` requests are those that the ledger kept.
    """
    if not saving.sidecar and not saving.embed:
        return None
    return RecordWriter(session, saving, request_of)


class RecordWriter:
    """Writes into files and beside them how they were made, once they are saved whole.

    Called from any thread. Why a file was left alone is told once for each reason.
    """

    def __init__(self, session: Session, saving: Saving, request_of: RequestOf | None) -> None:
        self._session = session
        self._sidecar = saving.sidecar
        self._embed = saving.embed
        self._request_of = request_of
        self._lock = threading.Lock()
        self._told: set[str] = set()

    def write(self, saved: "Saved", task: "Task", ref: int) -> None:
        """Write the records of a task's files, and put their new sizes and digests into `saved`.

        `ref` is the line that the task answers for. Files that have a record already keep it.
        Raises nothing: whatever goes wrong is warned of, and the file stays as it was saved.
        """
        if saved.stopped or not saved.files:
            return
        try:
            whole = self._provenance(task, ref)
            for file in saved.files:
                record = replace(whole, position=file.position)
                if self._embed:
                    file = self._put_inside(file, record)
                    saved.add(file)  # at once: it has another size now
                if self._sidecar:
                    saved.add(self._put_beside(file, record))
        except Exception as error:  # noqa: BLE001 - a result that was paid for is not lost by it
            self._tell(f"How the files were made was not recorded: {error}", warn=True)

    def _put_inside(self, file: "SavedFile", record: "Provenance") -> "SavedFile":
        from modellix_cli.provenance.embedding import LeftAlone, embed, read_embedded

        if read_embedded(file.path) is not None:
            return replace(file, embedded=True)
        done = embed(file.path, record)
        if isinstance(done, LeftAlone):
            advice = "" if self._sidecar or done.failed else " With --sidecar it is written beside."
            text = f"{file.path.name} was left as it is: {done.reason}.{advice}"
            self._tell(text, reason=done.reason, warn=done.failed)
            return file
        return replace(file, bytes=done.size, sha256=done.sha256, embedded=True)

    def _put_beside(self, file: "SavedFile", record: "Provenance") -> "SavedFile":
        from modellix_cli.provenance.embedding import LeftAlone
        from modellix_cli.provenance.sidecar import read_sidecar, sidecar_path, write_sidecar

        if read_sidecar(file.path) is not None:
            return replace(file, sidecar=sidecar_path(file.path))
        beside = write_sidecar(file.path, record)
        if isinstance(beside, LeftAlone):
            self._tell(f"No record was written: {beside.reason}.", warn=True)
            return file
        return replace(file, sidecar=beside)

    def _provenance(self, task: "Task", ref: int) -> "Provenance":
        from modellix_cli.provenance.record import Provenance

        known = self._known(task.task_id)
        slug, body = (None, None) if known is None else (known.slug, known.body)
        if self._request_of is not None:
            request = self._request_of(ref)
            slug, body = request.slug.name, request.body
        key = self._session.stores.key_text
        return Provenance.of(
            task.task_id,
            body,
            model=slug,
            created_at=None if known is None else known.created_at,
            cost=task.billed,
            sources=() if known is None else known.sources,
            service=self._session.stores.account.base_url,
            secrets=() if key is None else (key,),
        )

    def _known(self, task_id: str) -> "Origin | None":
        stores = self._session.stores
        try:
            return stores.origins.of(stores.account.base_url, task_id)
        except ModellixError:
            return None  # the engine tells of a ledger that fails

    def _tell(self, text: str, *, reason: str | None = None, warn: bool) -> None:
        with self._lock:
            if (reason or text) in self._told:
                return
            self._told.add(reason or text)
        if warn:
            self._session.out.warn(text)
        else:
            self._session.out.note(text)
