"""What the parameters of a request stand for: files are uploaded or read, results looked up."""

from collections.abc import Callable
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from typing import Final, Protocol
from urllib.parse import quote

from modellix_cli.api.files import UploadedFile
from modellix_cli.context.session import Session
from modellix_cli.domain.errors import ErrorCode, ModellixError, usage
from modellix_cli.domain.frozen import frozen
from modellix_cli.domain.jsontext import Json
from modellix_cli.domain.task import Resource, Task
from modellix_cli.domain.text import count, quoted
from modellix_cli.inputs.media_file import MediaInput, media_type, read_media
from modellix_cli.inputs.parameter_keys import Path as Place
from modellix_cli.inputs.parameter_keys import write_key
from modellix_cli.inputs.parameters import Edit, FileRef, LineRef, TaskRef
from modellix_cli.models.parameter_values import typed_value
from modellix_cli.models.parameters import Parameter, by_path
from modellix_cli.workflows.models import UNREACHABLE

_MAX_TEXT_BYTES: Final = 1024 * 1024
_HEAD: Final = 64
_KINDS: Final = {"image": "an image", "video": "a video", "audio": "audio"}
_SOMEWHERE: Final = "https://files.modellix.invalid"


class Service(Protocol):
    """What the API's client does for a body."""

    def upload(self, name: str, media_type: str, content: bytes) -> UploadedFile:
        """Upload a file."""

    def task(self, task_id: str) -> Task:
        """Read a task."""


@frozen
class BodyValue:
    """One value of a body: what is sent, and what it asks for, whatever address that has now.

    `likely` is like what is sent, for checks and estimates before there is an address.
    """

    sent: Json
    asked: Json
    likely: Json


class BodyValues:
    """Turns parameters into values, each once. Without a `service` nothing is uploaded.

    Results are looked up with `read_task` then, which may say in words why one cannot be had. What
    is not had keeps the words that name it, and is in `unresolved`, with the reason.
    """

    def __init__(
        self,
        session: Session,
        parameters: tuple[Parameter, ...],
        service: Service | None,
        read_task: Callable[[str], Task | str] | None = None,
    ) -> None:
        self._session = session
        self._parameters = parameters
        self._service = service
        self._read_task = read_task if service is None else service.task
        self._found: dict[Edit, BodyValue] = {}
        self.unresolved: list[str] = []

    def sent(self, edit: Edit) -> Json:
        """Return what is sent for a parameter."""
        return self.value(edit).sent

    def asked(self, edit: Edit) -> Json:
        """Return what a parameter asks for: a file by its content, a result by its task."""
        return self.value(edit).asked

    def likely(self, edit: Edit) -> Json:
        """Return something like what is sent for a parameter, to check it by."""
        return self.value(edit).likely

    def value(self, edit: Edit) -> BodyValue:
        """Return all that a parameter stands for."""
        found = self._found.get(edit)
        if found is None:
            found = self._found[edit] = self._find(edit)
        return found

    def _find(self, edit: Edit) -> BodyValue:
        value = edit.value
        if isinstance(value, FileRef):
            return self._in_place(edit.path, self._file(edit, value.path))
        if isinstance(value, TaskRef):
            return self._in_place(edit.path, self._result(edit, value))
        if isinstance(value, LineRef):
            raise usage(
                f"{edit}: @line:… names a line of a batch.",
                hint="Name a task instead: @task:ID, or @last for the one submitted last.",
            )
        same = typed_value(self._parameters, edit.path, value)
        return BodyValue(same, same, same)

    def _in_place(self, place: Place, value: BodyValue) -> BodyValue:
        """Return a value as the only entry where the model wants an array."""
        parameter = by_path(self._parameters, place)
        if parameter is None or parameter.takes_text or "array" not in parameter.types:
            return value
        return BodyValue([value.sent], [value.asked], [value.likely])

    def _file(self, edit: Edit, written: str) -> BodyValue:
        """Upload a file, or read its text where the model wants text."""
        path = self._session.settings.path(written)
        place = edit.path if isinstance(edit.path[-1], str) else edit.path[:-1]
        parameter = by_path(self._parameters, place)
        media = parameter.media is not None if parameter else _looks_like_media(path)
        if not media:
            text = _read_text(path, edit)
            return BodyValue(text, text, text)
        file = read_media(path)
        self._refuse_other_kind(edit, parameter, file.type.partition("/")[0], file.name)
        digest = sha256(file.content).hexdigest()
        asked = {"@sha256": digest}
        url = self._session.stores.upload_cache.url(digest)
        if url is None and self._service is None:
            self.unresolved.append(f"{edit}: the file would be uploaded")
            return BodyValue(f"@{written}", asked, f"{_SOMEWHERE}/{quote(file.name)}")
        if url is None:
            assert self._service is not None
            url = self._upload(file, digest, self._service)
        return BodyValue(url, asked, url)

    def _refuse_other_kind(
        self, edit: Edit, parameter: Parameter | None, kind: str | None, what: str
    ) -> None:
        """Refuse a video for an image and the like, where both are known."""
        wanted = None if parameter is None else parameter.media
        if wanted in (None, "file") or kind not in _KINDS or kind == wanted:
            return
        raise usage(
            f"{edit}: the model takes {_KINDS[str(wanted)]} there, and {what} is {_KINDS[kind]}.",
            hint="If it does take it, give its address instead: modellix-cli file upload PATH",
        )

    def _upload(self, file: MediaInput, digest: str, service: Service) -> str:
        """Upload a file and return its address, which serves again while the upload lives."""
        uploaded = service.upload(file.name, file.type, file.content)
        self._session.stores.upload_cache.keep(digest, uploaded.file_id, uploaded.url)
        self._session.out.note(f"Uploaded {file.name}.")
        return uploaded.url

    def _result(self, edit: Edit, reference: TaskRef) -> BodyValue:
        """Look a result of a finished task up."""
        task_id = reference.task_id or earlier_task(self._session, edit, reference.back)
        task = self._read(edit, task_id)
        if task is None:
            index = reference.index or 0
            words = f"@task:{task_id}[{index}]"
            return BodyValue(words, {"@task": [task_id, index]}, f"{_SOMEWHERE}/result")
        resource = chosen_resource(task, reference.index, str(edit))
        asked = {"@task": [task_id, resource.position - 1]}
        place = edit.path if isinstance(edit.path[-1], str) else edit.path[:-1]
        parameter = by_path(self._parameters, place)
        self._refuse_other_kind(edit, parameter, resource.type, f"the result of {task_id}")
        made = resource.url or resource.text
        return BodyValue(made, asked, made)

    def _read(self, edit: Edit, task_id: str) -> Task | None:
        """Return a task; None where nothing was to be asked for, or could be."""
        if self._read_task is None:
            return None
        found = self._read_task(task_id)
        if isinstance(found, str):
            self.unresolved.append(f"{edit}: {found}")
            return None
        return found


def earlier_task(session: Session, edit: Edit, back: int) -> str:
    """Return the id of the task that is `back` before the last one. Raises the usage error."""
    known = session.stores.tasks.recent(back + 1)
    if len(known) <= back:
        raise usage(
            f"{edit}: this machine's ledger knows {count(len(known), 'task')} of this account.",
            hint="Name the task: @task:ID",
        )
    return known[back]


def look_up(session: Session, api_key: str | None) -> Callable[[str], Task | str]:
    """Return what looks a task up, once, for what is only shown; or says why it cannot be had."""
    if session.connections.key is None:
        with suppress(ModellixError):  # without one nothing can be asked for, as is told then
            session.connections.find_and_keep_key(api_key)

    def read(task_id: str) -> Task | str:
        try:
            return session.connections.client(api_key).task(task_id, patient=False)
        except ModellixError as error:
            answered = error.code is ErrorCode.BAD_REPLY and not error.retryable
            tolerated = error.code in UNREACHABLE or error.code is ErrorCode.MISSING_API_KEY
            if answered or not tolerated:
                raise
            return error.message.rstrip(".")

    return read


def chosen_resource(task: Task, index: int | None, what: str) -> Resource:
    """Return one result of a task, counted from 0; the first or primary one if None.

    `what` is how an error names the reference. Raises `TASK_NOT_FINISHED`, `TASK_FAILED`,
    `NO_RESOURCES`, or the usage error for a number that is too high.
    """
    if not task.finished:
        raise ModellixError(
            ErrorCode.TASK_NOT_FINISHED,
            f"{what}: task {task.task_id} has not ended yet ({task.status}).",
            task_id=task.task_id,
        )
    if task.failed:
        raise ModellixError(
            ErrorCode.TASK_FAILED,
            f"{what}: task {task.task_id} failed, so it made nothing to use.",
            task_id=task.task_id,
        )
    usable = [resource for resource in task.resources if resource.url or resource.text]
    if not usable:
        raise ModellixError(
            ErrorCode.NO_RESOURCES,
            f"{what}: task {task.task_id} made nothing that can be used.",
            task_id=task.task_id,
        )
    if index is None:
        primary = [resource for resource in usable if resource.role == "primary"]
        return (primary or usable)[0]
    if index >= len(usable):
        raise usage(
            f"{what}: task {task.task_id} made {count(len(usable), 'result')}.",
            hint="In brackets results are counted from 0: the first is [0].",
        )
    return usable[index]


def _looks_like_media(path: Path) -> bool:
    """Whether a file is an image, video or audio, for a parameter of which nothing is known."""
    try:
        if not path.is_file():  # opening a pipe would wait for who writes to it
            return False
        with path.open("rb") as file:
            return media_type(file.read(_HEAD)) is not None
    except OSError:
        return False


def _read_text(path: Path, edit: Edit) -> str:
    """Return the text in a file, for a parameter that takes text."""
    try:
        if not path.is_file():
            raise _no_file(path, edit)
        with path.open("rb") as file:
            data = file.read(_MAX_TEXT_BYTES + 1)
        if len(data) > _MAX_TEXT_BYTES:
            raise usage(f"{edit}: the file has over {_MAX_TEXT_BYTES} bytes, too many for a text.")
        return data.decode("utf-8-sig").rstrip("\r\n")
    except UnicodeDecodeError as error:
        raise usage(f"{edit}: the file is not text in UTF-8.") from error
    except OSError as error:
        reason = error.strerror or str(error)
        raise ModellixError(ErrorCode.INPUT_UNREADABLE, f"{edit}: {reason}.") from error


def _no_file(path: Path, edit: Edit) -> ModellixError:
    """Return the error that a parameter names what is no file, with what may have been meant."""
    name = quoted(str(path))
    if path.exists():
        what, kind = f"{name} is not a file", "a folder" if path.is_dir() else "a pipe or device"
        hint = f"It is {kind}. Write a text to a file first."
    elif path.name == "-":
        what = "- is no file"
        hint = "A prompt is read from standard input with: modellix-cli model run SLUG -"
    else:
        what = f"there is no file {name}"
        hint = f"For a text that begins with @, write two: {write_key(edit.path)}=@@…"
    return ModellixError(ErrorCode.INPUT_UNREADABLE, f"{edit}: {what}.", hint=hint)
