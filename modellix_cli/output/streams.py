"""Writing on stdout: what cannot be written ends the command, and never fails a second time."""

import errno
import os
from typing import TextIO

from modellix_cli.domain.errors import ErrorCode, ModellixError


class ReaderGone(Exception):
    """Whoever read stdout has left, as `head` does; not an OSError, which Typer would swallow."""


class Stdout:
    """stdout, or None where it is closed. `untouched` says that no data was written or refused."""

    def __init__(self, stream: TextIO | None) -> None:
        self.stream = stream
        self.untouched = True

    def write(self, text: str) -> None:
        """Write text at once. Raises `ReaderGone` and `OUTPUT_UNWRITABLE`."""
        self.untouched = False  # nothing may follow on what is perhaps half a document
        try:
            if self.stream is None:
                raise OSError(errno.EBADF, "it is closed")
            self.stream.write(text)
            self.stream.flush()
        except KeyboardInterrupt:
            abandon(self.stream)  # a reader that does not read must not hold up the end
            raise
        except BrokenPipeError as error:
            abandon(self.stream)
            raise ReaderGone from error
        except (OSError, ValueError) as error:
            abandon(self.stream)
            reason = getattr(error, "strerror", None) or str(error)
            closed = getattr(error, "errno", None) == errno.EBADF
            raise ModellixError(
                ErrorCode.OUTPUT_UNWRITABLE,
                f"The result could not be written to stdout: {reason}.",
                hint="" if closed else None,
            ) from error


def abandon(stream: TextIO | None) -> None:
    """Send what is still buffered nowhere, so that the interpreter's exit stays silent."""
    try:
        if stream is not None:
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, stream.fileno())
            os.close(nowhere)
    except (OSError, ValueError):
        pass
