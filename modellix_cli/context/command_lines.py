"""Command lines that the user can paste, with the global options that this run depends on."""

from collections.abc import Sequence

from modellix_cli.context.settings import DEFAULT_BASE_URL, Settings
from modellix_cli.domain.account import DEFAULT_PROFILE
from modellix_cli.domain.shell import join
from modellix_cli.domain.values import format_duration


class CommandLines:
    """Writes commands that do the next step under the settings of this run."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def line(
        self,
        command: str,
        *task_ids: str,
        options: Sequence[str] = (),
    ) -> str:
        """Return a command as one line for the shell."""
        return self.join(self.words(command, *task_ids, options=options))

    def words(
        self,
        command: str,
        *task_ids: str,
        options: Sequence[str] = (),
    ) -> list[str]:
        """As `line`, as the list of its words."""
        chosen = self._settings.globals
        options = list(options)
        if self._settings.sandbox:  # also by a variable: without it, elsewhere, it would cost money
            options.append("--sandbox")
        if chosen.base_url and not self._settings.sandbox:
            options += ["--base-url", chosen.base_url]
        if chosen.allow_http_api:
            options.append("--allow-http-api")
        if chosen.profile:
            options += ["--profile", chosen.profile]
        if chosen.max_retry_wait is not None:
            options += ["--max-retry-wait", format_duration(chosen.max_retry_wait)]
        words = ["modellix-cli", *command.split()]
        if any(task_id.startswith("-") and task_id != "-" for task_id in task_ids):
            return [*words, *options, "--", *task_ids]
        return [*words, *task_ids, *options]

    def lasting(self, words: Sequence[str]) -> list[str]:
        """Return words for another shell: what variables chose stands in them as options."""
        chosen, settings = self._settings.globals, self._settings
        if settings.sandbox:
            return list(words)  # --sandbox is among them, and nothing else counts there
        more: list[str] = []
        if not chosen.base_url and settings.base_url != DEFAULT_BASE_URL:
            more += ["--base-url", settings.base_url]
        if not chosen.profile and settings.profile.name != DEFAULT_PROFILE:
            more += ["--profile", settings.profile.name]
        end = words.index("--") if "--" in words else len(words)
        return [*words[:end], *more, *words[end:]]

    def output_words(self) -> list[str]:
        """Return the options that choose how results are written, as they were given."""
        chosen = self._settings.globals
        words = ["--json"] if chosen.json else []
        words += ["--quiet"] if chosen.quiet else []
        return words + (["--output", chosen.output] if chosen.output else [])

    def join(self, words: Sequence[str]) -> str:
        """Return words as one line for the shell."""
        return join(words)
