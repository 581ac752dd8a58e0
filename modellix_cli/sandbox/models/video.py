"""Models that make or change videos."""

from typing import Final

from modellix_cli.domain.jsontext import JsonObject
from modellix_cli.sandbox.model import Model, model
from modellix_cli.sandbox.models.image import PROMPT, SEED
from modellix_cli.sandbox.prices import Price, per_second
from modellix_cli.sandbox.schema import choice, flag, text, url, whole

_MOTION: Final = text("How it should move, in words.", longest=2500)
_RATIO: Final = choice("Width to height.", "16:9", "9:16", "1:1")
_IMAGE: Final = url("The image to set in motion.")
_SOUND: Final = flag("Whether to make a sound track too.", default=False)
_T2V: Final = "text-to-video"
_I2V: Final = "image-to-video"
_V2V: Final = "video-to-video"


def duration(default: int, low: int = 1, high: int = 10) -> JsonObject:
    """Return the parameter for how long a clip is, in seconds."""
    return whole("Length in seconds.", low, high, default)


def _from_text(slug: str, description: str, price: Price, *, star: bool = False) -> Model:
    takes = {"prompt": PROMPT, "duration": duration(5), "aspect_ratio": _RATIO, "seed": SEED}
    return model(slug, _T2V, description, price, takes, makes="video", star=star)


def _from_image(slug: str, description: str, price: Price) -> Model:
    takes = {"image": _IMAGE, "prompt": _MOTION, "duration": duration(5), "seed": SEED}
    return model(slug, _I2V, description, price, takes, needs=("image",), makes="video")


VIDEO_MODELS: Final = (
    _from_text(
        "alibaba/wan2.5-t2v", "Videos from text, up to 1080p.", per_second(0.05, 0.15), star=True
    ),
    _from_image("alibaba/wan2.5-i2v", "Sets an image in motion.", per_second(0.05, 0.15)),
    _from_text("bytedance/seedance-1.5-pro-t2v", "Several shots.", per_second(0.06)),
    model(
        "kling/kling-v3-t2v",
        _T2V,
        "Videos from text with steady camera moves.",
        per_second(0.07, 0.14),
        {
            "prompt": PROMPT,
            "negative_prompt": text("What not to show, in words.", longest=2500),
            "duration": duration(5, 3, 15),
            "aspect_ratio": _RATIO,
            "mode": choice("Speed or quality.", "std", "pro"),
            "sound": _SOUND,
        },
        makes="video",
    ),
    model(
        "kling/kling-v3-i2v",
        _I2V,
        "A video from its first frame to its last.",
        per_second(0.07, 0.14),
        {
            "first_frame_url": url("The first frame."),
            "last_frame_url": url("The last frame."),
            "prompt": _MOTION,
            "duration": duration(5, 3, 15),
            "mode": choice("Speed or quality.", "std", "pro"),
        },
        needs=("first_frame_url",),
        makes="video",
    ),
    _from_image("kling/kling-2.6-i2v", "Steady camera moves.", per_second(0.07, 0.14)),
    _from_image("minimax/hailuo-2.3-i2v", "Lively characters.", per_second(0.045)),
    _from_text("google/veo-3.1-fast-t2v", "Quick drafts of scenes.", per_second(0.1, 0.15)),
    model(
        "alibaba/wan2.5-v2v",
        _V2V,
        "Changes a video by instruction.",
        per_second(0.08),
        {
            "video_url": url("The video to change."),
            "prompt": PROMPT,
            "duration": duration(5),
            "seed": SEED,
        },
        needs=("video_url", "prompt"),
        makes="video",
    ),
    model(
        "kling/kling-lip-sync",
        _V2V,
        "Lip sync: lets a person in a video speak words from a recording.",
        per_second(0.014),
        {
            "video_url": url("The video of a person."),
            "audio_url": url("What the person is to say."),
            "duration": duration(5),
        },
        needs=("video_url", "audio_url"),
        makes="video",
    ),
)
"""In the order of the model list."""
