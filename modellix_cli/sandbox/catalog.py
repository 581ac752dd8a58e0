"""The models of the sandbox: some like those of Modellix, and those of `faults`."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final, Literal

from modellix_cli.sandbox.faults import FAULTS, Fault
from modellix_cli.sandbox.parameters import (
    IMAGE,
    OPTIONAL_PROMPT,
    PROMPT,
    RANDOM_SEED,
    SIZE,
    Order,
    Parameter,
    duration,
    images,
)

MICRO: Final = 1_000_000
"""Millionths of a dollar in a dollar; money is counted in them."""

Unit = Literal["$/img", "$/sec", "$/M chars"]


@dataclass(frozen=True, slots=True)
class Price:
    """US dollars per unit. Where `high` differs, it is a range; the sandbox takes `low`."""

    low: float
    unit: Unit
    high: float | None = None

    def document(self) -> dict[str, Any]:
        """Return the price as the model list shows it."""
        if self.high is None:
            return {"fixed": self.low, "unit": self.unit}
        return {"min": self.low, "max": self.high, "unit": self.unit}

    def micro_dollars(self, order: Order) -> int:
        """Return what a task costs, in millionths of a dollar, at least one."""
        amounts = {
            "$/img": float(order.count),
            "$/sec": float(order.clip_seconds),
            "$/M chars": order.characters / 1_000_000,
        }
        return max(1, round(self.low * amounts[self.unit] * MICRO))


@dataclass(frozen=True)
class Model:
    """A model: what it is, costs and takes, and how it behaves (`fault`)."""

    description: str
    price: Price
    fault: Fault
    takes: tuple[Parameter, ...]
    featured: bool = False

    @property
    def slug(self) -> str:
        """`provider/model`."""
        return self.fault.slug

    @property
    def type(self) -> str:
        """The task type, as on the older routes."""
        return self.fault.type

    @property
    def docs_url(self) -> str:
        """The address of the model's page."""
        return f"https://docs.modellix.ai/{self.slug}.md"

    @cached_property
    def parameters(self) -> dict[str, Parameter]:
        """The parameters by name."""
        return {parameter.name: parameter for parameter in self.takes}

    def entry(self) -> dict[str, Any]:
        """Return the model as the model list shows it."""
        return {
            "slug": self.slug,
            "type": self.type,
            "docs_url": self.docs_url,
            "description": self.description,
            "price": self.price.document(),
        }

    def schema(self) -> dict[str, Any]:
        """Return the JSON schema of the body."""
        return {
            "type": "object",
            "properties": {name: known.schema() for name, known in self.parameters.items()},
            "required": [known.name for known in self.takes if known.required],
        }


_TAKES: Final = {
    "text-to-image": (PROMPT, SIZE, images(), RANDOM_SEED),
    "image-to-image": (PROMPT, IMAGE, SIZE, images(), RANDOM_SEED),
    "text-to-video": (PROMPT, duration(5), RANDOM_SEED),
    "image-to-video": (IMAGE, OPTIONAL_PROMPT, duration(5), RANDOM_SEED),
}


def _like(
    slug: str, task_type: str, description: str, price: Price, *, star: bool = False
) -> Model:
    video = task_type.endswith("video")
    fault = Fault(
        slug, description, task_type, "video" if video else "image", seconds=5.0 if video else 2.0
    )
    return Model(description, price, fault, _TAKES[task_type], star)


def _pretend(fault: Fault) -> Model:
    description = f"Sandbox: {fault.summary}."
    if fault.makes == "video":
        return Model(description, Price(0.01, "$/sec"), fault, (PROMPT, duration(2), RANDOM_SEED))
    if fault.makes == "audio":
        return Model(description, Price(20.0, "$/M chars"), fault, (PROMPT, duration(2)))
    if fault.makes == "text":
        return Model(description, Price(20.0, "$/M chars"), fault, (PROMPT,))
    takes = (PROMPT, SIZE, images(fault.count), RANDOM_SEED)
    return Model(description, Price(0.01, "$/img"), fault, takes)


def _image(low: float, high: float | None = None) -> Price:
    return Price(low, "$/img", high)


def _video(low: float, high: float | None = None) -> Price:
    return Price(low, "$/sec", high)


_MODELS: Final = (
    _like(
        "bytedance/seedream-4.5-t2i",
        "text-to-image",
        "Images from text, with precise lettering.",
        _image(0.04),
        star=True,
    ),
    _like(
        "bytedance/seedream-4.5-i2i",
        "image-to-image",
        "Edits an image by instruction.",
        _image(0.04),
    ),
    _like("alibaba/qwen-image-plus", "text-to-image", "Posters and complex text.", _image(0.03)),
    _like(
        "alibaba/qwen-image-edit",
        "image-to-image",
        "Edits an image, text included.",
        _image(0.045),
        star=True,
    ),
    _like(
        "google/nano-banana-2",
        "text-to-image",
        "Fast images from text.",
        _image(0.039, 0.15),
        star=True,
    ),
    _like("black-forest-labs/flux-2-pro", "text-to-image", "Photographic images.", _image(0.05)),
    _like(
        "alibaba/wan2.5-t2v",
        "text-to-video",
        "Videos from text, up to 1080p.",
        _video(0.05, 0.15),
        star=True,
    ),
    _like("alibaba/wan2.5-i2v", "image-to-video", "Sets an image in motion.", _video(0.05, 0.15)),
    _like("bytedance/seedance-1.5-pro-t2v", "text-to-video", "Several shots.", _video(0.06)),
    _like("kling/kling-2.6-i2v", "image-to-video", "Steady camera moves.", _video(0.07, 0.14)),
    _like("minimax/hailuo-2.3-i2v", "image-to-video", "Lively characters.", _video(0.045)),
    _like("google/veo-3.1-fast-t2v", "text-to-video", "Quick drafts of scenes.", _video(0.1, 0.15)),
    *(_pretend(fault) for fault in FAULTS.values()),
)

MODELS: Final[dict[str, Model]] = {model.slug: model for model in _MODELS}
"""Every model by slug, in the order of the model list."""
