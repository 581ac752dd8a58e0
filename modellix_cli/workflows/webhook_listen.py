"""`webhook listen`: deliveries from the receiver into the ledger, to the user, to the command."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from modellix_cli.domain.errors import ModellixError
from modellix_cli.domain.jsontext import dumps
from modellix_cli.ledger.deliveries import Received, Recorded
from modellix_cli.ledger.task_records import TaskReport
from modellix_cli.webhooks.commands import CommandRunner, Order
from modellix_cli.webhooks.delivery import Delivery
from modellix_cli.webhooks.inbox import Inbox

_STEP: Final = 0.5
_REMEMBERED: Final = 100_000
_MOST_UNRECORDED: Final = 10_000


class Store(Protocol):
    """Where deliveries are recorded. Raises the ledger's errors."""

    def record(self, deliveries: Sequence[Received]) -> list[Recorded]:
        """Record deliveries, each once, and return what is known of each."""


class Teller(Protocol):
    """Who is told."""

    def delivery(self, delivery: Delivery, *, known: bool) -> None:
        """Take a delivery that is new; `known` says that the ledger has its task."""

    def unrecorded(self, error: ModellixError) -> None:
        """Take the news that the ledger cannot be used."""


@dataclass(slots=True)
class Tally:
    """What came: deliveries that were told, and repeats of them."""

    told: int = 0
    repeats: int = 0


class Listening:
    """Handles each delivery once: records it, tells it, has the command run for it."""

    def __init__(self, store: Store, teller: Teller, commands: CommandRunner | None) -> None:
        self._store = store
        self._teller = teller
        self._commands = commands
        self._told: dict[str, None] = {}
        self._unrecorded: list[Delivery] = []
        self._warned = False
        self.tally = Tally()
        self.not_run: list[str] = []
        """The tasks of deliveries whose command was not started, as the listener ended."""

    def run(
        self, inbox: Inbox, ended: Callable[[], bool], stop_receiving: Callable[[], None]
    ) -> None:
        """Handle what comes in until `ended`, and then what was acknowledged until then."""
        while not ended():
            self.handle(inbox.take(_STEP), ended)
        stop_receiving()
        while rest := inbox.take(0):
            self.handle(rest, ended)

    def handle(
        self, deliveries: Sequence[Delivery], ended: Callable[[], bool] = lambda: False
    ) -> None:
        """Handle deliveries in their order; a repeat is counted and otherwise passed over."""
        for delivery, recorded in zip(deliveries, self._record(deliveries), strict=True):
            if not recorded.new or delivery.delivery_id in self._told:
                self.tally.repeats += 1
                continue
            self._told[delivery.delivery_id] = None
            if len(self._told) > _REMEMBERED:
                del self._told[next(iter(self._told))]
            self.tally.told += 1
            self._teller.delivery(delivery, known=recorded.known)
            self._start_command(delivery, ended, known=recorded.known)

    def _record(self, deliveries: Sequence[Delivery]) -> list[Recorded]:
        """Record deliveries, after those that could not be recorded when they came.

        Without a ledger each is told all the same: what this process told it remembers itself.
        """
        if not deliveries:
            return []
        late = self._unrecorded
        try:
            recorded = self._store.record([received(delivery) for delivery in (*late, *deliveries)])
        except ModellixError as error:
            self._unrecorded = [*late, *deliveries][-_MOST_UNRECORDED:]
            if not self._warned:
                self._warned = True
                self._teller.unrecorded(error)
            return [Recorded(new=True, known=False) for _ in deliveries]
        self._unrecorded, self._warned = [], False
        return recorded[len(late) :]

    def _start_command(self, delivery: Delivery, ended: Callable[[], bool], *, known: bool) -> None:
        if self._commands is None:
            return
        document = dumps(delivery.as_dict(known=known), indent=None) + "\n"
        order = Order(delivery.task_id, delivery.event, document.encode())
        if not self._commands.start(order, ended):
            self.not_run.append(delivery.task_id)


def received(delivery: Delivery) -> Received:
    """Return a delivery as the ledger takes it; what contradicts itself says nothing of the end."""
    task = delivery.task
    report = None
    if delivery.is_consistent:
        report = TaskReport(task.task_id, task.status.lower(), None, task.expires_at, task.billed)
    return Received(delivery.delivery_id, task.task_id, delivery.event, report)
