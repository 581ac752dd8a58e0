"""The tasks whose results are still to be saved: what `task download --pending` is about."""

from modellix_cli.context.session import Session
from modellix_cli.domain.task import RESULT_LIFETIME, has_failed
from modellix_cli.ledger.tasks import EXPIRED


def pending_tasks(session: Session) -> list[str]:
    """Return the ids of the tasks whose results may still be had and are not saved."""
    now = session.runtime.clock.now()
    known = session.stores.tasks.unsaved(now, RESULT_LIFETIME)
    return [
        task_id
        for task_id, status in known
        if not has_failed(status) and (status or "").lower() != EXPIRED
    ]
