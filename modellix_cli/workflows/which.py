"""From a file to its task: by content, by the record in it or beside it, and last by its path."""

import hashlib
import os
import stat
from dataclasses import replace
from pathlib import Path
from typing import Final

from modellix_cli.context.session import Session
from modellix_cli.context.settings import SANDBOX_BASE_URL
from modellix_cli.domain.errors import ErrorCode, ModellixError
from modellix_cli.domain.jsontext import JsonError, decode, loads
from modellix_cli.ledger.origins import FileOfTask, Origin, Origins
from modellix_cli.output.which import CONTENT, EMBEDDED, PATH, SIDECAR, MadeFile
from modellix_cli.provenance.embedding import read_embedded
from modellix_cli.provenance.record import Provenance, main_text, plain_json
from modellix_cli.provenance.sidecar import read_sidecar
from modellix_cli.workflows.task_trace import place_options, rerun_words

_OPEN: Final = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)


def find_origin(session: Session, path: Path) -> MadeFile:
    """Return where a file came from.

    Raises `INPUT_UNREADABLE`, `NOT_FOUND` where nothing is known, and the ledger's errors.
    """
    origins = session.stores.origins
    try:
        digest = _sha256(path)
        embedded = read_embedded(path)
    except OSError as error:
        raise ModellixError(
            ErrorCode.INPUT_UNREADABLE, f"Unable to read {path}: {error.strerror or error}."
        ) from error
    beside = None if embedded else read_sidecar(path)
    record = embedded or beside
    paths = (str(path), os.path.realpath(path))
    same = origins.with_content(digest)
    if same:
        same.sort(key=lambda file: file.path not in paths)
        return _of_file(origins, path, CONTENT, same, record)
    if record is not None:
        return _of_record(origins, path, EMBEDDED if embedded else SIDECAR, record)
    before = origins.at_path(*paths)
    if before:
        return _of_file(origins, path, PATH, before[:1], None)
    raise ModellixError(
        ErrorCode.NOT_FOUND,
        f"Nothing is known about where {path} came from.",
        hint=f"Looked for: its content (SHA-256 {digest[:12]}…) and its path in this machine's "
        f"ledger, a record inside the file, and {path.name}.json beside it.",
    )


def _of_file(
    origins: Origins,
    path: Path,
    found_by: str,
    files: list[FileOfTask],
    record: Provenance | None,
) -> MadeFile:
    """Return what is known by files that the ledger knows; a record adds to it if it fits."""
    first = files[0]
    if record is None or record.task_id != first.task_id:
        record = Provenance(first.task_id, program="")
    others = dict.fromkeys(file.task_id for file in files if file.task_id != first.task_id)
    said = replace(_said(path, found_by, record), position=first.position)
    known = origins.of(first.base_url, first.task_id)
    return replace(said if known is None else _known(said, known), other_tasks=tuple(others))


def _of_record(origins: Origins, path: Path, found_by: str, record: Provenance) -> MadeFile:
    said, known = _said(path, found_by, record), origins.of_task(record.task_id)
    return _known(said, known[0]) if known else said


def _said(path: Path, found_by: str, record: Provenance) -> MadeFile:
    """Return what a file says of itself."""
    return MadeFile(
        path=path,
        found_by=found_by,
        in_ledger=False,
        task_id=record.task_id,
        model=record.model,
        prompt=record.prompt,
        parameters=record.parameters,
        created_at=record.created_at,
        billed=record.cost,
        position=record.position,
        program=record.program or None,
        sources=record.sources,
        again=_again(record) if record.complete else None,
    )


def _known(said: MadeFile, origin: Origin) -> MadeFile:
    """Return what the ledger knows, and what only the file says; where both do, it is right."""
    model = origin.slug or said.model
    sent = _object(origin.body)
    again = said.again
    if sent is not None:
        again = rerun_words(origin.task_id, origin.base_url, origin.profile)
    elif again is not None:
        again = tuple(word for word in again if word != "--sandbox")
        again = (*again, *place_options(origin.base_url, origin.profile))
    return replace(
        said,
        in_ledger=True,
        model=model,
        prompt=said.prompt or main_text(sent),
        parameters=sent or said.parameters,
        created_at=origin.created_at,
        billed=origin.billed or said.billed,
        estimated=origin.estimated,
        profile=origin.profile,
        base_url=origin.base_url,
        batch=origin.batch,
        line=origin.line,
        line_id=origin.line_id,
        tag=origin.tag,
        sources=said.sources or origin.sources,
        again=again,
    )


def _object(body: bytes | None) -> str | None:
    """Return a body as text, None for what is no JSON object."""
    try:
        text = decode(body or b"").strip()
        return plain_json(text) if isinstance(loads(text), dict) else None
    except JsonError:
        return None


def _again(record: Provenance) -> tuple[str, ...] | None:
    """Return the words of a command that sends the same request; it is charged like the first.

    What was made in the sandbox is made there again. Another address in a record that anyone may
    have written is left out.
    """
    if record.model is None or record.parameters is None:
        return None
    run = ("modellix-cli", "model", "run", record.model, "--body", record.parameters)
    sandbox = ("--sandbox",) if record.service == SANDBOX_BASE_URL else ()
    return (*run, "--wait", "--output-dir", ".", *sandbox)


def _sha256(path: Path) -> str:
    """Return the digest of a file in hex. Raises `OSError`, also for what is no regular file."""
    with os.fdopen(os.open(path, _OPEN), "rb") as file:
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            raise OSError(None, "it is not a regular file")
        return hashlib.file_digest(file, "sha256").hexdigest()
