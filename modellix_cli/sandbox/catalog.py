"""The models of the sandbox: some like those of Modellix, and those of `faults`."""

from typing import Final

from modellix_cli.domain.jsontext import JsonObject
from modellix_cli.sandbox.faults import FAULTS, Fault
from modellix_cli.sandbox.model import Model, example
from modellix_cli.sandbox.models.audio import AUDIO_MODELS
from modellix_cli.sandbox.models.image import COUNT, IMAGE_MODELS, SEED, SIZE
from modellix_cli.sandbox.models.video import VIDEO_MODELS, duration
from modellix_cli.sandbox.prices import Price, per_image, per_million_characters, per_second
from modellix_cli.sandbox.schema import Schema, text

_PROMPT: Final = text("What to make, in words.")


def _pretend(fault: Fault) -> Model:
    takes: dict[str, Schema] = {"prompt": _PROMPT}
    price: Price = per_million_characters(20.0)
    if fault.makes == "video":
        price = per_second(0.01)
        takes |= {"duration": duration(2), "seed": SEED}
    elif fault.makes == "audio":
        takes |= {"duration": duration(2)}
    elif fault.makes != "text":
        price = per_image(0.01)
        takes |= {"size": SIZE, "n": COUNT | {"default": fault.count}, "seed": SEED}
    needs = ("prompt",)
    description = f"Sandbox: {fault.summary}."
    return Model(description, price, fault, takes, needs, example(takes, needs))


def _all() -> dict[str, Model]:
    real = (*IMAGE_MODELS, *VIDEO_MODELS, *AUDIO_MODELS)
    return {model.slug: model for model in (*real, *map(_pretend, FAULTS.values()))}


MODELS: Final[dict[str, Model]] = _all()
"""Every model by slug, in the order of the model list."""

TYPES: Final = (
    "text-to-image",
    "image-to-image",
    "text-to-video",
    "image-to-video",
    "video-to-video",
    "text-to-speech",
    "speech-to-text",
    "speech-to-speech",
)
"""What the older routes may begin with."""


def entries(*, featured: bool = False, category: str = "") -> list[JsonObject]:
    """Return the model list, all of it or part of it."""
    return [
        model.entry()
        for model in MODELS.values()
        if (model.featured or not featured) and category in ("", model.category)
    ]
