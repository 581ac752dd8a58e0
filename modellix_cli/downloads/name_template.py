"""File names made from a template, as `--name-template` takes it."""

import re
from collections.abc import Mapping
from string import Formatter
from typing import TYPE_CHECKING, Final

from modellix_cli.domain.errors import usage
from modellix_cli.domain.frozen import frozen
from modellix_cli.domain.text import clip, one_line

if TYPE_CHECKING:
    from modellix_cli.domain.task import Resource

DEFAULT: Final = "{index}-{task_id}.{ext}"
BY_PROMPT: Final = "{prompt}-{short_id}.{ext}"
"""Names for people, at a terminal."""
ABOUT_REQUEST: Final = ("prompt", "seed", "input")
"""Fields whose values are in the body of the request."""
_FIELDS: Final = ("index", "id", "task_id", "short_id", "slug", "ext", "date", *ABOUT_REQUEST)
_LONGEST_PROMPT: Final = 40
_SHORT_ID: Final = 4
_BREAKS: Final = r"[\W_]+"
_WIDTH: Final = r"0?[1-9]?"
_HINT: Final = (
    "Use {index}, {id}, {task_id}, {short_id}, {slug}, {prompt}, {seed}, {input}, {ext} and "
    "{date}; {index:04} pads with zeros. "
    "For example: --name-template '{index:03}-{slug}.{ext}'"
)


@frozen
class NameTemplate:
    """A template that is known to be usable."""

    text: str

    @property
    def needs_request(self) -> bool:
        """Whether a field is about the body of the request."""
        return any(field in ABOUT_REQUEST for _, field, _, _ in Formatter().parse(self.text))

    def name(self, values: Mapping[str, object]) -> str:
        """Return the name for `values`, one for each of the fields; it may not be safe yet."""
        return Formatter().vformat(self.text, (), values).rstrip(".")


@frozen
class TemplateNames:
    """Names the files of one task: a template, and the values of all fields but `ext`."""

    template: NameTemplate
    values: Mapping[str, object]

    def name(self, resource: "Resource", extension: str) -> str:
        """Return the name for a resource, as `Downloader.save` asks for it."""
        return self.template.name({**self.values, "ext": extension})


def parse_name_template(text: str) -> NameTemplate:
    """Read a template. Raises a usage error that says what may be in it."""
    try:
        parts = list(Formatter().parse(text))
    except ValueError as error:
        raise _wrong(text, str(error)) from error
    for literal, field, width, conversion in parts:
        if "/" in literal or "\\" in literal:
            raise _wrong(text, "it names a folder; choose that with --output-dir")
        if field is None:
            continue
        if field not in _FIELDS or conversion:
            raise _wrong(text, f"{{{one_line(field)}}} is not known")
        if width and (field != "index" or not re.fullmatch(_WIDTH, width)):
            raise _wrong(text, f"{{{field}:{one_line(width)}}} is not known")
    if not any(field for _, field, _, _ in parts):
        raise _wrong(text, "every file would have the same name")
    return NameTemplate(text)


def prompt_words(text: str) -> str:
    """Return the first words of a prompt as a part of a name, `result` where there are none.

    >>> prompt_words("Waves at dawn, in the style of Hokusai, with a very long tail")
    'waves-at-dawn-in-the-style-of-hokusai'
    """
    words = [word for word in re.split(_BREAKS, text[:500].casefold()) if word]
    name = ""
    for word in words:
        longer = f"{name}-{word}" if name else word[:_LONGEST_PROMPT]
        if len(longer) > _LONGEST_PROMPT:
            break
        name = longer
    return name or "result"


def short_id(task_id: str) -> str:
    """Return the last letters and digits of a task id, to tell files apart.

    >>> short_id("task-abc12345")
    '2345'
    """
    letters = "".join(character for character in task_id if character.isalnum())
    return letters[-_SHORT_ID:] or "0"


def _wrong(text: str, why: str) -> Exception:
    return usage(f"Invalid --name-template {clip(one_line(text), 60)}: {why}.", hint=_HINT)
