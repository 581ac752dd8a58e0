"""From files, whole, damaged or hostile, to what is drawn."""

import os
import stat
import struct
import wave
import zlib
from pathlib import Path
from shutil import which

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from modellix_cli.output.preview import decoder, picture, sound
from modellix_cli.output.preview.graphics import Colors, Graphics, Place
from modellix_cli.output.preview.picture import CannotShow
from modellix_cli.output.preview.show import preview
from modellix_cli.sandbox.media.mp4 import mp4
from modellix_cli.sandbox.media.wav import wav

HERE = Place(Graphics.BLOCKS, columns=8, rows=4, colors=Colors.NONE)
ffmpeg = pytest.mark.skipif(which("ffmpeg") is None, reason="ffmpeg is not installed")


def saved(path: Path, image: Image.Image) -> Path:
    image.save(path)
    return path


def sound_file(path: Path, samples: bytes, width: int = 2) -> Path:
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(width)
        file.setframerate(8000)
        file.writeframes(samples)
    return path


def program(folder: Path, script: str) -> str:
    path = folder / "ffmpeg"
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return str(path)


@pytest.mark.parametrize("name", ["a.png", "a.jpg", "a.webp", "a.gif", "a.bmp", "a.tif"])
def test_pictures_are_drawn_whatever_their_format(tmp_path: Path, name: str) -> None:
    image = Image.new("RGB", (80, 40), "white")
    assert preview(saved(tmp_path / name, image), HERE, None) == "████████\n████████\n"


def test_a_picture_is_known_by_its_content(tmp_path: Path) -> None:
    path = saved(tmp_path / "a.png", Image.new("RGB", (80, 40), "white"))
    assert preview(path.rename(tmp_path / "a.wav"), HERE, None).startswith("████")


def test_what_is_transparent_is_dark(tmp_path: Path) -> None:
    image = Image.new("RGBA", (80, 40), (255, 255, 255, 0))
    assert preview(saved(tmp_path / "a.png", image), HERE, None).strip() == ""


def test_a_picture_is_turned_as_the_camera_was_held(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[274] = 6
    Image.new("RGB", (80, 40), "white").save(tmp_path / "a.jpg", exif=exif)
    assert preview(tmp_path / "a.jpg", HERE, None) == "████\n" * 4


def test_a_decompression_bomb_is_refused_before_it_is_decoded(tmp_path: Path) -> None:
    def chunk(name: bytes, data: bytes) -> bytes:
        check = zlib.crc32(name + data)
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", check)

    header = struct.pack(">IIBBBBB", 50_000, 50_000, 8, 2, 0, 0, 0)
    data = (
        chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"\0" * 1000)) + chunk(b"IEND", b"")
    )
    (tmp_path / "bomb.png").write_bytes(b"\x89PNG\r\n\x1a\n" + data)
    with pytest.raises(CannotShow, match="more pixels"):
        preview(tmp_path / "bomb.png", HERE, None)


def test_postscript_is_not_opened(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\nshowpage\n")
    with pytest.raises(CannotShow, match="known format"):
        preview(tmp_path / "a.png", HERE, None)


def test_a_file_that_is_too_large_is_not_opened(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(picture, "MOST_BYTES", 10)
    path = saved(tmp_path / "a.png", Image.new("RGB", (8, 8)))
    with pytest.raises(CannotShow, match="larger than"):
        preview(path, HERE, None)


def test_there_is_no_such_file(tmp_path: Path) -> None:
    with pytest.raises(CannotShow, match="no such file"):
        preview(tmp_path / "a.png", HERE, None)


@given(
    st.binary(max_size=400), st.integers(0, 200), st.sampled_from(["png", "jpeg", "gif", "webp"])
)
def test_a_damaged_picture_is_drawn_or_refused(
    tmp_path_factory: pytest.TempPathFactory, noise: bytes, at: int, form: str
) -> None:
    path = tmp_path_factory.mktemp("damaged") / f"a.{form}"
    Image.effect_noise((20, 20), 50).convert("RGB").save(path)
    whole = path.read_bytes()
    path.write_bytes(whole[:at] + noise + whole[at + len(noise) :])
    try:
        preview(path, HERE, None)
    except CannotShow as reason:
        assert str(reason).endswith(".")


@pytest.mark.parametrize(
    ("width", "loud"),
    [(1, b"\xff"), (2, b"\xff\x7f"), (3, b"\xff\xff\x7f"), (4, b"\xff\xff\xff\x7f")],
)
def test_a_waveform_shows_silence_then_sound(tmp_path: Path, width: int, loud: bytes) -> None:
    silence = b"\x80" if width == 1 else b"\0" * width
    path = sound_file(tmp_path / "a.wav", silence * 400 + loud * 400, width)
    assert preview(path, HERE, None) == "    ████\n" * 4


def test_samples_are_drawn_as_a_wave_file_is() -> None:
    quiet_then_loud = struct.pack("<8h", 0, 0, 0, 0, 100, 100, 200, 200)
    assert sound.draw(sound.pcm_levels(quiet_then_loud, 4), 1) == "  ▄█\n"


def test_a_sound_of_the_sandbox_has_a_waveform(tmp_path: Path) -> None:
    (tmp_path / "a.wav").write_bytes(wav("seed", 1.0))
    assert "█" in preview(tmp_path / "a.wav", HERE, None)


@given(st.binary(max_size=300))
@pytest.mark.slow
def test_a_damaged_wave_file_is_drawn_or_refused(
    tmp_path_factory: pytest.TempPathFactory, noise: bytes
) -> None:
    path = tmp_path_factory.mktemp("damaged") / "a.wav"
    path.write_bytes(wav("seed", 0.01)[:40] + noise)
    try:
        preview(path, HERE, None)
    except CannotShow as reason:
        assert str(reason)


@pytest.mark.parametrize("name", ["a.mp4", "a.mp3"])
def test_without_a_decoder_it_says_what_is_needed(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(mp4("seed", 1.0, 64, 64) if name == "a.mp4" else b"ID3 and more")
    with pytest.raises(CannotShow, match="needs ffmpeg, which is not installed"):
        preview(tmp_path / name, HERE, None)


@ffmpeg
@pytest.mark.slow
def test_a_frame_of_a_video(tmp_path: Path) -> None:
    (tmp_path / "-a.mp4").write_bytes(mp4("seed", 1.0, 64, 64))
    drawn = preview(tmp_path / "-a.mp4", HERE, which("ffmpeg"))
    assert len(drawn.splitlines()) == 4


@ffmpeg
def test_a_list_of_other_files_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "b.mp4").write_bytes(mp4("seed", 1.0, 64, 64))
    listed = f"#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\n{tmp_path}/b.mp4\n#EXT-X-ENDLIST\n"
    (tmp_path / "a.mp4").write_text(listed)
    with pytest.raises(CannotShow, match="nothing in it"):
        preview(tmp_path / "a.mp4", HERE, which("ffmpeg"))


def test_a_decoder_that_hangs_is_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decoder, "_PATIENCE", 0.05)
    with pytest.raises(CannotShow, match="nothing in it"):
        decoder.frame(program(tmp_path, "exec sleep 60"), tmp_path / "a.mp4")


def test_a_decoder_that_does_not_stop_is_cut(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(decoder, "_MOST_FRAME", 5000)
    endless = program(tmp_path, "exec cat /dev/zero")
    assert len(decoder.frame(endless, tmp_path / "a.mp4")) == 5000


def test_the_decoder_is_the_one_on_the_path(tmp_path: Path) -> None:
    found = program(tmp_path, "true")
    assert decoder.find_decoder({"PATH": str(tmp_path)}) == found
    assert decoder.find_decoder({"PATH": os.devnull}) is None
