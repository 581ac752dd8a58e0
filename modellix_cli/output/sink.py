"""The only writer. stdout is data, stderr is talk; both are made safe, and keys never pass."""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Final, TextIO

from modellix_cli.domain.errors import ErrorCode, ModellixError
from modellix_cli.domain.jsontext import Json, dumps
from modellix_cli.domain.text import escape, one_line
from modellix_cli.output import terminal
from modellix_cli.output.csv_records import csv_record
from modellix_cli.output.links import FileLink, can_link, linked
from modellix_cli.output.modes import Output
from modellix_cli.output.redactor import Redactor
from modellix_cli.output.streams import Stdout, abandon
from modellix_cli.output.wrapping import fitted, last_column
from modellix_cli.runtime import is_terminal

if TYPE_CHECKING:
    from rich.console import RenderableType

_STYLE: Final = r"(\x1b\[[\d;]*m)"

__all__ = ["Output", "Sink"]


class Sink:
    """Writes results, notices and errors for one run of a command.

    `mode` is how results are written; `envelope` whether errors are a JSON object on stdout;
    `sandbox` whether what is told of is the sandbox's, where bills are for show.
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
        self.envelope = self._for_a_program = envelope
        self.color_allowed = True
        self.sandbox = False
        self._stdout = Stdout(stdout)
        self._stderr = self._err = stderr
        self._env = env
        self._redactor = Redactor()
        self.divert: Callable[[str], None] | None = None  # while an animation has the terminal

    def hide(self, secret: str) -> None:
        """Never let `secret` through again; a very short one only where it stands alone."""
        self._redactor.hide(secret)

    def json(self, value: Json) -> None:
        """Write `value` on stdout as JSON; on a terminal it is coloured, never wrapped."""
        self._write_json(dumps(self.cleaned(value)) + "\n")

    def json_line(self, value: Json) -> None:
        """Write `value` on stdout as JSON on one line."""
        self._write_json(dumps(self.cleaned(value), indent=None) + "\n")

    def json_with_list(
        self, head: dict[str, Json], name: str, items: Iterable[Json], tail: dict[str, Json]
    ) -> None:
        """Write one JSON object whose list `name` may be too long for the memory."""
        opening = dumps(self.cleaned(head))[:-2] + f',\n  "{name}": ['
        separator = "\n    "
        for item in items:
            text = dumps(self.cleaned(item)).replace("\n", "\n    ")
            self._write_json(opening + separator + text)
            opening, separator = "", ",\n    "
        closing = "]" if opening else "\n  ]"
        rest = f",{dumps(self.cleaned(tail))[1:]}" if tail else "\n}"
        self._write_json(opening + closing + rest + "\n")

    def _write_json(self, text: str) -> None:
        if self.stdout_is_terminal and self.is_colored:
            from modellix_cli.output.tables import highlight

            text = highlight(text)
        self._stdout.write(text)

    def line(self, text: str) -> None:
        """Write one line of data on stdout."""
        self._stdout.write(self.clean(one_line(text)) + "\n")

    def sentence(self, text: str, indent: int = 0) -> None:
        """Write words for people on stdout: one line, at a terminal broken between words.

        All lines but the first are indented there.
        """
        self._stdout.write(
            fitted(self._env, self.clean(one_line(text)), self._stdout.stream, indent) + "\n"
        )

    def labelled(self, label: str, style: str, text: str) -> None:
        """Write `[label] text` on stdout; where colours are shown the label has that of `style`."""
        self.parts((f"[{label}]", style), (f" {text}", ""), indent=len(label) + 3)

    def parts(self, *parts: tuple[str, str] | FileLink, indent: int = 0) -> None:
        """Write one line of data on stdout from texts, each with its style (an SGR code or "").

        A file can be clicked where the terminal at stdout follows links; other lines are broken
        there as those of `sentence`.
        """
        colored, links = self.is_colored, can_link(self._stdout.stream, self._env)
        line = ""
        for part in parts:
            text, style = part[:2]
            safe = self.clean(one_line(text))
            shown = f"\x1b[{style}m{safe}\x1b[0m" if style and colored and safe else safe
            if links and isinstance(part, FileLink) and self.clean(part.path) == part.path:
                shown = linked(shown, part.path, self._env)
            line += shown
        if not any(isinstance(part, FileLink) for part in parts):
            line = fitted(self._env, line, self._stdout.stream, indent)
        self._stdout.write(line.rstrip() + "\n")

    def row(self, *cells: str) -> None:
        """Write one line of cells on stdout, separated by tabs."""
        self._stdout.write("\t".join(self.clean(one_line(cell)) for cell in cells) + "\n")

    def csv_row(self, *cells: str) -> None:
        """Write one record of comma-separated values on stdout (RFC 4180, ended by a line feed)."""
        self._stdout.write(csv_record(self.clean(one_line(cell)) for cell in cells) + "\n")

    def block(self, text: str) -> None:
        """Write text of several lines on stdout, as it is but for unsafe characters."""
        self._stdout.write(self.clean(escape(text)).rstrip("\n") + "\n")

    def styled(self, text: str) -> None:
        """Write text of several lines that has terminal styles of ours, such as help, on stdout.

        Where no colours are shown the styles go; other unsafe characters are replaced. What is too
        wide for a terminal is broken, and goes on below where the last column begins.
        """
        pieces = re.split(_STYLE, text)
        pieces[::2] = [escape(piece) for piece in pieces[::2]]
        kept = pieces if self.is_colored else pieces[::2]
        lines = self.clean("".join(kept)).rstrip("\n").split("\n")
        broken = [fitted(self._env, line, self._stdout.stream, last_column(line)) for line in lines]
        self._stdout.write("\n".join(broken) + "\n")

    def table(self, headers: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
        """Write a table on stdout, fitted to the terminal; the first column is never cut."""
        from modellix_cli.output.tables import table

        safe = [[self.clean(one_line(cell)) for cell in row] for row in rows]
        self._draw(table(headers, safe, self.width))

    def drawing(self, codes: str) -> None:
        """Write codes of our own making for the terminal at stdout; elsewhere nothing."""
        if self.stdout_is_terminal:
            self._stdout.write(codes)

    def markdown(self, text: str) -> None:
        """Write Markdown on stdout: laid out on a terminal, else as it is."""
        if not self.stdout_is_terminal:
            self.block(text)
            return
        from modellix_cli.output.tables import markdown

        self._draw(markdown(self.clean(escape(text))))

    def note(self, text: str) -> None:
        """Tell people something on stderr; nothing is written where a program asked for JSON."""
        if not self.silent:
            self._talk(text)

    def stopped(self, text: str) -> None:
        """Tell that Ctrl-C ended what was to run until then; a terminal shows ^C before it."""
        safe = self.clean(one_line(text))
        if not self.silent:
            self._talk(f"\n{safe}" if self.talk_is_terminal else safe, raw=True)

    def alert(self, text: str, *, exact: bool = False) -> None:
        """Tell on stderr what is lost or at risk, whoever reads it; `exact` keeps line breaks."""
        for line in escape(text).split("\n") if exact else (one_line(text),):
            self._talk(self.clean(line), raw=True, exact=exact)

    def warn(self, text: str) -> None:
        """Warn the user on stderr."""
        self._talk(f"{self._styled('Warning:', '33')} {self.clean(one_line(text))}", raw=True)

    def ask(self, question: str) -> None:
        """Write a question, without a line break, where somebody watches: stderr, else stdout."""
        stream = self._stderr if self.talk_is_terminal else self._stdout.stream
        if stream is not None:
            stream.write(fitted(self._env, self.clean(escape(question)), stream))
            stream.flush()

    def error(self, error: ModellixError) -> None:
        """Report a failure: as the JSON envelope where asked for, else in words on stderr."""
        from modellix_cli.output.error_words import enveloped, fault_words, told

        if self.envelope and self._stdout.untouched:
            self.json(enveloped(error))
            if error.code is not ErrorCode.INTERRUPTED:
                return
        self._talk(f"{self._styled('Error:', '1;31')} {self.clean(told(error))}", raw=True)
        for text in fault_words(error.faults):
            self._talk(f"  {text}")
        for line in filter(None, error.hint.split("\n")):
            self._talk(line)
        if error.resume:
            self.alert(f"Resume with: {error.resume}", exact=True)

    @property
    def stdout_is_terminal(self) -> bool:
        """Whether somebody watches stdout."""
        return is_terminal(self._stdout.stream)

    @property
    def is_colored(self) -> bool:
        """Whether what is written on stdout may have colours."""
        return self._colored(self._stdout.stream)

    @property
    def silent(self) -> bool:
        """Whether stderr is kept for what is lost or at risk: JSON was asked for in writing, and
        no terminal shows stderr. The vendor's clients read stderr first (docs/spec/service.md 11).
        """
        return self._for_a_program and not is_terminal(self._stderr)

    @property
    def talk_stream(self) -> TextIO | None:
        """The stream for progress displays."""
        return self._stderr

    @property
    def talk_is_colored(self) -> bool:
        """Whether progress displays may use colours."""
        return self._colored(self._stderr)

    @property
    def env(self) -> Mapping[str, str]:
        """The environment, for what it says about terminals."""
        return self._env

    @property
    def talk_is_terminal(self) -> bool:
        """Whether somebody watches stderr, on a terminal that shows more than plain lines."""
        return terminal.is_watched(self._stderr, self._env)

    def _draw(self, renderable: "RenderableType") -> None:
        """Write what rich makes of `renderable`, whose texts are safe and without secrets."""
        from modellix_cli.output.tables import draw

        self._stdout.write(draw(renderable, self.width, color=self.is_colored))

    @property
    def width(self) -> int:
        """The columns of the terminal at stdout."""
        return terminal.columns(self._stdout.stream, self._env)

    def finish(self) -> None:
        """Flush both streams; what cannot be written any more is dropped, its failure was told."""
        for stream in (self._stdout.stream, self._err):
            try:
                if stream is not None:
                    stream.flush()
            except (OSError, ValueError):
                abandon(stream)

    def abandon_stdout(self) -> None:
        """Send what is still buffered nowhere, so that the interpreter's exit stays silent."""
        abandon(self._stdout.stream)

    def _talk(self, text: str, *, raw: bool = False, exact: bool = False) -> None:
        if self._stderr is None:
            return
        text = text if raw else self.clean(one_line(text))
        line = text if exact else fitted(self._env, text, self._stderr)
        if self.divert is not None:
            self.divert(line)
            return
        try:
            self._stderr.write(line + "\n")
            self._stderr.flush()
        except (OSError, ValueError):
            self._stderr = None

    def clean(self, text: str) -> str:
        """Return `text` without the secrets that `hide` was told of."""
        return self._redactor.clean(text)

    def cleaned(self, value: Json) -> Json:
        """Clean every string of a JSON value, so that the text around them stays JSON."""
        return self._redactor.cleaned(value)

    def _styled(self, text: str, style: str) -> str:
        return f"\x1b[{style}m{text}\x1b[0m" if self._colored(self._stderr) else text

    def _colored(self, stream: TextIO | None) -> bool:
        return self.color_allowed and terminal.shows_colors(stream, self._env)
