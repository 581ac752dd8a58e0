"""A task, the submission that created it, or both, as one record: its columns and their reading."""

# ruff: noqa: S608 - what is put together are constants
from typing import Final

from modellix_cli.clock import iso
from modellix_cli.domain.frozen import frozen
from modellix_cli.domain.jsontext import JsonObject, Number
from modellix_cli.domain.submission_state import SubmissionState
from modellix_cli.ledger.attempts import state_now
from modellix_cli.ledger.bodies import unpacked
from modellix_cli.ledger.processes import Owner
from modellix_cli.ledger.task_records import KeptFile
from modellix_cli.ledger.tasks import GONE

SENDING: Final = "sending"
SUBMITTED: Final = "submitted"

_SENT: Final = """
s.number, s.state, s.detail, s.estimated_cost, s.batch, s.line, s.line_id, s.tag, s.request_key,
s.webhook, s.replaces, s.host, s.boot, s.pid, s.process_started, s.lease_until, b.compressed"""
SUBMISSION_OF_TASK: Final = f"""
LEFT JOIN submissions AS s ON s.number = (SELECT max(a.number) FROM submissions AS a
  WHERE a.task_id = t.task_id AND a.base_url = t.base_url
    AND (a.state = 'accepted' OR t.status = '{GONE}'))
LEFT JOIN bodies AS b ON b.sha256 = s.body_sha256"""
SELECT_TASKS: Final = f"""
SELECT t.rowid, t.base_url, t.profile, t.slug, t.created_at, t.updated_at, t.task_id, t.status,
  t.ended_at, t.saved_at, t.expires_at, t.billed_cost, {_SENT}
FROM tasks AS t {SUBMISSION_OF_TASK}"""
SELECT_SUBMISSIONS: Final = f"""
SELECT s.number, s.base_url, s.profile, s.slug, s.created_at, s.updated_at, s.task_id, t.status,
  t.ended_at, t.saved_at, t.expires_at, coalesce(s.billed_cost, t.billed_cost), {_SENT}
FROM submissions AS s
LEFT JOIN bodies AS b ON b.sha256 = s.body_sha256
LEFT JOIN tasks AS t ON t.rowid = (SELECT o.rowid FROM tasks AS o
  WHERE o.base_url = s.base_url AND o.task_id = s.task_id
  ORDER BY o.updated_at DESC LIMIT 1)"""


@frozen
class Record:
    """A task, a submission, or both. Times are Unix times, costs US dollars as text.

    `number` and `state` are those of the submission, None where the task was not submitted here.
    `detail` says why it was refused or is unknown. `body` is None where it was not kept.
    """

    base_url: str
    profile: str
    slug: str | None
    created_at: float
    updated_at: float
    task_id: str | None
    status: str | None
    ended_at: float | None = None
    saved_at: float | None = None
    expires_at: float | None = None
    billed_cost: str | None = None
    number: int | None = None
    state: SubmissionState | None = None
    in_flight: bool = False
    detail: str | None = None
    estimated_cost: str | None = None
    batch: int | None = None
    line: int | None = None
    line_id: str | None = None
    tag: str | None = None
    request_key: str | None = None
    webhook: str | None = None
    replaces: int | None = None
    body: bytes | None = None
    files: tuple[KeptFile, ...] = ()

    @property
    def word(self) -> str | None:
        """How it stands, in one word: the status of the task, or what became of the submission."""
        if self.in_flight:
            return SENDING
        if self.state in (None, SubmissionState.ACCEPTED) or self.status == GONE:
            return self.status or (SUBMITTED if self.state else None)
        return str(self.state)

    def as_dict(self) -> JsonObject:
        """Return an element of `entries` in the JSON output; what is not known is left out."""
        facts = {
            "createdAt": iso(self.created_at),
            "taskId": self.task_id,
            "updatedAt": iso(self.updated_at),
            "baseUrl": self.base_url,
            "modelSlug": self.slug,
            "profile": self.profile,
            "status": self.word,
            "endedAt": iso(self.ended_at) if self.ended_at and self.ended_at > 0 else None,
            "savedAt": iso(self.saved_at) if self.saved_at else None,
            "expiresAt": iso(self.expires_at) if self.expires_at else None,
            "billedUsd": Number(self.billed_cost) if self.billed_cost else None,
            "estimatedUsd": Number(self.estimated_cost) if self.estimated_cost else None,
            "request": self.number,
            "batch": self.batch,
            "line": self.line,
            "lineId": self.line_id,
            "tag": self.tag,
        }
        return {name: value for name, value in facts.items() if value is not None}


@frozen
class RecordRow:
    """The columns of `SELECT_TASKS` and `SELECT_SUBMISSIONS`."""

    place: int
    base_url: str
    profile: str
    slug: str | None
    created_at: float
    updated_at: float
    task_id: str | None
    status: str | None
    ended_at: float | None
    saved_at: float | None
    expires_at: float | None
    billed_cost: str | None
    number: int | None
    state: str | None
    detail: str | None
    estimated_cost: str | None
    batch: int | None
    line: int | None
    line_id: str | None
    tag: str | None
    request_key: str | None
    webhook: str | None
    replaces: int | None
    host: str | None
    boot: str | None
    pid: int | None
    process_started: int | None
    lease_until: float | None
    compressed: bytes | None

    @property
    def owner(self) -> Owner:
        """The process that sent it."""
        return Owner(self.host, self.boot, self.pid, self.process_started, self.lease_until)


def read_record(row: RecordRow, now: float) -> Record:
    """Read a row; whether its submission is just being sent is decided here."""
    state, in_flight, detail = None, False, row.detail
    if row.number is not None:
        state, in_flight, detail = state_now(str(row.state), row.task_id, detail, row.owner, now)
    return Record(
        base_url=row.base_url,
        profile=row.profile,
        slug=row.slug,
        created_at=row.created_at,
        updated_at=row.updated_at,
        task_id=row.task_id,
        status=row.status,
        ended_at=row.ended_at,
        saved_at=row.saved_at,
        expires_at=row.expires_at,
        billed_cost=row.billed_cost,
        number=row.number,
        state=state,
        in_flight=in_flight,
        detail=detail,
        estimated_cost=row.estimated_cost,
        batch=row.batch,
        line=row.line,
        line_id=row.line_id,
        tag=row.tag,
        request_key=row.request_key,
        webhook=row.webhook,
        replaces=row.replaces,
        body=None if row.compressed is None else unpacked(row.compressed),
    )
