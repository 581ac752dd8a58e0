"""The governor: when a request may leave, so that none is sent only to be refused.

One for submissions and polls together, and for every process of this user with the same key: what
it knows is in the ledger (ledger/rate_state.py). It learns from the rate-limit headers of
every answer and from refusals (429), spreads requests, the more the fewer are left in the second
half of a window, waits for a reset in full (windows.py), and counts running tasks, so that a
submission waits for a free slot.
"""

from collections.abc import Callable
from math import inf
from os import urandom
from typing import Final

from modellix_cli.api.retry import Limits, Pacer
from modellix_cli.clock import Clock
from modellix_cli.domain.errors import ErrorCode, ModellixError
from modellix_cli.domain.frozen import frozen
from modellix_cli.domain.task import Task
from modellix_cli.domain.text import duration
from modellix_cli.engine.request_window import learn, take
from modellix_cli.ledger.rate_state import RateState, RateStateStore, Slots, lasts

USUAL_CAP: Final = 3
"""Tasks a team may run at a time: so many are tried without asking (docs/spec/service.md 10)."""
_SOON: Final = 0.2
_UNDER_WAY: Final = 45.0
"""Seconds after which a submission without an outcome no longer takes a slot."""
_UNSEEN: Final = 10.0
"""Seconds for which a task is believed to run when nothing is known about its model."""
_SEEN: Final = 20.0
_LONGEST_BACKOFF: Final = 10.0
_FIRST_PROBE: Final = 10.0
_LONGEST_PROBE: Final = 300.0
_MOST_SPURT: Final = 64
_FORGET_SPURT: Final = 600.0
_WORTH_TELLING: Final = 1.5


@frozen
class Ticket:
    """Leave to send one submission, and the slot that its task will take."""

    ref: str


class NoSlot(float):
    """Seconds to wait because as many tasks run as may."""


class Governor:
    """Decides when requests leave. `wait` values are seconds; 0 means now, and counts as sent."""

    def __init__(self, book: RateStateStore, clock: Clock) -> None:
        self._book = book
        self._clock = clock
        self._troubled = False
        """Whether requests were refused lately, so that every answer tells something."""

    def ask(self, *, patience: float = inf) -> float:
        """Return how long to wait before asking again; 0 is leave to send one request now.

        No pause that the server did not ask for is longer than `patience`.
        """

        def decide(pace: RateState, slots: Slots) -> float:
            wait = take(pace, self._clock.now(), patience)
            self._troubled = pace.troubles > 0
            return wait

        return self._book.change(decide)

    def ask_submit(
        self, *, whatever_runs: bool = False, patience: float = inf, owner: str = ""
    ) -> Ticket | float:
        """Return leave to send one submission now, or how long to wait before asking again.

        That is a `NoSlot` where waiting for a running task to end is what it takes.
        With `whatever_runs` it is not held for want of a slot: the server decides. `owner` is in
        whose name the slot is taken, for `disown`.
        """
        ref = owner + urandom(8).hex()

        def decide(pace: RateState, slots: Slots) -> Ticket | float:
            now = self._clock.now()
            held: float = NoSlot(lasts(pace.submit_held_at, pace.submit_hold, now))
            if not held and not whatever_runs:
                held = _slot(pace, slots, now)
            self._troubled = pace.troubles > 0
            wait = held or take(pace, now, patience)
            if wait:
                return wait
            slots.take(ref, now, _UNDER_WAY)
            return Ticket(ref)

        return self._book.change(decide)

    def answered(self, limits: Limits) -> None:
        """Learn from an answer, whatever it was."""
        if limits.silent and not self._troubled:
            return
        self._book.change(lambda pace, slots: learn(pace, limits, self._clock.now()))

    def accepted(self, ticket: Ticket, task_id: str, expected: float | None) -> None:
        """Learn that a submission created a task, which may run for `expected` seconds."""

        def note(pace: RateState, slots: Slots) -> None:
            now = self._clock.now()
            slots.assign(ticket.ref, task_id, now, expected * 1.3 + 2 if expected else _UNSEEN)
            if _boundless(pace):
                return
            count, flying = slots.count(now)
            running = count - flying
            if pace.crowds:
                pace.submit_hold, pace.crowds = 0.0, 0
            if pace.cap is None:
                pace.spurt = min(pace.spurt * 2, _MOST_SPURT) if count > USUAL_CAP else pace.spurt
            elif running > pace.cap:  # one more than thought
                pace.cap, pace.probe_at = running, now

        self._book.change(note)

    def failed(self, ticket: Ticket, error: BaseException) -> None:
        """Learn how a submission failed; a 429 for too many running tasks tells the cap.

        Where it may have created a task, its slot stays taken for a while.
        """
        doubtful = (
            not isinstance(error, ModellixError) or error.code is ErrorCode.SUBMISSION_UNKNOWN
        )

        def note(pace: RateState, slots: Slots) -> None:
            if doubtful:
                created = getattr(error, "task_id", None) or ticket.ref
                slots.assign(ticket.ref, created, self._clock.now(), _UNSEEN)
                return
            slots.free(ticket.ref)
            assert isinstance(error, ModellixError)
            if not error.concurrency_limited:
                return
            now = self._clock.now()
            count, flying = slots.count(now)
            running = count - flying
            believed, pace.cap = pace.cap or USUAL_CAP, max(1, running)
            if not running:  # it is others' tasks that run: how many of ours may is not known
                pace.probe_gap = 0.0
            elif running < min(believed, USUAL_CAP):  # and here they use a part of it
                pace.probe_gap = _FIRST_PROBE
            else:
                pace.probe_gap = min(max(_FIRST_PROBE, pace.probe_gap * 2), _LONGEST_PROBE)
            pace.probe_at = now + pace.probe_gap
            wait = error.retry_after
            if wait is not None:
                pace.crowds = 0
            elif not running:
                wait = min(2.0**pace.crowds, _LONGEST_BACKOFF)
                pace.crowds += 1
            left = lasts(pace.submit_held_at, pace.submit_hold, now)
            pace.submit_hold, pace.submit_held_at = now + max(left, wait or 0.0), now

        self._book.change(note)

    def admitted(self) -> None:
        """Learn that a request went through though none was to leave yet: nothing is held back."""

        def note(pace: RateState, slots: Slots) -> None:
            pace.hold_until = pace.submit_hold = 0.0
            pace.troubles = pace.crowds = 0

        self._book.change(note)

    def disown(self, owner: str) -> None:
        """Learn that an owner died: its submissions are not under way any more."""
        self._book.change(lambda pace, slots: slots.disown(owner))

    def saw(self, task: Task) -> None:
        """Learn that a task ended, or still runs."""
        now = self._clock.now()

        def note(pace: RateState, slots: Slots) -> None:
            if task.finished:
                slots.ended(task.task_id)
            else:
                slots.renew(task.task_id, now, _SEEN)

        self._book.change(note)


class Gate(Pacer):
    """Holds single reads until the governor lets them leave.

    `notice` is told, once for each wait that a user would notice. When the server asks to wait
    longer than `max_wait` seconds, `RATE_LIMITED` is raised.
    """

    def __init__(
        self,
        governor: Governor,
        clock: Clock,
        notice: Callable[[str], None],
        max_wait: float,
    ) -> None:
        self.governor = governor
        self._clock = clock
        self._notice = notice
        self._max_wait = max_wait

    def enter(self) -> None:
        """Return when a request may leave."""
        waited = 0.0
        while wait := self.governor.ask(patience=self._max_wait - waited):
            waited += self._pause(wait, waited)

    def answered(self, limits: Limits) -> None:
        """Learn from an answer."""
        self.governor.answered(limits)

    def _pause(self, wait: float, waited: float) -> float:
        """Sleep for `wait` seconds and a little; return how long that was."""
        if wait > self._max_wait:
            raise ModellixError(
                ErrorCode.RATE_LIMITED,
                "The limits of this key are used up, so nothing was sent.",
                hint="Nothing was charged. Try again later, or see whether the server still "
                "refuses: modellix-cli doctor.",
                retry_after=wait,
            )
        pause = wait + self._clock.jitter(wait / 10)
        if waited < _WORTH_TELLING <= waited + pause:
            self._notice(f"Rate limit reached. Continuing in {duration(wait)}.")
        self._clock.sleep(pause)
        return pause


def _boundless(pace: RateState) -> bool:
    """Whether so many tasks were accepted without a refusal that counting them is not worth it."""
    return pace.cap is None and pace.spurt >= _MOST_SPURT


def _slot(pace: RateState, slots: Slots, now: float) -> float:
    """Return 0 if one more task may run or be tried, else when to ask again."""
    if _boundless(pace) and now - pace.last_at <= _FORGET_SPURT:
        return 0.0
    count, flying = slots.count(now)
    if pace.cap is not None:
        free = count < pace.cap or (not flying and not 0 < pace.probe_at - now <= pace.probe_gap)
    else:
        if now - pace.last_at > _FORGET_SPURT:
            pace.spurt = 1
        free = count < USUAL_CAP or flying < pace.spurt
    return 0.0 if free else NoSlot(_SOON)
