"""A batch as the ledger and the engine see it: what each line asks, and what is known of it."""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from modellix_cli.clock import Clock
from modellix_cli.domain.errors import ModellixError
from modellix_cli.domain.identity import RequestIdentity, identity_of
from modellix_cli.domain.jsontext import JsonObject
from modellix_cli.engine.books import known_of
from modellix_cli.engine.core import effects, events
from modellix_cli.engine.core.lines import Known, LineOutcome
from modellix_cli.engine.core.lines import Line as EngineLine
from modellix_cli.engine.ports import PaidRequest
from modellix_cli.inputs.batch_file import BatchInput, Line
from modellix_cli.ledger.batches import BatchStore
from modellix_cli.ledger.records import BatchLine, LineKey, Request
from modellix_cli.ledger.tasks import TaskStore
from modellix_cli.workflows.batch_links import LineLinks, LineResults
from modellix_cli.workflows.costs import Costs

_BYTES: Final = 32
"""Of a digest."""


class BatchKeys:
    """What each line asks, as the ledger knows it; computed once, in little memory."""

    def __init__(self, tasks: BatchInput, base_url: str, links: LineLinks) -> None:
        """Compute them. Where a line uses another's result, what that one asks counts."""
        self._tasks = tasks
        self._digests = bytearray()
        for line in tasks.lines():
            inputs = {
                use.place: f"line {self.identity(links.index(use)).digest}[{use.position}]"
                for use in line.uses
            }
            identity = identity_of(base_url, line.slug, line.asked, inputs)
            self._digests += bytes.fromhex(identity.digest)

    def identity(self, index: int) -> RequestIdentity:
        """Return the identity of a line, counted from 1."""
        end = index * _BYTES
        return RequestIdentity(self._digests[end - _BYTES : end].hex())

    def keys(self) -> Iterator[LineKey]:
        """Yield the lines, in their order."""
        for line in self._tasks.lines():
            identity = self.identity(line.index)
            slug = line.slug.name
            yield LineKey(line.index, line.name, slug, identity, line.asked, line.request_key)


class BatchSource:
    """Brings lines to the engine with what is known of them; keeps bodies only while needed.

    `tag` is that of lines which have none of their own. `results` are those of lines that others
    use.
    """

    def __init__(
        self,
        tasks: BatchInput,
        keys: BatchKeys,
        batches: BatchStore,
        batch: int,
        store: TaskStore,
        clock: Clock,
        results: LineResults,
        costs: Costs,
        *,
        folder: Path | None,
        resend_unknown: bool,
        retry_failed: bool,
        tag: str | None = None,
    ) -> None:
        self._lines = tasks.lines()
        self._recorded = batches.lines(batch)
        self._left = tasks.total
        self._keys = keys
        self._store = store
        self._clock = clock
        self._results = results
        self._costs = costs
        self._folder = folder
        self._resend_unknown = resend_unknown
        self._retry_failed = retry_failed
        self._tag = tag
        self._open: dict[int, Line] = {}
        self._ready: dict[int, bytes] = {}
        self._slugs: set[str] = set()

    def fetch(self, at_most: int) -> events.Work:
        """Return the next lines. Raises the ledger's errors."""
        lines: list[EngineLine] = []
        durations: dict[str, tuple[float, ...]] = {}
        while self._left and len(lines) < at_most:
            line, recorded = next(self._lines), next(self._recorded)
            self._left -= 1
            self._open[line.index] = line
            slug = line.slug.name
            if slug not in self._slugs:
                self._slugs.add(slug)
                durations[slug] = tuple(self._store.durations(slug))
            lines.append(
                EngineLine(
                    line.index,
                    slug,
                    line.name,
                    known=self._known(recorded),
                    needs=self._results.links.needs(line),
                    need_names=self._results.links.names(line),
                    prepare=bool(line.uses or line.inputs),
                    resend=self._resend_unknown,
                    retry_failed=self._retry_failed,
                )
            )
        return events.Work(tuple(lines), bool(self._left), durations)

    def _known(self, line: BatchLine) -> Known | None:
        if line.attempt is None:
            return None
        known = known_of(line.attempt, self._clock, line)
        there = _files_exist(known.files, self._folder)
        return known if there else _without_files(known)

    def request(self, ref: int) -> PaidRequest:
        """Return what a line sends."""
        line = self._open[ref]
        return PaidRequest(line.slug, self._body(line), line.webhook)

    def _body(self, line: Line) -> bytes:
        return self._ready.get(line.index, line.body)

    def prepare(self, ref: int) -> ModellixError | None:
        """Put the results of other lines into the body of one that uses them."""
        try:
            self._ready[ref] = self._results.body_of(self._open[ref])
        except ModellixError as error:
            return error
        return None

    def ledger_request(self, intent: effects.Intent) -> Request:
        """Return the request of a line as the ledger keeps it."""
        line = self._open[intent.ref]
        request = Request(
            self._keys.identity(line.index),
            line.slug.name,
            self._body(line),
            line=line.index,
            line_id=line.name,
            request_key=line.request_key,
            tag=line.tag or self._tag,
            webhook=line.webhook,
            resends=intent.resends,
            retries=intent.retries,
            repeats=intent.repeats,
        )
        return self._costs.priced(request, line.slug)

    def release(self, outcome: LineOutcome) -> None:
        """Let go of a line that has its end, but for what others use of it."""
        line = self._open.pop(outcome.ref, None)
        self._ready.pop(outcome.ref, None)
        if line is not None:
            self._results.ended(outcome, line)


def _files_exist(files: tuple[JsonObject, ...] | None, folder: Path | None) -> bool:
    """Whether saved files are as they were, in the folder asked for now, if one was."""
    paths = [(Path(str(file["path"])), file.get("bytes")) for file in files or ()]
    try:
        return all(
            path.stat().st_size == size and folder in (None, path.parent) for path, size in paths
        )
    except OSError:
        return False


def _without_files(known: Known) -> Known:
    """Return what is known of a line whose saved files are gone: they are fetched again."""
    from dataclasses import replace

    return replace(known, files=None)
