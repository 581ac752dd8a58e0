"""The governor: when a request may leave, so that none is sent only to be refused.

One for submissions and looks together, and for every process of this user with the same key: what
it knows is in the journal's database (local/pace.py). It learns from the rate-limit headers of
every answer and from refusals (429), spreads requests once half of a window is used, waits for a
reset in full, and counts running tasks, so that a submission waits for a free slot.
"""

from collections.abc import Callable
from dataclasses import dataclass
from secrets import token_hex
from typing import Final

from modellix_cli.api.documents import Task
from modellix_cli.api.retry import Limits, Pacer
from modellix_cli.clock import Clock
from modellix_cli.errors import Code, ModellixError
from modellix_cli.local.pace import Pace, PaceBook, Slots
from modellix_cli.text import duration

USUAL_CAP: Final = 3
"""Tasks a team may run at a time, according to api.md: so many are tried without asking."""
_SOON: Final = 0.2
_UNDER_WAY: Final = 90.0
"""Seconds after which a submission without an outcome no longer takes a slot."""
_UNSEEN: Final = 10.0
"""Seconds for which a task is believed to run when nothing is known about its model."""
_SEEN: Final = 20.0
_LONGEST_BACKOFF: Final = 10.0
_FIRST_PROBE: Final = 10.0
_LONGEST_PROBE: Final = 300.0
_MOST_SPURT: Final = 64
_FORGET_SPURT: Final = 600.0
_LONGEST_HOLD: Final = 24 * 3600.0
_WORTH_TELLING: Final = 1.5


@dataclass(frozen=True, slots=True)
class Ticket:
    """Leave to send one submission, and the slot that its task will take."""

    ref: str


class NoSlot(float):
    """Seconds to wait because as many tasks run as may."""


class Governor:
    """Decides when requests leave. `wait` values are seconds; 0 means now, and counts as sent."""

    def __init__(self, book: PaceBook, clock: Clock) -> None:
        self._book = book
        self._clock = clock

    def ask(self) -> float:
        """Return how long to wait before asking again; 0 is leave to send one request now."""
        return self._book.change(lambda pace, slots: self._request(pace))

    def ask_submit(self, *, whatever_runs: bool = False) -> Ticket | float:
        """Return leave to send one submission now, or how long to wait before asking again.

        That is a `NoSlot` where waiting for a running task to end is what it takes.
        With `whatever_runs` it is not held for want of a slot: the server decides.
        """
        ref = token_hex(8)

        def decide(pace: Pace, slots: Slots) -> Ticket | float:
            now = self._clock.now()
            held = _until(pace.submit_hold, now)
            if not held and not whatever_runs:
                held = _slot(pace, slots, now)
            wait = held or self._request(pace)
            if wait:
                return wait
            slots.take(ref, now + _UNDER_WAY)
            return Ticket(ref)

        return self._book.change(decide)

    def answered(self, limits: Limits) -> None:
        """Learn from an answer, whatever it was."""
        if limits.silent:
            return
        self._book.change(lambda pace, slots: _learn(pace, limits, self._clock.now()))

    def accepted(self, ticket: Ticket, task_id: str, expected: float | None) -> None:
        """Learn that a submission created a task, which may run for `expected` seconds."""

        def note(pace: Pace, slots: Slots) -> None:
            now = self._clock.now()
            slots.assign(ticket.ref, task_id, now + (expected * 1.3 + 2 if expected else _UNSEEN))
            count, _ = slots.count(now)
            pace.submit_hold, pace.crowds = 0.0, 0
            if pace.cap is None:
                pace.spurt = min(pace.spurt * 2, _MOST_SPURT) if count > USUAL_CAP else pace.spurt
            elif count > pace.cap:  # one more than thought
                pace.cap, pace.probe_at, pace.probe_gap = count, now, 0.0

        self._book.change(note)

    def failed(self, ticket: Ticket, error: BaseException) -> None:
        """Learn how a submission failed; a 429 for too many running tasks tells the cap.

        Where it may have created a task, its slot stays taken for a while.
        """
        doubtful = not isinstance(error, ModellixError) or error.code is Code.SUBMISSION_UNKNOWN

        def note(pace: Pace, slots: Slots) -> None:
            if doubtful:
                slots.take(ticket.ref, self._clock.now() + _UNSEEN)
                return
            slots.free(ticket.ref)
            assert isinstance(error, ModellixError)
            if not error.crowded:
                return
            now = self._clock.now()
            count, flying = slots.count(now)
            pace.cap = max(1, count - flying)
            pace.probe_gap = min(max(_FIRST_PROBE, pace.probe_gap * 2), _LONGEST_PROBE)
            pace.probe_at = now + pace.probe_gap
            wait = error.wait_seconds
            if wait is None and count == flying:
                wait = min(2.0**pace.crowds, _LONGEST_BACKOFF)
                pace.crowds += 1
            pace.submit_hold = now + wait if wait else 0.0

        self._book.change(note)

    def saw(self, task: Task) -> None:
        """Learn that a task ended, or still runs."""
        until = self._clock.now() + _SEEN

        def note(pace: Pace, slots: Slots) -> None:
            if task.finished:
                slots.ended(task.task_id)
            else:
                slots.renew(task.task_id, until)

        self._book.change(note)

    def _request(self, pace: Pace) -> float:
        """Take one of the requests that are left, or say how long to wait for one."""
        now = self._clock.now()
        held = _until(pace.hold_until, now)
        if held:
            return held
        if pace.limit is not None:
            if now >= pace.reset_at:
                _new_window(pace, pace.limit, now)
            if pace.remaining <= 0:
                return _until(pace.reset_at, now) + self._clock.jitter(0.05)
            if pace.remaining <= pace.limit // 2:
                gap = (pace.reset_at - now) / (pace.remaining + 1)
                wait = pace.last_at + gap - now
                if 0.001 < wait <= gap:
                    return wait
            pace.remaining -= 1
        elif now - pace.last_at > max(60.0, pace.window):
            pace.window_start, pace.sent = now, 0
        pace.sent += 1
        pace.last_at = now
        return 0.0


class Gate(Pacer):
    """Holds single requests until the governor lets them leave.

    `notice` is told, once for each wait that a user would notice. `max_wait`, in seconds: when the
    server asks to wait longer, `RATE_LIMITED` is raised; after waiting as long for a running task
    to end, a submission is sent all the same.
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
        while wait := self.governor.ask():
            waited += self._pause(wait, waited)

    def enter_submit(self) -> Ticket:
        """Return when a submission may leave; what became of it must be told to `governor`."""
        waited = 0.0
        while True:
            leave = self.governor.ask_submit(whatever_runs=waited >= self._max_wait)
            if isinstance(leave, Ticket):
                return leave
            waited += self._pause(leave, waited)

    def answered(self, limits: Limits) -> None:
        """Learn from an answer."""
        self.governor.answered(limits)

    def _pause(self, wait: float, waited: float) -> float:
        """Sleep for `wait` seconds and a little; return how long that was."""
        if wait > self._max_wait:
            raise ModellixError(
                Code.RATE_LIMITED,
                "The limits of this key are used up, so nothing was sent.",
                wait_seconds=wait,
            )
        if waited < _WORTH_TELLING <= waited + wait:
            self._notice(
                f"The requests that this key allows are used up. Going on in {duration(wait)}."
                if not isinstance(wait, NoSlot)
                else "As many tasks run as this key may run. Waiting for one to end."
            )
        pause = wait + self._clock.jitter(wait / 10)
        self._clock.sleep(pause)
        return pause


def _until(moment: float, now: float) -> float:
    """Return the seconds until `moment`; 0 if it is over, or beyond belief after a clock jump."""
    return moment - now if now < moment < now + _LONGEST_HOLD else 0.0


def _slot(pace: Pace, slots: Slots, now: float) -> float:
    """Return 0 if one more task may run or be tried, else when to ask again."""
    count, flying = slots.count(now)
    if pace.cap is not None:
        free = count < pace.cap or (now >= pace.probe_at and not flying)
    else:
        if now - pace.last_at > _FORGET_SPURT:
            pace.spurt = 1
        free = count < USUAL_CAP or flying < pace.spurt
    return 0.0 if free else NoSlot(_SOON)


def _new_window(pace: Pace, limit: int, now: float) -> None:
    pace.remaining = limit
    pace.reset_at = now + pace.window
    pace.window_start, pace.sent = now, 0


def _learn(pace: Pace, limits: Limits, now: float) -> None:
    """Take over what an answer says about the limits, and hold back after a refusal."""
    if limits.limit is not None and limits.remaining is not None and limits.reset_in is not None:
        reset_at = now + limits.reset_in
        later = reset_at > pace.reset_at + 1.0
        known = pace.limit is not None and not later
        pace.remaining = min(pace.remaining, limits.remaining) if known else limits.remaining
        pace.limit, pace.reset_at = limits.limit, reset_at
        pace.window = max(pace.window, limits.reset_in)
    if limits.status != 429 or limits.crowded:
        pace.troubles = 0
        return
    wait = limits.wait
    if wait is None:
        wait = min(2.0**pace.troubles, _LONGEST_BACKOFF)
    pace.troubles += 1
    pace.hold_until = max(_until(pace.hold_until, now) + now, now + wait)
    if limits.remaining is None and pace.sent > 1:
        # Nobody says what the limit is: it is what went through since the last pause.
        pace.limit = pace.sent - 1
        pace.window = pace.hold_until - pace.window_start
        pace.remaining, pace.reset_at = 0, pace.hold_until
