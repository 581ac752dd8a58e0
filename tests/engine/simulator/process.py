"""A process: the driver of an engine in virtual time."""

from collections import deque
from collections.abc import Callable

from modellix_cli.domain.errors import ErrorCode, ModellixError
from modellix_cli.domain.identity import RequestIdentity
from modellix_cli.domain.submission_state import SubmissionState
from modellix_cli.engine.core import effects, events
from modellix_cli.engine.core.engine import Engine
from modellix_cli.engine.core.lines import Known, Line, LineOutcome
from modellix_cli.ledger.attempt import Attempt
from modellix_cli.ledger.records import (
    BatchLine,
    Claim,
    Claimed,
    LineKey,
    Outcome,
    Request,
    StartedBatch,
    TooDear,
)
from tests.engine.simulator.checks import Checks
from tests.engine.simulator.coverage import Coverage
from tests.engine.simulator.ledger_api import Ledger, has_failed
from tests.engine.simulator.plan import Job, PlannedLine, Prices
from tests.engine.simulator.server import Answer, Server
from tests.engine.simulator.truth import Truth
from tests.engine.simulator.world import Violation, World

SLUG = "a/b"
FULL = ModellixError(ErrorCode.LEDGER_UNUSABLE, "The disk is full.")
LOST = ModellixError(ErrorCode.LEDGER_LOST, "The ledger is gone.")
HUNG = ModellixError(ErrorCode.SUBMISSION_UNKNOWN, "No reply in time.")
_DEADLINE = 45.0
Taken = int | Known | ModellixError


class Process:
    """Runs a job; `ended` is called when it is over, with whether it crashed."""

    def __init__(
        self,
        pid: int,
        job: Job,
        world: World,
        server: Server,
        ledger: Ledger,
        truth: Truth,
        coverage: Coverage | None,
        prices: Prices,
    ) -> None:
        self.pid = pid
        self.prices = prices
        self.job = job
        self.world = world
        self.server = server
        self.ledger = ledger
        self.truth = truth
        self.coverage = coverage
        self.name = f"p{pid}"
        self.checks = Checks(job.config, truth)
        self.engine = Engine(job.config, seed=pid)
        self.alive = False
        self.started = False
        self.crashed = False
        self.ended: Callable[[], None] = lambda: None
        self._planned = {line.ref: line for line in job.lines}
        self._lines: deque[Line] = deque()
        self._batch: int | None = None
        self._events: deque[events.Event] = deque()
        self._busy = False
        self._effects_left = job.crash_after
        self._ledger_lost = False
        self._told_lost = False
        self._unrecorded: list[effects.RecordOutcome] = []
        self._stop_saving = 0
        self._stop_told = False
        self._wake_at: float | None = None
        self._held_until = 0.0
        self._refusals = 0
        self._room_is_short = False

    # --- life

    def start(self) -> None:
        """Begin as the command does: open the ledger, then run the engine."""
        self.alive = self.started = True
        self.ledger.processes.alive.add(self.pid)
        self.ledger.processes.switch(self.pid)
        try:
            begun = self._begin()
        except ModellixError:
            begun = False
        if not begun:
            self.world.say(self.name, "does not begin")
            self._end()
            return
        self._plan_trouble()
        self._feed(events.Woke())

    def _begin(self) -> bool:
        job = self.job
        if self.world.trace is not None:
            self.world.say(self.name, f"begins {job}")
        if job.single:
            line = job.lines[0]
            self._lines.append(self._line(line, None))
            self.truth.wants_run(line.identity)
            return True
        keys = [
            LineKey(line.ref, line.name, SLUG, _identity(line), b"{}", line.request_key)
            for line in job.lines
        ]
        started = self.ledger.begin(keys, job.digest, job.on_paid)
        if not isinstance(started, StartedBatch):
            return False
        self._batch = started.batch.number
        self.truth.wants_lines([line.identity for line in job.lines], job.on_paid)
        for kept in self.ledger.lines(self._batch):
            planned = self._planned[kept.line]
            known = None if kept.attempt is None else self._known(kept.attempt, kept)
            self._lines.append(self._line(planned, known))
        return True

    def _line(self, planned: PlannedLine, known: Known | None) -> Line:
        return Line(
            planned.ref,
            SLUG,
            planned.name,
            known,
            planned.needs,
            planned.prepare,
            self.job.resend,
            self.job.retry_failed,
        )

    def _plan_trouble(self) -> None:
        job = self.job
        if job.stop_after is not None:
            self.world.later(job.stop_after, self._stop)
        if job.lose_ledger_after is not None:
            self.world.later(job.lose_ledger_after, self._lose_ledger)

    def _stop(self) -> None:
        if not self.alive or self._stop_told:
            return
        self._stop_told = True
        self._feed(events.Stop("Skipped: interrupted.", follow=self.job.stop_follows))
        if not self.job.stop_follows:
            self.world.later(self.job.grace, self._grace_over)
        elif self.world.chance(0.5):  # Ctrl-C once more
            self.world.later(3.0, lambda: self._feed(events.Stop("Skipped: interrupted.")))
            self.world.later(3.0 + self.job.grace, self._grace_over)

    def _grace_over(self) -> None:
        if self.alive:
            self._feed(events.GraceOver())
            self.world.later(1.0, self._check_over)

    def _check_over(self) -> None:
        if self.alive:
            raise Violation("it goes on after its grace")

    def _lose_ledger(self) -> None:
        self._ledger_lost = True
        if self.alive:
            self._lost()

    def _lost(self) -> None:
        if not self._told_lost:
            self._told_lost = True
            self._feed(events.LedgerLost(LOST))

    def crash(self) -> None:
        """Die at once; the ledger and what was sent remain."""
        self.world.say(self.name, "CRASHES")
        self.crashed = True
        self._end()

    def _end(self) -> None:
        self.alive = False
        self._events.clear()
        self.ledger.processes.alive.discard(self.pid)
        self.ended()

    # --- the loop

    def _feed(self, event: events.Event) -> None:
        if not self.alive:
            return
        self._events.append(event)
        if self._busy:
            return
        self._busy = True
        try:
            while self._events and self.alive:
                self._step(self._events.popleft())
        finally:
            self._busy = False

    def _step(self, event: events.Event) -> None:
        tracing = self.world.trace is not None
        if tracing:
            self.world.say(self.name, f"<- {event}")
        self.ledger.processes.switch(self.pid)
        for effect in self._asked(event):
            if tracing and not isinstance(effect, effects.Tell | effects.WakeAt):
                self.world.say(self.name, f"   -> {effect}")
            self._carry_out(effect)
            if not self.alive:
                return
            if self._effects_left is not None:
                self._effects_left -= 1
                if self._effects_left <= 0:
                    self.crash()
                    return

    def _asked(self, event: events.Event) -> list[effects.Effect]:
        """Let the engine take an event; return what it asks for, which was checked."""
        self.checks.before(event, self.world.time, self.world.woke_at)
        seen = [] if self.coverage is None else self.coverage.before(self.engine, event)
        asked = list(self.engine.step(event, self.world.time))
        if self.coverage is not None:
            self.coverage.after(self.engine, seen)
        for effect in asked:
            self.checks.effect(effect)
        self.checks.after()
        return asked

    def _soon(self, event: events.Event, longest: float = 0.02) -> None:
        """Answer at once, or a little later, so that answers come in any order."""
        if self.world.chance(0.6):
            self._events.append(event)
        else:
            delay = self.world.random.uniform(0.0, longest)
            self.world.later(delay, lambda: self._feed(event))

    def _carry_out(self, effect: effects.Effect) -> None:
        match effect:
            case effects.FetchWork():
                self._fetch(effect.at_most)
            case effects.Prepare(ref=ref):
                self._later(0.3, lambda: events.Prepared(ref, self._maybe(ErrorCode.INVALID_MEDIA)))
            case effects.AskSubmit(ref=ref):
                self._soon(self._leave(ref))
            case effects.AskPoll(task_id=task_id):
                if self.world.chance(self.job.delivered / 10):
                    self.world.later(0.0, lambda: self._feed(events.Delivered(task_id)))
                held = self.world.chance(self.job.holds)
                self._soon(
                    events.PollHeld(task_id, self.world.random.choice((0.01, 2.0, 20.0)))
                    if held
                    else events.PollAllowed(task_id)
                )
            case effects.RecordIntents(intents=intents):
                self._record_intents(intents)
            case effects.Post():
                self._post(effect)
            case effects.RecordOutcome():
                if not self._record(effect):
                    self._unrecorded.append(effect)
                    self._lost()
            case effects.WatchAttempt(ref=ref, number=number):
                self._soon(events.AttemptSeen(ref, self._see(number)))
                if self.job.lose_ledger_while_asking:
                    self.world.later(0.0, self._lose_ledger)
            case effects.Poll(task_id=task_id):
                self._poll(task_id)
            case effects.Save():
                self._save(effect)
            case effects.StopSaving():
                self._stop_saving += 1
            case effects.RecordEnd(outcome=outcome):
                self._record_end(outcome.ref, outcome.status, outcome)
            case effects.Emit():
                if self.job.stop_on_emit:
                    self.world.later(0.0, self._stop)
            case effects.WakeAt(moment=moment):
                self._wake(moment)
            case effects.Finish():
                self._finish()

    def _wake(self, moment: float) -> None:
        """Wake at the moment that was asked for last, once."""
        if self._wake_at == moment:
            return
        self._wake_at = moment

        def wake() -> None:
            if self._wake_at == moment:
                self._wake_at = None
                self._feed(events.Woke())

        self.world.later(moment - self.world.time, wake)

    def _later(self, delay: float, event: Callable[[], events.Event]) -> None:
        delay *= self.world.random.uniform(0.1, 2.0)
        self.world.later(delay, lambda: self._feed(event()))

    def _maybe(self, code: ErrorCode) -> ModellixError | None:
        return ModellixError(code, "No.") if self.world.chance(self.job.prepare_faults) else None

    def _fetch(self, at_most: int) -> None:
        some = tuple(self._lines.popleft() for _ in range(min(at_most, len(self._lines))))
        durations = {SLUG: self.job.durations} if self.job.durations else {}
        self._soon(events.Work(some, bool(self._lines), durations))

    def _leave(self, ref: int) -> events.Event:
        held = self._held_until - self.world.time
        if held > 0:
            return events.SubmitHeld(ref, held, slots_full=self._room_is_short)
        if not self.world.chance(self.job.holds):
            return events.SubmitAllowed(ref)
        if self.job.lose_ledger_while_asking:
            self.world.later(0.0, self._lose_ledger)
        seconds = self.world.random.choice((0.0, 0.3, 4.0, 31.0))
        return events.SubmitHeld(ref, seconds, slots_full=self.world.chance(0.4))

    # --- the ledger

    def _fails(self) -> bool:
        return self._ledger_lost or self.world.chance(self.job.ledger_faults)

    def _record_intents(self, intents: tuple[effects.Intent, ...]) -> None:
        def work() -> None:
            if not self.alive:
                return
            self.ledger.processes.switch(self.pid)
            refs = tuple(intent.ref for intent in intents)
            if self._fails():
                self._feed(events.NotRecorded(refs, LOST if self._ledger_lost else FULL))
                return
            try:
                claims = self._claim(intents)
            except ModellixError as error:
                self._feed(events.NotRecorded(refs, error))
                return
            self._feed(events.Recorded(claims))

        delay = 0.0 if self.world.chance(0.7) else self.world.random.uniform(0, 0.2)
        self.world.later(delay, work)

    def _claim(self, intents: tuple[effects.Intent, ...]) -> dict[int, Taken]:
        requests = [self._request(intent) for intent in intents]
        if self._batch is None:
            job = self.job
            claims = [
                self.ledger.claim(one, resume=job.resume, resend_unknown=job.resend)
                for one in requests
            ]
        else:
            claims = self.ledger.claim_lines(self._batch, requests)
        found: dict[int, Taken] = {}
        for intent, request, claim in zip(intents, requests, claims, strict=True):
            found[intent.ref] = self._claimed(request, claim)
        return found

    def _request(self, intent: effects.Intent) -> Request:
        planned = self._planned[intent.ref]
        return Request(
            _identity(planned),
            SLUG,
            b"",
            0 if self._batch is None else planned.ref,
            planned.name,
            planned.request_key,
            resends=None if self._batch is None else intent.resends,
            retries=None if self._batch is None else intent.retries,
            repeats=intent.repeats,
            estimated_cost=self.prices.costs.get(planned.identity),
            limits=self.prices.limits,
        )

    def _claimed(self, request: Request, claim: Claim) -> Taken:
        if isinstance(claim, TooDear):
            return claim.error
        if not isinstance(claim, Claimed):
            return self._known(claim)
        replaces = self.ledger.replaces(claim.number)
        if replaces is not None:
            self._check_word(replaces)
        self.truth.claimed(claim.number, request.identity.digest, request.request_key, replaces)
        self.truth.attempts[claim.number].claimed_at = self.world.time
        return claim.number

    def _check_word(self, replaces: int) -> None:
        old = self.ledger.attempt(replaces)
        assert old is not None
        if old.state is SubmissionState.REJECTED:
            return
        if self.job.single and not self.job.resume and old.state is SubmissionState.ACCEPTED:
            return  # typing a request again that was accepted is the user's word
        unknown = old.state is SubmissionState.UNKNOWN
        task = self.server.tasks.get(old.task_id or "")
        failed = old.state is SubmissionState.ACCEPTED and task is not None and task.failed
        if not ((unknown and self.job.resend) or (failed and self.job.retry_failed)):
            raise Violation(f"attempt {replaces} is sent again without the user's word")

    def _record(self, effect: effects.RecordOutcome) -> bool:
        if self._fails():
            return False
        self.ledger.processes.switch(self.pid)
        self.truth.recorded(effect.number, effect.state, effect.task_id)
        self.ledger.record(effect.number, Outcome(effect.state, effect.task_id, effect.detail))
        return True

    def _see(self, number: int) -> Known | None:
        if self._fails():
            return None
        attempt = self.ledger.attempt(number)
        return None if attempt is None else self._known(attempt)

    def _known(self, attempt: Attempt, line: BatchLine | None = None) -> Known:
        status = None if line is None else line.status
        return Known(
            attempt.number,
            attempt.state,
            attempt.task_id,
            line.detail if line is not None and status is not None else attempt.detail,
            attempt.in_flight,
            status,
            () if line is None else line.urls,
            None if line is None else line.files,
            self.world.now() - attempt.created_at,
            failed=has_failed(attempt.status) or has_failed(status),
            last_status=status or attempt.status,
        )

    def _record_end(self, ref: int, status: str | None, outcome: LineOutcome) -> None:
        if self._batch is None or self._fails():
            return
        line = BatchLine(
            ref, SLUG, outcome.name, None, status, outcome.detail, outcome.urls, outcome.files
        )
        self.ledger.record_end(self._batch, line, outcome.task_id)

    # --- the network

    def _post(self, effect: effects.Post) -> None:
        self.world.later(self.server.latency(), lambda: self._arrive(effect))

    def _arrive(self, effect: effects.Post) -> None:
        """The request reaches the server, whether or not its sender still lives."""
        if not self.alive and self.world.chance(0.5):
            return
        cost = self.prices.costs.get(self._planned[effect.ref].identity)
        answer = self.server.post(effect.number, cost)
        delay = self.server.latency()
        if self.world.chance(0.03):
            delay = self.world.random.uniform(10.0, 70.0)
        if delay > _DEADLINE:
            answer, delay = Answer(error=HUNG), _DEADLINE
        self.world.later(delay, lambda: self._answered(effect, answer))

    def _answered(self, effect: effects.Post, answer: Answer) -> None:
        """A thread of the driver has the reply: it records it, then tells the engine."""
        if not self.alive and not (self.checks.finished and self.job.lingers):
            return
        error = answer.error
        if error is None:
            record = effects.RecordOutcome(effect.number, SubmissionState.ACCEPTED, answer.task_id)
        else:
            unknown = error.code is ErrorCode.SUBMISSION_UNKNOWN
            state = SubmissionState.UNKNOWN if unknown else SubmissionState.REJECTED
            record = effects.RecordOutcome(effect.number, state, error.task_id, error.message)
            if not unknown:
                self.truth.learned_refusal(effect.number)
        recorded = self._record(record)
        if self.alive and self._effects_left is not None and self.world.chance(0.05):
            self.crash()
            return
        self._learn_limits(error)
        reply = events.Replied(effect.ref, answer.task_id, error, recorded=recorded)
        if self.alive:
            self._feed(reply)
        else:
            self._late(reply)
        if not recorded:
            self._lost()

    def _learn_limits(self, error: ModellixError | None) -> None:
        """Hold requests back after a refusal, as the governor does."""
        if error is None:
            self._refusals = 0
        elif error.code is ErrorCode.RATE_LIMITED:
            pause = error.retry_after or min(2.0**self._refusals, 10.0)
            self._refusals += 1
            self._held_until = self.world.time + pause
            self._room_is_short = error.concurrency_limited

    def _late(self, reply: events.Replied) -> None:
        """The engine has ended; what comes in late is recorded all the same."""
        self.world.say(self.name, f"<- late {reply}")
        for effect in self._asked(reply):
            if isinstance(effect, effects.RecordOutcome):
                self._record(effect)

    def _poll(self, task_id: str) -> None:
        def arrive() -> None:
            event = self.server.poll(task_id)
            if isinstance(event, events.Polled) and not self._fails():
                task = event.task
                billed = self.server.billing(task_id) if task.finished else None
                self.ledger.record_status(task_id, task.status, billed)
            self.world.later(self.server.latency(), lambda: self._feed(event))

        self.world.later(self.server.latency(), arrive)
        task = self.server.tasks.get(task_id)
        if task is not None and self.world.chance(self.job.delivered):
            self.world.later(
                min(task.ends, self.world.time + 500) - self.world.time,
                lambda: self._feed(events.Delivered(task_id)),
            )

    def _save(self, effect: effects.Save) -> None:
        generation = self._stop_saving

        def saved() -> events.Event:
            failed = self.world.chance(self.job.save_faults)
            if not failed:
                return events.Saved(effect.ref, ({"path": "x"},))
            final = self.world.chance(0.4)
            code = ErrorCode.RESULT_EXPIRED if final else ErrorCode.DOWNLOAD_FAILED
            return events.Saved(effect.ref, (), (ModellixError(code, "No."),), final=final)

        def deliver() -> None:
            if generation == self._stop_saving or self.world.chance(0.5):
                self._feed(saved())

        self.world.later(self.world.random.uniform(0.1, 5.0), deliver)

    def _finish(self) -> None:
        for record in self._unrecorded:
            self._record(record)
        if self._batch is not None and not self._fails():
            left = any(outcome.needs_resume for outcome in self.checks.emitted.values())
            self.ledger.finish(self._batch, "stopped" if left else "done")
        self._end()


def _identity(line: PlannedLine) -> RequestIdentity:
    return RequestIdentity(line.identity)
