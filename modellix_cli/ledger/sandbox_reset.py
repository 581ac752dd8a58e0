"""The ledger after `sandbox reset`: what it knows of the sandbox's tasks, which are gone.

Only what is recorded for the sandbox inside this program changes. Its address is below `.invalid`,
where no service can be (RFC 2606): what cost money is never taken for it.
"""

import sqlite3
from typing import Final
from urllib.parse import urlsplit

from modellix_cli.domain.submission_state import SubmissionState
from modellix_cli.ledger.attempts import state_now
from modellix_cli.ledger.database import LedgerFile
from modellix_cli.ledger.processes import Owner
from modellix_cli.ledger.tasks import GONE

RESET: Final = "The sandbox was reset: nothing is left of it."
_OPEN: Final = """
SELECT number, state, task_id, detail, host, boot, pid, process_started, lease_until
FROM submissions WHERE base_url = :url AND state <> 'rejected'"""
_MARK_REQUEST: Final = """
UPDATE submissions SET state = 'rejected', detail = :reset, billed_cost = NULL, updated_at = :now
WHERE number = :number"""
_MARK_TASKS: Final = """
UPDATE tasks SET status = :gone, expires_at = NULL WHERE base_url = :url AND status IS NOT :gone"""
_HIDE_BATCHES: Final = "UPDATE batches SET hidden = 1 WHERE base_url = :url"
_OF_ITS_KEYS: Final = (
    "IN (SELECT key_mark FROM accounts WHERE base_url = :url AND key_mark IS NOT NULL)"
)
_FORGET_LIMITS: Final = (
    f"DELETE FROM running_tasks WHERE scope {_OF_ITS_KEYS}",  # noqa: S608
    f"DELETE FROM rate_state WHERE scope {_OF_ITS_KEYS}",  # noqa: S608
)


def mark_gone(file: LedgerFile, sandbox_url: str) -> int:
    """Mark all of the sandbox's tasks as gone; return how many are, that were not before.

    Their requests count as never made, so that resuming sends them again; what was saved of them
    stays known. A request that a live process is just sending is left to it. Raises `ValueError`
    for any address but the sandbox's, and the ledger's errors.
    """
    if not (urlsplit(sandbox_url).hostname or "").endswith(".invalid"):
        raise ValueError(f"{sandbox_url} may be a real service")
    now = file.clock.now()
    values = {"url": sandbox_url, "now": now, "gone": GONE, "reset": RESET}

    def work(db: sqlite3.Connection) -> int:
        for number, word, task_id, detail, *owner in db.execute(_OPEN, values).fetchall():
            state, in_flight, _ = state_now(word, task_id, detail, Owner(*owner), now)
            if state is not SubmissionState.REJECTED and not in_flight:
                db.execute(_MARK_REQUEST, values | {"number": number})
        marked = db.execute(_MARK_TASKS, values).rowcount
        for statement in (_HIDE_BATCHES, *_FORGET_LIMITS):
            db.execute(statement, values)
        return marked

    return file.transact(work)
