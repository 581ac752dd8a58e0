"""The only writer. stdout is data, stderr is talk; both are made safe, and keys never pass."""

import errno
import os
import re
from collections.abc import Mapping
from enum import StrEnum
from typing import Final, TextIO

from modellix_cli.errors import Code, ModellixError
from modellix_cli.jsontext import Json, dumps
from modellix_cli.runtime import is_terminal
from modellix_cli.text import clip, escape, one_line

_SHORT_SECRET: Final = 8
_MAX_ENVELOPE_MESSAGE: Final = 2000
_MAX_TEXT_MESSAGE: Final = 10_000


class Output(StrEnum):
    """How results are written; `--output` and its shorthands choose."""

    HUMAN = "human"
    JSON = "json"
    QUIET = "quiet"
    TASK_ID = "task-id"


class ReaderGone(Exception):
    """Whoever read stdout has left, as `head` does; not an OSError, which Typer would swallow."""


class Sink:
    """Writes results, notices and errors for one run of a command.

    `mode` is how results are written; `envelope` whether errors are a JSON object on stdout.
    """

    def __init__(
        self,
        stdout: TextIO | None,
        stderr: TextIO | None,
        env: Mapping[str, str],
        *,
        envelope: bool = False,
    ) -> None:
        self.mode = Output.HUMAN
        self.envelope = envelope
        self.color_allowed = True
        self._stdout = stdout
        self._stderr = stderr
        self._env = env
        self._secrets: list[re.Pattern[str]] = []
        self._wrote = False

    def hide(self, secret: str) -> None:
        """Never let `secret` through again; a very short one only where it stands alone."""
        pattern = re.escape(secret)
        if len(secret) < _SHORT_SECRET:
            pattern = rf"(?<![\w-]){pattern}(?![\w-])"
        self._secrets.append(re.compile(pattern))

    def json(self, value: Json) -> None:
        """Write `value` on stdout as JSON; on a terminal it is coloured, never wrapped."""
        text = self.clean(dumps(value))
        if self._colored(self._stdout):
            text = highlight(text)
        self._write_stdout(text + "\n")

    def line(self, text: str) -> None:
        """Write one line of data on stdout."""
        self._write_stdout(self.clean(one_line(text)) + "\n")

    def block(self, text: str) -> None:
        """Write text of several lines on stdout, as it is but for unsafe characters."""
        self._write_stdout(self.clean(escape(text)).rstrip("\n") + "\n")

    def note(self, text: str) -> None:
        """Tell the user something on stderr."""
        self._talk(text)

    def warn(self, text: str) -> None:
        """Warn the user on stderr."""
        self._talk(f"{self._styled('Warning:', '33')} {self.clean(one_line(text))}", raw=True)

    def error(self, error: ModellixError) -> None:
        """Report a failure: as the JSON envelope where asked for, else in words on stderr."""
        if self.envelope and not self._wrote:
            facts = error.as_dict()
            facts["message"] = clip(one_line(error.message), _MAX_ENVELOPE_MESSAGE)
            self.json({"ok": False, "error": facts})
            if error.code is not Code.INTERRUPTED:
                return
        message = clip(one_line(error.message), _MAX_TEXT_MESSAGE)
        self._talk(f"{self._styled('Error:', '1;31')} {self.clean(message)}", raw=True)
        if error.hint:
            self._talk(error.hint)
        if error.resume:
            self._talk(f"Resume with: {error.resume}")

    @property
    def data_is_terminal(self) -> bool:
        """Whether somebody watches stdout."""
        return is_terminal(self._stdout)

    @property
    def talk_stream(self) -> TextIO | None:
        """The stream for progress displays."""
        return self._stderr

    @property
    def talk_is_terminal(self) -> bool:
        """Whether somebody watches stderr."""
        return is_terminal(self._stderr)

    def _write_stdout(self, text: str) -> None:
        try:
            if self._stdout is None:
                raise OSError(errno.EBADF, "it is closed")
            self._stdout.write(text)
            self._stdout.flush()
            self._wrote = True
        except BrokenPipeError as error:
            self.abandon_stdout()
            raise ReaderGone from error
        except (OSError, ValueError) as error:
            self.abandon_stdout()
            self.envelope = False
            reason = getattr(error, "strerror", None) or str(error)
            raise ModellixError(
                Code.OUTPUT_UNWRITABLE, f"The result could not be written to stdout: {reason}."
            ) from error

    def finish(self) -> None:
        """Flush stdout; what cannot be written any more is dropped, its failure was told."""
        try:
            if self._stdout is not None:
                self._stdout.flush()
        except (OSError, ValueError):
            self.abandon_stdout()

    def abandon_stdout(self) -> None:
        """Send what is still buffered nowhere, so that the interpreter's exit stays silent."""
        try:
            if self._stdout is not None:
                nowhere = os.open(os.devnull, os.O_WRONLY)
                os.dup2(nowhere, self._stdout.fileno())
                os.close(nowhere)
        except (OSError, ValueError):
            pass

    def _talk(self, text: str, *, raw: bool = False) -> None:
        if self._stderr is None:
            return
        try:
            self._stderr.write((text if raw else self.clean(one_line(text))) + "\n")
            self._stderr.flush()
        except (OSError, ValueError):
            self._stderr = None

    def clean(self, text: str) -> str:
        """Return `text` without the secrets that `hide` was told of."""
        for secret in self._secrets:
            text = secret.sub("[REDACTED]", text)
        return text

    def _styled(self, text: str, style: str) -> str:
        return f"\x1b[{style}m{text}\x1b[0m" if self._colored(self._stderr) else text

    def _colored(self, stream: TextIO | None) -> bool:
        if not self.color_allowed or self._env.get("NO_COLOR"):
            return False
        if self._env.get("FORCE_COLOR", "") not in ("", "0"):
            return True
        plain = self._env.get("CI") or self._env.get("TERM") == "dumb"
        return is_terminal(stream) and not plain


def highlight(text: str) -> str:
    """Return JSON text with terminal colours; the characters themselves stay."""
    from io import StringIO

    from rich.console import Console
    from rich.highlighter import JSONHighlighter

    target = StringIO()
    console = Console(file=target, force_terminal=True, color_system="standard", width=80)
    console.print(JSONHighlighter()(text), soft_wrap=True, end="")
    return target.getvalue()
