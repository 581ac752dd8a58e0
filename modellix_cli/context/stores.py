"""What a run opens on this machine when first needed, and closes in the end."""

from contextlib import ExitStack
from functools import cached_property
from typing import TYPE_CHECKING

from modellix_cli.context.settings import SANDBOX_BASE_URL, Settings
from modellix_cli.domain.values import SANDBOX_KEY
from modellix_cli.output.sink import Sink

if TYPE_CHECKING:
    from modellix_cli.domain.account import Account
    from modellix_cli.inputs.upload_cache import UploadCache
    from modellix_cli.ledger.batches import BatchStore
    from modellix_cli.ledger.database import LedgerFile
    from modellix_cli.ledger.files import FileStore
    from modellix_cli.ledger.history import History
    from modellix_cli.ledger.marks import LedgerMarks
    from modellix_cli.ledger.origins import Origins
    from modellix_cli.ledger.submissions import SubmissionStore
    from modellix_cli.ledger.task_details import TaskDetailsReader
    from modellix_cli.ledger.tasks import TaskStore
    from modellix_cli.ledger.traces import Traces
    from modellix_cli.ledger.usage import UsageStore
    from modellix_cli.models.cache import ModelCache
    from modellix_cli.models.kept_lists import KeptLists
    from modellix_cli.models.schema_cache import SchemaCache
    from modellix_cli.profiles.accounts import Accounts


class Stores:
    """The ledger and what else is kept on this machine, in the name of the chosen account."""

    def __init__(self, settings: Settings, out: Sink, closing: ExitStack) -> None:
        self._settings = settings
        self._out = out
        self._closing = closing
        self.key_text: str | None = None
        """The key in use, once it is known; it goes nowhere but into a one-way mark."""

    @cached_property
    def ledger_file(self) -> "LedgerFile":
        """The database of what was paid, opened when first needed.

        From here on no key passes the output: what servers and users wrote may hold one.
        """
        from modellix_cli.ledger.database import LedgerFile
        from modellix_cli.paths import state_dir
        from modellix_cli.profiles.credentials import known_keys

        for key in known_keys(self._settings.runtime.env):
            if key != SANDBOX_KEY:
                self._out.hide(key)
        clock = self._settings.runtime.clock
        folder, patience = state_dir(self._settings.runtime.env), self._settings.patience
        file = LedgerFile(folder, clock, patience, self._tell_wait)
        self._closing.callback(file.close)
        return file

    def _tell_wait(self) -> None:
        """Tell whoever watches why nothing happens."""
        if self._out.talk_is_terminal:
            self._out.note("Another program keeps the ledger locked. Waiting for it.")

    @property
    def account(self) -> "Account":
        """On whose behalf things are recorded: the selected profile and the key in use."""
        from modellix_cli.domain.account import account_of

        return account_of(self._settings.base_url, self._settings.profile.name, self.key_text)

    @property
    def submissions(self) -> "SubmissionStore":
        """The attempts of paid requests."""
        from modellix_cli.ledger.submissions import SubmissionStore

        keep = not self._settings.switched_off("MODELLIX_KEEP_BODIES")
        return SubmissionStore(self.ledger_file, self.account, keep_bodies=keep)

    @property
    def tasks(self) -> "TaskStore":
        """The tasks and how long they ran."""
        from modellix_cli.ledger.tasks import TaskStore

        return TaskStore(self.ledger_file, self.account)

    @property
    def usage(self) -> "UsageStore":
        """What was spent."""
        from modellix_cli.ledger.usage import UsageStore

        return UsageStore(self.ledger_file, self.account)

    @property
    def files(self) -> "FileStore":
        """The files that were saved."""
        from modellix_cli.ledger.files import FileStore

        return FileStore(self.ledger_file, self.account.base_url)

    @property
    def origins(self) -> "Origins":
        """Where saved files came from, whatever the account."""
        from modellix_cli.ledger.origins import Origins

        return Origins(self.ledger_file)

    @property
    def traces(self) -> "Traces":
        """All that is known of single tasks, whatever the account."""
        from modellix_cli.ledger.traces import Traces

        return Traces(self.ledger_file)

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

        official = config_dir(self._settings.runtime.env) / "history.json"
        clock = self._settings.runtime.clock
        return History(self.ledger_file, official, SANDBOX_BASE_URL, clock, self._out.warn)

    @property
    def task_details(self) -> "TaskDetailsReader":
        """What is known about tasks whose results were saved, whatever the account."""
        from modellix_cli.ledger.task_details import TaskDetailsReader

        return TaskDetailsReader(self.ledger_file, SANDBOX_BASE_URL)

    @cached_property
    def model_cache(self) -> "ModelCache":
        """The slugs that the API listed lately."""
        from modellix_cli.models.cache import ModelCache
        from modellix_cli.paths import cache_dir

        return ModelCache(
            cache_dir(self._settings.runtime.env),
            self._settings.base_url,
            self._settings.runtime.clock,
        )

    @cached_property
    def schema_cache(self) -> "SchemaCache":
        """The schemas that models published lately."""
        from modellix_cli.models.schema_cache import SchemaCache
        from modellix_cli.paths import cache_dir

        settings = self._settings
        return SchemaCache(
            cache_dir(settings.runtime.env), settings.base_url, settings.runtime.clock
        )

    @property
    def upload_cache(self) -> "UploadCache":
        """The files that this account uploaded lately."""
        from modellix_cli.inputs.upload_cache import UploadCache
        from modellix_cli.paths import cache_dir

        runtime = self._settings.runtime
        return UploadCache(cache_dir(runtime.env), self.account, runtime.clock)

    @cached_property
    def model_lists(self) -> "KeptLists":
        """The model lists that were seen: the last one, and the one `model diff` compares with."""
        from modellix_cli.models.kept_lists import KeptLists
        from modellix_cli.paths import cache_dir

        return KeptLists(
            cache_dir(self._settings.runtime.env),
            self._settings.base_url,
            self._settings.runtime.clock,
        )

    @cached_property
    def accounts(self) -> "Accounts":
        """The saved logins."""
        from modellix_cli.paths import config_dir
        from modellix_cli.profiles.accounts import Accounts

        return Accounts(config_dir(self._settings.runtime.env), self._settings.runtime.clock)
