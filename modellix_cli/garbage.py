"""When Python searches for garbage that refers to itself: rarely, where nothing of it is to be won.

What a command loads stays until its end, so the searches while it starts and the last ones, when
the interpreter ends, find nothing: they were a fifth of the CPU time of a short command.
"""

import gc
from typing import Final

_USUAL: Final = gc.get_threshold()
_RARELY: Final = 100_000
"""Objects that are made before a search: more than loading any command makes."""


def search_rarely() -> None:
    """Hardly search from here on: the program starts."""
    gc.set_threshold(_RARELY, *_USUAL[1:])


def search_as_usual() -> None:
    """Search as Python does from here on, what was loaded left out: the work may take hours.

    Does nothing where the program did not say `search_rarely`, as in tests.
    """
    if gc.get_threshold()[0] == _RARELY:
        gc.freeze()
        gc.set_threshold(*_USUAL)


def search_no_more() -> None:
    """Leave all to the system: the process ends."""
    gc.freeze()
