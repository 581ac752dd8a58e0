"""How uploaded files look in each output mode (official-cli.md 4.19, 4.20)."""

from collections.abc import Sequence

from modellix_cli.api.fields import moment
from modellix_cli.api.files import UploadedFile
from modellix_cli.clock import clock_time
from modellix_cli.domain.text import size
from modellix_cli.output.sink import Output, Sink


def uploaded(sink: Sink, file: UploadedFile) -> None:
    """Show a file that was uploaded."""
    if sink.mode is Output.JSON:
        sink.json({"file": file.as_dict(), "ok": True})
    elif sink.mode is Output.QUIET:
        sink.line(file.url)
    else:
        sink.line(f"Uploaded {file.filename} ({file.size} bytes).")
        sink.line(f"File ID: {file.file_id}")
        sink.line(f"URL: {file.url}")


def deleted(sink: Sink, file_id: str) -> None:
    """Show that a file was deleted."""
    if sink.mode is Output.JSON:
        sink.json({"deleted": True, "fileId": file_id, "ok": True})
    elif sink.mode is Output.QUIET:
        sink.line(file_id)
    else:
        sink.line(f"Deleted Modellix file {file_id}.")


def listed(sink: Sink, files: Sequence[UploadedFile], total: int | None, offset: int) -> None:
    """Show a page of uploaded files: a table at a terminal, the ids alone when quiet."""
    if sink.mode is Output.JSON:
        facts: dict[str, object] = {"files": [file.as_dict() for file in files], "offset": offset}
        sink.json(facts if total is None else facts | {"total": total})
    elif sink.mode is Output.QUIET:
        for file in files:
            sink.line(file.file_id)
    elif not files:
        sink.note("No files. Upload one with: modellix-cli file upload PATH")
    elif sink.stdout_is_terminal:
        rows = [(f.file_id, f.filename, f.type, size(f.size), _time(f.created_at)) for f in files]
        sink.table(("File ID", "Name", "Type", "Size", "Uploaded"), rows)
        if total is not None and offset + len(files) < total:
            sink.note(f"{total - offset - len(files)} more: pass --offset {offset + len(files)}.")
    else:
        for file in files:
            sink.row(file.file_id, file.filename, file.type, str(file.size), file.url)


def _time(written: str) -> str:
    """Return a time for people, as it was sent where it cannot be read."""
    when = moment(written)
    return written if when is None else clock_time(when)
