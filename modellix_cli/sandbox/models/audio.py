"""Models that speak, and that listen."""

from typing import Final

from modellix_cli.sandbox.model import model
from modellix_cli.sandbox.prices import per_million_characters, per_second
from modellix_cli.sandbox.schema import choice, flag, number, text, url, whole

_VOICE: Final = choice("Who speaks.", "cherry", "ethan", "serena", "dylan")
_LANGUAGE: Final = choice("The language spoken.", "auto", "en", "zh", "ja", "de", "fr", "es")

AUDIO_MODELS: Final = (
    model(
        "alibaba/qwen-audio-3.0-tts-flash",
        "text-to-speech",
        "Reads text aloud, in many languages.",
        per_million_characters(13.0),
        {
            "text": text("The words to speak.", longest=10_000),
            "voice": _VOICE,
            "language": _LANGUAGE,
            "speed": number("How fast to speak.", 0.5, 2, 1),
        },
        needs=("text",),
        makes="audio",
        star=True,
    ),
    model(
        "alibaba/qwen3-asr-flash",
        "speech-to-text",
        "Writes down what is said in a recording.",
        per_second(0.000035),
        {
            "url": url("The recording."),
            "language": _LANGUAGE,
            "timestamps": flag("Whether to tell when each word is said.", default=False),
            "duration": whole("Seconds to listen to.", 1, 600, 60),
        },
        needs=("url",),
        makes="text",
    ),
    model(
        "elevenlabs/voice-changer",
        "speech-to-speech",
        "Says the same in another voice.",
        per_second(0.002),
        {
            "url": url("The recording."),
            "voice": _VOICE,
            "duration": whole("Seconds to convert.", 1, 60, 5),
        },
        needs=("url",),
        makes="audio",
    ),
)
"""In the order of the model list."""
