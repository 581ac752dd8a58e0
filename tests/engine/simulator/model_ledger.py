"""A fast model of the ledger, in memory; test_ledgers.py shows that both do the same."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from itertools import chain, groupby

from modellix_cli.clock import Clock
from modellix_cli.domain.budget import Verdict, judge
from modellix_cli.domain.errors import ErrorCode, ModellixError
from modellix_cli.domain.money import NOTHING, Money
from modellix_cli.domain.on_paid import OnPaid
from modellix_cli.domain.submission_state import RejectedBy, SubmissionState, read_rejected_by
from modellix_cli.domain.task import has_failed, is_final
from modellix_cli.ledger.attempt import Attempt
from modellix_cli.ledger.attempts import CUT_SHORT
from modellix_cli.ledger.batch_start import Start
from modellix_cli.ledger.matching import match_equal_lines
from modellix_cli.ledger.processes import Process
from modellix_cli.ledger.records import (
    Batch,
    BatchLine,
    Claim,
    Claimed,
    LineKey,
    Outcome,
    PaidBefore,
    Request,
    StartedBatch,
    TooDear,
)
from tests.engine.simulator.ledger_api import FAILED, Processes, Row

ACCEPTED, REJECTED = SubmissionState.ACCEPTED, SubmissionState.REJECTED
INTENT, UNKNOWN = SubmissionState.INTENT, SubmissionState.UNKNOWN
_ORDER = (ACCEPTED, INTENT, UNKNOWN)


@dataclass(slots=True)
class _Submission:
    number: int
    identity: str
    slug: str
    generation: int
    replaces: int | None
    batch: int | None
    line: int | None
    line_id: str | None
    request_key: str | None
    created_at: float
    owner: Process
    state: SubmissionState = INTENT
    task_id: str | None = None
    detail: str | None = None
    uptime: float = 0.0
    cost: Money | None = None
    rejected_by: RejectedBy | None = None


@dataclass(slots=True)
class _Line:
    key: LineKey
    generation: int
    submission: int | None = None
    status: str | None = None
    detail: str | None = None
    urls: tuple[str, ...] = ()
    files: tuple[dict[str, object], ...] | None = None


@dataclass(slots=True)
class _Batch:
    number: int
    digest: str
    created_at: float
    owner: Process
    state: str = "running"
    lines: dict[int, _Line] = field(default_factory=dict)


def _link(line: _Line, number: int | None) -> None:
    """Let another attempt answer for a line: how that ended is not known."""
    if line.submission != number:
        line.submission, line.status, line.detail = number, None, None
        line.urls, line.files = (), None


class ModelLedger:
    """What the stores do for one account, without SQL."""

    def __init__(self, clock: Clock) -> None:
        self.processes = Processes()
        self._clock = clock
        self._submissions: dict[int, _Submission] = {}
        self._of: dict[str, list[_Submission]] = {}
        self._batches: dict[int, _Batch] = {}
        self._statuses: dict[str, str] = {}
        self._billed: dict[str, Money] = {}
        self._last_batch = 0

    def begin(self, lines: Sequence[LineKey], digest: str, on_paid: OnPaid) -> Start:
        before = {
            number: {place: replace(line) for place, line in one.lines.items()}
            for number, one in self._batches.items()
        }
        for one in self._batches.values():
            if one.state == "running" and one.owner.pid not in self.processes.alive:
                self._take_back_unsent(one)
        batch = self._reusable(digest, on_paid)
        resumed = batch is not None
        if batch is None:
            number = max(self._batches, default=0) + 1
            batch = _Batch(number, digest, self._clock.now(), self.processes.current)
            for key in lines:
                over = int(on_paid is OnPaid.NEW)
                generation = self._generation(key.identity.digest) + over
                batch.lines[key.line] = _Line(key, generation)
            self._batches[number] = batch
        try:
            earlier, by_key = self._match(batch, lines)
        except ModellixError:
            self._undo(before)
            raise
        if on_paid is OnPaid.REFUSE and earlier.total > by_key:
            self._undo(before)
            return earlier
        for key in lines:
            self._bind_key(key.request_key, key.identity.digest, batch.lines[key.line].submission)
        batch.state, batch.owner = "running", self.processes.current
        shown = Batch(
            batch.number, "", batch.created_at, self._clock.now(), "f", len(lines), "running"
        )
        return StartedBatch(shown, earlier, resumed and earlier.any)

    def _undo(self, before: dict[int, dict[int, _Line]]) -> None:
        """Undo all that a transaction did to batches."""
        self._batches = {number: self._batches[number] for number in before}
        for number, lines in before.items():
            self._batches[number].lines = lines

    def _reusable(self, digest: str, on_paid: OnPaid) -> _Batch | None:
        if on_paid is OnPaid.NEW:
            return None
        same = [batch for batch in self._batches.values() if batch.digest == digest]
        if not same:
            return None
        last = same[-1]
        if last.state == "running" and last.owner.pid in self.processes.alive:
            return None
        over = any(
            other.key.identity.digest == line.key.identity.digest
            and other.generation > line.generation
            for line in last.lines.values()
            for batch in self._batches.values()
            for other in batch.lines.values()
        )
        return None if over else last

    def _generation(self, identity: str, without: _Batch | None = None) -> int:
        lines = (
            line.generation
            for batch in self._batches.values()
            for line in batch.lines.values()
            if batch is not without and line.key.identity.digest == identity
        )
        sent = (one.generation for one in self._of.get(identity, ()) if one.state is not REJECTED)
        return max(chain((0,), lines, sent))

    def _take_back_unsent(self, batch: _Batch) -> None:
        linked = (self._submissions.get(line.submission or 0) for line in batch.lines.values())
        if any(one and one.batch == batch.number and one.state is not REJECTED for one in linked):
            return
        if any(line.generation > 0 for line in batch.lines.values()):
            for line in batch.lines.values():
                line.generation = self._generation(line.key.identity.digest, batch)

    def _match(self, batch: _Batch, keys: Sequence[LineKey]) -> tuple[PaidBefore, int]:
        for line in batch.lines.values():
            linked = self._submissions.get(line.submission or 0)
            gone = linked is not None and (
                linked.state is REJECTED or self._replaced(linked.number, linked.identity)
            )
            if gone:
                _link(line, None)
        by_key = self._link_request_keys(batch, keys)
        free = sorted(
            (
                (line.key.identity.digest, number, line.key.name)
                for number, line in batch.lines.items()
                if line.submission is None
            ),
            key=lambda entry: entry[:2],
        )
        for identity, group in groupby(free, key=lambda entry: entry[0]):
            equal = [(number, name) for _, number, name in group]
            generation = batch.lines[equal[0][0]].generation
            taken = self._taken(batch, identity)
            attempts = [
                self._attempt(one)
                for one in self._of.get(identity, ())
                if self._counts(one, generation) and one.number not in taken
            ]
            for number, attempt in match_equal_lines(equal, attempts, FAILED).items():
                batch.lines[number].submission = attempt.number
        return self._paid(batch), by_key

    def _bind_key(self, key: str | None, identity: str, number: int | None) -> None:
        one = self._submissions.get(number or 0)
        if key is not None and one is not None and self._by_key(key, identity) is None:
            one.request_key = one.request_key or key

    def _link_request_keys(self, batch: _Batch, keys: Sequence[LineKey]) -> int:
        linked = 0
        seen: dict[str, str] = {}
        for key in keys:
            if key.request_key is None:
                continue
            if seen.setdefault(key.request_key, key.identity.digest) != key.identity.digest:
                raise ModellixError(ErrorCode.REQUEST_KEY_REUSED, "Two requests, one key.")
            found = self._by_key(key.request_key, key.identity.digest)
            if found is not None:
                linked += 1
                _link(batch.lines[key.line], found.number)
        return linked

    def _counts(self, one: _Submission, generation: int) -> bool:
        """Whether an attempt can answer for a line of a batch."""
        return (
            one.state is not REJECTED
            and one.generation >= generation
            and (one.batch is not None or one.state is not ACCEPTED)
            and not self._replaced(one.number, one.identity)
        )

    def _taken(self, batch: _Batch, identity: str) -> set[int | None]:
        return {
            line.submission for line in batch.lines.values() if line.key.identity.digest == identity
        }

    def _replaced(self, number: int, identity: str) -> bool:
        return any(
            later.replaces == number and later.state is not REJECTED
            for later in self._of.get(identity, ())
        )

    def _paid(self, batch: _Batch) -> PaidBefore:
        counts = {"accepted": 0, "unknown": 0, "in_flight": 0}
        origins: dict[int, float] = {}
        for line in batch.lines.values():
            attempt = self._linked(line)
            if attempt is None:
                continue
            counts["in_flight" if attempt.in_flight else str(attempt.state)] += 1
            known = origins.setdefault(attempt.batch or 0, attempt.created_at)
            origins[attempt.batch or 0] = min(known, attempt.created_at)
        return PaidBefore(**counts, batches=tuple(sorted(origins.items())))

    def _attempt(self, one: _Submission) -> Attempt:
        state, detail, in_flight = one.state, one.detail, False
        if state is INTENT:
            in_flight = one.owner.pid in self.processes.alive
            if not in_flight:
                state, detail = UNKNOWN, detail or CUT_SHORT
        return Attempt(
            one.number,
            "",
            state,
            one.slug,
            one.task_id,
            detail,
            one.created_at,
            one.batch,
            one.line,
            one.line_id,
            "default",
            in_flight,
            self._statuses.get(one.task_id) if one.task_id else None,
            estimated=one.cost,
            rejected_by=read_rejected_by(state, one.rejected_by),
        )

    def _linked(self, line: _Line) -> Attempt | None:
        """Return the attempt that answers for a line; one that never left does not."""
        if line.submission is None:
            return None
        attempt = self._attempt(self._submissions[line.submission])
        return None if attempt.rejected_by is RejectedBy.INTERRUPT else attempt

    def lines(self, batch: int) -> list[BatchLine]:
        return [
            BatchLine(
                number,
                line.key.slug,
                line.key.name,
                self._linked(line),
                line.status,
                line.detail,
                line.urls,
                line.files,
            )
            for number, line in sorted(self._batches[batch].lines.items())
        ]

    def _by_key(self, key: str | None, identity: str) -> _Submission | None:
        if key is None:
            return None
        found = [
            one
            for one in self._submissions.values()
            if one.request_key == key
            and one.state is not REJECTED
            and not self._replaced(one.number, one.identity)
        ]
        if not found:
            return None
        found.sort(key=lambda one: (one.state is not ACCEPTED, one.number))
        if found[0].identity != identity:
            raise ModellixError(ErrorCode.REQUEST_KEY_REUSED, "The request key was used before.")
        return found[0]

    def claim_lines(self, batch: int, requests: Sequence[Request]) -> list[Claim]:
        if batch not in self._batches:
            raise ModellixError(ErrorCode.LEDGER_LOST, "The batch is gone.")
        return [self._claim_line(self._batches[batch], request) for request in requests]

    def _claim_line(self, batch: _Batch, request: Request) -> Claim:
        line = batch.lines[request.line]
        identity = request.identity.digest
        replaces, linked = request.resends or request.retries, line.submission
        claim: Claimed | Attempt | None = None
        for number in dict.fromkeys((replaces, linked)):
            claim = claim or self._standing(number, request)
        claim = claim or self._not_replaced(self._by_key(request.request_key, identity), request)
        doubted = self._submissions.get(replaces or 0)
        if claim is None and (doubted is None or doubted.state is REJECTED):
            found = self._unlinked(batch, request, line.generation)
            claim = None if found is None else self._attempt(found)
        if claim is None and (refused := self._too_dear(request)):
            return refused
        if claim is None and self._reopen(request):
            claim = Claimed(request.repeats or 0)
        if claim is None:
            made = self._insert(request, line.generation, batch.number, replaces)
            claim = Claimed(made.number)
        if isinstance(claim, Attempt):
            self._bind_key(request.request_key, identity, claim.number)
        _link(line, claim.number)
        return claim

    def _not_replaced(self, found: _Submission | None, request: Request) -> Attempt | None:
        if found is None or found.number in (request.resends, request.retries):
            return None
        return self._attempt(found)

    def _standing(self, number: int | None, request: Request) -> Attempt | None:
        one = self._submissions.get(number or 0)
        if one is None:
            return None
        later = [
            other.number
            for other in self._of[one.identity]
            if other.replaces == one.number and other.state is not REJECTED
        ]
        if later:
            return self._standing(later[-1], request)
        attempt = self._attempt(one)
        may = attempt.state.may_send(
            resend_unknown=one.number == request.resends,
            retry_failed=one.number == request.retries,
            task_failed=self._has_failed(one),
        )
        return None if may else attempt

    def _has_failed(self, one: _Submission) -> bool:
        ends = [
            line.status
            for batch in self._batches.values()
            for line in batch.lines.values()
            if line.submission == one.number
        ]
        known = self._statuses.get(one.task_id) if one.task_id else None
        return any(map(has_failed, (known, *ends)))

    def _reopen(self, request: Request) -> bool:
        one = self._submissions.get(request.repeats or 0)
        if one is None or one.state is not REJECTED:
            return False
        one.state, one.detail, one.owner = INTENT, None, self.processes.current
        one.rejected_by = None
        one.created_at, one.uptime = self._clock.now(), self._clock.uptime()
        one.cost = request.estimated_cost
        return True

    def _too_dear(self, request: Request) -> TooDear | None:
        verdict = judge(
            request.limits, request.estimated_cost, lambda budget: self._spent(budget.period)
        )
        if verdict is Verdict.ALLOWED:
            return None
        over = verdict is Verdict.OVER_BUDGET
        code = ErrorCode.BUDGET_EXCEEDED if over else ErrorCode.COST_LIMIT
        return TooDear(ModellixError(code, "It costs too much."))

    def _spent(self, period: float) -> Money:
        """What counts of the last `period` seconds, all of them in one boot of the machine."""
        spent = NOTHING
        for one in self._submissions.values():
            if one.state is not REJECTED and self._clock.uptime() - one.uptime < period:
                task_id = one.task_id if one.state is ACCEPTED else None
                spent += self._billed.get(task_id or "", one.cost or NOTHING)
        return spent

    def _unlinked(self, batch: _Batch, request: Request, generation: int) -> _Submission | None:
        identity = request.identity.digest
        taken = self._taken(batch, identity)
        found = [
            one
            for one in self._of.get(identity, ())
            if self._counts(one, generation)
            and one.number not in taken
            and (one.batch != batch.number or self._resent(one))
        ]
        found.sort(
            key=lambda one: (
                one.line_id != request.line_id,
                one.state is not ACCEPTED,
                one.number,
            )
        )
        return found[0] if found else None

    def _resent(self, one: _Submission) -> bool:
        return any(other.replaces == one.number for other in self._of[one.identity])

    def _insert(
        self, request: Request, generation: int, batch: int | None, replaces: int | None
    ) -> _Submission:
        one = _Submission(
            max(self._submissions, default=0) + 1,
            request.identity.digest,
            request.slug,
            generation,
            replaces,
            batch,
            request.line or None,
            request.line_id,
            request.request_key or self._key_of(replaces),
            self._clock.now(),
            self.processes.current,
            uptime=self._clock.uptime(),
            cost=request.estimated_cost,
        )
        self._submissions[one.number] = one
        self._of.setdefault(one.identity, []).append(one)
        return one

    def _key_of(self, number: int | None) -> str | None:
        return self._submissions[number].request_key if number is not None else None

    def claim(self, request: Request, *, resume: bool, resend_unknown: bool) -> Claim:
        identity = request.identity.digest
        own = self._submissions.get(request.repeats or 0)
        if own is not None and own.state is SubmissionState.ACCEPTED:
            return self._attempt(own)
        generation = self._generation(identity)
        by_key = self._by_key(request.request_key, identity)
        earlier = self._not_replaced(by_key, request)
        if earlier is None:
            earlier = self._earlier(identity, generation, resume, resend_unknown)
        if earlier is not None and not earlier.state.may_send(resend_unknown=resend_unknown):
            self._bind_key(request.request_key, identity, earlier.number)
            return earlier
        if refused := self._too_dear(request):
            return refused
        replaces = None if earlier is None else earlier.number
        if replaces is None and self._reopen(request):
            return Claimed(request.repeats or 0)
        return Claimed(self._insert(request, generation, None, replaces).number)

    def _earlier(
        self, identity: str, generation: int, resume: bool, resend_unknown: bool
    ) -> Attempt | None:
        same = [
            one
            for one in reversed(self._of.get(identity, []))
            if one.state is not REJECTED
            and one.generation >= generation
            and not self._replaced(one.number, identity)
            and (resume or one.state in (INTENT, UNKNOWN))
        ]
        found = [self._attempt(one) for one in same]
        found.sort(key=lambda attempt: _ORDER.index(attempt.state))
        if not resume:
            found = [attempt for attempt in found if not attempt.in_flight]
        if not found and resend_unknown:
            found = [self._attempt(one) for one in same if one.replaces is not None]
        return found[0] if found else None

    def record(self, number: int, outcome: Outcome) -> bool:
        one = self._submissions.get(number)
        if one is None:
            raise ModellixError(ErrorCode.LEDGER_LOST, "The request is gone.")
        if one.state is ACCEPTED:
            return False
        one.state, one.detail = outcome.state, outcome.detail
        one.rejected_by = outcome.rejected_by
        one.task_id = outcome.task_id if outcome.task_id is not None else one.task_id
        if one.state is ACCEPTED and one.task_id is None:
            one.state = UNKNOWN
        if one.state is ACCEPTED and one.task_id is not None:
            self._statuses.setdefault(one.task_id, "submitted")
        return True

    def attempt(self, number: int) -> Attempt | None:
        one = self._submissions.get(number)
        return None if one is None else self._attempt(one)

    def record_status(self, task_id: str, status: str, billed: Money | None = None) -> None:
        if is_final(status) or not is_final(self._statuses.get(task_id)):
            self._statuses[task_id] = status
        if billed is not None:
            self._billed[task_id] = billed

    def record_end(self, batch: int, line: BatchLine, task_id: str | None = None) -> None:
        kept = self._batches[batch].lines.get(line.line)
        known = None if kept is None else self._submissions.get(kept.submission or 0)
        others = task_id is not None and known is not None and known.task_id != task_id
        if kept is not None and not others:
            kept.status, kept.detail = line.status, line.detail
            kept.urls, kept.files = line.urls, line.files

    def finish(self, batch: int, state: str) -> None:
        self._batches[batch].state = state
        self._take_back_unsent(self._batches[batch])

    def replaces(self, number: int) -> int | None:
        return self._submissions[number].replaces

    def rows(self) -> list[Row]:
        return [Row(one.number, one.state, one.task_id) for one in self._submissions.values()]
