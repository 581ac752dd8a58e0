"""How uploaded files look in each output mode (official-cli.md 4.19, 4.20)."""

from modellix_cli.api.files import UploadedFile
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
