"""What is said about replies that name more tasks than one, or a task that is another request's."""

from dataclasses import dataclass, field
from itertools import islice
from typing import Final

from modellix_cli.context.session import Session
from modellix_cli.domain.errors import ErrorCode, ModellixError
from modellix_cli.engine.notices import Notice, OtherTasks, SameTask

_MOST_NAMED: Final = 20
_MOST_FAULTS: Final = 20


def warn_of_reply(session: Session, notice: Notice) -> None:
    """Warn of what is odd about the reply to a single request; other notices are left alone."""
    match notice:
        case OtherTasks():
            session.out.warn(other_tasks_words(session, notice))
        case SameTask():
            fault = _fault(
                notice.task_id, [_earlier(notice), f"this one (request {notice.number})"]
            )
            session.out.warn(f"{fault.message} {session.explain(fault).hint}")


def other_tasks_words(session: Session, notice: OtherTasks) -> str:
    """Return the warning that several tasks were named for a request, and how to look at them."""
    look = " ; ".join(session.commands.line("task get", other) for other in notice.others)
    names = ", ".join(notice.others)
    return (
        f"Several tasks were named for one request: {notice.task_id}, which is used, and {names}. "
        f"You may be charged for each. Look at the rest with: {look}"
    )


def _earlier(notice: SameTask, batch: int | None = None) -> str:
    """Return how to call the earlier request in a run of the batch of that number."""
    if notice.earlier_line is None or notice.earlier_batch is None:
        return f"request {notice.earlier}"
    line = f"line {notice.earlier_line}"
    return line if notice.earlier_batch == batch else f"{line} of batch {notice.earlier_batch}"


@dataclass(slots=True)
class RepeatedTasks:
    """The tasks that the server gave for several requests, in a run of the batch `batch`."""

    batch: int
    _requests: dict[str, list[str]] = field(default_factory=dict)

    def add(self, notice: SameTask) -> None:
        """Take that the task of a line is that of another request."""
        named = self._requests.setdefault(notice.task_id, [])
        own = f"request {notice.number}" if notice.line is None else f"line {notice.line}"
        named += (name for name in (_earlier(notice, self.batch), own) if name not in named)

    @property
    def faults(self) -> list[ModellixError]:
        """One fault for each such task, naming the requests; of very many only the first."""
        some = islice(self._requests.items(), _MOST_FAULTS)
        return [_fault(task_id, named) for task_id, named in some]


def _fault(task_id: str, requests: list[str]) -> ModellixError:
    shown = requests[:_MOST_NAMED]
    more = len(requests) - len(shown)
    last = f"{more} others" if more else shown.pop()
    return ModellixError(
        ErrorCode.TASK_REPEATED,
        f"The server gave the same task for several requests: {task_id} is that of "
        f"{', '.join(shown)} and {last}. Each of them may be charged; nothing was sent again.",
        task_id=task_id,
    )
