"""What a run opens on this machine when first needed, and closes in the end."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cached_property
from typing import TYPE_CHECKING, Any, Self

from modellix_cli.context.settings import SANDBOX_BASE_URL, Choices
from modellix_cli.output.sink import Sink
from modellix_cli.runtime import Runtime

if TYPE_CHECKING:
    from modellix_cli.domain.account import Account
    from modellix_cli.ledger.batches import BatchStore
    from modellix_cli.ledger.database import LedgerFile
    from modellix_cli.ledger.files import FileStore
    from modellix_cli.ledger.history import History
    from modellix_cli.ledger.marks import LedgerMarks
    from modellix_cli.ledger.submissions import SubmissionStore
    from modellix_cli.ledger.tasks import TaskStore
    from modellix_cli.models.cache import ModelCache
    from modellix_cli.profiles.accounts import Accounts


class Stores(Choices):
    """The ledger and what else is kept on this machine, in the name of the chosen account."""

    def __init__(self, runtime: Runtime, sink: Sink) -> None:
        super().__init__(runtime, sink)
        self._closing: list[Callable[[], None]] = []
        self.key_text: str | None = None
        """The key in use, once it is known; it goes nowhere but into a one-way mark."""

    @cached_property
    def ledger_file(self) -> "LedgerFile":
        """The database of what was paid, opened when first needed."""
        from modellix_cli.ledger.database import LedgerFile
        from modellix_cli.paths import state_dir

        clock = self.runtime.clock
        file = LedgerFile(state_dir(self.runtime.env), clock, self.patience)
        self._closing.append(file.close)
        return file

    @property
    def account(self) -> "Account":
        """On whose behalf things are recorded: the selected profile and the key in use."""
        from modellix_cli.domain.account import account_of

        return account_of(self.base_url, self.profile.name, self.key_text)

    @property
    def submissions(self) -> "SubmissionStore":
        """The attempts of paid requests."""
        from modellix_cli.ledger.submissions import SubmissionStore

        keep = not self.switched_off("MODELLIX_KEEP_BODIES")
        return SubmissionStore(self.ledger_file, self.account, keep_bodies=keep)

    @property
    def tasks(self) -> "TaskStore":
        """The tasks and how long they ran."""
        from modellix_cli.ledger.tasks import TaskStore

        return TaskStore(self.ledger_file, self.account)

    @property
    def files(self) -> "FileStore":
        """The files that were saved."""
        from modellix_cli.ledger.files import FileStore

        return FileStore(self.ledger_file, self.account.base_url)

    @property
    def batches(self) -> "BatchStore":
        """The batches."""
        from modellix_cli.domain.task import FAILED
        from modellix_cli.ledger.batches import BatchStore

        return BatchStore(self.ledger_file, self.account, FAILED)

    @cached_property
    def ledger_marks(self) -> "LedgerMarks":
        """Whether payments may be missing from the ledger."""
        from modellix_cli.ledger.marks import LedgerMarks

        return LedgerMarks(self.ledger_file)

    @cached_property
    def history(self) -> "History":
        """The task history of this machine, whatever the account."""
        from modellix_cli.ledger.history import History
        from modellix_cli.paths import config_dir

        official = config_dir(self.runtime.env) / "history.json"
        clock = self.runtime.clock
        return History(self.ledger_file, official, SANDBOX_BASE_URL, clock, self.out.warn)

    @cached_property
    def model_cache(self) -> "ModelCache":
        """The slugs that the API listed lately."""
        from modellix_cli.models.cache import ModelCache
        from modellix_cli.paths import cache_dir

        return ModelCache(cache_dir(self.runtime.env), self.base_url, self.runtime.clock)

    @cached_property
    def accounts(self) -> "Accounts":
        """The saved logins."""
        from modellix_cli.paths import config_dir
        from modellix_cli.profiles.accounts import Accounts

        return Accounts(config_dir(self.runtime.env), self.runtime.clock)

    @cached_property
    def sandbox_app(self) -> Any:
        """The embedded Modellix as a WSGI app, or None when the real one is meant."""
        if not self.sandbox:
            return None
        from modellix_cli.paths import make_private_dir, state_dir
        from modellix_cli.sandbox import open_sandbox

        self.out.note("Sandbox: nothing leaves this machine and nothing is charged.")
        folder = state_dir(self.runtime.env)
        make_private_dir(folder)  # the ledger's folder too, whichever comes first
        app = open_sandbox(folder / "sandbox", self.runtime.clock)
        self._closing.append(app.store.close)
        return app

    def at_end(self, close: Callable[[], None]) -> None:
        """Have something closed when the command has ended."""
        self._closing.append(close)

    @contextmanager
    def closing(self) -> Iterator[Self]:
        """Close what was opened, in the end."""
        try:
            yield self
        finally:
            for close in reversed(self._closing):
                close()
