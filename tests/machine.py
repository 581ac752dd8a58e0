"""A machine with a history: a journal, and the official CLI's history.json beside it."""

import json
import os
from pathlib import Path
from typing import Any

from modellix_cli.clock import iso
from modellix_cli.domain.account import account_of
from modellix_cli.ledger.history import History, Scope
from modellix_cli.ledger.task_records import TaskReport
from tests.ledger.ledgers import Ledger
from tests.support import KEY, FakeClock

API = "https://api.modellix.ai"
SANDBOX = "https://api.sandbox.invalid"
ALL = Scope(None, sandbox=False)


class Machine:
    """A ledger, a history over it, and the official CLI's file beside them."""

    def __init__(self, folder: Path, clock: FakeClock) -> None:
        self.folder = folder
        self.clock = clock
        self.warnings: list[str] = []
        self.official = folder / "history.json"
        self._opened: list[Ledger] = []
        self.file = self.ledger().file
        self.history = History(self.file, self.official, SANDBOX, clock, self.warnings.append)

    def ledger(self, profile: str = "default", base_url: str = API) -> Ledger:
        account = account_of(base_url, profile, f"{KEY}-{profile}")
        self._opened.append(Ledger(self.folder / "state", self.clock, account))
        return self._opened[-1]

    def close(self) -> None:
        for ledger in self._opened:
            ledger.close()

    def saw(
        self,
        task_id: str,
        profile: str = "default",
        base_url: str = API,
        status: str = "success",
    ) -> None:
        self.ledger(profile, base_url).tasks.record_status(TaskReport(task_id, status))
        self.clock.sleep(1)

    def write(self, *entries: Any) -> None:
        self.official.write_text(json.dumps({"entries": entries, "version": 1}, indent=2))
        moment = self.clock.time = self.clock.time + 1
        os.utime(self.official, (moment, moment))

    def ids(self, scope: Scope = ALL) -> list[str]:
        return [record.task_id or "" for record in self.history.entries(scope, 20)[0]]

    def only(self) -> dict[str, Any]:
        records, total = self.history.entries(ALL, 20)
        assert total == 1
        return records[0].as_dict()


def entry(task_id: str, updated: float = 1_700_000_000.0, **other: Any) -> dict[str, Any]:
    return {"createdAt": iso(updated - 5), "taskId": task_id, "updatedAt": iso(updated)} | other
