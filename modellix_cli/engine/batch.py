"""Running a batch: every line is paid for once, whatever dies on the way.

One thread decides and never waits for the network; submissions (batch_submit.py), looks and
downloads (batch_follow.py) run on others. A line's intent is on disk before its POST leaves, and
its outcome before anything else follows from it. The governor says when requests may leave.
"""

from collections.abc import Callable, Iterable
from typing import Any, Final, Protocol

from modellix_cli.clock import Clock
from modellix_cli.domain.errors import ErrorCode, ModellixError
from modellix_cli.engine.batch_follow import LOOKERS, SAVERS, Following
from modellix_cli.engine.batch_means import Means, Orders
from modellix_cli.engine.batch_submit import Submissions
from modellix_cli.engine.worker_pool import Done, Pool
from modellix_cli.inputs.batch_file import Line
from modellix_cli.ledger.batch_facts import Fate

_GRACE: Final = 0.7
"""Seconds that submissions under way still get after Ctrl-C; the whole exit stays under 1 s."""
_LONG_GRACE: Final = 10.0
_LONGEST_PAUSE: Final = 1.0
_INTERRUPTED: Final = "Skipped: the batch was interrupted."


class Workers(Protocol):
    """What runs requests: `jobs.pool.Pool`, or an inline one in tests."""

    def start(self, key: tuple[str, Any], work: Callable[[], Any]) -> None:
        """Begin a piece of work."""

    def next(self, timeout: float) -> Done[tuple[str, Any], Any] | None:
        """Return a finished piece of work, waiting at most `timeout` seconds."""

    def wake(self) -> None:
        """End the wait in `next`."""

    def close(self) -> None:
        """Let idle threads end."""


class BatchRun:
    """One run of batch number `batch`. `emit` is given each line once, when its end is known.

    `workers` makes what runs that many requests at a time.
    """

    def __init__(
        self,
        batch: int,
        total: int,
        orders: Orders,
        means: Means,
        emit: Callable[[Fate], None],
        workers: Callable[[int, Clock], Workers] = Pool,
    ) -> None:
        self._pool = workers(orders.concurrency + LOOKERS + SAVERS, means.clock)
        self._clock = means.clock
        self._progress = means.progress
        self._stop_saving = means.stop_saving
        self._total = total
        self._emit_fate: Callable[[Fate], None] = emit
        self._warn = means.warn
        self._told_stop = False
        self._busy = 0
        self._emitted = 0
        self._failed = 0
        self._interrupted = False
        self._following = Following(batch, orders, means, self._start, self._emit)
        self._submissions = Submissions(
            batch,
            orders,
            means,
            self._start,
            emit=self._emit,
            accepted=self._following.accepted,
            go_on=self._following.go_on,
            concurrency_limited=self._following.watch_all,
            full=lambda: self._following.full,
            interrupted=lambda: self._interrupted,
        )

    @property
    def stopped_by(self) -> ModellixError | None:
        """The failure that let no more lines start, None if there was none."""
        return self._submissions.stopped_by

    def stop(self, error: ModellixError) -> None:
        """Start no more lines because of `error`; what runs is followed to its end."""
        self._submissions.stop(error, f"Skipped: {error.message}")

    def interrupt(self) -> None:
        """End the run as soon as what is under way is known; also from a signal's handler."""
        self._interrupted = True
        self._pool.wake()

    def run(self, lines: Iterable[Line], fates: Iterable[Fate]) -> None:
        """Work through `lines`, of which `fates` tells what earlier runs did, both in order.

        Every line is emitted, also after `interrupt`. What was not foreseen is raised once what is
        under way is recorded, a KeyboardInterrupt at once: the journal knows what left.
        """
        try:
            self._submissions.take(lines, fates)
            while not self._interrupted and self._step():
                pass
            if self._interrupted:
                self._end_early()
            self._submissions.record_the_rest()
        except KeyboardInterrupt:
            self._stop_saving()
            raise
        except BaseException:
            self._emit_fate = _nowhere
            self._stop_saving()
            self._let_submissions_end(_LONG_GRACE)
            raise
        finally:
            self._pool.close()

    def _end_early(self) -> None:
        self._submissions.stop(None, _INTERRUPTED)
        self._following.interrupt()
        self._stop_saving()
        self._let_submissions_end(_GRACE)
        self._following.emit_the_rest()
        self._submissions.emit_the_rest()

    def _step(self) -> bool:
        """Start what may start and handle what is done; return whether anything is left to do."""
        submit = self._submissions.submit()
        look = self._following.look(lines_wait=self._submissions.waiting)
        self._following.save()
        pauses = [pause for pause in (submit, look) if pause is not None]
        if not pauses and not self._busy:
            return False
        self._tell()
        done = self._pool.next(min([*pauses, _LONGEST_PAUSE]))
        while done is not None:
            self._handle(done)
            done = self._pool.next(0.0) if self._busy else None
        return True

    def _let_submissions_end(self, grace: float) -> None:
        end = self._clock.monotonic() + grace
        while self._submissions.flying and (left := end - self._clock.monotonic()) > 0:
            done = self._pool.next(left)
            if done is not None and (done.key[0] == "submit" or done.error is None):
                self._handle(done)

    def _start(self, kind: str, about: Any, work: Callable[[], Any]) -> None:
        self._busy += 1
        self._pool.start((kind, about), work)

    def _handle(self, done: Done[tuple[str, Any], Any]) -> None:
        self._busy -= 1
        kind, about = done.key
        error = done.error
        if isinstance(error, Exception) and not isinstance(error, ModellixError):
            what = f"{type(error).__name__}: {error}"  # it ends one line, not the others
            error = ModellixError(ErrorCode.INTERNAL, f"Unexpected failure. {what}")
        if error is not None and not isinstance(error, ModellixError):
            raise error
        if kind == "submit":
            self._submissions.handle(done.result, error, *about)
        elif kind == "look":
            self._following.looked(done.result, error, *about)
        else:
            self._following.saved(done.result, error, *about)

    def _emit(self, fate: Fate) -> None:
        self._emitted += 1
        self._failed += fate.state != "accepted" or fate.detail is not None
        self._emit_fate(fate)

    def _tell(self) -> None:
        running = self._following.running
        if (why := self.stopped_by) is not None and running and not self._told_stop:
            self._told_stop = True  # it may be long until the result says so
            self._warn(f"No more lines are submitted: {why.message} Waiting for those that run.")
        self._progress.lines(
            self._emitted,
            self._total,
            running=running,
            failed=self._failed,
            waits_for=self._submissions.waits_for,
        )


def _nowhere(fate: Fate) -> None:
    """Drop a line: nobody takes it any more."""
