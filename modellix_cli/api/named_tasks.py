"""Which ids in the reply to a paid request are those of tasks (docs/spec/service.md 3).

A reply that names a task is no refusal, so when in doubt an id counts: looking for a task that is
not there costs a little time, sending a request again may cost money.
"""

import json
import re
from collections.abc import Iterator
from typing import Final
from urllib.parse import unquote

from modellix_cli.api import failures
from modellix_cli.api.transport import Reply
from modellix_cli.domain.errors import ModellixError
from modellix_cli.domain.jsontext import Json, JsonError, Number, loads
from modellix_cli.domain.values import parse_task_id

_MAX_ID: Final = 2000
_TASK_KEYS: Final = frozenset({"taskid", "taskids", "jobid", "predictionid", "generationid"})
_TASKS: Final = frozenset({"task", "tasks", "job", "jobs", "prediction", "predictions"})
_RESULTS: Final = frozenset({"data", "result", "results", "output"})
_ADDRESS_KEYS: Final = ("url", "uri", "href", "link", "location", "getresult")
_OTHER_THINGS: Final = (
    r"(?i)(req|request|trace|span|err|error|evt|event|msg|log|corr|correlation|ray|team|user|acct)"
    r"[_.:-]"
)
_KIND: Final = r"[a-z]+([_.-][a-z]+)*|[A-Z]+(_[A-Z]+)+|([A-Z][a-z]+)+"
_NOTHING: Final = frozenset({"0", "-1", "null", "none", "undefined"})
_TASK_ID: Final = re.compile(
    rb'"(?:task|job|prediction|generation)[_-]?id"\s*:'
    rb'\s*(?:"((?:[^"\\]|\\.){1,2000})"|(-?\d{1,600}))',
    re.IGNORECASE,
)
_GET_RESULT: Final = re.compile(
    rb'"get[_-]?result"\s*:.{0,2000}?/tasks/([^/?#"\s\\]{1,2000})\\?[/?#"]',
    re.IGNORECASE | re.DOTALL,
)
_BARE_ID: Final = rb'"id"\s*:\s*"([^"\\]{1,512})"'
_ADDRESS: Final = r"(?:^|/)tasks/([^/?#\s]{1,2000})/?(?:[?#].*)?\s*"


def named_tasks(reply: Reply, sent: bytes = b"", *, bare: bool = True) -> list[str]:
    """Return the ids of tasks that a reply names, the most certain first, each once.

    These count, at any depth and in any spelling of case, `_` and `-`:

    - the value of `task_id` or `task_ids`, of `job_id`, `prediction_id` and `generation_id`;
    - in `task`, `tasks`, `job`, `prediction`: the `id` of an object, or a text with a digit;
    - an address ending in `/tasks/ID` in `get_result`, in a field named as one (`status_url`,
      `href`), in the headers `Location` and `Content-Location`;
    - a header named as `X-Modellix-Task-ID` or `X-Task-ID` are;
    - where there is nothing of these: the same in JSON that is quoted in a text, as gateways do.

    With `bare` these count too, if their value could be a task's id:

    - `id` in `data`, `result` or `output`, or in the entries of a list there;
    - `id` at the top, unless it is the kind of an error (`too_many_requests`).

    A value that begins like the id of something else (`req_`, `trace-`, `err-`), that has a `/` as
    slugs have, or that another field beside it or a header has too, is not a task's. Neither are
    `request_id`, `trace_id`, `model_id` and other `…_id`, nor `id` within `error`, `detail` and
    whatever else is not listed. An id that the request `sent` holds is an earlier task's, repeated
    by the server, and no new one.
    """
    document = failures.json_of(reply)
    found = [*_in_json(document), *_in_bytes(reply.body), *_in_headers(reply)]
    if not found:
        found += _in_bytes(re.sub(rb'\\+"', b'"', reply.body))
    if bare:
        headers = set(reply.headers.values())
        found += (task_id for task_id in _bare_ids(document) if task_id not in headers)
        if document is None and reply.body.lstrip()[:1] in (b"{", b"["):
            cut = (
                match[1].decode("utf-8", "replace") for match in re.finditer(_BARE_ID, reply.body)
            )
            found += filter(_could_be_a_task, cut)
    return [
        task_id
        for task_id in dict.fromkeys(found)
        if not any(spelt in sent for spelt in _spellings(task_id))
    ]


def _spellings(task_id: str) -> tuple[bytes, bytes]:
    """Return a text as JSON has it, plain and with escapes for all beyond ASCII."""
    return f'"{task_id}"'.encode("utf-8", "replace"), json.dumps(task_id).encode()


def promises_result(reply: Reply) -> bool:
    """Whether a reply says in `get_result` how a result will be had: then a task was created."""
    return any(
        _plain(key) == "getresult" and bool(item) for key, item in _fields(failures.json_of(reply))
    )


def is_usable(task_id: str) -> bool:
    """Whether a task can be asked for by this id."""
    try:
        return parse_task_id(task_id) == task_id
    except ModellixError:
        return False


def _in_json(document: Json) -> Iterator[str]:
    for key, item in _fields(document):
        yield from _in_field(_plain(key), item)


def _fields(document: Json) -> Iterator[tuple[str, Json]]:
    """Yield the fields of a document with their values, the outer ones first."""
    level: list[Json] = [document]
    while level:
        inner: list[Json] = []
        for value in level:
            if isinstance(value, dict):
                yield from value.items()
                inner += value.values()
            elif isinstance(value, list):
                inner += value
        level = inner


def _in_field(name: str, value: Json) -> Iterator[str]:
    if name in _TASK_KEYS:
        for item in value if isinstance(value, list) else (value,):
            yield from _text(item)
    elif name in _TASKS:
        for item in value if isinstance(value, list) else (value,):
            yield from _described(item)
    elif name == "getresult" and isinstance(value, dict):
        for address in value.values():
            yield from _in_address(address)
    elif name.endswith(_ADDRESS_KEYS) and not name.startswith(("doc", "help", "info")):
        yield from _in_address(value)


def _described(task: Json) -> Iterator[str]:
    """Yield the id of a task that is an object, or is named by a text that cannot be a type."""
    if isinstance(task, dict):
        yield from _text(task.get("id"))
    elif isinstance(task, str) and is_usable(task) and any(map(str.isdigit, task)):
        yield task


def _bare_ids(document: Json) -> Iterator[str]:
    """Yield what stands in a field `id` where a new task may be described."""
    if not isinstance(document, dict):
        return
    for text in _own_id(document):
        if text.startswith("task") or not re.fullmatch(_KIND, text):
            yield text
    level: list[Json] = _results(document)
    while level:
        inner: list[Json] = []
        for value in level:
            if isinstance(value, list):
                inner += value
            elif isinstance(value, dict):
                yield from _own_id(value)
                inner += _results(value)
        level = inner


def _own_id(fields: dict[str, Json]) -> Iterator[str]:
    others = {str(value) for key, value in fields.items() if key != "id"}
    for text in _text(fields.get("id")):
        if text not in others and _could_be_a_task(text):
            yield text


def _results(fields: dict[str, Json]) -> list[Json]:
    return [value for key, value in fields.items() if _plain(key) in _RESULTS]


def _could_be_a_task(text: str) -> bool:
    known = text.lower() in _NOTHING or "/" in text or re.match(_OTHER_THINGS, text) is not None
    return is_usable(text) and not known


def _in_headers(reply: Reply) -> Iterator[str]:
    for name, value in reply.headers.items():
        if _plain(name).endswith("taskid"):
            yield from _text(unquote(value))
    for name in ("location", "content-location"):
        yield from _in_address(reply.headers.get(name))


def _in_address(address: Json) -> Iterator[str]:
    match = re.search(_ADDRESS, address) if isinstance(address, str) else None
    if match is not None and match.end() == len(match.string):
        yield unquote(match[1])


def _in_bytes(body: bytes) -> Iterator[str]:
    plain = body.replace(b"\\/", b"/")
    for match in _TASK_ID.finditer(plain):
        yield _unescaped(next(filter(None, match.groups())).decode("utf-8", "replace"))
    for match in _GET_RESULT.finditer(plain):
        yield unquote(match[1].decode("utf-8", "replace"))


def _unescaped(text: str) -> str:
    """Return what a text within the quotation marks of JSON says, itself if it cannot be read."""
    try:
        return str(loads(f'"{text}"'))
    except JsonError:
        return text


def _text(value: Json) -> Iterator[str]:
    if isinstance(value, (str, int, Number)) and not isinstance(value, bool):
        text = value.text if isinstance(value, Number) else str(value)
        if text.strip():
            yield text[:_MAX_ID]


def _plain(key: str) -> str:
    return key.replace("_", "").replace("-", "").lower()
