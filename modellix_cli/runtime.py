"""What a program needs from the process it runs in; tests bring their own."""

import os
import sys
from collections.abc import Mapping
from dataclasses import field
from pathlib import Path
from typing import TextIO

from modellix_cli.clock import Clock
from modellix_cli.domain.frozen import frozen


@frozen
class Runtime:
    """Streams, environment, folder and clock.

    A stream that the caller closed is None, and so is the current folder if it was deleted.
    """

    stdin: TextIO | None
    stdout: TextIO | None
    stderr: TextIO | None
    env: Mapping[str, str]
    cwd: Path | None
    clock: Clock = field(default_factory=Clock)

    @classmethod
    def of_process(cls) -> "Runtime":
        """Return the real thing, with output in UTF-8 whatever the locale says."""
        for stream in (sys.stdout, sys.stderr):
            reconfigure = getattr(stream, "reconfigure", None)
            if reconfigure is not None:
                reconfigure(encoding="utf-8", errors="backslashreplace")
        return cls(sys.stdin, sys.stdout, sys.stderr, os.environ, _cwd())

    def read_stdin(self, limit: int) -> bytes:
        """Return up to `limit` bytes of standard input. Raises `OSError` if it is closed."""
        if self.stdin is None:
            raise OSError("standard input is closed")
        return self.stdin.buffer.read(limit)

    @property
    def stdin_is_terminal(self) -> bool:
        """Whether somebody could type an answer."""
        return is_terminal(self.stdin)


def is_terminal(stream: TextIO | None) -> bool:
    """Whether a stream is a terminal; a closed one is not."""
    try:
        return stream is not None and stream.isatty()
    except ValueError:
        return False


def _cwd() -> Path | None:
    try:
        return Path.cwd()
    except OSError:  # it was deleted, or may not be read
        return None
