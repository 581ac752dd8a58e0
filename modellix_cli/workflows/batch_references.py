"""Files and results of tasks that `--set` and `--matrix` name, as `-p` does.

They are found out about before a batch begins, so that its lines are known by what they ask; files
are uploaded when the first line that needs them is about to be sent.
"""

import re
from collections.abc import Callable
from dataclasses import replace
from threading import Lock
from typing import TYPE_CHECKING, Final

from modellix_cli.context.session import Session
from modellix_cli.domain.errors import ErrorCode, ModellixError
from modellix_cli.domain.jsontext import Json
from modellix_cli.domain.task import Task
from modellix_cli.domain.values import Slug
from modellix_cli.inputs.batch_file import Line
from modellix_cli.inputs.input_uses import InputText, InputUse
from modellix_cli.inputs.line_uses import write_literal
from modellix_cli.inputs.matrix import COMMA
from modellix_cli.inputs.parameter_keys import split_assignment
from modellix_cli.inputs.parameters import Edit, FileRef, TaskRef, parse_edit
from modellix_cli.options.tasks import BatchTasks
from modellix_cli.workflows.parameter_types import ParameterTypes

if TYPE_CHECKING:
    from modellix_cli.workflows.body_values import BodyValue, BodyValues, Service

_LAST: Final = re.compile(r"\s*@last")


class References:
    """What options name, before a batch begins. Nothing is uploaded.

    `read_task` returns a task, or in words why it cannot be asked for.
    """

    def __init__(
        self, session: Session, types: ParameterTypes, read_task: Callable[[str], Task | str]
    ) -> None:
        self._session = session
        self._types = types
        self._read_task = read_task
        self._values: dict[str, BodyValues] = {}
        self._failed: dict[tuple[str, Edit], ModellixError] = {}

    @property
    def unresolved(self) -> tuple[str, ...]:
        """What is not what would be sent, and why."""
        found = (text for values in self._values.values() for text in values.unresolved)
        return tuple(dict.fromkeys(found))

    def value(self, slug: Slug, edit: Edit) -> Json:
        """Return what stands in a body for a file or a result; the text of a file is just that.

        Raises what reading the file or asking for the task comes to.
        """
        parameters = self._types.parameters(slug)
        self._types.warn_of_unknown(slug, edit.path, str(edit))
        if slug.name not in self._values:
            from modellix_cli.workflows.body_values import BodyValues

            self._values[slug.name] = BodyValues(self._session, parameters, None, self._read_task)
        value = self._found(slug, edit)
        sent, asked = _only(value)
        if isinstance(asked, dict):
            text: Json = InputText.of(_words(edit, asked), edit.written, asked, sent)
        else:
            text = write_literal(sent)
        return [text] if isinstance(value.asked, list) else text

    def _found(self, slug: Slug, edit: Edit) -> "BodyValue":
        """Return what a file or a task comes to; what failed once is not asked for again."""
        key = (slug.name, edit)
        if key in self._failed:
            raise self._failed[key].copy_with() from self._failed[key].__cause__
        try:
            return self._values[slug.name].value(edit)
        except ModellixError as error:
            self._failed[key] = error
            raise


class SentInputs:
    """What is sent in the place of files and results, each found once; asked from any thread."""

    def __init__(self, session: Session, service: "Service") -> None:
        self._session = session
        self._service = service
        self._types = ParameterTypes(session)
        self._lock = Lock()
        self._found: dict[tuple[str, str], BodyValue | ModellixError] = {}

    def address(self, line: Line, use: InputUse) -> Json:
        """Return the address of what a line uses; a file is uploaded where that is needed.

        Raises `INPUT_UNREADABLE` for a file that changed meanwhile, and what uploading comes to.
        """
        with self._lock:
            key = (line.slug.name, use.written)
            if key not in self._found:
                try:
                    self._found[key] = self._find(line.slug, use)
                except ModellixError as error:
                    self._found[key] = error
            found = self._found[key]
        if isinstance(found, ModellixError):
            raise found.copy_with() from found.__cause__
        sent, asked = _only(found)
        if asked != use.asked:
            raise ModellixError(
                ErrorCode.INPUT_UNREADABLE,
                f"{use.written.partition('@')[2]} changed while the batch ran.",
                hint="The line was not sent. Run the batch again with --resume.",
            )
        return sent

    def _find(self, slug: Slug, use: InputUse) -> "BodyValue":
        from modellix_cli.workflows.body_values import BodyValues

        option, _, text = use.written.partition(" ")
        values = BodyValues(self._session, self._types.parameters(slug), self._service)
        return values.value(parse_edit(text, option))


def pin_last(session: Session, tasks: BatchTasks) -> BatchTasks:
    """Return the options with `@last` as the task that it is just now.

    What continues this batch must not mean a task that the batch itself submitted.
    """
    settings = [_pinned(session, text, "--set") for text in tasks.settings or ()]
    matrix = [_pinned_values(session, text) for text in tasks.matrix or ()]
    return replace(tasks, settings=settings or None, matrix=matrix or None)


def _pinned_values(session: Session, text: str) -> str:
    parts = split_assignment(text)
    if parts is None or parts[1] != "=" or "@last" not in parts[2]:
        return text
    key = parts[0]
    values = COMMA.split(parts[2])
    pinned = [_pinned(session, f"{key}={value.strip()}", "--matrix") for value in values]
    return f"{key}={','.join(one[len(key) + 1 :] for one in pinned)}"


def _pinned(session: Session, text: str, option: str) -> str:
    parts = split_assignment(text)
    if parts is None or parts[1] != "=" or not _LAST.match(parts[2]):
        return text
    edit = parse_edit(text, option)
    if not isinstance(edit.value, TaskRef) or edit.value.task_id is not None:
        return text
    from modellix_cli.workflows.body_values import earlier_task

    index = "" if edit.value.index is None else f"[{edit.value.index}]"
    return f"{parts[0]}=@task:{earlier_task(session, edit, edit.value.back)}{index}"


def _only(value: "BodyValue") -> tuple[Json, Json]:
    """Return what is sent and asked, without the list that the model may want around it."""
    if isinstance(value.asked, list):
        return value.sent[0], value.asked[0]
    return value.sent, value.asked


def _words(edit: Edit, asked: Json) -> str:
    if isinstance(edit.value, FileRef):
        return f"@{edit.value.path}"
    task_id, index = asked["@task"]
    return f"@task:{task_id}[{index}]"
