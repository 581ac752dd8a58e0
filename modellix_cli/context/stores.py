"""What a run opens on this machine when first needed, and closes in the end."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cached_property
from typing import TYPE_CHECKING, Any, Self

from modellix_cli.context.settings import SANDBOX_BASE_URL, Choices
from modellix_cli.output.sink import Sink
from modellix_cli.runtime import Runtime

if TYPE_CHECKING:
    from modellix_cli.ledger.batches import BatchBook
    from modellix_cli.ledger.history import History
    from modellix_cli.ledger.journal import Journal
    from modellix_cli.ledger.journal_file import JournalFile
    from modellix_cli.models.cache import ModelCache
    from modellix_cli.profiles.accounts import Accounts


class Stores(Choices):
    """The journal and what else is kept on this machine, in the name of the chosen account."""

    def __init__(self, runtime: Runtime, sink: Sink) -> None:
        super().__init__(runtime, sink)
        self._closing: list[Callable[[], None]] = []

    @cached_property
    def journal_file(self) -> "JournalFile":
        """The database of the journal, opened when first needed."""
        from modellix_cli.ledger.journal_file import JournalFile
        from modellix_cli.paths import state_dir

        env, clock = self.runtime.env, self.runtime.clock
        file = JournalFile(state_dir(env), clock, self.out.warn)
        self._closing.append(file.close)
        return file

    @cached_property
    def journal(self) -> "Journal":
        """The journal of this machine, in the name of the selected profile."""
        from modellix_cli.ledger.journal import Account, Journal

        account = Account(self.base_url, self.profile.name)
        return Journal(self.journal_file, account, self.runtime.clock, self.out.clean)

    @cached_property
    def batches(self) -> "BatchBook":
        """The batches in the journal, of the selected profile."""
        from modellix_cli.ledger.batches import BatchBook
        from modellix_cli.ledger.journal import Account

        account = Account(self.base_url, self.profile.name)
        return BatchBook(self.journal_file, account, self.runtime.clock, self.out.clean)

    @cached_property
    def history(self) -> "History":
        """The task history of this machine, whatever the account."""
        from modellix_cli.ledger.history import History
        from modellix_cli.paths import config_dir

        official = config_dir(self.runtime.env) / "history.json"
        clock = self.runtime.clock
        return History(self.journal_file, official, SANDBOX_BASE_URL, clock, self.out.warn)

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
        make_private_dir(folder)  # the journal's folder too, whichever comes first
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
