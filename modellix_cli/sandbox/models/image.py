"""Models that make or change pictures."""

from typing import Final

from modellix_cli.sandbox.model import model
from modellix_cli.sandbox.prices import per_image
from modellix_cli.sandbox.schema import choice, flag, number, text, url, urls, whole

PROMPT: Final = text("What to make, in words.", longest=5000)
SIZE: Final = {
    "type": "string",
    "default": "512x512",
    "description": "Width and height in pixels, each at most 2048; or 1K, 2K or 4K.",
}
SEED: Final = whole("Same seed, same result.", 0)
COUNT: Final = whole("How many images.", 1, 4, 1)
_AVOID: Final = text("What not to show, in words.", longest=500)
_RATIO: Final = choice("Width to height.", "1:1", "16:9", "9:16", "4:3", "3:4", "3:2", "2:3")
_FORMAT: Final = choice("File format to ask for; the sandbox always makes PNG.", "png", "jpeg")
_WATERMARK: Final = flag("Whether to mark the picture as generated.", default=False)
_FROM_TEXT: Final = {"prompt": PROMPT, "size": SIZE, "n": COUNT, "seed": SEED}
_EDIT: Final = {
    "prompt": PROMPT,
    "image": url("The image to start from."),
    "size": SIZE,
    "n": COUNT,
    "seed": SEED,
}
_BANANA: Final = {
    "prompt": PROMPT,
    "image_urls": urls("Images to start from or to take up.", 14),
    "aspect_ratio": _RATIO,
    "resolution": choice("How fine the picture is.", "1K", "2K", "4K"),
    "output_format": _FORMAT,
    "n": COUNT,
}
_T2I: Final = "text-to-image"
_I2I: Final = "image-to-image"

IMAGE_MODELS: Final = (
    model(
        "bytedance/seedream-4.5-t2i",
        _T2I,
        "Images from text, with precise lettering.",
        per_image(0.04),
        _FROM_TEXT | {"watermark": _WATERMARK},
        star=True,
    ),
    model(
        "bytedance/seedream-4.5-i2i",
        _I2I,
        "Edits an image by instruction.",
        per_image(0.04),
        _EDIT | {"watermark": _WATERMARK},
        needs=("prompt", "image"),
    ),
    model(
        "alibaba/qwen-image-plus",
        _T2I,
        "Posters and complex text.",
        per_image(0.03),
        _FROM_TEXT | {"negative_prompt": _AVOID, "watermark": _WATERMARK},
    ),
    model(
        "alibaba/qwen-image-edit",
        _I2I,
        "Edits an image, text included.",
        per_image(0.045),
        _EDIT | {"negative_prompt": _AVOID},
        needs=("prompt", "image"),
        star=True,
    ),
    model(
        "google/nano-banana-2",
        _T2I,
        "Fast images from text.",
        per_image(0.039, 0.15),
        _BANANA,
        star=True,
    ),
    model(
        "google/nano-banana-2-lite",
        _T2I,
        "The fastest images from text, at the lowest price.",
        per_image(0.02),
        {name: _BANANA[name] for name in ("prompt", "image_urls", "aspect_ratio", "n")},
        star=True,
    ),
    model(
        "black-forest-labs/flux-2-pro",
        _T2I,
        "Photographic images.",
        per_image(0.05),
        _FROM_TEXT | {"guidance": number("How closely to follow the prompt.", 1.5, 10, 4.5)},
    ),
    model(
        "alibaba/wordart-texture",
        _T2I,
        "Word art: letters in a style given in words.",
        per_image(0.03),
        {
            "text": text("The letters to draw.", longest=6),
            "prompt": PROMPT,
            "style": choice("What the letters are made of.", "material", "scene"),
            "n": COUNT,
        },
        needs=("text", "prompt"),
    ),
    model(
        "alibaba/aitryon-plus",
        _I2I,
        "Try-on: shows a person in clothes from another picture.",
        per_image(0.07),
        {
            "person_image_url": url("The person."),
            "top_garment_url": url("The upper garment, or a dress."),
            "bottom_garment_url": url("The lower garment."),
            "restore_face": flag("Whether to keep the face as it is.", default=True),
        },
        needs=("person_image_url", "top_garment_url"),
    ),
    model(
        "alibaba/aitryon-parsing",
        _I2I,
        "Parsing: tells where the garments are in a picture.",
        None,
        {
            "image_url": url("The picture of a person."),
            "clothes_type": choice("Which garments to look for.", "all", "upper", "lower"),
        },
        needs=("image_url",),
        makes="structure",
    ),
    model(
        "alibaba/image-out-painting",
        _I2I,
        "Outpainting: continues a picture beyond its edges.",
        per_image(0.025),
        {
            "image_url": url("The picture to continue."),
            "x_scale": number("How much wider it becomes.", 1, 3, 1.5),
            "y_scale": number("How much higher it becomes.", 1, 3, 1.5),
        },
        needs=("image_url",),
    ),
    model(
        "alibaba/qwen-mt-image",
        _I2I,
        "Translation: replaces the words in a picture by those of another language.",
        per_image(0.01),
        {
            "image_url": url("The picture with words."),
            "source_lang": choice("Its language.", "auto", "zh", "en", "ja", "ko", "de", "fr"),
            "target_lang": choice("The language to translate to.", "en", "zh", "ja", "ko", "de"),
        },
        needs=("image_url", "target_lang"),
    ),
    model(
        "topaz/image-upscale",
        _I2I,
        "Upscaling: makes a picture larger without blurring it.",
        per_image(0.05, 0.2),
        {
            "image_url": url("The picture to enlarge."),
            "scale": whole("How many times as large.", 2, 4, 2),
        },
        needs=("image_url",),
    ),
)
"""In the order of the model list."""
