"""What the gallery shows: one item for each file."""

from dataclasses import fields

from modellix_cli.domain.frozen import frozen
from modellix_cli.domain.jsontext import JsonObject


@frozen
class GalleryItem:
    """A file of a task, or one found in a folder. What is not known is None or empty.

    `src` is the address of the media for the page, None where the file is missing or nothing that
    a page can show; `kind` is image, video, audio, text or other, and `text` the beginning of a
    text. `created` is a Unix time, `took` and `seconds` (of play) in seconds, `cost` US dollars,
    an estimate unless `billed`; the cost is that of the task. `sources` are the ids of the items
    that were given to the model; `position` of `siblings` is the place among the task's results.
    """

    id: str
    kind: str
    name: str
    path: str
    src: str | None = None
    missing: bool = False
    size: int | None = None
    width: int | None = None
    height: int | None = None
    seconds: float | None = None
    text: str | None = None
    created: float | None = None
    took: float | None = None
    cost: str | None = None
    billed: bool = False
    prompt: str | None = None
    parameters: tuple[tuple[str, str], ...] = ()
    model: str | None = None
    task_id: str | None = None
    task_key: str | None = None
    profile: str | None = None
    batch: int | None = None
    line: int | None = None
    line_id: str | None = None
    tag: str | None = None
    command: str | None = None
    position: int = 1
    siblings: int = 1
    sources: tuple[str, ...] = ()

    def as_dict(self) -> JsonObject:
        """Return what the page's script reads, without what is not known."""
        facts = {field.name: getattr(self, field.name) for field in fields(self)}
        return {name: value for name, value in facts.items() if value not in (None, (), False)}
