"""What ffmpeg decodes, where it is installed: a frame of a video, the samples of a sound.

It is given a file that is not trusted: no shell, formats that name no other files, no network, a
time limit, and no more output than is wanted.
"""

import os
import subprocess
import threading
from collections.abc import Mapping
from pathlib import Path
from shutil import which
from typing import Final

from modellix_cli.output.preview.picture import CannotShow

NAME: Final = "ffmpeg"
SAMPLE_RATE: Final = 8000
MOST_SECONDS: Final = 600
_PATIENCE: Final = 15.0
_MOST_FRAME: Final = 32 * 1024 * 1024
_FORMATS: Final = "mov,mp4,matroska,webm,ogg,avi,flv,mpegts,mp3,wav,flac,aac,gif,aiff"
_FIRST: Final = ("-nostdin", "-v", "error", "-protocol_whitelist", "file", "-format_whitelist")
_FRAME: Final = ("-an", "-frames:v", "1", "-vf", "scale='min(1280,iw)':-2", "-c:v", "png")
_SAMPLES: Final = ("-vn", "-ac", "1", "-ar", str(SAMPLE_RATE), "-t", str(MOST_SECONDS))


def find_decoder(env: Mapping[str, str]) -> str | None:
    """Return where ffmpeg is, None if it is not installed."""
    return which(NAME, path=env.get("PATH", os.defpath))


def frame(decoder: str, path: Path) -> bytes:
    """Return the first frame of a video as PNG. Raises `CannotShow`."""
    return _run(decoder, path, (*_FRAME, "-f", "image2pipe"), _MOST_FRAME)


def samples(decoder: str, path: Path) -> bytes:
    """Return a sound's first ten minutes: 16 bits, one channel, 8000 a second. Raises `CannotShow`.

    The bytes are those of a small-endian machine.
    """
    return _run(decoder, path, (*_SAMPLES, "-f", "s16le"), MOST_SECONDS * SAMPLE_RATE * 2)


def _run(decoder: str, path: Path, wanted: tuple[str, ...], most: int) -> bytes:
    words = [decoder, *_FIRST, _FORMATS, "-i", f"file:{path.absolute()}", *wanted, "pipe:1"]
    try:
        process = subprocess.Popen(  # noqa: S603 - a list of words, no shell
            words,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
    except OSError as error:
        raise CannotShow(f"{NAME} could not be started: {error.strerror}.") from error
    assert process.stdout is not None
    timer = threading.Timer(_PATIENCE, process.kill)
    timer.daemon = True
    timer.start()
    try:
        output = process.stdout.read(most)
    finally:
        timer.cancel()
        process.kill()
        process.stdout.close()
        process.wait()
    if not output:
        raise CannotShow(f"{NAME} found nothing in it to show.")
    return output
