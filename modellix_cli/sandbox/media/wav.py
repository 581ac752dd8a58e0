"""WAV: a soft chord that fades in and out."""

import struct

from modellix_cli.sandbox.media.seed import checked_seconds, draws

RATE = 16_000
SAMPLE_BYTES = 2
AMPLITUDE = 0.25 * 32767

# Frequencies as whole multiples of one unit, so a chord in whole hertz repeats every second.
CHORDS = ((4, 5, 6, 8), (10, 12, 15, 20), (6, 8, 9, 12), (8, 10, 12, 15))
LOWEST_ROOT = 165
PI = 3.141592653589793


def wav(seed: str, seconds: float) -> bytes:
    """Return a mono 16-bit PCM WAV file at 16 kHz, the same bytes for the same arguments.

    seed: any text; it decides the chord and how loud each of its notes is.
    seconds: length, above 0 and at most 600; rounded to a whole sample, at least one.
    """
    frames = max(1, round(checked_seconds(seconds) * RATE))
    samples = _faded(_looped(_chord_second(seed), frames))
    return _riff(struct.pack(f"<{frames}h", *samples))


def _chord_second(seed: str) -> list[int]:
    draw = draws(seed)
    ratios = CHORDS[next(draw) % len(CHORDS)]
    unit = (LOWEST_ROOT + next(draw) % LOWEST_ROOT) // ratios[0]
    sine = [_sine(step) for step in range(RATE)]
    notes = []
    for ratio in ratios:
        loudness = AMPLITUDE / len(ratios) * (256 + next(draw)) / 512
        note = [round(loudness * value) for value in sine]
        notes.append([note[n * ratio * unit % RATE] for n in range(RATE)])
    return [sum(together) for together in zip(*notes, strict=True)]


def _sine(step: int) -> float:
    """Return sin(2 pi step / RATE) by its series: the C library's last digit varies."""
    quarter = RATE // 4
    quadrant, rest = divmod(step, quarter)
    angle = PI / 2 * ((quarter - rest) if quadrant % 2 else rest) / quarter
    square = angle * angle
    term = total = angle
    for n in (2, 4, 6, 8, 10, 12):
        term *= -square / (n * (n + 1))
        total += term
    return -total if quadrant >= 2 else total


def _looped(second: list[int], frames: int) -> list[int]:
    return (second * (frames // RATE + 1))[:frames]


def _faded(samples: list[int]) -> list[int]:
    fade = min(RATE // 2, len(samples) // 2)
    for n in range(fade):
        samples[n] = samples[n] * n // fade
        samples[-1 - n] = samples[-1 - n] * n // fade
    return samples


def _riff(data: bytes) -> bytes:
    form = struct.pack("<HHIIHH", 1, 1, RATE, RATE * SAMPLE_BYTES, SAMPLE_BYTES, 8 * SAMPLE_BYTES)
    chunks = b"WAVE" + _chunk(b"fmt ", form) + _chunk(b"data", data)
    return _chunk(b"RIFF", chunks)


def _chunk(kind: bytes, body: bytes) -> bytes:
    return kind + struct.pack("<I", len(body)) + body
