"""From a file on disk to what the terminal is to show of it."""

from pathlib import Path
from typing import Final

from modellix_cli.downloads.media_header import MediaHeader, read_header
from modellix_cli.output.preview import decoder as ffmpeg
from modellix_cli.output.preview import sound
from modellix_cli.output.preview.encoding import encode
from modellix_cli.output.preview.graphics import Place
from modellix_cli.output.preview.picture import CannotShow, check_size, load

_WAVE_ROWS: Final = 4
_NO_DECODER: Final = (
    "{what} needs ffmpeg, which is not installed (or not on PATH). See https://ffmpeg.org."
)
_AUDIO_NAMES: Final = (".m4a", ".aac", ".oga", ".ogg", ".opus", ".weba", ".mp3", ".wav", ".flac")
_VIDEO_NAMES: Final = (".mp4", ".m4v", ".mov", ".webm", ".mkv", ".avi", ".ogv")


def preview(path: Path, place: Place, decoder: str | None) -> str:
    """Return the codes and lines that show a picture, a frame of a video or a waveform.

    `decoder` is where ffmpeg is. Raises `CannotShow`, with the reason.
    """
    check_size_of_media(path)
    kind = _kind(path)
    if kind == "audio":
        return _waveform(path, place, decoder)
    if kind == "video":
        if decoder is None:
            raise CannotShow(_NO_DECODER.format(what="A frame of a video"))
        return encode(load(ffmpeg.frame(decoder, path), place), place)
    return encode(load(path, place), place)


def check_size_of_media(path: Path) -> None:
    """Raise `CannotShow` if there is no file; sounds and videos may be of any size."""
    if not path.is_file():
        check_size(path)


def _kind(path: Path) -> str:
    """Return image, video or audio, by the content of the file, else by its name."""
    try:
        header = read_header(path)
    except OSError as error:
        raise CannotShow(f"It cannot be read: {error.strerror}.") from error
    ending = path.suffix.lower()
    if header.kind == "video" and (ending in _AUDIO_NAMES or _has_no_picture(header, ending)):
        return "audio"
    if header.kind is not None:
        return header.kind
    if ending in _AUDIO_NAMES:
        return "audio"
    return "video" if ending in _VIDEO_NAMES else "image"


def _has_no_picture(header: MediaHeader, ending: str) -> bool:
    """Whether a container for videos is known to hold none: MP4 tells the size of a picture."""
    return ending in (".mp4", ".m4v", ".mov") and header.width is None


def _waveform(path: Path, place: Place, decoder: str | None) -> str:
    columns = max(1, place.columns)
    rows = max(1, min(_WAVE_ROWS, place.rows))
    try:
        return sound.draw(sound.wav_levels(path, columns), rows)
    except CannotShow:
        if decoder is None:
            raise CannotShow(
                _NO_DECODER.format(what="The waveform of audio other than WAV (PCM)")
            ) from None
    return sound.draw(sound.pcm_levels(ffmpeg.samples(decoder, path), columns), rows)
