"""A driver for unit tests: scripted answers, time that goes on by itself, a log of effects."""

import heapq
from collections.abc import Callable
from itertools import count
from typing import Any, TypeVar

from modellix_cli.domain.errors import ErrorCode, ModellixError
from modellix_cli.domain.submission_state import SubmissionState
from modellix_cli.engine.core import effects, events
from modellix_cli.engine.core.config import EngineConfig, Follow
from modellix_cli.engine.core.engine import Engine
from modellix_cli.engine.core.lines import Known, Line, LineOutcome
from modellix_cli.engine.notices import Notice
from tests.engine.tasks import task_of

SLUG = "a/b"
E = TypeVar("E", bound=effects.Effect)
Answer = ModellixError | str | None
"""What a POST comes to: an error, a task's id, None if it never ends."""


def lines(total: int, **facts: Any) -> list[Line]:
    return [Line(ref, SLUG, **facts) for ref in range(1, total + 1)]


class Bench:
    """Runs an engine. `answers` are what the POSTs of a line come to, in turn, then `task-N`."""

    def __init__(self, work: list[Line], **config: Any) -> None:
        self.config = EngineConfig(**config)
        self.engine = Engine(self.config, seed=1)
        self.work = list(work)
        self.now = 0.0
        self.log: list[effects.Effect] = []
        self.times: list[float] = []
        self.answers: dict[int, list[Answer]] = {}
        self.always: Answer | Callable[[], Answer] = ""
        self.latency = 0.1
        self.runs_for = 5.0
        self.made_at: dict[str, float] = {}
        self.ends: dict[str, Any] = {"status": "success"}
        self.poll_trouble: Callable[[str], ModellixError | None] = lambda task_id: None
        self.holds: list[tuple[float, bool]] = []
        self.claims: dict[int, list[int | Known | ModellixError]] = {}
        self.seen: dict[int, list[Known | None]] = {}
        self.not_recorded: ModellixError | None = None
        self.recorded = True
        self.prepare_error: ModellixError | None = None
        self.save: Callable[[effects.Save], events.Saved] = lambda save: events.Saved(save.ref, ())
        self.at: list[tuple[float, events.Event]] = []
        self.on_effect: Callable[[effects.Effect], events.Event | None] = lambda effect: None
        self.durations: dict[str, tuple[float, ...]] = {}
        self._numbers = count(1)
        self._order = count()
        self._heap: list[tuple[float, int, Callable[[], events.Event]]] = []
        self._wake_at: float | None = None

    # --- what came of it

    def all(self, kind: type[E]) -> list[E]:
        return [effect for effect in self.log if isinstance(effect, kind)]

    @property
    def posts(self) -> list[int]:
        return [post.ref for post in self.all(effects.Post)]

    @property
    def outcomes(self) -> list[LineOutcome]:
        return sorted((emit.outcome for emit in self.all(effects.Emit)), key=lambda o: o.ref)

    @property
    def states(self) -> list[str]:
        return [str(outcome.state or "skipped") for outcome in self.outcomes]

    @property
    def notices(self) -> list[Notice]:
        return [tell.notice for tell in self.all(effects.Tell)]

    def polls_at(self, task_id: str) -> list[float]:
        pairs = zip(self.log, self.times, strict=True)
        return [round(at, 1) for effect, at in pairs if effect == effects.Poll(task_id)]

    # --- running

    def run(self, longest: float = 1e5) -> list[LineOutcome]:
        """Run to the end, or until nothing happens any more; return what was emitted."""
        for moment, event in self.at:
            self._later(moment - self.now, lambda event=event: event)  # type: ignore[misc]
        self.at = []
        self.step(events.Woke())
        while self._heap and not self.engine.finished and self.now < longest:
            moment, _, happen = heapq.heappop(self._heap)
            self.now = max(self.now, moment)
            self.step(happen())
        return self.outcomes

    def step(self, event: events.Event) -> None:
        asked = self.engine.step(event, self.now)
        self.log += asked
        self.times += [self.now] * len(asked)
        for effect in asked:
            extra = self.on_effect(effect)
            if extra is not None:
                self._later(0.0, lambda extra=extra: extra)  # type: ignore[misc]
            self._carry_out(effect)

    def _later(self, delay: float, event: Callable[[], events.Event]) -> None:
        heapq.heappush(self._heap, (self.now + max(0.0, delay), next(self._order), event))

    def _answer(self, event: events.Event) -> None:
        self._later(0.0, lambda: event)

    def _carry_out(self, effect: effects.Effect) -> None:
        match effect:
            case effects.FetchWork(at_most=at_most):
                some, self.work = self.work[:at_most], self.work[at_most:]
                durations, self.durations = self.durations, {}
                self._answer(events.Work(tuple(some), bool(self.work), durations))
            case effects.Prepare(ref=ref):
                self._later(0.5, lambda: events.Prepared(ref, self.prepare_error))
            case effects.AskSubmit(ref=ref):
                held = self.holds.pop(0) if self.holds else None
                self._answer(
                    events.SubmitAllowed(ref) if held is None else events.SubmitHeld(ref, *held)
                )
            case effects.AskPoll(task_id=task_id):
                self._answer(events.PollAllowed(task_id))
            case effects.RecordIntents(intents=intents):
                self._record(intents)
            case effects.Post():
                self._post(effect)
            case effects.WatchAttempt(ref=ref):
                known = self.seen[ref].pop(0)
                self._answer(events.AttemptSeen(ref, known))
            case effects.Poll(task_id=task_id):
                self._later(0.0, lambda: self._poll(task_id))
            case effects.Save():
                self._later(1.0, lambda: self.save(effect))
            case effects.WakeAt(moment=moment):
                if self._wake_at != moment:
                    self._wake_at = moment
                    self._later(moment - self.now, events.Woke)

    def _record(self, intents: tuple[effects.Intent, ...]) -> None:
        if self.not_recorded is not None:
            refs = tuple(intent.ref for intent in intents)
            self._answer(events.NotRecorded(refs, self.not_recorded))
            return
        claims: dict[int, int | Known | ModellixError] = {}
        for intent in intents:
            scripted = self.claims.get(intent.ref)
            claims[intent.ref] = scripted.pop(0) if scripted else next(self._numbers)
        self._answer(events.Recorded(claims))

    def _post(self, effect: effects.Post) -> None:
        scripted = self.answers.get(effect.ref)
        answer = scripted.pop(0) if scripted else self.always
        if callable(answer):
            answer = answer()
        if answer is None:
            return
        if answer == "":
            answer = f"task-{effect.ref}"
        recorded = self.recorded
        if isinstance(answer, str):
            self.made_at[answer] = self.now
            reply = events.Replied(effect.ref, answer, recorded=recorded)
        else:
            reply = events.Replied(effect.ref, error=answer, recorded=recorded)
        self._later(self.latency, lambda: reply)

    def _poll(self, task_id: str) -> events.Event:
        trouble = self.poll_trouble(task_id)
        if trouble is not None:
            return events.PollFailed(task_id, trouble)
        if self.now - self.made_at.get(task_id, 0.0) < self.runs_for:
            return events.Polled(task_of(task_id))
        return events.Polled(task_of(task_id, **self.ends))


def known(
    state: SubmissionState = SubmissionState.ACCEPTED, task_id: str | None = "task-0", **facts: Any
) -> Known:
    return Known(facts.pop("number", 70), state, task_id, **facts)


def refused() -> ModellixError:
    return ModellixError(ErrorCode.INVALID_REQUEST, "no prompt.", status=400)


def unavailable(wait: float | None = None) -> ModellixError:
    return ModellixError(ErrorCode.SERVICE_UNAVAILABLE, "later.", status=503, retry_after=wait)


def busy(wait: float | None = None) -> ModellixError:
    return ModellixError(ErrorCode.RATE_LIMITED, "busy.", status=429, retry_after=wait)


def crowded() -> ModellixError:
    return ModellixError(
        ErrorCode.RATE_LIMITED, "too many tasks run.", status=429, concurrency_limited=True
    )


def unknown(task_id: str | None = None) -> ModellixError:
    return ModellixError(ErrorCode.SUBMISSION_UNKNOWN, "cut.", task_id=task_id)


__all__ = [
    "Bench",
    "Follow",
    "busy",
    "crowded",
    "known",
    "lines",
    "refused",
    "unavailable",
    "unknown",
]
