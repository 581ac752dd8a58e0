"""The model of the ledger and the real one do the same, whatever is asked of them."""

from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import Any

import pytest

from modellix_cli.domain.budget import Budget, CostLimits
from modellix_cli.domain.errors import ModellixError
from modellix_cli.domain.identity import RequestIdentity
from modellix_cli.domain.money import Money
from modellix_cli.domain.on_paid import OnPaid
from modellix_cli.domain.submission_state import RejectedBy, SubmissionState
from modellix_cli.ledger.attempt import Attempt
from modellix_cli.ledger.records import (
    BatchLine,
    Claimed,
    LineKey,
    Outcome,
    Request,
    StartedBatch,
    TooDear,
)
from tests.engine.simulator.ledger_api import Ledger
from tests.engine.simulator.model_ledger import ModelLedger
from tests.engine.simulator.plan import AMOUNTS
from tests.engine.simulator.real_ledger import RealLedger, as_processes
from tests.support import FakeClock

SLUG = "a/b"
Call = tuple[str, tuple[Any, ...], dict[str, Any]]


class Session:
    """A random sequence of calls, made on both ledgers; each call depends on earlier results."""

    def __init__(self, seed: int) -> None:
        self.random = Random(seed)
        self.batches: dict[int, list[LineKey]] = {}
        self.numbers = 0
        self.of: dict[str, list[int]] = {}

    def next(self) -> Call:
        kinds = ["begin", "record", "record", "attempt", "claim", "record_status", "switch"]
        if self.batches:
            kinds += ["claim_lines"] * 5 + ["lines", "record_end", "finish"]
        return getattr(self, f"_{self.random.choice(kinds)}")()  # type: ignore[no-any-return]

    def _key(self, line: int) -> LineKey:
        choice = self.random.choice
        identity = choice("ab")
        key = f"k{identity}" if self.random.random() < 0.15 else None
        if self.random.random() < 0.02:
            key = "k"
        return LineKey(
            line, choice((None, None, "x", "y")), SLUG, RequestIdentity(identity), b"{}", key
        )

    def _begin(self) -> Call:
        lines = [self._key(line) for line in range(1, self.random.randrange(2, 6))]
        if self.batches and self.random.random() < 0.5:
            lines = self.random.choice(list(self.batches.values()))
        on_paid = self.random.choice([OnPaid.RESUME, OnPaid.RESUME, OnPaid.REFUSE, OnPaid.NEW])
        return "begin", (lines, repr(lines), on_paid), {}

    def _request(self, key: LineKey, line: int) -> Request:
        request = self._priced(Request(key.identity, SLUG, b"", line, key.name, key.request_key))
        chance, same = self.random.random(), self.of.get(key.identity.digest)
        if chance < 0.15 and same:
            return replace(request, resends=self.random.choice(same))
        if chance < 0.25 and same:
            return replace(request, retries=self.random.choice(same))
        if chance < 0.4 and same:
            return replace(request, repeats=self.random.choice(same))
        return request

    def _claim_lines(self) -> Call:
        batch = self.random.choice(list(self.batches))
        keys = self.batches[batch]
        some = self.random.sample(keys, self.random.randint(1, min(2, len(keys))))
        return "claim_lines", (batch, [self._request(key, key.line) for key in some]), {}

    def _claim(self) -> Call:
        flags = {"resume": self.random.random() < 0.5, "resend_unknown": self.random.random() < 0.5}
        key = self._key(0)
        request = Request(key.identity, SLUG, b"", request_key=key.request_key)
        return "claim", (self._priced(request),), flags

    def _priced(self, request: Request) -> Request:
        cost = self.random.choice((None, *AMOUNTS))
        if self.random.random() < 0.5:
            return replace(request, estimated_cost=cost)
        budget = Budget(Money(Decimal(4)), self.random.choice((5.0, 20.0, 60.0)))
        limits = CostLimits(budget=budget, allow_unpriced=self.random.random() < 0.5)
        return replace(request, estimated_cost=cost, limits=limits)

    def _number(self) -> int:
        return self.random.randint(1, max(1, self.numbers))

    def _record(self) -> Call:
        state = self.random.choice(
            [SubmissionState.ACCEPTED, SubmissionState.UNKNOWN, SubmissionState.REJECTED]
        )
        named = state is SubmissionState.ACCEPTED or self.random.random() < 0.3
        task_id = f"t{self.random.randrange(9)}" if named else None
        by = self.random.choice(list(RejectedBy)) if state is SubmissionState.REJECTED else None
        return "record", (self._number(), Outcome(state, task_id, "why", rejected_by=by)), {}

    def _attempt(self) -> Call:
        return "attempt", (self._number(),), {}

    def _record_status(self) -> Call:
        status = self.random.choice(["failed", "success", "processing"])
        billed = self.random.choice((None, *AMOUNTS)) if status != "processing" else None
        return "record_status", (f"t{self.random.randrange(9)}", status, billed), {}

    def _switch(self) -> Call:
        return "switch", (self.random.randrange(4), self.random.random() < 0.5), {}

    def _lines(self) -> Call:
        return "lines", (self.random.choice(list(self.batches)),), {}

    def _record_end(self) -> Call:
        batch = self.random.choice(list(self.batches))
        files = self.random.choice([None, (), ({"path": "x"},)])
        line = self.random.choice(self.batches[batch]).line
        task_id = self.random.choice([None, f"t{self.random.randrange(9)}"])
        return (
            "record_end",
            (batch, BatchLine(line, SLUG, None, None, "success", "d", ("u",), files), task_id),
            {},
        )

    def _finish(self) -> Call:
        return "finish", (self.random.choice(list(self.batches)), "done"), {}

    def learn(self, call: Call, result: Any) -> None:
        if isinstance(result, StartedBatch):
            self.batches[result.batch.number] = call[1][0]
        requests = call[1][1] if call[0] == "claim_lines" else call[1]
        claims = result if isinstance(result, list) else [result]
        for request, claim in zip(requests, claims, strict=False):
            if isinstance(claim, Claimed):
                self.numbers = max(self.numbers, claim.number)
                self.of.setdefault(request.identity.digest, []).append(claim.number)


def make(ledger: Ledger, call: Call) -> Any:
    """Make a call; return what it comes to, without what may differ."""
    name, arguments, options = call
    if name == "switch":
        pid, dies = arguments
        alive = ledger.processes.alive
        (alive.discard if dies else alive.add)(pid)
        ledger.processes.switch(pid)
        return None
    try:
        return getattr(ledger, name)(*arguments, **options)
    except ModellixError as error:
        return error.code


def plain(value: Any) -> Any:
    """Leave out ids, addresses and the order of what has none."""
    if isinstance(value, StartedBatch):
        shown = replace(value.batch, id="", base_url="")
        return shown, value.earlier, value.resumed
    if isinstance(value, Attempt):
        detail = None if value.state is SubmissionState.UNKNOWN else value.detail
        return replace(value, id="", detail=detail, billed=None)  # spending has tests of its own
    if isinstance(value, BatchLine):
        return replace(value, attempt=plain(value.attempt))
    if isinstance(value, TooDear):
        return value.error.code
    return [plain(one) for one in value] if isinstance(value, list) else value


@pytest.mark.parametrize("seeds", [range(first, first + 15) for first in range(0, 60, 15)])
def test_the_model_does_what_the_ledger_does(seeds: range, tmp_path: Path) -> None:
    clock = FakeClock()
    real = RealLedger(tmp_path, clock)
    with as_processes(real.processes):
        for seed in seeds:
            real.clear()
            real.processes.alive = {0}
            real.processes.switch(0)
            model = ModelLedger(clock)
            compare(seed, real, model, clock)
    real.file.close()


def compare(seed: int, real: RealLedger, model: ModelLedger, clock: FakeClock) -> None:
    session = Session(seed)
    done: list[Call] = []
    for _ in range(60):
        clock.time += 1
        call = session.next()
        done.append(call)
        found, expected = make(real, call), make(model, call)
        assert plain(found) == plain(expected), (seed, done)
        session.learn(call, found)
    assert sorted(real.rows(), key=str) == sorted(model.rows(), key=str), seed
