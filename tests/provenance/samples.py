"""Small files of every format that can hold a record, and what a decoder makes of them."""

import io
import struct
import zlib
from typing import Any
from uuid import UUID

from PIL import Image, ImageSequence

from modellix_cli.domain.money import Money
from modellix_cli.provenance.record import Provenance
from modellix_cli.sandbox.media.mp4 import box, full_box, mp4
from modellix_cli.sandbox.media.png import png

XMP_BOX = UUID("be7acfcb-97a9-42e8-9c71-999491e3afac").bytes
C2PA_BOX = UUID("d8fec3d6-1b0e-483c-9297-5828877ec481").bytes
XMP_HEAD = b"http://ns.adobe.com/xap/1.0/\0"
OTHER_XMP = (
    b'<?xpacket begin="" id="W5M0MpCehiHzreSzNTczkc9d"?><x:xmpmeta xmlns:x="adobe:ns:meta/">'
    b'<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
    b'<rdf:Description rdf:about="uuid:1" xmlns:lr="http://example.com/lr/" lr:rating="5"/>'
    b'</rdf:RDF></x:xmpmeta>   <?xpacket end="w"?>'
)

BODY = '{"prompt": "a fox in a “den” & <snow>\\r\\n", "seed": 12345678901234567890, "x": 1.0e2}'


def record(body: str = BODY, task_id: str = "task-1") -> Provenance:
    return Provenance.of(
        task_id,
        body.encode(),
        model="alibaba/qwen-image-plus",
        created_at=1_800_000_000.25,
        cost=Money.parse("0.03"),
        sources=("task-0",),
        position=1,
    )


def picture(mode: str = "RGB", shift: int = 0) -> Image.Image:
    image = Image.frombytes("RGB", (48, 32), bytes((n * 7 + shift) % 256 for n in range(48 * 96)))
    if mode == "RGBA":
        image.putalpha(Image.linear_gradient("L").resize((48, 32)))
        return image
    return image.convert(mode)


def saved(kind: str, mode: str = "RGB", **options: Any) -> bytes:
    file = io.BytesIO()
    picture(mode).save(file, kind, **options)
    return file.getvalue()


def animated(kind: str) -> bytes:
    more = [picture(shift=50), picture(shift=100)]
    return saved(kind, save_all=True, append_images=more, duration=100)


def exif() -> Image.Exif:
    found = Image.Exif()
    found[0x010F] = "maker"
    return found


def png_chunk(kind: bytes, data: bytes) -> bytes:
    checksum = zlib.crc32(kind + data)
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", checksum)


def after_png_header(file: bytes, chunk: bytes) -> bytes:
    return file[:33] + chunk + file[33:]


def jpeg_segment(marker: int, data: bytes) -> bytes:
    return bytes((0xFF, marker)) + struct.pack(">H", len(data) + 2) + data


def after_start(file: bytes, segment: bytes) -> bytes:
    return file[:2] + segment + file[2:]


def riff_chunk(kind: bytes, data: bytes) -> bytes:
    return kind + struct.pack("<I", len(data)) + data + bytes(len(data) % 2)


def with_riff_chunk(file: bytes, chunk: bytes) -> bytes:
    rest = file[8:] + chunk
    return b"RIFF" + struct.pack("<I", len(rest)) + rest


def up_to_the_end(file: bytes) -> bytes:
    """Give the last box, the media data, the length 0: up to the end of the file."""
    at = file.index(b"mdat") - 4
    return file[:at] + bytes(4) + file[at + 4 :]


def long_box(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I4sQ", 1, kind, len(data) + 16) + data


def fragmented() -> bytes:
    """A file as it is built of fragments, with an index of them that is found from its end."""
    moof = box(b"moof", full_box(b"mfhd", 0, struct.pack(">I", 1)))
    mfro = full_box(b"mfro", 0, struct.pack(">I", 24))
    moov = box(b"moov", box(b"mvex"))
    return (
        box(b"ftyp", b"iso5", bytes(4)) + moov + moof + box(b"mdat", b"x" * 99) + box(b"mfra", mfro)
    )


def xmp_box(packet: bytes) -> bytes:
    return box(b"uuid", XMP_BOX, packet)


CLIP = mp4("seed", 0.2)
SAMPLES: dict[str, bytes] = {
    "png": png("seed", 40, 30, "words"),
    "png-alpha": saved("PNG", "RGBA"),
    "png-palette": saved("PNG", "P"),
    "png-animated": animated("PNG"),
    "jpeg": saved("JPEG", quality=80),
    "jpeg-gray": saved("JPEG", "L"),
    "jpeg-progressive-exif": saved("JPEG", progressive=True, exif=exif(), icc_profile=b"i" * 300),
    "jpeg-xmp": after_start(saved("JPEG"), jpeg_segment(0xE1, XMP_HEAD + OTHER_XMP)),
    "webp-lossy": saved("WEBP", quality=60),
    "webp-lossless": saved("WEBP", lossless=True),
    "webp-lossless-alpha": saved("WEBP", "RGBA", lossless=True),
    "webp-lossy-alpha": saved("WEBP", "RGBA"),
    "webp-extended": saved("WEBP", exif=exif(), icc_profile=b"i" * 301),
    "webp-xmp": saved("WEBP", xmp=OTHER_XMP),
    "webp-animated": animated("WEBP"),
    "mp4": CLIP,
    "mp4-up-to-the-end": up_to_the_end(CLIP),
    "mp4-long-box": CLIP + long_box(b"free", b"x" * 10),
    "mp4-fragmented": fragmented(),
    "mp4-xmp-at-the-end": CLIP + xmp_box(OTHER_XMP),
    "mp4-xmp-before": CLIP + xmp_box(OTHER_XMP) + box(b"free", b"x" * 9),
    "mov": CLIP.replace(b"isom", b"qt  ", 1),
}

SIGNED: dict[str, bytes] = {
    "png": after_png_header(SAMPLES["png"], png_chunk(b"caBX", b"jumb")),
    "jpeg": after_start(SAMPLES["jpeg"], jpeg_segment(0xEB, b"JP\0\1\0\0\0\1jumb")),
    "webp": with_riff_chunk(SAMPLES["webp-extended"], riff_chunk(b"C2PA", b"jumb")),
    "mp4": CLIP + box(b"uuid", C2PA_BOX, b"manifest"),
    "remote": after_start(
        SAMPLES["jpeg"],
        jpeg_segment(
            0xE1,
            XMP_HEAD
            + OTHER_XMP.replace(
                b"lr:rating",
                b'xmlns:dcterms="http://purl.org/dc/terms/" dcterms:provenance="x" lr:rating',
            ),
        ),
    ),
}
"""Files that carry a C2PA manifest, or name one that is elsewhere."""


def pixels(file: bytes) -> list[Any] | str:
    """Return profile, Exif and every frame as decoded, or what the decoder has against it."""
    try:
        with Image.open(io.BytesIO(file)) as image:
            about = [image.info.get("icc_profile"), dict(image.getexif())]
            return about + [
                (
                    frame.mode,
                    frame.size,
                    frame.info.get("duration"),
                    frame.convert("RGBA").tobytes(),
                )
                for frame in ImageSequence.Iterator(image)
            ]
    except Exception as error:  # whatever the decoder raises
        return type(error).__name__


def boxes(file: bytes) -> list[tuple[bytes, int, bytes]]:
    """Return the outermost boxes of an MP4 file: kind, offset, content."""
    found, at = [], 0
    while at < len(file):
        length, kind = struct.unpack(">I4s", file[at : at + 8])
        head = 16 if length == 1 else 8
        if length == 1:
            length = int.from_bytes(file[at + 8 : at + 16])
        end = at + length if length else len(file)
        found.append((kind, at, file[at + head : end]))
        at = end
    return found


def media_boxes(file: bytes) -> list[tuple[bytes, int, bytes]]:
    """Return the boxes that a player reads, each at its offset; the index must be the last."""
    found = boxes(file)
    if found[-1][0] == b"mfra":
        found[-1] = (b"mfra", -1, found[-1][2])
    return [b for b in found if not b[2].startswith(XMP_BOX)]


def decoded(file: bytes) -> Any:
    return media_boxes(file) if file[4:8] == b"ftyp" else pixels(file)
