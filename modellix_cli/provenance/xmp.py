"""XMP packets (ISO 16684-1), which JPEG, WebP and MP4 carry: the record is a property of ours.

A packet of another program stays as it is, with one more description in it.
"""

import re
import xml.etree.ElementTree as ET
from typing import Final
from xml.sax.saxutils import escape as escaped

from modellix_cli.provenance import c2pa
from modellix_cli.provenance.layout import Unfit
from modellix_cli.provenance.record import Provenance

NAMESPACE: Final = "urn:modellix-cli:provenance:"
MAX_PACKET: Final = 4 * 1024 * 1024
_TOOLKIT: Final = "modellix-cli"
_RDF: Final = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
_CLOSING: Final = "</rdf:RDF>"
_OLD: Final = re.compile(
    rf'\n?<rdf:Description rdf:about="[^"<>]*" xmlns:modellix="{NAMESPACE}">'
    r"<modellix:record>[^<]*</modellix:record></rdf:Description>"
)
_ABOUT: Final = re.compile(r"""\brdf:about\s*=\s*(?:"([^"<>]*)"|'([^'<>"]*)')""")


def packet(record: Provenance, existing: bytes | None = None) -> bytes:
    """Return a packet with the record; what is in an `existing` one stays. Raises `Unfit`."""
    if existing is None or _is_ours(existing):
        return _new(record)
    text = _readable(existing)
    if "dcterms:provenance" in text:
        raise c2pa.found()
    text = _OLD.sub("", text)
    if text.count(_CLOSING) != 1:
        raise _unusable()
    about = _ABOUT.search(text)
    subject = "" if about is None else about[1] or about[2] or ""
    before, closing, after = text.partition(_CLOSING)
    merged = f"{before.rstrip()}\n{_description(record, subject)}\n{closing}{after}".encode()
    if find(merged) != record.as_json():
        raise _unusable()
    return merged


def find(data: bytes) -> str | None:
    """Return the record in a packet as text, None if there is none."""
    try:
        root = _parse(_readable(data))
    except Unfit:
        return None
    name = f"{{{NAMESPACE}}}record"
    for element in root.iter():
        if element.tag == name:
            return element.text
        if name in element.attrib:
            return element.attrib[name]
    return None


def _readable(data: bytes) -> str:
    """Return a packet as text. Raises `Unfit` for what is not UTF-8, too long, or no XML."""
    if len(data) > MAX_PACKET:
        raise _unusable()
    try:
        text = data.strip(b"\0").decode("utf-8")
    except UnicodeDecodeError:
        raise _unusable() from None
    _parse(text)
    return text


def _parse(text: str) -> ET.Element:
    if "<!DOCTYPE" in text or "<!ENTITY" in text:  # what they stand for may be far longer
        raise _unusable()
    try:
        return ET.fromstring(text)  # noqa: S314 - without entities, and bounded
    except (ET.ParseError, ValueError, LookupError):
        raise _unusable() from None


def _is_ours(data: bytes) -> bool:
    """Whether this program made the whole packet, and nobody changed it since."""
    return f'x:xmptk="{_TOOLKIT}"'.encode() in data[:200] and data.count(b"<rdf:Description") == 1


def _new(record: Provenance) -> bytes:
    described = ""
    if record.description:
        described = (
            '\n<dc:description><rdf:Alt><rdf:li xml:lang="x-default">'
            f"{_content(record.description)}</rdf:li></rdf:Alt></dc:description>"
        )
    return (
        '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>\n'
        f'<x:xmpmeta xmlns:x="adobe:ns:meta/" x:xmptk="{_TOOLKIT}">\n'
        f'<rdf:RDF xmlns:rdf="{_RDF}">\n'
        '<rdf:Description rdf:about="" xmlns:dc="http://purl.org/dc/elements/1.1/"'
        ' xmlns:xmp="http://ns.adobe.com/xap/1.0/"'
        f' xmlns:modellix="{NAMESPACE}">'
        f"\n<xmp:CreatorTool>{_content(record.program)}</xmp:CreatorTool>{described}"
        f"\n{_record(record)}\n</rdf:Description>\n{_CLOSING}\n</x:xmpmeta>\n"
        '<?xpacket end="w"?>'
    ).encode()


def _description(record: Provenance, subject: str) -> str:
    return (
        f'<rdf:Description rdf:about="{subject}" xmlns:modellix="{NAMESPACE}">'
        f"{_record(record)}</rdf:Description>"
    )


def _record(record: Provenance) -> str:
    return f"<modellix:record>{_content(record.as_json())}</modellix:record>"


def _content(text: str) -> str:
    return escaped(text, {"\r": "&#13;"})


def _unusable() -> Unfit:
    return Unfit("it carries XMP metadata that cannot be added to")
