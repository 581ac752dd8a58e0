"""The value rules of the command line: what a slug, task id, key or duration may be.

Each `parse_*` takes what the user wrote and returns the value, or raises the usage error that
names what is wrong. They rest on official-cli.md 1.6.
"""

import re
from collections.abc import Callable
from typing import Final, Literal
from urllib.parse import quote

from modellix_cli.domain.errors import usage
from modellix_cli.domain.frozen import frozen
from modellix_cli.domain.text import is_encodable, is_word, one_line, quoted

TASK_TYPES: Final = (
    "text-to-image",
    "text-to-video",
    "image-to-image",
    "image-to-video",
    "video-to-video",
    "text-to-speech",
    "speech-to-text",
    "speech-to-speech",
)
"""The types of models (docs/spec/service.md 1)."""
SortKey = Literal["name", "price", "type", "provider"]
"""What lists of models can be sorted by."""
HOUR: Final = 3600.0
DAY: Final = 24 * HOUR

MAX_TAG: Final = 64

_FILE_ID_MARKS: Final = "._~:+@=-"
_TASK_ID_MARKS: Final = _FILE_ID_MARKS + "/"
_PROFILE: Final = r"[A-Za-z0-9_.-]{1,64}"
_API_KEY: Final = r"[\x21-\x7e]{1,16384}"
SANDBOX_KEY: Final = "sandbox"
"""The key that the sandbox takes: no secret, but a word that its messages use."""
KEY_PAGE: Final = "https://modellix.ai/console/api-key"
_KEY_HINT: Final = f"Copy the whole key, as {KEY_PAGE} shows it when it is created."
_QUOTES: Final = "\"'`\u2018\u2019\u201a\u201b\u201c\u201d\u201e\u201f" + (
    "\u00ab\u00bb\u2039\u203a\u2032\u2033\uff02\uff07"
)
_CONTROL: Final = r"[\x00-\x1f\x7f-\x9f]"
_DURATION: Final = r"(?a)(?:\d+(?:\.\d+)?(?:ms|d|h|m|s))+|\d+(?:\.\d+)?"
_DURATION_PART: Final = r"(\d+(?:\.\d+)?)(ms|d|h|m|s|$)"
_UNIT_SECONDS: Final = {"ms": 0.001, "s": 1.0, "": 1.0, "m": 60.0, "h": HOUR, "d": DAY}
_UNESCAPED: Final = "-_.!~*'()"
_RESERVED_PROFILES: Final = ("__proto__", "constructor", "prototype")
_SLUGS_HINT: Final = "Run modellix-cli model list --output slugs to see available model slugs."


@frozen
class Slug:
    """A model's name: `provider/model`, on the older routes with a leading task type."""

    provider: str
    model: str
    type: str | None = None

    def __str__(self) -> str:
        parts = (self.type, self.provider, self.model)
        return "/".join(part for part in parts if part)

    @property
    def name(self) -> str:
        """`provider/model`, as the model list has it."""
        return f"{self.provider}/{self.model}"

    @property
    def path(self) -> str:
        """The slug as a URL path, each part percent-encoded."""
        return "/".join(quote(part, safe=_UNESCAPED) for part in str(self).split("/"))

    @property
    def untyped(self) -> "Slug":
        """The slug without a task type."""
        return Slug(self.provider, self.model)


def parse_slug(text: str) -> Slug:
    """Read `provider/model`, or `type/provider/model` for the older routes."""
    slug = text.strip()
    if re.search(_CONTROL, slug):
        raise usage(
            "Invalid model slug: it has control characters. Use provider/model.", hint=_SLUGS_HINT
        )
    parts = [part.strip() for part in slug.split("/")]
    if len(parts) == 3 and parts[0] in TASK_TYPES:
        task_type, *parts = parts
    else:
        task_type = None
    unusable = any(part in ("", ".", "..") for part in parts)
    if len(parts) != 2 or unusable or len(slug) > 256 or not is_encodable(slug):
        raise usage(
            f"Invalid model slug {quoted(slug)}. "
            "Use provider/model, for example bytedance/seedream-4.5-t2i.",
            hint=_SLUGS_HINT,
            wanted=slug[:256],
        )
    return Slug(parts[0], parts[1], task_type)


def parse_task_id(text: str) -> str:
    """Read a task id: 1 to 512 letters and digits of any script, or `. _ ~ : / + @ = -`."""
    task_id = text.strip()
    if not task_id:
        raise usage("Task ID must not be empty.")
    if len(task_id) > 512:
        raise usage("Task ID exceeds the 512-character limit.")
    if not is_word(task_id, _TASK_ID_MARKS) or task_id in (".", ".."):
        raise usage(f"Task ID {quoted(task_id)} contains unsupported characters.")
    return task_id


def parse_request_key(text: str, name: str = "--request-key") -> str:
    """Read a request key: 1 to 255 printable characters; `name` is what errors call it."""
    key = text.strip()
    if not key:
        raise usage(f"{name} must not be empty.")
    if len(key) > 255:
        raise usage(f"{name} exceeds the 255-character limit.")
    if one_line(key) != key or not is_encodable(key):
        raise usage(f"{name} must not have control characters.")
    return key


def parse_tag(text: str, name: str = "--tag") -> str:
    """Read a tag: 1 to 64 printable characters; `name` is what errors call it."""
    tag = text.strip()
    if not tag:
        raise usage(f"{name} must not be empty.")
    if len(tag) > MAX_TAG:
        raise usage(f"{name} exceeds the {MAX_TAG}-character limit.")
    if not tag.isprintable():
        raise usage(f"{name} must be printable: no control characters or invisible marks.")
    return tag


def parse_file_id(text: str) -> str:
    """Read the id of an uploaded file: as a task id, without `/`."""
    file_id = text.strip()
    if not file_id:
        raise usage("File ID must not be empty.")
    if len(file_id) > 512:
        raise usage("File ID exceeds the 512-character limit.")
    if not is_word(file_id, _FILE_ID_MARKS) or file_id in (".", ".."):
        raise usage(f"File ID {quoted(file_id)} contains unsupported characters.")
    return file_id


def parse_api_key(text: str, name: str = "Modellix API key") -> str:
    """Read an API key; errors call it `name`, and the key itself never appears in them."""
    key = text.strip()
    if not key:
        raise usage(f"{name} must not be empty.", hint=_KEY_HINT)
    if len(key) > 16384:
        raise usage(f"{name} is too long.", hint=_KEY_HINT)
    if key[0] in _QUOTES or key[-1] in _QUOTES:
        raise usage(
            f"{name} is in quotation marks, which are not part of it.",
            hint="Remove the quotation marks: .env files, docker --env-file and Windows' set "
            "keep them as part of the value.",
        )
    if not re.fullmatch(_API_KEY, key):
        raise usage(f"{name} contains unsupported characters.", hint=_KEY_HINT)
    return key


def parse_profile(text: str) -> str:
    """Read the name of a saved profile."""
    name = text.strip()
    if name.lower() in _RESERVED_PROFILES:
        raise usage(f"Invalid profile name: {name} is reserved.")
    if len(name) > 64:
        raise usage("Invalid profile name. Maximum length is 64 characters.")
    if not re.fullmatch(_PROFILE, name):
        raise usage(
            "Invalid profile name. Use only letters, numbers, underscores, dots, and hyphens."
        )
    return name


def parse_duration(text: str, option: str, at_most: float, hint: str | None = None) -> float:
    """Read a duration in seconds: `500ms`, `30s`, `1.5s`, `5m`, `1h30m`, `1d`, bare seconds.

    `option` names the option in errors, and `hint` says what to do, where its help does not;
    `at_most` is its upper bound in seconds.
    """
    written = text.strip().lower()
    if not re.fullmatch(_DURATION, written):
        raise usage(
            f"Invalid {option} {quoted(text)}. "
            "Use seconds or a duration such as 500ms, 30s, 5m, or 1h30m.",
            hint,
        )
    seconds = sum(
        float(number) * _UNIT_SECONDS[unit] for number, unit in re.findall(_DURATION_PART, written)
    )
    if seconds <= 0:
        raise usage(f"{option} must be greater than zero.", hint)
    if seconds > at_most:
        raise usage(f"{option} must not exceed {format_duration(at_most)}.", hint)
    return seconds


def duration_option(option: str, at_most: float) -> Callable[[str | float], float]:
    """Return the parser of a duration option, for `typer.Option(parser=…)`.

    Typer applies it to the default too, which is in seconds already.
    """
    return lambda given: (
        given if isinstance(given, float) else parse_duration(str(given), option, at_most)
    )


def format_duration(seconds: float) -> str:
    """Write a duration in its largest whole unit, as it could be typed: `1s`, `5m`, `500ms`."""
    milliseconds = round(seconds * 1000)
    for unit, length in (("h", 3_600_000), ("m", 60_000), ("s", 1000)):
        if milliseconds >= length and milliseconds % length == 0:
            return f"{milliseconds // length}{unit}"
    return f"{milliseconds}ms"
