"""The way from no account to a first picture: the bare command, `init`, help and README tell it.

Each step is a command line without the program's name, and what it is for in a few words, so that
both have room on a line of a terminal.
"""

from typing import Final

Step = tuple[str, str]

SANDBOX_PICTURE: Final[Step] = (
    'model run sandbox/image "a cat" --sandbox',
    "no key, no cost",
)
SAVE_KEY: Final[Step] = ("init", "save an API key")
REAL_PICTURE: Final[Step] = ('model run bytedance/seedream-4.5-t2i "a cat"', "charged")
FIRST: Final = (SANDBOX_PICTURE, SAVE_KEY, REAL_PICTURE)
"""For who has no key yet."""
THEN: Final = (
    REAL_PICTURE,
    ("model list", "what there is"),
    ("task history", "what you made"),
    ("doctor", "is all well?"),
)
"""For who has a key."""


def shown(steps: tuple[Step, ...], program: str) -> list[str]:
    """Return steps as lines: the command, and beside it what it is for."""
    width = max(map(len, commands(steps, program)))
    return [f"{f'{program} {command}':{width}}  # {what}" for command, what in steps]


def commands(steps: tuple[Step, ...], program: str) -> list[str]:
    """Return the commands of steps, for programs."""
    return [f"{program} {command}" for command, _ in steps]
