"""What models take: their parameters as a JSON schema, and the check of a request's body."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Final, Literal

from modellix_cli.domain.jsontext import JsonError, dumps, loads
from modellix_cli.sandbox.wire import Refused

_SIZE: Final = re.compile(r"([0-9]{1,4})\s*[xX*×]\s*([0-9]{1,4})")
_MAX_SIDE: Final = 2048


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter: its JSON type, what it means, and for integers their inclusive range."""

    name: str
    type: Literal["string", "integer"]
    description: str
    required: bool = False
    default: str | int | None = None
    minimum: int | None = None
    maximum: int | None = None

    def schema(self) -> dict[str, Any]:
        """Return the JSON schema of the value."""
        facts = {
            "type": self.type,
            "description": self.description,
            "default": self.default,
            "minimum": self.minimum,
            "maximum": self.maximum,
        }
        return {name: value for name, value in facts.items() if value is not None}

    def check(self, value: Any) -> None:
        """Refuse (400) a value of the wrong type or out of range; None stands for missing."""
        if self.required and (not isinstance(value, str) or not value.strip()):
            raise Refused(400, f"Invalid parameters: parameter '{self.name}' is required")
        if value is None:
            return
        if self.type == "string":
            if not isinstance(value, str):
                raise Refused(400, f"Invalid parameters: parameter '{self.name}' must be a string")
            return
        if not isinstance(value, int) or isinstance(value, bool):
            raise Refused(400, f"Invalid parameters: parameter '{self.name}' must be an integer")
        low, high = self.minimum, self.maximum
        if (low is not None and value < low) or (high is not None and value > high):
            bounds = f"from {low} to {high}"
            raise Refused(400, f"Value out of range: parameter '{self.name}' must be {bounds}")


PROMPT: Final = Parameter("prompt", "string", "What to make, in words.", required=True)
OPTIONAL_PROMPT: Final = Parameter("prompt", "string", "How it should move, in words.")
IMAGE: Final = Parameter(
    "image", "string", "URL or data: URL of the image to start from.", required=True
)
SIZE: Final = Parameter("size", "string", "Width and height in pixels.", default="512x512")
RANDOM_SEED: Final = Parameter("seed", "integer", "Same seed, same result.", minimum=0)


def images(default: int = 1) -> Parameter:
    """Return the parameter for how many images to make."""
    return Parameter("n", "integer", "How many images.", default=default, minimum=1, maximum=4)


def duration(default: int) -> Parameter:
    """Return the parameter for how long a clip is, in seconds."""
    return Parameter(
        "duration", "integer", "Length in seconds.", default=default, minimum=1, maximum=10
    )


@dataclass(frozen=True, slots=True)
class Order:
    """What a body asks for: pixels, number of results, seconds of a clip, letters of the prompt.

    `seed` stands for the whole body: equal bodies give equal media.
    """

    seed: str
    width: int
    height: int
    count: int
    clip_seconds: int
    characters: int


def read_body(data: bytes) -> dict[str, Any]:
    """Return the JSON object that a body holds; refuse (400) any other."""
    try:
        body = loads(data)
    except JsonError as problem:
        raise Refused(400, f"Invalid format: {problem}") from None
    if not isinstance(body, dict):
        raise Refused(400, "Invalid format: the body must be a JSON object")
    return body


def read_order(slug: str, parameters: Mapping[str, Parameter], body: dict[str, Any]) -> Order:
    """Check a body against a model's parameters; unknown ones are ignored."""
    for parameter in parameters.values():
        parameter.check(body.get(parameter.name))

    def number(name: str) -> int:
        known = parameters.get(name)
        value = body.get(name) if known else None
        return int(value or (known and known.default) or 1)

    canonical = dumps(dict(sorted(body.items())), indent=None)
    seed = sha256(f"{slug} {canonical}".encode("utf-8", "surrogatepass")).hexdigest()
    width, height = _pixels(body.get("size"))
    prompt = body.get("prompt")
    return Order(
        seed=seed,
        width=width,
        height=height,
        count=number("n"),
        clip_seconds=number("duration"),
        characters=len(prompt) if isinstance(prompt, str) else 0,
    )


def _pixels(size: Any) -> tuple[int, int]:
    """Read `1024x768`; sizes in other words (2K, 16:9) give the sandbox's own."""
    match = _SIZE.fullmatch(size.strip()) if isinstance(size, str) else None
    if match is None:
        return 512, 512
    width, height = int(match[1]), int(match[2])
    if not (1 <= width <= _MAX_SIDE and 1 <= height <= _MAX_SIDE):
        raise Refused(
            400, f"Value out of range: each side of parameter 'size' must be 1 to {_MAX_SIDE}"
        )
    return width, height
