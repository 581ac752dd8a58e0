"""What a batch does about lines that were paid for before; the user decides."""

from enum import StrEnum


class OnPaid(StrEnum):
    """The default is to refuse; `MODELLIX_ON_PAID` sets another, options beat it."""

    REFUSE = "refuse"
    """Send nothing, and say what was paid for."""
    RESUME = "resume"
    """Pay only for what is not paid for; start the first run where there was none."""
    NEW = "new"
    """Pay for every line again, those of unknown outcome included."""
