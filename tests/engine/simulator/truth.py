"""What really happened, whatever the ledger holds; and the rules about money."""

from collections import Counter, defaultdict
from dataclasses import dataclass

from modellix_cli.domain.on_paid import OnPaid
from modellix_cli.domain.submission_state import SubmissionState
from tests.engine.simulator.world import Violation


@dataclass(slots=True)
class Attempted:
    """An attempt of a paid request.

    `nothing` says that it is certain, for who sent it, that nothing was created.
    """

    number: int
    identity: str
    request_key: str | None
    replaces: int | None
    state: SubmissionState = SubmissionState.INTENT
    task_id: str | None = None
    posted: bool = False
    replied: bool = False
    nothing: bool = False
    claimed_at: float = 0.0


class Truth:
    """All attempts of a world. Demand is how often the user wants a request at most."""

    def __init__(self) -> None:
        self.attempts: dict[int, Attempted] = {}
        self._of: dict[str, list[Attempted]] = defaultdict(list)
        self._batches: dict[str, dict[int, int]] = defaultdict(dict)
        """By request: for each generation the most lines that one batch has."""
        self._singles: dict[str, int] = defaultdict(int)

    def wants_lines(self, identities: list[str], on_paid: OnPaid) -> None:
        """Take a batch: its lines ask for what earlier ones did, unless it starts over."""
        for identity, lines in Counter(identities).items():
            known = self._batches[identity]
            generation = max(known, default=0) + (on_paid is OnPaid.NEW)
            known[generation] = max(known.get(generation, 0), lines)

    def wants_run(self, identity: str) -> None:
        self._singles[identity] += 1

    def claimed(
        self, number: int, identity: str, request_key: str | None, replaces: int | None
    ) -> None:
        known = self.attempts.get(number)
        if known is not None:
            self._reopened(known)
            return
        if replaces is not None:
            rivals = [a for a in self._of[identity] if a.replaces == replaces and not a.nothing]
            if rivals:
                raise Violation(f"attempt {replaces} is sent again by {rivals[0].number} already")
        attempt = Attempted(number, identity, request_key, replaces)
        self.attempts[number] = attempt
        self._of[identity].append(attempt)

    def _reopened(self, attempt: Attempted) -> None:
        """Take that an attempt that was refused is under way again."""
        if not attempt.nothing or attempt.state is not SubmissionState.REJECTED:
            raise Violation(f"attempt {attempt.number} was given out twice")
        attempt.nothing = attempt.posted = attempt.replied = False
        attempt.state = SubmissionState.INTENT

    def posted(self, number: int) -> None:
        attempt = self.attempts[number]
        if attempt.posted:
            raise Violation(f"attempt {number} is posted twice")
        attempt.posted = True
        self._check(attempt)

    def _check(self, posted: Attempted) -> None:
        live = [a for a in self._of[posted.identity] if not a.nothing]
        roots = sum(self._is_root(attempt) for attempt in live)
        wanted = sum(self._batches[posted.identity].values()) + self._singles[posted.identity]
        if roots > wanted:
            raise Violation(
                f"request {posted.identity} is wanted {wanted} times and sent {roots} times: "
                f"{[a.number for a in live]}"
            )
        if posted.request_key is not None:
            same = [a for a in live if a.request_key == posted.request_key and self._is_root(a)]
            if len(same) > 1:
                raise Violation(f"request key {posted.request_key} is paid for twice")

    def _is_root(self, attempt: Attempted) -> bool:
        """Whether an attempt stands for a request of its own, not for the user's word."""
        while attempt.replaces is not None:
            attempt = self.attempts[attempt.replaces]
            if not attempt.nothing:
                return False
        return True

    def learned_refusal(self, number: int) -> None:
        """Take that the sender knows that nothing was created."""
        self.attempts[number].nothing = True

    def recorded(self, number: int, state: SubmissionState, task_id: str | None) -> None:
        """Take what was recorded of an attempt; what was known must not be forgotten."""
        if number == 0:
            return
        attempt = self.attempts[number]
        before = attempt.state
        if before is SubmissionState.ACCEPTED:
            return
        if before is SubmissionState.UNKNOWN and state is SubmissionState.REJECTED:
            raise Violation(f"attempt {number} was unknown and becomes {state}")
        if before is SubmissionState.REJECTED and state is not SubmissionState.REJECTED:
            raise Violation(f"attempt {number} was rejected and becomes {state}")
        if state is SubmissionState.REJECTED:
            if attempt.posted and not attempt.nothing:
                raise Violation(f"attempt {number} may have created a task and becomes {state}")
            attempt.nothing = True
        attempt.state = state
        attempt.task_id = task_id or attempt.task_id
