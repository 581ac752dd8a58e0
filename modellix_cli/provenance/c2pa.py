"""C2PA manifests: signed over the bytes of the file, so that any change would break them."""

from typing import Final
from uuid import UUID

from modellix_cli.provenance.layout import Unfit

PNG_CHUNK: Final = b"caBX"
WEBP_CHUNK: Final = b"C2PA"
MP4_BOX: Final = UUID("d8fec3d6-1b0e-483c-9297-5828877ec481").bytes
_APP11: Final = 0xEB
_JUMBF: Final = b"JP"


def is_jpeg_segment(marker: int, head: bytes) -> bool:
    """Whether a JPEG segment holds a part of a manifest, by the first bytes after its length."""
    return marker == _APP11 and head.startswith(_JUMBF)


def found() -> Unfit:
    """Return what is raised for a file that carries a manifest, or names one that is elsewhere."""
    return Unfit("it carries a C2PA manifest, which any change would break")
