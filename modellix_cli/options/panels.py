"""The headings under which help lists options, in the order of `PANELS`.

A group of options names its heading in the class variable `PANEL`; a single option may name
another one with `rich_help_panel`. What names none is common.
"""

from typing import Final

COMMON: Final = "Common options"
LINES: Final = "Tables, and parameters of every line"
REQUEST: Final = "Request as JSON"
WAITING: Final = "Waiting"
SAVING: Final = "Saving"
BEFORE_PAYING: Final = "Before paying"
PAYING_AGAIN: Final = "Paying again"
LIMITS: Final = "Limits"
OTHER: Final = "Other options"
PANELS: Final = (
    *(COMMON, LINES, REQUEST, BEFORE_PAYING, WAITING, SAVING, PAYING_AGAIN, LIMITS, OTHER),
)
