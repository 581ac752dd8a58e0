"""What the gallery's command tells when the page is written or served."""

from pathlib import Path

from modellix_cli.domain.text import count
from modellix_cli.output.gallery.page import Gallery
from modellix_cli.output.sink import Output, Sink


def written(sink: Sink, gallery: Gallery, out: Path) -> None:
    """Show where the page is, and how to open it."""
    if sink.mode is Output.JSON:
        facts = {"items": len(gallery.items), "missing": gallery.missing}
        sink.json({"path": str(out), **facts, "ok": True})
    elif sink.mode is Output.QUIET:
        sink.line(str(out))
    elif gallery.items:
        sink.sentence(f"{out}: {_content(gallery)}. Open it in a browser, or add --open.")
        _tell_limit(sink, gallery)
    else:
        sink.line(f"{out}: empty. {_HOW_TO_FILL}")


def serving(sink: Sink, gallery: Gallery, address: str) -> None:
    """Show at which address the page is."""
    if sink.mode is Output.JSON:
        facts = {"items": len(gallery.items), "missing": gallery.missing}
        sink.json({"url": address, **facts, "ok": True})
    else:
        sink.line(address)
        if sink.mode is Output.HUMAN:
            sink.note(f"Serving {_content(gallery)} to this machine; stop with Ctrl-C.")
            _tell_limit(sink, gallery)


def _content(gallery: Gallery) -> str:
    missing = f", {gallery.missing} missing" if gallery.missing else ""
    return count(len(gallery.items), "file") + missing


def _tell_limit(sink: Sink, gallery: Gallery) -> None:
    if gallery.total > gallery.tasks:
        sink.note(f"The newest {gallery.tasks} of {gallery.total}; see more with --limit.")


_HOW_TO_FILL = "Save results with model run --output-dir, or show a folder with --folder."
