import io
import struct
import wave
import zlib
from collections.abc import Callable, Iterator

import pytest

from modellix_cli.sandbox.media import mp4, png, wav
from modellix_cli.sandbox.media.h264 import nal

CONTAINERS = {b"moov", b"trak", b"mdia", b"minf", b"dinf", b"stbl"}

MAKERS = [
    pytest.param(lambda seed: png(seed, 64, 48), id="png"),
    pytest.param(lambda seed: wav(seed, 0.1), id="wav"),
    pytest.param(lambda seed: mp4(seed, 1), id="mp4"),
]


def png_chunks(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    assert data[:8] == b"\x89PNG\r\n\x1a\n"
    at = 8
    while at < len(data):
        (length,) = struct.unpack_from(">I", data, at)
        body = data[at + 8 : at + 8 + length]
        (crc,) = struct.unpack_from(">I", data, at + 8 + length)
        assert crc == zlib.crc32(data[at + 4 : at + 8 + length])
        yield data[at + 4 : at + 8], body
        at += 12 + length


def boxes(data: bytes, start: int, end: int) -> Iterator[tuple[bytes, int, int]]:
    while start < end:
        size, kind = struct.unpack_from(">I4s", data, start)
        assert 8 <= size <= end - start
        yield kind, start + 8, start + size
        if kind in CONTAINERS:
            yield from boxes(data, start + 8, start + size)
        start += size
    assert start == end


def mp4_boxes(data: bytes) -> dict[bytes, bytes]:
    return {kind: data[start:end] for kind, start, end in boxes(data, 0, len(data))}


def nal_units(data: bytes) -> list[bytes]:
    found = mp4_boxes(data)
    payload, units = found[b"mdat"], []
    while payload:
        (length,) = struct.unpack_from(">I", payload)
        units.append(payload[4 : 4 + length])
        payload = payload[4 + length :]
    return units


@pytest.mark.parametrize("make", MAKERS)
def test_the_same_arguments_give_the_same_bytes(make: Callable[[str], bytes]) -> None:
    assert make("a cat") == make("a cat")


@pytest.mark.parametrize("make", MAKERS)
def test_different_seeds_give_different_bytes(make: Callable[[str], bytes]) -> None:
    assert len({make(f"seed {n}") for n in range(8)}) == 8


@pytest.mark.parametrize("make", MAKERS)
@pytest.mark.parametrize("seed", ["", "猫 🐈", "\udcff"])
def test_any_text_is_a_seed(make: Callable[[str], bytes], seed: str) -> None:
    assert make(seed)


@pytest.mark.parametrize(("width", "height"), [(1, 1), (3, 200), (200, 3), (2048, 16), (96, 64)])
def test_png_holds_every_pixel_as_rgb(width: int, height: int) -> None:
    chunks = list(png_chunks(png("a cat", width, height)))
    assert [kind for kind, _ in chunks] == [b"IHDR", b"IDAT", b"IEND"]
    assert chunks[0][1] == struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    assert len(zlib.decompress(chunks[1][1])) == height * (1 + 3 * width)


def test_png_pixels_are_the_same_on_every_machine() -> None:
    (idat,) = [body for kind, body in png_chunks(png("a cat", 64, 48)) if kind == b"IDAT"]
    assert zlib.crc32(zlib.decompress(idat)) == 0xB44D0FC8


def test_wav_bytes_are_the_same_on_every_machine() -> None:
    assert zlib.crc32(wav("a cat", 1.5)) == 0x03A49BF3


def test_mp4_bytes_are_the_same_on_every_machine() -> None:
    assert zlib.crc32(mp4("a cat", 2)) == 0xE5EA8AAB


@pytest.mark.parametrize(("width", "height"), [(0, 8), (8, 0), (-1, 8), (2049, 8), (8, 2049)])
def test_png_refuses_a_side_outside_1_to_2048(width: int, height: int) -> None:
    with pytest.raises(ValueError, match="2048"):
        png("a cat", width, height)


@pytest.mark.parametrize("seconds", [0.5, 1, 2.25])
def test_wav_opens_as_mono_16_bit_16_khz_of_the_length_asked(seconds: float) -> None:
    with wave.open(io.BytesIO(wav("a cat", seconds))) as sound:
        assert (sound.getnchannels(), sound.getsampwidth(), sound.getframerate()) == (1, 2, 16_000)
        assert sound.getnframes() == seconds * 16_000


def test_wav_fades_in_from_silence_and_out_to_silence() -> None:
    with wave.open(io.BytesIO(wav("a cat", 2))) as sound:
        samples = struct.unpack("<32000h", sound.readframes(32_000))
    assert samples[0] == samples[-1] == 0
    assert max(map(abs, samples[:200])) < max(map(abs, samples[15_000:17_000])) / 10


@pytest.mark.parametrize("seconds", [0, -1, 601, float("nan"), float("inf")])
@pytest.mark.parametrize("make", [wav, mp4])
def test_a_length_that_is_not_above_0_and_at_most_600_seconds_is_refused(
    make: Callable[[str, float], bytes], seconds: float
) -> None:
    with pytest.raises(ValueError, match="600"):
        make("a cat", seconds)


def test_mp4_can_start_before_it_is_all_there() -> None:
    data = mp4("a cat", 1)
    kinds = [kind for kind, _, _ in boxes(data, 0, len(data))]
    assert kinds == [
        *(b"ftyp", b"moov", b"mvhd", b"trak", b"tkhd", b"mdia", b"mdhd", b"hdlr", b"minf"),
        *(b"vmhd", b"dinf", b"dref", b"stbl", b"stsd", b"stts", b"stss", b"stsc", b"stsz"),
        *(b"stco", b"mdat"),
    ]


@pytest.mark.parametrize("seconds", [0.1, 1, 2.5])
def test_mp4_has_ten_samples_a_second_that_fill_mdat(seconds: float) -> None:
    found = mp4_boxes(mp4("a cat", seconds))
    _, _, count, *sizes = struct.unpack(f">{len(found[b'stsz']) // 4}I", found[b"stsz"])
    assert count == len(sizes) == seconds * 10
    assert sum(sizes) == len(found[b"mdat"])


def test_mp4_chunk_offset_is_the_start_of_mdat() -> None:
    data = mp4("a cat", 1)
    (start,) = [start for kind, start, _ in boxes(data, 0, len(data)) if kind == b"mdat"]
    assert mp4_boxes(data)[b"stco"] == struct.pack(">3I", 0, 1, start)


def test_mp4_has_a_new_picture_every_half_second_and_lists_it_as_a_sync_sample() -> None:
    data = mp4("a cat", 1.2)
    assert bytes(unit[0] for unit in nal_units(data)) == b"\x65\x41\x41\x41\x41" * 2 + b"\x65\x41"
    assert mp4_boxes(data)[b"stss"] == struct.pack(">5I", 0, 3, 1, 6, 11)


def test_mp4_of_two_seconds_stays_small() -> None:
    assert len(mp4("a cat", 2)) < 120 * 1024


@pytest.mark.parametrize(("width", "height"), [(0, 96), (-16, -16), (120, 96), (128, 100)])
def test_mp4_refuses_a_side_that_is_not_a_multiple_of_16(width: int, height: int) -> None:
    with pytest.raises(ValueError, match="multiples of 16"):
        mp4("a cat", 1, width, height)


def test_mp4_refuses_more_pixels_than_its_h264_level_allows() -> None:
    with pytest.raises(ValueError, match="2 Mi pixels"):
        mp4("a cat", 1, 2048, 1040)


def test_a_nal_unit_never_holds_a_start_code() -> None:
    assert nal(0x41, b"\0\0\0\0\0\1\0\0\4") == b"\x41\0\0\3\0\0\3\0\1\0\0\4"


def pixels(data: bytes) -> bytes:
    return zlib.decompress(next(body for kind, body in png_chunks(data) if kind == b"IDAT"))


def test_words_are_written_in_white_at_the_foot_of_a_picture() -> None:
    plain, written = pixels(png("s", 128, 64)), pixels(png("s", 128, 64, "A cat"))
    stride = 1 + 3 * 128
    top = 64 - 8
    assert written[: top * stride] == plain[: top * stride]
    letter_a = ["_#_", "#_#", "###", "#_#", "#_#"]
    for down, dots in enumerate(letter_a):
        row = written[(top + 1 + down) * stride + 1 :]
        seen = "".join("#" if row[3 * x : 3 * x + 3] == b"\xff" * 3 else "_" for x in (2, 3, 4))
        assert seen == dots


@pytest.mark.parametrize("words", ["猫 \x1b[2J\x00\n\udcff", "a" * 4000, "word " * 900, " \n "])
@pytest.mark.parametrize(("width", "height"), [(1, 1), (16, 16), (17, 9), (300, 20), (512, 512)])
def test_any_words_fit_or_are_left_out(words: str, width: int, height: int) -> None:
    assert len(pixels(png("s", width, height, words))) == height * (1 + 3 * width)
