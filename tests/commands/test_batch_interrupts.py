"""An interrupted batch: its result, `batch show` and the ledger say the same."""

import os
import signal
from collections.abc import Sequence

import httpx
import pytest

from modellix_cli.ledger.records import Claim, Request
from modellix_cli.ledger.submissions import SubmissionStore
from tests.commands.batches import Batches, batch, states
from tests.support import Result, problem

__all__ = ["batch"]


def ctrl_c() -> None:
    os.kill(os.getpid(), signal.SIGINT)


def shown(batch: Batches) -> Result:
    return batch.cli("batch", "show", "1", "--json")


def interrupted_at_the_second(batch: Batches, monkeypatch: pytest.MonkeyPatch) -> Result:
    """Ctrl-C when the second line is recorded and has not left."""
    claim = SubmissionStore.claim_lines

    def claimed(self: SubmissionStore, number: int, requests: Sequence[Request]) -> list[Claim]:
        claims = claim(self, number, requests)
        if requests[0].line == 2:
            ctrl_c()
        return claims

    monkeypatch.setattr(SubmissionStore, "claim_lines", claimed)
    result = batch("--json")
    monkeypatch.undo()
    return result


def test_what_was_not_sent_is_skipped_everywhere(
    batch: Batches, monkeypatch: pytest.MonkeyPatch
) -> None:
    result = interrupted_at_the_second(batch, monkeypatch)
    assert (result.status, batch.service.posts) == (130, [1])
    assert states(result) == ["accepted", "skipped", "skipped", "skipped"]
    counts = [result.json[name] for name in ("succeeded", "failed", "skipped", "interrupted")]
    assert counts == [1, 0, 3, 0]
    for entry in result.json["tasks"][1:]:
        info = entry["errorInfo"]
        assert (info["code"], info["exitCode"], info["retryable"]) == ("INTERRUPTED", 130, True)
    facts = shown(batch).json
    assert [facts[name] for name in ("accepted", "rejected", "unknown", "notStarted")] == [
        *(1, 0, 0, 3)
    ]
    assert states(shown(batch)) == ["accepted"]  # it lists what was started


def test_a_resume_sends_what_was_not_sent(batch: Batches, monkeypatch: pytest.MonkeyPatch) -> None:
    interrupted_at_the_second(batch, monkeypatch)
    result = batch("--resume", "--json")
    assert (result.status, batch.service.posts) == (0, [1, 2, 3, 4])
    assert states(result) == ["accepted"] * 4


def test_a_line_that_was_refused_before_the_interrupt_is_rejected_everywhere(
    batch: Batches,
) -> None:
    busy = httpx.Response(429, json=problem(429, "slow down"), headers={"Retry-After": "30"})
    batch.service.replies[2] = busy
    batch.service.on_post = lambda number: ctrl_c() if number == 2 else None
    result = batch("--json")
    assert states(result) == ["accepted", "rejected", "skipped", "skipped"]
    assert (result.json["failed"], result.json["skipped"]) == (1, 2)
    facts = shown(batch).json
    assert (facts["rejected"], facts["notStarted"]) == (1, 2)


def test_a_wait_that_was_interrupted_did_not_fail(batch: Batches) -> None:
    batch.service.on_poll = lambda task_id: ctrl_c()
    result = batch("--wait", "--json")
    assert result.status == 130
    told = result.json
    assert told["failed"] == 0
    assert told["succeeded"] + told["skipped"] + told["interrupted"] == 4
