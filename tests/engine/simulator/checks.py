"""What must hold after every step of an engine."""

from typing import Any

from modellix_cli.domain.errors import ModellixError
from modellix_cli.domain.submission_state import SubmissionState
from modellix_cli.domain.task import Task
from modellix_cli.engine.core import effects, events
from modellix_cli.engine.core.config import EngineConfig
from modellix_cli.engine.core.lines import Known, Line, LineOutcome
from tests.engine.simulator.truth import Truth
from tests.engine.simulator.world import Violation

MOST_STEPS = 20_000
REJECTED = SubmissionState.REJECTED


class Checks:
    """Follows one process: every event that its engine took, every effect that it asked for."""

    def __init__(self, config: EngineConfig, truth: Truth) -> None:
        self.config = config
        self.truth = truth
        self.steps = 0
        self.lines: dict[int, Line] = {}
        self.emitted: dict[int, LineOutcome] = {}
        self.finished = False
        self.stopped = False
        self.stop_after_step = False
        self.grace_over = False
        self.numbers: dict[int, list[int]] = {}
        """By line, the attempts that were recorded for it by this process."""
        self.in_flight: set[int] = set()
        self.polling: set[str] = set()
        self.saving: set[int] = set()
        self.leaves: set[int] = set()
        self.ready: set[int] = set()
        """Lines whose bodies are made."""
        self.asked: set[int] = set()
        self.asked_polls: set[str] = set()
        self.known_ids: set[str] = set()
        self.announced: set[tuple[int, str]] = set()
        self.doubts: dict[int, int] = {}
        """By line, the attempt of unknown outcome that it depends on."""
        self.recording: set[int] = set()
        self.to_record: set[tuple[int, SubmissionState]] = set()
        self.now = 0.0
        self.taken_at: dict[str, float] = {}
        self.woke_at = 0.0
        self.poll_at: dict[str, float] = {}
        self.held_polls = 0.0
        """When a poll was held back last."""
        self.foreign: dict[str, int] = {}
        self.failures: dict[str, int] = {}
        self.reached = False

    def before(self, event: events.Event, now: float, woke_at: float) -> None:
        """Take an event that the engine is about to take; the machine woke last at `woke_at`."""
        self.steps += 1
        self.now, self.woke_at = now, woke_at
        if self.steps > MOST_STEPS:
            raise Violation(f"it does not end: {MOST_STEPS} steps")
        match event:
            case events.Work(lines=lines):
                for line in lines:
                    self.lines[line.ref] = line
                    self._know(line.ref, line.known)
            case events.Recorded(claims=claims):
                self.recording -= claims.keys()
                too_dear = False
                for ref, claim in claims.items():
                    if isinstance(claim, Known):
                        self._know(ref, claim)
                    elif isinstance(claim, ModellixError):
                        too_dear = True
                    else:
                        self.numbers.setdefault(ref, []).append(claim)
                self.stop_after_step = too_dear
            case events.NotRecorded(refs=refs):
                self.recording.difference_update(refs)
                self.stopped = True
            case events.Prepared(ref=ref, error=None):
                self.ready.add(ref)
            case events.SubmitAllowed(ref=ref):
                self.asked.discard(ref)
                self.leaves.add(ref)
            case events.SubmitHeld(ref=ref):
                self.asked.discard(ref)
            case events.PollAllowed(task_id=task_id) | events.PollHeld(task_id=task_id):
                self.asked_polls.discard(task_id)
                self.poll_at[task_id] = now
                if isinstance(event, events.PollHeld):
                    self.held_polls = now
            case events.Replied():
                self._replied(event)
            case events.AttemptSeen(ref=ref, known=known):
                self._know(ref, known)
            case events.Polled(task=Task(task_id=task_id)):
                self.polling.discard(task_id)
                self.poll_at[task_id] = now
                self.foreign[task_id] = self.failures[task_id] = 0
                self.reached = True
            case events.PollFailed():
                self._poll_failed(event)
            case events.Saved(ref=ref):
                self.saving.discard(ref)
            case events.Stop() | events.LedgerLost():
                self.stopped = True
            case events.GraceOver():
                self.grace_over = True

    def _know(self, ref: int, known: Known | None) -> None:
        if known is None:
            return
        if known.task_id is not None:
            self._name(known.task_id)
            self.announced.add((known.number, known.task_id))
        if known.state is SubmissionState.UNKNOWN and not known.in_flight:
            self.doubts[ref] = known.number

    def _name(self, task_id: str) -> None:
        self.known_ids.add(task_id)
        self.taken_at.setdefault(task_id, self.now)

    def _replied(self, event: events.Replied) -> None:
        self.in_flight.discard(event.ref)
        self.reached = self.reached or event.task_id is not None
        number = self.numbers[event.ref][-1]
        task_id = event.task_id or (event.error.task_id if event.error else None)
        if task_id is not None:
            self._name(task_id)
        if event.recorded:
            if task_id is not None:
                self.announced.add((number, task_id))
        elif event.error is None:
            self.to_record.add((number, SubmissionState.ACCEPTED))
        elif event.error.code == "SUBMISSION_UNKNOWN":
            self.to_record.add((number, SubmissionState.UNKNOWN))
        else:
            self.to_record.add((number, REJECTED))

    def _poll_failed(self, event: events.PollFailed) -> None:
        task_id, code = event.task_id, event.error.code
        self.polling.discard(task_id)
        self.poll_at[task_id] = self.now
        passing = code in ("NETWORK", "RATE_LIMITED", "SERVICE_UNAVAILABLE")
        self.foreign[task_id] = self.foreign.get(task_id, 0) + (not passing)
        self.failures[task_id] = self.failures.get(task_id, 0) + 1
        self.reached = self.reached or (passing and event.error.status is not None)

    def effect(self, effect: effects.Effect) -> None:
        """Check one effect; they are checked in their order."""
        if self.finished and not isinstance(effect, effects.RecordOutcome):
            raise Violation(f"an effect after the end: {effect}")
        ref = getattr(effect, "ref", None)
        if ref is not None and ref not in self.lines:
            raise Violation(f"no such line: {effect}")
        match effect:
            case effects.Prepare(ref=ref):
                self._prepare(ref)
            case effects.AskSubmit(ref=ref):
                self._once(self.asked, ref, effect)
            case effects.AskPoll(task_id=task_id):
                self._task(task_id)
                self._once(self.asked_polls, task_id, effect)
            case effects.ReturnLeave(ref=ref):
                self._give_back(ref)
            case effects.RecordIntents(intents=intents):
                for intent in intents:
                    self._intend(intent)
            case effects.Post():
                self._post(effect)
            case effects.RecordOutcome():
                self._record_outcome(effect)
            case effects.Poll(task_id=task_id):
                self._task(task_id)
                self._once(self.polling, task_id, effect)
                self.poll_at[task_id] = self.now
                if len(self.polling) > self.config.polls:
                    raise Violation(f"{len(self.polling)} polls at a time")
            case effects.Save(ref=ref):
                self._once(self.saving, ref, effect)
                if len(self.saving) > self.config.saves:
                    raise Violation(f"{len(self.saving)} downloads at a time")
            case effects.StopSaving():
                self.saving.clear()
            case effects.Emit(outcome=outcome):
                self._emit(outcome)
            case effects.Finish():
                self._finish()

    def _once(self, under_way: set[Any], key: object, effect: effects.Effect) -> None:
        if key in under_way:
            raise Violation(f"asked for twice: {effect}")
        under_way.add(key)

    def _task(self, task_id: str) -> None:
        if task_id not in self.known_ids:
            raise Violation(f"nobody named task {task_id}")

    def _give_back(self, ref: int) -> None:
        if ref not in self.leaves:
            raise Violation(f"line {ref} gives back a leave that it has not")
        self.leaves.discard(ref)

    def _intend(self, intent: effects.Intent) -> None:
        if self.stopped:
            raise Violation(f"line {intent.ref} is to be recorded after the stop")
        if intent.ref not in self.leaves:
            raise Violation(f"line {intent.ref} is to be recorded without leave")
        if intent.ref in self.recording or intent.ref in self.in_flight:
            raise Violation(f"line {intent.ref} is under way already")
        self.recording.add(intent.ref)
        line = self.lines[intent.ref]
        unasked = (intent.resends is not None and not line.resend) or (
            intent.retries is not None and not line.retry_failed
        )
        if unasked:
            raise Violation(f"line {intent.ref} is sent again without the user's word")

    def _prepare(self, ref: int) -> None:
        """Check that what a line uses is there before its body is made."""
        for need in self.lines[ref].needs:
            end = self.emitted.get(need)
            if end is None or end.state is not SubmissionState.ACCEPTED or end.status != "success":
                raise Violation(f"line {ref} is prepared, and {need} has no result")

    def _post(self, effect: effects.Post) -> None:
        if self.stopped:
            raise Violation(f"line {effect.ref} is posted after the stop")
        numbers = self.numbers.get(effect.ref, [])
        if not numbers or numbers[-1] != effect.number:
            raise Violation(f"attempt {effect.number} is posted and not recorded")
        for earlier in numbers[:-1]:
            if earlier != effect.number and not self.truth.attempts[earlier].nothing:
                raise Violation(f"line {effect.ref} is posted though {earlier} may have worked")
        if effect.ref in self.emitted:
            raise Violation(f"line {effect.ref} is posted after its end")
        self._prepare(effect.ref)
        if self.lines[effect.ref].prepare and effect.ref not in self.ready:
            raise Violation(f"line {effect.ref} is posted before its body is ready")
        self._give_back(effect.ref)
        self.in_flight.add(effect.ref)
        if len(self.in_flight) > self.config.concurrency:
            raise Violation(f"{len(self.in_flight)} requests at a time")
        self.truth.posted(effect.number)

    def _record_outcome(self, effect: effects.RecordOutcome) -> None:
        if effect.task_id is not None:
            self.announced.add((effect.number, effect.task_id))
        self.to_record.discard((effect.number, effect.state))

    def _emit(self, outcome: LineOutcome) -> None:
        ref = outcome.ref
        if ref in self.emitted:
            raise Violation(f"line {ref} is emitted twice")
        if ref not in self.lines:
            raise Violation(f"line {ref} is emitted and was never there")
        self.emitted[ref] = outcome
        if outcome.task_id is not None and (outcome.number, outcome.task_id) not in self.announced:
            raise Violation(f"line {ref} names {outcome.task_id}, which is not recorded")
        if outcome.state is SubmissionState.ACCEPTED and outcome.task_id is None:
            raise Violation(f"line {ref} is accepted without an id")
        self._waited(outcome)
        free = outcome.state is None or outcome.state is REJECTED
        paid = [n for n in self.numbers.get(ref, ()) if not self.truth.attempts[n].nothing]
        if free and [n for n in paid if self.truth.attempts[n].posted]:
            raise Violation(f"line {ref} ends as {outcome.state}, and {paid} may have worked")
        if free and ref in self.doubts:
            raise Violation(f"line {ref} ends as {outcome.state}; {self.doubts[ref]} is unknown")
        if outcome.state is None and not outcome.needs_resume:
            raise Violation(f"line {ref} was not sent and is done")

    def _waited(self, outcome: LineOutcome) -> None:
        """Check that no wait ends too early."""
        task_id = outcome.task_id or ""
        if outcome.waiting == "lost":
            many = self.foreign.get(task_id, 0) >= 5
            if not many and (self.reached or self.failures.get(task_id, 0) < 4):
                raise Violation(f"task {task_id} is given up after a passing failure")
        polled = self.poll_at.get(task_id, 0.0) >= self.woke_at
        taken = self.taken_at.get(task_id, self.woke_at)
        had_time = self.now > self.woke_at + 10 or taken + self.config.timeout > self.woke_at
        held = self.held_polls >= self.woke_at > 0 and had_time
        # less than that past its deadline is not told from an ordinary delay
        slept = taken < self.woke_at and taken + self.config.timeout < self.now - 3
        if outcome.waiting == "timeout" and slept and not polled and not held:
            raise Violation(f"task {task_id} timed out in the machine's sleep, without a poll")

    def _finish(self) -> None:
        self.finished = True
        missing = self.lines.keys() - self.emitted.keys()
        if missing:
            raise Violation(f"it ends and says nothing of lines {sorted(missing)}")

    def after(self) -> None:
        """Check what must hold when all effects of a step are known."""
        self.stopped = self.stopped or self.stop_after_step
        if self.to_record:
            raise Violation(f"nobody records {sorted(self.to_record)}")

    def at_end(self) -> None:
        """Check what must hold when the process has ended in order."""
        if not self.finished:
            left = sorted(self.lines.keys() - self.emitted.keys())
            raise Violation(f"it waits for ever; lines without an end: {left}")
        if not self.grace_over and (self.leaves or self.in_flight):
            raise Violation(f"leaves are lost: {self.leaves | self.in_flight}")
