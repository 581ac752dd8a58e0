"""What goes on now, as the ledger tells it."""

from collections.abc import Callable
from typing import Any

import pytest

from modellix_cli.domain.money import Money
from modellix_cli.ledger.activity import ActivityReader
from modellix_cli.ledger.files import FileStore
from modellix_cli.ledger.history import Scope
from modellix_cli.ledger.rate_state import RateState, RateStateStore, Slots
from modellix_cli.ledger.records import BatchLine
from modellix_cli.ledger.spending import Spent
from modellix_cli.ledger.task_records import KeptFile, TaskReport
from modellix_cli.ledger.watched import Activity, Limits, WatchedTask
from tests.ledger.ledgers import (
    ACCEPTED,
    OTHER,
    REJECTED,
    SANDBOX,
    UNKNOWN,
    Ledger,
    Lines,
    bodies,
    end_process,
    request,
)

Open = Callable[..., Ledger]
DAY = 24 * 3600.0


def reader(ledger: Ledger, profile: str | None = None, *, sandbox: bool = False) -> ActivityReader:
    scope = Scope(profile, sandbox=sandbox)
    return ActivityReader(ledger.file, scope, SANDBOX, ledger.account.key_mark)


def now(ledger: Ledger, **other: Any) -> Activity:
    """What goes on, with what ended from now on, and a day that began an hour ago."""
    times = {"since": ledger.clock.now(), "today": ledger.clock.now() - 3600}
    return reader(ledger).read(**(times | other))


def task(activity: Activity) -> WatchedTask:
    (only,) = activity.tasks
    return only


def dollars(text: str) -> Money:
    amount = Money.parse(text)
    assert amount
    return amount


def test_nothing_goes_on_in_an_empty_ledger(ledger: Ledger) -> None:
    assert now(ledger) == Activity()


def test_a_task_that_runs_is_told_with_its_model_and_status(ledger: Ledger) -> None:
    ledger.sent(task_id="t")
    ledger.tasks.record_status(TaskReport("t", "processing"))
    found = task(now(ledger))
    assert (found.task_id, found.slug, found.status) == ("t", "a/b", "processing")
    assert (found.finished, found.batch, found.created_at) == (False, None, ledger.clock.now())


def test_the_newest_task_comes_first(ledger: Ledger) -> None:
    ledger.sent(task_id="old")
    ledger.clock.sleep(1)
    ledger.sent(request("{}"), task_id="new")
    assert [found.task_id for found in now(ledger).tasks] == ["new", "old"]


def test_what_ended_before_is_left_out_and_what_ended_since_is_told(ledger: Ledger) -> None:
    ledger.sent(task_id="before")
    ledger.tasks.record_status(TaskReport("before", "success"))
    ledger.clock.sleep(1)
    since = ledger.clock.now()
    ledger.sent(request("{}"), task_id="since")
    ledger.tasks.record_status(TaskReport("since", "FAILED", since + 5))
    found = task(now(ledger, since=since))
    assert (found.task_id, found.finished, found.failed) == ("since", True, True)
    assert found.ended_at == since + 5


def test_a_task_that_nobody_finished_for_a_day_does_not_go_on(ledger: Ledger) -> None:
    ledger.sent(task_id="t")
    ledger.clock.sleep(DAY + 1)
    assert now(ledger).tasks == ()


def test_tasks_that_are_named_are_told_however_old_they_are(ledger: Ledger) -> None:
    ledger.sent(task_id="t")
    ledger.sent(request("{}"), task_id="other")
    ledger.tasks.record_status(TaskReport("t", "success"))
    ledger.clock.sleep(9 * DAY)
    assert task(now(ledger, ids=["t", "missing"])).task_id == "t"


def test_a_task_is_followed_while_the_process_that_submitted_it_lives(ledger: Ledger) -> None:
    number = ledger.sent(task_id="t")
    assert task(now(ledger)).followed
    end_process(ledger, number)
    assert not task(now(ledger)).followed


def test_a_task_is_followed_while_another_process_polls_it(ledger: Ledger) -> None:
    end_process(ledger, ledger.sent(task_id="t"))
    rates = RateStateStore(ledger.file, ledger.account.key_mark)

    def assigned(state: RateState, slots: Slots) -> None:
        slots.assign("ref", "t", ledger.clock.now(), 600)

    def renewed(state: RateState, slots: Slots) -> None:
        slots.renew("t", ledger.clock.now(), 600)

    rates.change(assigned)
    assert not task(now(ledger)).followed  # it was submitted, and that is all
    ledger.clock.sleep(20)
    rates.change(renewed)
    assert task(now(ledger)).followed
    ledger.clock.sleep(61)
    assert not task(now(ledger)).followed


def test_how_long_such_tasks_take_is_the_middle_of_what_they_took(ledger: Ledger) -> None:
    ledger.sent(task_id="t")
    assert task(now(ledger)).expected is None
    for seconds in (2.0, 100.0, 4.0):
        ledger.tasks.record_duration("a/b", 0.0, seconds)
    assert task(now(ledger)).expected == 4.0


def test_saved_files_are_counted(ledger: Ledger) -> None:
    ledger.sent(task_id="t")
    FileStore(ledger.file, ledger.account.base_url).record("t", [KeptFile(1, "/made/1.png", 10)])
    assert task(now(ledger)).files == 1


def test_what_was_sent_for_a_task(ledger: Ledger) -> None:
    ledger.sent(request('{"prompt": "犬"}'), task_id="t")
    found = task(now(ledger))
    assert reader(ledger).body(found) == '{"prompt": "犬"}'.encode()


def test_a_batch_counts_its_lines(ledger: Ledger) -> None:
    lines = Lines(bodies("a", "b", "c", "d", "e"))
    number = ledger.begun(lines).batch.number
    for line, state in ((1, ACCEPTED), (2, ACCEPTED), (3, REJECTED)):
        ledger.record(ledger.claim_line(number, lines, line).number, state)
    ledger.batches.record_end(number, BatchLine(1, "a/b", None, None, "failed", "bad"))
    (batch,) = now(ledger).batches
    assert (batch.number, batch.total, batch.running) == (number, 5, True)
    assert (batch.ended, batch.failed, batch.submitted) == (1, 1, 1)
    assert batch.waiting == 3  # what was refused may be sent again


def test_a_line_that_was_given_up_has_failed(ledger: Ledger) -> None:
    lines = Lines(bodies("a", "b"))
    number = ledger.begun(lines).batch.number
    ledger.record(ledger.claim_line(number, lines, 1).number, REJECTED)
    ledger.batches.record_end(number, BatchLine(1, "a/b", None, None, None, "refused"))
    (batch,) = now(ledger).batches
    assert (batch.ended, batch.failed, batch.waiting) == (1, 1, 1)


def test_a_batch_whose_process_is_dead_does_not_run(ledger: Ledger) -> None:
    ledger.begun(Lines(bodies("a")))
    ledger.sql("UPDATE batches SET pid = 2147483646, process_started = 1")
    (batch,) = now(ledger).batches
    assert (batch.state, batch.running) == ("running", False)


def test_a_batch_that_was_over_before_is_left_out(ledger: Ledger) -> None:
    ledger.run(Lines(bodies("a")))
    ledger.clock.sleep(1)
    assert now(ledger).batches == ()
    assert now(ledger, since=0.0).batches[0].state == "done"


def test_requests_on_their_way_and_lost_ones_are_counted(ledger: Ledger) -> None:
    ledger.claim(request('{"a": 1}'))
    ledger.sent(request('{"a": 2}'), UNKNOWN)
    end_process(ledger, ledger.claim(request('{"a": 3}')).number)
    activity = now(ledger)
    assert (activity.sending, activity.unknown) == (1, 2)


def test_limits_are_those_of_the_key(ledger: Ledger) -> None:
    moment = ledger.clock.now()

    def learned(state: RateState, slots: Slots) -> None:
        state.limit, state.remaining, state.reset_at, state.cap = 100, 87, moment + 12, 2
        slots.take("ref", moment, 60)

    RateStateStore(ledger.file, ledger.account.key_mark).change(learned)
    assert now(ledger).limits == Limits(87, 100, moment + 12, taken=1, slots=2)
    ledger.clock.sleep(13)
    assert now(ledger).limits == Limits(None, 100, None, taken=1, slots=2)


def test_without_a_key_no_limits_are_told(ledger: Ledger) -> None:
    without = ActivityReader(ledger.file, Scope(None, sandbox=False), SANDBOX, None)
    assert without.read(since=0.0, today=0.0).limits == Limits()


def test_spending_is_what_is_billed_else_estimated_since_the_day_began(ledger: Ledger) -> None:
    ledger.sent(request('{"a": 0}', estimated_cost=dollars("9")))
    ledger.clock.sleep(7200)
    ledger.sent(request('{"a": 1}', estimated_cost=dollars("0.04")), task_id="t")
    ledger.tasks.record_status(TaskReport("t", "success", None, None, dollars("0.03")))
    ledger.sent(request('{"a": 2}', estimated_cost=dollars("0.50")))
    ledger.sent(request('{"a": 3}'))
    ledger.sent(request('{"a": 4}', estimated_cost=dollars("7")), REJECTED)
    assert now(ledger).spending == Spent(dollars("0.03"), dollars("0.5"), unpriced=1)


@pytest.mark.parametrize(("profile", "seen"), [(None, ["b", "a"]), ("work", ["b"]), ("x", [])])
def test_a_profile_limits_what_is_told(opened: Open, profile: str | None, seen: list[str]) -> None:
    here, other = opened(), opened(account=OTHER)
    here.sent(task_id="a")
    here.clock.sleep(1)
    other.sent(request("{}"), task_id="b")
    found = reader(here, profile).read(since=0.0, today=0.0).tasks
    assert [task.task_id for task in found] == seen


def test_the_sandbox_is_apart(ledger: Ledger) -> None:
    ledger.sent(task_id="a")
    assert reader(ledger, sandbox=True).read(since=0.0, today=0.0) == Activity()


def test_the_version_changes_when_any_process_writes_and_only_then(opened: Open) -> None:
    here, other = opened(), opened()
    here.sent(task_id="a")
    watching = reader(here)
    first = watching.version()
    watching.read(since=0.0, today=0.0)
    assert watching.version() == first
    other.sent(request("{}"), task_id="b")
    second = watching.version()
    assert second != first
    here.sent(request('{"c": 1}'), task_id="c")
    assert watching.version() not in (first, second)


def test_odd_rows_of_another_version_are_told_all_the_same(ledger: Ledger) -> None:
    number = ledger.sent(task_id="t")
    ledger.sql("UPDATE submissions SET host = NULL, pid = NULL, estimated_cost = 'x'")
    ledger.sql("UPDATE tasks SET status = 'gone fishing', slug = NULL")
    ledger.sql("UPDATE submissions SET batch = 7 WHERE number = ?", number)
    found = task(now(ledger))
    assert (found.status, found.finished, found.batch) == ("gone fishing", False, 7)
    assert now(ledger).spending.unpriced == 1
