"""Who watches work go on; the displays are in `output.progress`."""

from types import TracebackType
from typing import Self

from modellix_cli.engine.notices import Notice


class Progress:
    """Takes notices while work goes on. This one stays silent."""

    wants_details = False
    """Whether it shows prompts, and each line's end."""
    showed_every_line = False
    """Whether somebody saw each line's end, so that it need not be shown once more."""

    def __enter__(self) -> Self:
        """Start showing."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop showing, whatever happened."""

    def tell(self, notice: Notice) -> None:
        """Take a notice."""
