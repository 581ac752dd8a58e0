"""The result of a batch: one entry for each line, as official-cli.md 4.14 shapes them."""

import json
from array import array
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from tempfile import SpooledTemporaryFile
from typing import Any, Final

from modellix_cli.domain.errors import ErrorCode, ModellixError
from modellix_cli.domain.task import FAILED
from modellix_cli.domain.text import count
from modellix_cli.engine.batch_follow import INTERRUPTED, TIMED_OUT
from modellix_cli.ledger.batch_facts import Fate

_IN_MEMORY: Final = 1024 * 1024
_NO_OUTCOME: Final = "Being submitted right now, or when a run was killed."
_SUBMITTED: Final = "submitted"
_TIMED_OUT_ERROR: Final = "Timed out while waiting for Modellix tasks."

Entry = dict[str, Any]


def entry_of(fate: Fate, resume: Callable[[str], str]) -> Entry:
    """Return a line as an element of `tasks`; `resume` makes the command that goes on with a task.

    `id` is there where the line has one, `files` where results were saved.
    """
    error, status, ok = fate.detail, fate.status or _SUBMITTED, fate.detail is None
    state = "unknown" if fate.state == "intent" else fate.state
    if state != "accepted":
        status, ok = ("skipped" if state == "skipped" else "error"), False
        error = error or (_NO_OUTCOME if state == "unknown" else "It was not submitted.")
        if fate.task_id is not None:
            error += f" Look at it with: {resume(fate.task_id)}"
    elif status in (TIMED_OUT, INTERRUPTED):
        assert fate.task_id is not None
        error = _TIMED_OUT_ERROR if status == TIMED_OUT else "Interrupted while waiting."
        error += f" Resume with: {resume(fate.task_id)}"
        status, ok = (TIMED_OUT if status == TIMED_OUT else _SUBMITTED), False
    elif status.lower() in FAILED:
        error, ok = error or f"Task reached terminal status {status}.", False
    ended = fate.status is not None and fate.status not in (TIMED_OUT, INTERRUPTED)
    parts: Entry = {
        "error": error,
        "files": None if fate.files is None else list(fate.files),
        "id": fate.name,
        "index": fate.index,
        "modelSlug": fate.slug,
        "ok": ok,
        "resourceUrls": list(fate.urls) if ended else None,
        "status": status,
        "submissionState": state,
        "taskId": fate.task_id,
    }
    return {name: value for name, value in parts.items() if value is not None}


@dataclass(slots=True)
class Tally:
    """How many lines ended how; `again` says that a further run has something left to do."""

    total: int
    succeeded: int = 0
    timeouts: int = 0
    fruitless: int = 0
    unsaved: int = 0
    unseen: int = 0
    accepted: int = 0
    rejected: int = 0
    unknown: int = 0
    skipped: int = 0
    again: bool = False

    def add(self, entry: Entry, *, again: bool) -> None:
        """Count one entry; `again` says that a further run can do more for its line."""
        self.again = self.again or again
        self.succeeded += entry["ok"]
        state, status = entry["submissionState"], entry["status"].lower()
        if state == "accepted" and not entry["ok"]:
            if status in FAILED:
                self.fruitless += 1
            elif status in (TIMED_OUT, _SUBMITTED):
                self.timeouts += status == TIMED_OUT
                self.unseen += status == _SUBMITTED
            else:
                self.unsaved += 1
        setattr(self, state, getattr(self, state) + 1)

    @property
    def failed(self) -> int:
        """The lines that are not all right."""
        return self.total - self.succeeded

    @property
    def words(self) -> str:
        """`38 of 40 lines accepted, 1 rejected, 1 unknown.`, with what else there is to tell."""
        others = (
            (self.rejected, "rejected"),
            (self.unknown, "unknown"),
            (self.skipped, "skipped"),
            (self.timeouts, "still running when the time was over"),
            (self.unseen, "not followed to the end"),
            (self.fruitless, "failed"),
            (self.unsaved, "not saved"),
        )
        counted = [f"{number} {what}" for number, what in others if number]
        lines = f"{self.accepted} of {count(self.total, 'line')} accepted"
        return ", ".join([lines, *counted]) + "."

    @property
    def done(self) -> bool:
        """Whether nothing is left that a further run could do."""
        return self.accepted == self.total and not self.again


class Ledger(AbstractContextManager["Ledger"]):
    """Entries in the order in which they came, to be read in the order of the lines.

    They are kept in a temporary file, so that memory does not grow with their number.
    """

    def __init__(self, total: int) -> None:
        self._file = SpooledTemporaryFile(max_size=_IN_MEMORY)  # noqa: SIM115
        self._places = array("q", [-1]) * total
        self._end = 0

    def __exit__(self, *_details: object) -> None:
        self._file.close()

    def add(self, entry: Entry) -> None:
        """Keep an entry; the last one of a line counts. Raises `OUTPUT_UNWRITABLE`."""
        text = json.dumps(entry).encode() + b"\n"
        try:
            self._file.seek(self._end)
            self._file.write(text)
        except OSError as error:
            raise ModellixError(
                ErrorCode.OUTPUT_UNWRITABLE,
                f"No room for the results in the folder for temporary files: {error.strerror}.",
            ) from error
        self._places[entry["index"] - 1] = self._end
        self._end += len(text)

    def entries(self) -> Iterator[Entry]:
        """Yield the entries in the order of the lines."""
        for place in self._places:
            if place >= 0:
                self._file.seek(place)
                entry: Entry = json.loads(self._file.readline())
                yield entry
