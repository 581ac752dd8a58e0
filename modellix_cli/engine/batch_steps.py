"""The lines of a batch, one after the other, with what earlier runs did to each."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator

from modellix_cli.domain.errors import ModellixError
from modellix_cli.engine.batch_means import Step
from modellix_cli.inputs.batch_file import Line
from modellix_cli.ledger.batch_facts import Fate


def steps(
    lines: Iterable[Line], fates: Iterable[Fate], lost: Callable[[ModellixError], None]
) -> Iterator[Step]:
    """Pair each line with what earlier runs did to it; `lost` is told if that cannot be read."""
    known = _read(fates, lost)
    fate = next(known, None)
    for line in lines:
        while fate is not None and fate.index < line.index:  # of no line: a damaged journal's
            fate = next(known, None)
        if fate is not None and fate.index == line.index:
            yield line, fate
        else:
            yield line, None


def _read(fates: Iterable[Fate], lost: Callable[[ModellixError], None]) -> Iterator[Fate]:
    try:
        yield from fates
    except ModellixError as error:
        lost(error)


def drained(waiting: deque[Step]) -> Iterator[Step]:
    """Take out what waits, the first one first."""
    while waiting:
        yield waiting.popleft()
