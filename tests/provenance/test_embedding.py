"""Putting a record into a file: what is decoded stays the same, and doubt leaves the file alone."""

import io
import json
import os
import stat
import struct
import tracemalloc
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from modellix_cli.provenance.embedding import Embedded, LeftAlone, embed, read_embedded
from modellix_cli.sandbox.media.mp4 import box
from modellix_cli.sandbox.media.wav import wav
from tests.provenance.samples import (
    CLIP,
    OTHER_XMP,
    SAMPLES,
    SIGNED,
    after_png_header,
    boxes,
    decoded,
    jpeg_segment,
    png_chunk,
    record,
    with_riff_chunk,
)

every_sample = pytest.mark.parametrize("name", SAMPLES)
RECORD = record()
MIB = 1024 * 1024


def put(folder: Path, content: bytes, made: object = None) -> tuple[Path, Embedded | LeftAlone]:
    path = folder / "file"
    path.write_bytes(content)
    return path, embed(path, RECORD)


def left_alone(folder: Path, content: bytes) -> str:
    """Return why a file was left alone, having seen that it was."""
    path, done = put(folder, content)
    assert isinstance(done, LeftAlone)
    assert path.read_bytes() == content
    assert os.listdir(folder) == ["file"]
    return done.reason


@every_sample
def test_what_is_decoded_is_the_same_and_the_record_is_read_back(tmp_path: Path, name: str) -> None:
    path, done = put(tmp_path, SAMPLES[name])
    assert isinstance(done, Embedded)
    after = path.read_bytes()
    assert decoded(after) == decoded(SAMPLES[name])
    assert not isinstance(decoded(after), str)
    assert read_embedded(path) == RECORD
    assert os.listdir(tmp_path) == ["file"]


@every_sample
def test_a_second_record_takes_the_place_of_the_first(tmp_path: Path, name: str) -> None:
    path, _ = put(tmp_path, SAMPLES[name])
    once = path.stat().st_size
    other = record('{"prompt": "another"}', "task-2")
    assert isinstance(embed(path, other), Embedded)
    assert read_embedded(path) == other
    assert decoded(path.read_bytes()) == decoded(SAMPLES[name])
    assert path.read_bytes().count(b"task-1") == 0 or name == "mp4-xmp-before"
    assert name == "mp4-xmp-before" or path.stat().st_size < once


@every_sample
def test_the_same_record_again_changes_nothing(tmp_path: Path, name: str) -> None:
    path, first = put(tmp_path, SAMPLES[name])
    if name == "mp4-xmp-before":  # where it was is kept free
        embed(path, RECORD)
    before = path.read_bytes()
    again = embed(path, RECORD)
    assert path.read_bytes() == before
    assert isinstance(first, Embedded)
    assert isinstance(again, Embedded)


@pytest.mark.parametrize("name", SIGNED)
def test_a_file_with_a_c2pa_manifest_is_left_alone(tmp_path: Path, name: str) -> None:
    assert "C2PA" in left_alone(tmp_path, SIGNED[name])


def test_size_and_digest_are_those_of_the_new_file(tmp_path: Path) -> None:
    from hashlib import sha256

    path, done = put(tmp_path, SAMPLES["png"])
    assert done == Embedded(path, path.stat().st_size, sha256(path.read_bytes()).hexdigest())


def test_permissions_stay(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(SAMPLES["jpeg"])
    path.chmod(0o640)
    embed(path, RECORD)
    assert stat.S_IMODE(path.stat().st_mode) == 0o640


@pytest.mark.parametrize(
    "content", [wav("seed", 0.1), b"", b"GIF89a", b"{}", b"ID3", b"\x1aE\xdf\xa3"]
)
def test_other_formats_are_left_alone(tmp_path: Path, content: bytes) -> None:
    assert left_alone(tmp_path, content).startswith("only PNG, JPEG, WebP, MP4 and MOV")


@every_sample
def test_a_file_that_is_cut_off_anywhere_is_left_alone(tmp_path: Path, name: str) -> None:
    if name in ("mp4-up-to-the-end", "mp4-long-box", "mp4-fragmented"):
        pytest.skip("a box ends there, or goes up to the end of the file")
    content = SAMPLES[name]
    for end in {len(content) - 1, len(content) - 9, len(content) // 2, len(content) // 4, 20}:
        left_alone(tmp_path, content[:end])


@pytest.mark.parametrize("name", ["png", "jpeg", "webp-lossy", "mp4"])
@pytest.mark.parametrize("more", [b"\0", b"PK\3\4 and more", b"\0" * 64])
def test_what_follows_the_end_of_a_format_is_kept_or_the_file_is_left_alone(
    tmp_path: Path, name: str, more: bytes
) -> None:
    content = SAMPLES[name] + more
    path, done = put(tmp_path, content)
    assert path.read_bytes() == content if isinstance(done, LeftAlone) else name == "jpeg"
    assert path.read_bytes().endswith(more)


def mutated(draw: st.DrawFn, content: bytes) -> bytes:
    data = bytearray(content)
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, max(0, min(len(data), 400) - 1)) | st.integers(0, len(data) - 1))
        match draw(st.sampled_from(("set", "cut", "insert", "remove", "repeat"))):
            case "set":
                data[at] = draw(st.integers(0, 255))
            case "cut":
                del data[max(at, 1) :]
            case "insert":
                data[at:at] = draw(st.binary(min_size=1, max_size=8))
            case "remove":
                del data[at : at + draw(st.integers(1, 16))]
                data = data or bytearray(b"\0")
            case "repeat":
                data[at:at] = data[at : at + draw(st.integers(1, 64))]
    return bytes(data)


@given(st.data())
def test_a_damaged_file_decodes_as_before_or_is_left_alone(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    name = data.draw(st.sampled_from(sorted(SAMPLES)))
    content = data.draw(st.composite(mutated)(SAMPLES[name]))
    folder = tmp_path_factory.mktemp("damaged")
    path, done = put(folder, content)
    assert os.listdir(folder) == ["file"]
    if isinstance(done, LeftAlone):
        assert path.read_bytes() == content
        read_embedded(path)
    else:
        assert decoded(path.read_bytes()) == decoded(content)
        assert read_embedded(path) == RECORD


@given(st.data())
@pytest.mark.slow
def test_reading_a_damaged_record_raises_nothing(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    folder = tmp_path_factory.mktemp("damaged")
    name = data.draw(st.sampled_from(("png", "jpeg", "webp-lossy", "mp4")))
    path, _ = put(folder, SAMPLES[name])
    path.write_bytes(data.draw(st.composite(mutated)(path.read_bytes())))
    read_embedded(path)


def test_a_long_video_takes_a_few_mebibytes_of_memory(tmp_path: Path) -> None:
    path = tmp_path / "file"
    with path.open("wb") as file:
        file.write(CLIP)
        file.write(struct.pack(">I4s", 64 * MIB, b"free"))
        file.truncate(len(CLIP) + 64 * MIB)
    tracemalloc.start()
    done = embed(path, RECORD)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert isinstance(done, Embedded)
    assert peak < 8 * MIB


def test_png_shows_the_prompt_to_other_programs_and_keeps_a_description(tmp_path: Path) -> None:
    path, _ = put(tmp_path, SAMPLES["png"])
    with Image.open(path) as image:
        image.load()
        text = image.text  # type: ignore[attr-defined]
    assert text["Description"] == "a fox in a “den” & <snow>\n"
    assert json.loads(text["modellix"])["taskId"] == "task-1"
    theirs = after_png_header(SAMPLES["png"], png_chunk(b"tEXt", b"Description\0theirs"))
    path, _ = put(tmp_path, theirs)
    assert path.read_bytes().count(b"Description") == 1


@pytest.mark.parametrize("name", ["jpeg-xmp", "webp-xmp", "mp4-xmp-at-the-end", "mp4-xmp-before"])
def test_xmp_of_another_program_stays(tmp_path: Path, name: str) -> None:
    path, _ = put(tmp_path, SAMPLES[name])
    after = path.read_bytes()
    assert after.count(b'lr:rating="5"') == (2 if name == "mp4-xmp-before" else 1)
    assert after.count(b'rdf:about="uuid:1"') == (3 if name == "mp4-xmp-before" else 2)


@pytest.mark.parametrize(
    "packet",
    [
        b"no xml",
        b'<!DOCTYPE x [<!ENTITY a "aa">]>' + OTHER_XMP,
        OTHER_XMP.decode().encode("utf-16"),
        OTHER_XMP.replace(b"</rdf:RDF>", b"<!-- </rdf:RDF> --></rdf:RDF>"),
        OTHER_XMP.replace(b"rdf:", b"r:"),
    ],
)
def test_xmp_that_cannot_be_added_to_leaves_the_file_alone(tmp_path: Path, packet: bytes) -> None:
    segment = jpeg_segment(0xE1, b"http://ns.adobe.com/xap/1.0/\0" + packet)
    content = SAMPLES["jpeg"][:2] + segment + SAMPLES["jpeg"][2:]
    assert "XMP" in left_alone(tmp_path, content)


def test_jpeg_has_no_room_for_long_parameters(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(SAMPLES["jpeg"])
    long = record(json.dumps({"prompt": "a fox", "more": "x" * 100_000}))
    done = embed(path, long)
    assert isinstance(done, Embedded)
    assert not done.complete
    assert read_embedded(path) == long.without_parameters()


@pytest.mark.parametrize("name", ["png", "webp-lossy", "mp4"])
def test_other_formats_have_room_for_long_parameters(tmp_path: Path, name: str) -> None:
    path = tmp_path / "file"
    path.write_bytes(SAMPLES[name])
    long = record(json.dumps({"prompt": "a fox", "more": "x" * 200_000}))
    assert isinstance(embed(path, long), Embedded)
    assert read_embedded(path) == long


def test_several_pictures_in_one_jpeg_are_left_alone(tmp_path: Path) -> None:
    content = SAMPLES["jpeg"]
    content = content[:2] + jpeg_segment(0xE2, b"MPF\0MM") + content[2:]
    assert "several pictures" in left_alone(tmp_path, content)


def test_a_wrong_checksum_leaves_a_png_alone(tmp_path: Path) -> None:
    content = SAMPLES["png"]
    at = content.index(b"IDAT") + 30
    changed = content[:at] + bytes((content[at] ^ 1,)) + content[at + 1 :]
    assert "checksum" in left_alone(tmp_path, changed)


def test_a_simple_webp_with_more_in_it_is_left_alone(tmp_path: Path) -> None:
    left_alone(tmp_path, with_riff_chunk(SAMPLES["webp-lossy"], b"EXIF\2\0\0\0ab"))


def test_the_index_of_fragments_stays_at_the_end(tmp_path: Path) -> None:
    path, _ = put(tmp_path, SAMPLES["mp4-fragmented"])
    kinds = [kind for kind, _, _ in boxes(path.read_bytes())]
    assert kinds == [b"ftyp", b"moov", b"moof", b"mdat", b"uuid", b"mfra"]


@pytest.mark.parametrize("brand", [b"heic", b"mif1", b"avif"])
def test_pictures_in_the_container_of_mp4_are_left_alone(tmp_path: Path, brand: bytes) -> None:
    left_alone(tmp_path, box(b"ftyp", brand, bytes(4)) + box(b"meta", bytes(8)) + box(b"mdat"))


def test_a_link_a_folder_and_a_missing_file_are_left_alone(tmp_path: Path) -> None:
    target = tmp_path / "target.png"
    target.write_bytes(SAMPLES["png"])
    link = tmp_path / "link.png"
    link.symlink_to(target)
    assert embed(link, RECORD) == LeftAlone("it is a symbolic link")
    assert isinstance(embed(tmp_path, RECORD), LeftAlone)
    assert isinstance(embed(tmp_path / "none", RECORD), LeftAlone)
    assert target.read_bytes() == SAMPLES["png"]


def test_a_pipe_is_left_alone_and_read_as_nothing(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    assert isinstance(embed(tmp_path / "pipe", RECORD), LeftAlone)
    assert read_embedded(tmp_path / "pipe") is None


def test_another_program_may_have_packed_the_text_in_a_png(tmp_path: Path) -> None:
    import zlib

    text = zlib.compress(RECORD.as_json().encode())
    chunk = png_chunk(b"iTXt", b"modellix\0\1\0en\0\0" + text)
    path = tmp_path / "file"
    path.write_bytes(after_png_header(SAMPLES["png"], chunk))
    assert read_embedded(path) == RECORD
    bomb = zlib.compress(b" " * (64 * MIB))
    path.write_bytes(
        after_png_header(SAMPLES["png"], png_chunk(b"iTXt", b"modellix\0\1\0\0\0" + bomb))
    )
    assert read_embedded(path) is None


def test_pillow_reads_the_packet(tmp_path: Path) -> None:
    for name in ("jpeg", "webp-lossless-alpha"):
        path, _ = put(tmp_path, SAMPLES[name])
        with Image.open(io.BytesIO(path.read_bytes())) as image:
            assert b"urn:modellix-cli:provenance:" in image.info["xmp"]


@pytest.mark.parametrize("name", [name for name in SAMPLES if name.startswith("webp")])
def test_a_webp_says_in_its_header_what_is_in_it(tmp_path: Path, name: str) -> None:
    path, _ = put(tmp_path, SAMPLES[name])
    head = path.read_bytes()[:30]
    sides = [int.from_bytes(head[at : at + 3], "little") + 1 for at in (24, 27)]
    assert head[12:16] == b"VP8X"
    assert head[20] & 0x04
    assert bool(head[20] & 0x10) is name.endswith("alpha")
    assert sides == [48, 32]
    assert int.from_bytes(head[4:8], "little") == path.stat().st_size - 8
