"""Moments as the user writes them: how long ago, or a date."""

from datetime import datetime

from modellix_cli.domain.errors import ModellixError, usage
from modellix_cli.domain.text import quoted
from modellix_cli.domain.values import DAY, parse_duration

_LONGEST = 36500 * DAY


def parse_since(text: str, now: float, option: str = "--since") -> float:
    """Read `7d`, `12h`, `2026-11-01` or `2026-11-01T10:00` as a Unix time.

    Dates without a time zone are in that of this machine; `now` is the Unix time of the moment.
    """
    written = text.strip()
    try:
        if "-" in written:
            return datetime.fromisoformat(written).astimezone().timestamp()
        if written[-1:].isalpha():
            return now - parse_duration(written, option, _LONGEST)
    except (ValueError, OverflowError, OSError):
        pass
    except ModellixError as error:
        if "exceed" in error.message or "greater" in error.message:
            raise
    raise usage(
        f"Invalid {option} {quoted(text)}. Use how long ago, such as 12h or 7d, or a date such as "
        "2026-11-01 or 2026-11-01T10:00."
    )
