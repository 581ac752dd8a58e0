"""Batches: what counts as paid, what a resume sends, what starting over means."""

import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modellix_cli.domain.account import account_of
from modellix_cli.domain.errors import ErrorCode, ModellixError
from modellix_cli.domain.on_paid import OnPaid
from modellix_cli.ledger.attempt import Attempt
from modellix_cli.ledger.processes import LEASE_SECONDS
from modellix_cli.ledger.records import (
    BatchLine,
    Claimed,
    LineKey,
    OtherAccount,
    PaidBefore,
    StartedBatch,
)
from modellix_cli.ledger.task_records import TaskReport
from tests.ledger.ledgers import (
    ACCEPTED,
    API,
    FAILED,
    HERE,
    OTHER,
    REJECTED,
    UNKNOWN,
    Ledger,
    Lines,
    bodies,
    end_process,
    in_processes,
    request,
)
from tests.support import FakeClock

Open = Callable[..., Ledger]
NEW, RESUME, REFUSE = OnPaid.NEW, OnPaid.RESUME, OnPaid.REFUSE
ABCD = Lines(bodies("a", "b", "c", "d"))


def refused(ledger: Ledger, lines: Lines, digest: str = "d9", **other: Any) -> PaidBefore:
    why = ledger.begin(lines, digest=digest, **other)
    assert isinstance(why, PaidBefore), why
    return why


class TestWhatCountsAsPaid:
    def test_a_first_batch_runs(self, ledger: Ledger) -> None:
        started = ledger.begun(ABCD)
        assert not started.earlier.any
        assert not started.resumed
        assert (started.batch.source, started.batch.total) == ("t.jsonl", 4)

    def test_the_same_again_is_refused_naming_how_much_and_where(
        self, ledger: Ledger, clock: FakeClock
    ) -> None:
        when = clock.now()
        ledger.run(ABCD)
        clock.sleep(60)
        assert refused(ledger, ABCD, "d1") == PaidBefore(accepted=4, batches=((1, when),))
        assert len(ledger.batches.latest(9)) == 1  # nothing was begun

    @pytest.mark.parametrize(
        "lines",
        [
            Lines([*bodies("e"), *ABCD.bodies]),
            Lines(ABCD.bodies[::-1]),
            Lines(ABCD.bodies, ids={1: "x", 2: "y"}),
            Lines([body.replace(" ", "  ") for body in ABCD.bodies]),
            Lines(bodies("d")),
        ],
        ids=["moved", "reordered", "with ids", "reformatted", "a part of it"],
    )
    def test_lines_count_in_any_file_order_and_format(self, ledger: Ledger, lines: Lines) -> None:
        ledger.run(ABCD)
        assert refused(ledger, lines).accepted == min(4, len(lines.bodies))

    def test_a_resume_sends_what_is_new_and_nothing_else(self, ledger: Ledger) -> None:
        ledger.run(ABCD)
        assert ledger.run(Lines([*ABCD.bodies[::-1], *bodies("e", "f")]), RESUME, "d2") == 2
        assert ledger.run(ABCD, RESUME) == 0

    def test_a_resume_starts_the_first_run(self, ledger: Ledger) -> None:
        assert ledger.run(ABCD, RESUME) == 4

    def test_a_repeated_line_is_as_many_requests(self, ledger: Ledger) -> None:
        assert ledger.run(Lines(bodies("a", "a", "a"))) == 3
        assert ledger.run(Lines(bodies("a", "a", "a", "a", "b")), RESUME, "d2") == 2

    def test_an_accepted_single_run_does_not_count(self, ledger: Ledger) -> None:
        ledger.sent(request(ABCD.bodies[0]))
        assert not ledger.begun(ABCD).earlier.any

    def test_an_unknown_single_run_does(self, ledger: Ledger) -> None:
        ledger.sent(request(ABCD.bodies[0]), UNKNOWN)
        assert refused(ledger, ABCD).unknown == 1
        assert ledger.run(ABCD, RESUME) == 3

    def test_one_that_is_just_under_way_does(self, ledger: Ledger, opened: Open) -> None:
        opened().claim(request(ABCD.bodies[0]))
        assert refused(ledger, ABCD).in_flight == 1
        assert ledger.run(ABCD, RESUME) == 3

    def test_an_unknown_single_run_that_turns_out_accepted_counts_no_more(
        self, ledger: Ledger
    ) -> None:
        number = ledger.sent(request(ABCD.bodies[0]), UNKNOWN)
        ledger.record(number, ACCEPTED)
        assert not ledger.begun(ABCD).earlier.any

    def test_rejected_lines_are_sent_again(self, ledger: Ledger) -> None:
        ledger.run(ABCD, state=REJECTED)
        assert not ledger.begun(ABCD).earlier.any

    def test_a_failed_task_counts_as_paid(self, ledger: Ledger) -> None:
        ledger.run(ABCD)
        ledger.tasks.record_status(TaskReport("task-1", "failed"))
        assert refused(ledger, ABCD).accepted == 4

    def test_ids_find_their_own(self, ledger: Ledger) -> None:
        lines = Lines(bodies("a", "a"), ids={1: "x", 2: "y"})
        ledger.run(lines)
        swapped = Lines(bodies("a", "a"), ids={1: "y", 2: "x"})
        ledger.begun(swapped, RESUME, "d2")
        assert ledger.attempts(2) == [2, 1]

    def test_of_equal_lines_those_with_a_result_are_taken_first(self, ledger: Ledger) -> None:
        ledger.run(Lines(bodies("a", "a")))
        ledger.tasks.record_status(TaskReport("task-1", "failed"))
        ledger.tasks.record_status(TaskReport("task-2", "success"))
        ledger.begun(Lines(bodies("a")), RESUME, "d2")
        assert ledger.attempts(2) == [2]

    def test_a_dead_process_leaves_unknown_lines(self, ledger: Ledger) -> None:
        number = ledger.begun(ABCD).batch.number
        end_process(ledger, ledger.claim_line(number, ABCD, 2).number)
        ledger.batches.finish(number, "stopped")
        assert refused(ledger, ABCD).unknown == 1


@pytest.mark.slow
@given(
    first=st.lists(st.sampled_from("abc"), min_size=1, max_size=5),
    second=st.lists(st.sampled_from("abc"), min_size=1, max_size=5),
)
def test_a_resume_costs_exactly_what_is_new(
    tmp_path_factory: pytest.TempPathFactory, first: list[str], second: list[str]
) -> None:
    ledger = Ledger(tmp_path_factory.mktemp("state"))
    ledger.run(Lines(bodies(*first)), RESUME, "".join(first))
    new = sum(max(0, second.count(one) - first.count(one)) for one in "abc")
    assert ledger.run(Lines(bodies(*second)), RESUME, "".join(second)) == new
    ledger.close()


class TestGoingOn:
    def test_how_a_line_ended_is_forgotten_when_another_attempt_answers_for_it(
        self, ledger: Ledger
    ) -> None:
        """Else a task that succeeded would be taken for one that failed, and paid for again."""
        two = Lines(bodies("a", "a"))
        number = ledger.begun(two).batch.number
        failed = ledger.claim_line(number, two, 1).number
        ledger.record(failed, ACCEPTED)
        end = BatchLine(1, "a/b", None, None, "failed", "It failed.", ("https://x",))
        ledger.batches.record_end(number, end)
        better = ledger.claim_line(number, two, 2, retries=failed).number
        ledger.record(better, ACCEPTED)
        ledger.batches.finish(number, "stopped")
        first = next(iter(ledger.batches.lines(ledger.begun(two, RESUME).batch.number)))
        assert first.attempt is None or first.attempt.number != failed
        assert (first.status, first.detail, first.urls) == (None, None, ())

    def test_an_interrupted_batch_is_gone_on_with(self, ledger: Ledger) -> None:
        number = ledger.begun(ABCD).batch.number
        ledger.record(ledger.claim_line(number, ABCD, 1).number, ACCEPTED)
        ledger.batches.finish(number, "stopped")
        started = ledger.begun(ABCD, RESUME)
        assert (started.batch.number, started.resumed, started.earlier.accepted) == (
            number,
            True,
            1,
        )

    def test_a_batch_whose_process_is_dead_is_too(self, ledger: Ledger) -> None:
        ledger.begun(ABCD)
        ledger.sql("UPDATE batches SET pid = 2147483646, process_started = 1")
        assert ledger.begun(ABCD, RESUME).batch.number == 1

    def test_one_that_another_process_works_on_is_not(self, ledger: Ledger, opened: Open) -> None:
        ledger.begun(ABCD)
        assert opened().begun(ABCD, RESUME).batch.number == 2

    @pytest.mark.parametrize("jump", [LEASE_SECONDS + 1, -3 * LEASE_SECONDS])
    def test_another_hosts_batch_is_once_its_lease_is_over(
        self, ledger: Ledger, clock: FakeClock, jump: float
    ) -> None:
        ledger.begun(ABCD)
        ledger.sql("UPDATE batches SET host = 'elsewhere'")
        assert ledger.begun(ABCD, RESUME).batch.number == 2
        ledger.sql("UPDATE batches SET host = 'elsewhere'")
        clock.time += jump
        assert ledger.begun(ABCD, RESUME).batch.number == 2

    def test_claiming_lines_renews_the_lease(self, ledger: Ledger, clock: FakeClock) -> None:
        number = ledger.begun(ABCD).batch.number
        clock.sleep(LEASE_SECONDS - 1)
        ledger.claim_line(number, ABCD, 1)
        assert ledger.sql("SELECT lease_until FROM batches") == [(clock.now() + LEASE_SECONDS,)]

    def test_a_line_that_another_batch_sent_once_more_is_answered_for_by_that(
        self, ledger: Ledger
    ) -> None:
        ledger.run(ABCD, state=UNKNOWN)
        one = Lines(bodies("a"))
        second = ledger.begun(one, RESUME, "d2").batch.number
        ledger.record(ledger.claim_line(second, one, 1, resends=1).number, ACCEPTED)
        started = ledger.begun(ABCD, RESUME)
        assert (started.batch.number, started.earlier.accepted) == (1, 1)
        assert ledger.attempts(1) == [5, 2, 3, 4]

    def test_nothing_is_begun_where_it_is_refused(self, ledger: Ledger) -> None:
        ledger.run(Lines(bodies("a")))
        before = ledger.sql("SELECT * FROM batches, batch_lines, submissions")
        refused(ledger, ABCD)
        assert ledger.sql("SELECT * FROM batches, batch_lines, submissions") == before

    @pytest.mark.parametrize("jump", [3600.0, -3600.0, 1e9, -1e9])
    def test_a_clock_that_was_wrong_neither_blocks_nor_skips(
        self, ledger: Ledger, clock: FakeClock, jump: float
    ) -> None:
        number = ledger.begun(ABCD).batch.number
        ledger.record(ledger.claim_line(number, ABCD, 1).number, ACCEPTED)
        ledger.batches.finish(number, "stopped")
        clock.time += jump
        assert ledger.run(ABCD, RESUME) == 3
        clock.time -= jump
        assert ledger.run(ABCD, RESUME) == 0


class TestSendingAgainElsewhere:
    def test_what_comes_to_nothing_leaves_the_earlier_attempt_in_charge(
        self, ledger: Ledger
    ) -> None:
        """Found by the simulator: the line was sent again beside an attempt of unknown outcome."""
        one, other = Lines(bodies("a")), Lines(bodies("a", "b"))
        number = ledger.begun(one).batch.number
        unknown = ledger.claim_line(number, one, 1).number
        ledger.record(unknown, UNKNOWN)
        ledger.batches.finish(number, "stopped")
        second = ledger.begun(other, RESUME, "d2").batch.number
        resent = ledger.claim_line(second, other, 1, resends=unknown).number
        assert ledger.begun(one, RESUME).batch.number == number
        assert ledger.attempts(number) == [resent]
        ledger.record(resent, REJECTED)
        claim = ledger.claim_line(number, one, 1)
        assert isinstance(claim, Attempt)
        assert (claim.number, claim.state) == (unknown, UNKNOWN)


class TestStartingOver:
    def test_new_pays_for_every_line(self, ledger: Ledger) -> None:
        ledger.run(ABCD)
        ledger.sent(request(ABCD.bodies[0]), UNKNOWN)
        assert ledger.run(ABCD, NEW) == 4
        assert refused(ledger, ABCD).accepted == 4

    def test_a_resume_goes_on_with_the_latest_generation(self, ledger: Ledger) -> None:
        ledger.run(ABCD)
        number = ledger.begun(ABCD, NEW).batch.number
        ledger.record(ledger.claim_line(number, ABCD, 1).number, ACCEPTED)
        ledger.batches.finish(number, "stopped")
        started = ledger.begun(ABCD, RESUME)
        assert (started.batch.number, started.earlier.accepted) == (number, 1)
        assert ledger.run(ABCD, RESUME) == 3

    def test_where_nothing_was_sent_it_was_not_begun(self, ledger: Ledger) -> None:
        ledger.run(ABCD)
        ledger.batches.finish(ledger.begun(ABCD, NEW).batch.number, "stopped")
        assert refused(ledger, ABCD).accepted == 4
        assert ledger.run(ABCD, RESUME) == 0
        assert ledger.run(ABCD, NEW) == 4

    def test_nor_where_it_was_killed_before_the_first_line(self, ledger: Ledger) -> None:
        ledger.run(ABCD)
        ledger.begun(ABCD, NEW)
        ledger.sql("UPDATE batches SET pid = 2147483646, process_started = 1")
        assert refused(ledger, ABCD).accepted == 4
        assert ledger.run(ABCD, RESUME) == 0

    def test_nor_where_all_was_refused(self, ledger: Ledger) -> None:
        ledger.run(ABCD)
        ledger.run(ABCD, NEW, state=REJECTED)
        assert refused(ledger, ABCD).accepted == 4

    def test_nor_for_another_file(self, ledger: Ledger) -> None:
        ledger.run(ABCD)
        ledger.batches.finish(ledger.begun(Lines(bodies("a")), NEW, "d2").batch.number, "stopped")
        started = ledger.begun(ABCD, RESUME)
        assert started.batch.number == 1
        assert started.earlier.accepted == 4

    def test_unknown_lines_are_paid_again_too(self, ledger: Ledger) -> None:
        ledger.run(ABCD, state=UNKNOWN)
        assert ledger.run(ABCD, NEW) == 4

    def test_another_teams_starting_over_is_its_own(self, ledger: Ledger, opened: Open) -> None:
        ledger.run(ABCD)
        opened(account=OTHER).run(ABCD, NEW)
        assert ledger.begun(ABCD, RESUME).batch.number == 1


class TestClaimingLines:
    def test_a_line_is_claimed_once(self, ledger: Ledger) -> None:
        number = ledger.begun(ABCD).batch.number
        assert isinstance(ledger.claim_line(number, ABCD, 1), Claimed)
        again = ledger.claim_line(number, ABCD, 1)
        assert isinstance(again, Attempt)
        assert again.in_flight

    def test_of_many_threads_with_one_line_one_sends_it(self, ledger: Ledger, opened: Open) -> None:
        number = ledger.begun(ABCD).batch.number
        found: list[Any] = []
        threads = [
            threading.Thread(target=lambda one=one: found.append(one.claim_line(number, ABCD, 1)))
            for one in (ledger, ledger, opened(), opened())
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sum(isinstance(claim, Claimed) for claim in found) == 1

    def test_a_line_that_another_batch_sends_just_now_is_waited_for(
        self, ledger: Ledger, opened: Open
    ) -> None:
        other = opened()
        mine, theirs = ledger.begun(ABCD).batch.number, other.begun(ABCD).batch.number
        assert mine != theirs
        sent = other.claim_line(theirs, ABCD, 1)
        found = ledger.claim_line(mine, ABCD, 1)
        assert isinstance(found, Attempt)
        assert (found.number, found.in_flight) == (sent.number, True)
        assert ledger.attempts(mine)[0] == sent.number

    def test_an_end_that_is_recorded_survives_another_claim(self, ledger: Ledger) -> None:
        number = ledger.begun(ABCD).batch.number
        ledger.record(ledger.claim_line(number, ABCD, 1).number, ACCEPTED)
        ledger.batches.record_end(number, BatchLine(1, "a/b", None, None, "success", urls=("u",)))
        ledger.claim_line(number, ABCD, 1)
        line = next(iter(ledger.batches.lines(number)))
        assert (line.status, line.urls) == ("success", ("u",))

    def test_an_accepted_line_is_never_sent_again(self, ledger: Ledger) -> None:
        ledger.run(ABCD)
        assert isinstance(ledger.claim_line(1, ABCD, 1), Attempt)
        assert isinstance(ledger.claim_line(1, ABCD, 1, resends=1), Attempt)

    def test_an_unknown_line_is_sent_once_more_by_the_users_word(self, ledger: Ledger) -> None:
        ledger.run(ABCD, state=UNKNOWN)
        assert isinstance(ledger.claim_line(1, ABCD, 1), Attempt)
        assert ledger.claim_line(1, ABCD, 1, resends=1) == Claimed(5)
        again = ledger.claim_line(1, ABCD, 1, resends=1)
        assert isinstance(again, Attempt)
        assert again.number == 5

    def test_two_batches_that_resend_the_same_one_send_it_once(
        self, ledger: Ledger, opened: Open
    ) -> None:
        ledger.run(Lines(bodies("a")), state=UNKNOWN)
        other, one = opened(), Lines(bodies("a"))
        mine = ledger.begun(one, RESUME, "d2").batch.number
        theirs = other.begun(one, RESUME, "d3").batch.number
        assert isinstance(ledger.claim_line(mine, one, 1, resends=1), Claimed)
        found = other.claim_line(theirs, one, 1, resends=1)
        assert isinstance(found, Attempt)
        assert found.in_flight

    def test_one_that_turned_out_accepted_is_not_resent(self, ledger: Ledger) -> None:
        ledger.run(Lines(bodies("a")), state=UNKNOWN)
        ledger.record(1, ACCEPTED)
        found = ledger.claim_line(1, Lines(bodies("a")), 1, resends=1)
        assert isinstance(found, Attempt)
        assert found.state is ACCEPTED

    def test_a_resend_that_is_refused_leaves_the_line_unknown(self, ledger: Ledger) -> None:
        one = Lines(bodies("a"))
        ledger.run(one, state=UNKNOWN)
        ledger.record(ledger.claim_line(1, one, 1, resends=1).number, REJECTED)
        assert refused(ledger, one).unknown == 1
        assert ledger.run(one, RESUME) == 0

    def test_a_failed_task_is_paid_again_by_the_users_word_and_once(self, ledger: Ledger) -> None:
        one = Lines(bodies("a"), request_keys={1: "k"})
        ledger.run(one)
        ledger.tasks.record_status(TaskReport("task-1", "failed"))
        assert isinstance(ledger.claim_line(1, one, 1), Attempt)
        assert ledger.claim_line(1, one, 1, retries=1) == Claimed(2)
        assert isinstance(ledger.claim_line(1, one, 1, retries=1), Attempt)
        ledger.record(2, ACCEPTED)
        ledger.begun(one, RESUME, "d2")
        assert ledger.attempts(2) == [2]

    def test_a_retry_that_is_refused_leaves_the_failed_one(self, ledger: Ledger) -> None:
        one = Lines(bodies("a"))
        ledger.run(one)
        ledger.tasks.record_status(TaskReport("task-1", "failed"))
        ledger.record(ledger.claim_line(1, one, 1, retries=1).number, REJECTED)
        ledger.begun(one, RESUME, "d2")
        assert ledger.attempts(2) == [1]

    @pytest.mark.parametrize("what", ["batches", "batch_lines"])
    def test_a_batch_that_is_gone_sends_nothing(self, ledger: Ledger, what: str) -> None:
        ledger.begun(ABCD)
        ledger.sql(f"DELETE FROM {what}")
        with pytest.raises(ModellixError) as error:
            ledger.claim_line(1, ABCD, 1)
        assert error.value.code is ErrorCode.LEDGER_LOST
        assert ledger.sql("SELECT count(*) FROM submissions") == [(0,)]


def run_in_process(folder: Path, lines: Lines, digest: str) -> int:
    ledger = Ledger(folder)
    try:
        return ledger.run(lines, RESUME, digest)
    finally:
        ledger.close()


@pytest.mark.parametrize("digests", [["d"] * 5, list("abcde")], ids=["one file", "five files"])
def test_of_many_processes_with_the_same_lines_each_is_sent_once(
    tmp_path: Path, digests: list[str]
) -> None:
    lines = Lines(bodies(*(f"p{n}" for n in range(20)), "p1", "p1"))
    sent = in_processes(run_in_process, [(tmp_path, lines, digest) for digest in digests])
    assert sum(sent) == 22
    ledger = Ledger(tmp_path)
    assert ledger.sql("SELECT count(*) FROM submissions") == [(22,)]
    ledger.close()


class TestRequestKeys:
    def test_two_lines_with_one_key_are_sent_once(self, ledger: Ledger) -> None:
        lines = Lines(bodies("a", "a"), request_keys={1: "k", 2: "k"})
        assert ledger.run(lines) == 1
        assert ledger.attempts(1) == [1, 1]

    def test_one_key_for_two_requests_is_refused_before_anything_is_sent(
        self, ledger: Ledger
    ) -> None:
        with pytest.raises(ModellixError) as error:
            ledger.begin(Lines(bodies("a", "b"), request_keys={1: "k", 2: "k"}))
        assert error.value.code is ErrorCode.REQUEST_KEY_REUSED
        assert ledger.batches.latest(9) == []

    def test_what_a_key_paid_for_does_not_stop_a_plain_run(self, ledger: Ledger) -> None:
        lines = Lines(bodies("a", "b"), request_keys={1: "k", 2: "l"})
        ledger.run(lines)
        started = ledger.begun(lines)
        assert started.earlier.accepted == 2
        assert (
            ledger.run(Lines(bodies("a", "b", "c"), request_keys={1: "k", 2: "l"}), digest="e") == 1
        )

    def test_a_line_without_one_still_does(self, ledger: Ledger) -> None:
        ledger.run(Lines(bodies("a", "b"), request_keys={1: "k"}))
        assert refused(ledger, Lines(bodies("a", "b"), request_keys={1: "k"})).accepted == 2

    def test_a_key_that_a_single_run_used_answers_for_a_line(self, ledger: Ledger) -> None:
        ledger.sent(request(ABCD.bodies[0], request_key="k"))
        assert ledger.run(Lines(bodies("a"), request_keys={1: "k"})) == 0

    def test_a_key_that_a_paid_line_is_given_is_that_lines_from_then_on(
        self, ledger: Ledger
    ) -> None:
        ledger.run(Lines(bodies("a", "b")))
        keyed = Lines(bodies("a", "b"), request_keys={1: "k"})
        assert ledger.run(keyed, RESUME, "d2") == 0
        assert ledger.claim(request(bodies("a")[0], request_key="k")).number == 1
        with pytest.raises(ModellixError) as error:
            ledger.claim(request(bodies("b")[0], request_key="k"))
        assert error.value.code is ErrorCode.REQUEST_KEY_REUSED
        assert ledger.run(keyed, NEW, "d3") == 1  # the line without a key

    def test_a_batch_that_is_refused_gives_no_key(self, ledger: Ledger) -> None:
        ledger.run(Lines(bodies("a")))
        refused(ledger, Lines(bodies("a"), request_keys={1: "k"}))
        assert isinstance(ledger.claim(request(bodies("a")[0], request_key="k")), Claimed)

    def test_a_line_that_another_run_sent_meanwhile_has_its_key_too(self, ledger: Ledger) -> None:
        keyed = Lines(bodies("a"), request_keys={1: "k"})
        number = ledger.begun(keyed).batch.number
        single = ledger.claim(request(bodies("a")[0])).number
        assert ledger.claim_line(number, keyed, 1).number == single
        ledger.record(single, ACCEPTED)
        assert ledger.claim(request(bodies("a")[0], request_key="k")).number == single

    def test_not_even_new_pays_for_a_key_again(self, ledger: Ledger) -> None:
        lines = Lines(bodies("a"), request_keys={1: "k"})
        ledger.run(lines)
        assert ledger.run(lines, NEW) == 0


class TestAccounts:
    def test_the_same_key_under_another_profile_is_the_same_account(
        self, ledger: Ledger, opened: Open
    ) -> None:
        ledger.run(ABCD)
        same = account_of(API, "work", "mk-one-0123456789")
        assert refused(opened(account=same), ABCD).accepted == 4

    @pytest.mark.parametrize("on_paid", [REFUSE, RESUME])
    def test_another_key_is_refused_naming_profile_and_tasks(
        self, ledger: Ledger, opened: Open, on_paid: OnPaid
    ) -> None:
        ledger.run(ABCD)
        ledger.tasks.record_status(TaskReport("task-4", "failed"))
        ledger.sent(request(ABCD.bodies[0]), UNKNOWN)
        why = opened(account=OTHER).begin(ABCD, on_paid)
        assert why == OtherAccount(1, "default", 4, ("task-4", "task-3", "task-2"))

    def test_each_line_counts_once(self, ledger: Ledger, opened: Open) -> None:
        ledger.run(Lines(bodies("a")))
        ledger.run(Lines(bodies("a")), NEW)
        ledger.run(Lines(bodies("a", "a")), RESUME, "d2")
        why = opened(account=OTHER).begin(Lines(bodies("a", "b")))
        assert isinstance(why, OtherAccount)
        assert why.lines == 1

    def test_new_is_the_users_word(self, ledger: Ledger, opened: Open) -> None:
        ledger.run(ABCD)
        other = opened(account=OTHER)
        started = other.begun(ABCD, NEW)
        other.batches.finish(started.batch.number, "stopped")
        assert isinstance(other.begin(ABCD, RESUME), OtherAccount)  # nothing was sent
        assert other.run(ABCD, NEW) == 4

    def test_linked_keys_pay_together(self, ledger: Ledger, opened: Open) -> None:
        ledger.run(ABCD)
        other = opened(account=OTHER)
        why = other.begin(ABCD)
        assert isinstance(why, OtherAccount)
        other.batches.link_account(why.team)
        assert refused(other, ABCD).accepted == 4
        assert other.run(ABCD, RESUME) == 0
        assert ledger.run(ABCD, RESUME) == 0

    def test_lines_that_cost_nothing_are_nobodys(self, ledger: Ledger, opened: Open) -> None:
        ledger.run(ABCD, state=REJECTED)
        ledger.sent(request(ABCD.bodies[0]))
        assert isinstance(opened(account=OTHER).begin(ABCD), StartedBatch)

    def test_a_command_without_a_key_makes_no_second_account(
        self, ledger: Ledger, opened: Open
    ) -> None:
        ledger.run(ABCD)
        keyless = opened(account=account_of(API, "default", None))
        assert keyless.tasks.unsaved(ledger.clock.now(), 60.0) != []
        keyless.tasks.record_status(TaskReport("task-1", "success"))
        assert ledger.sql("SELECT count(*) FROM accounts") == [(1,)]
        assert refused(opened(account=HERE), ABCD).accepted == 4

    def test_what_it_recorded_first_is_taken_over_by_the_first_key(
        self, ledger: Ledger, opened: Open
    ) -> None:
        keyless = opened(account=account_of(API, "default", None))
        keyless.tasks.record_status(TaskReport("task-1", "success"))
        ledger.run(ABCD)
        assert ledger.sql("SELECT id, key_mark FROM accounts") == [(1, HERE.key_mark)]
        opened(account=account_of(API, "default", "mk-three-0123456789")).sent()
        assert ledger.sql("SELECT count(*) FROM accounts") == [(2,)]

    def test_it_reads_without_writing(self, ledger: Ledger, opened: Open) -> None:
        ledger.sent(request())
        ledger.sql("DELETE FROM accounts")
        opened(account=account_of(API, "default", None)).tasks.unsaved(0.0, 60.0)
        assert ledger.sql("SELECT count(*) FROM accounts") == [(0,)]


class TestShowing:
    def test_lines_are_read_in_portions_in_order(self, ledger: Ledger) -> None:
        many = Lines(bodies(*(str(n) for n in range(1203))))
        number = ledger.begun(many).batch.number
        ledger.record(ledger.claim_line(number, many, 700).number, ACCEPTED, "task-x")
        lines = list(ledger.batches.lines(number))
        assert [line.line for line in lines] == list(range(1, 1204))
        assert [line.line for line in lines if line.attempt] == [700]

    def test_lines_counted_by_state(self, ledger: Ledger) -> None:
        number = ledger.begun(ABCD).batch.number
        for line, state in ((1, ACCEPTED), (2, REJECTED), (3, UNKNOWN)):
            ledger.record(ledger.claim_line(number, ABCD, line).number, state)
        assert ledger.batches.counts(number) == {"accepted": 1, "rejected": 1, "unknown": 1}
        ledger.claim_line(number, ABCD, 4)
        assert ledger.batches.counts(number)["intent"] == 1

    def test_what_a_task_made_is_kept(self, ledger: Ledger) -> None:
        ledger.run(ABCD)
        files = ({"path": "/x/a.png", "size": 3},)
        end = BatchLine(2, "a/b", None, None, "success", "fine", ("https://x/y",), files)
        ledger.batches.record_end(1, end)
        line = list(ledger.batches.lines(1))[1]
        assert (line.status, line.detail, line.urls, line.files) == (
            *("success", "fine", ("https://x/y",), files),
        )

    @pytest.mark.parametrize("text", ["[]", "{", '{"files": 1}', '{"files": [1]}', '{"urls": {}}'])
    def test_what_cannot_be_read_is_left_out(self, ledger: Ledger, text: str) -> None:
        ledger.run(ABCD)
        ledger.sql("UPDATE batch_lines SET made = ?", text)
        line = next(iter(ledger.batches.lines(1)))
        assert (line.urls, line.files) == ((), None)

    def test_batches_are_listed_newest_first_and_found_by_number(self, ledger: Ledger) -> None:
        ledger.run(ABCD)
        ledger.run(Lines(bodies("x")), digest="d2")
        assert [batch.number for batch in ledger.batches.latest(9)] == [2, 1]
        assert [batch.number for batch in ledger.batches.latest(1)] == [2]
        found = ledger.batches.find(1)
        assert found is not None
        assert found.state == "done"
        assert ledger.batches.find(3) is None
        assert ledger.batches.find(10**30) is None

    def test_a_source_is_one_line(self, ledger: Ledger) -> None:
        started = ledger.batches.begin(
            ABCD, digest="d", source="a\nb", total=4, on_paid=REFUSE, tag="t"
        )
        assert isinstance(started, StartedBatch)
        assert "\n" not in started.batch.source


class TestManyLines:
    class Generated:
        """Lines that are made as they are asked for, so that none is held."""

        def __init__(self, total: int) -> None:
            self.total = total
            self.passes = 0

        def keys(self) -> Iterator[LineKey]:
            self.passes += 1
            for line in range(1, self.total + 1):
                asked = request(f'{{"n": {line}}}')
                yield LineKey(line, None, "a/b", asked.identity, asked.body)

    def test_they_are_gone_through_and_never_held(self, ledger: Ledger) -> None:
        lines = self.Generated(2000)
        started = ledger.batches.begin(
            lines, digest="d", source="-", total=2000, on_paid=REFUSE, tag=None
        )
        assert isinstance(started, StartedBatch)
        assert lines.passes <= 3

    def test_hundreds_of_equal_lines_are_matched_in_no_time(self, ledger: Ledger) -> None:
        many = Lines(bodies(*["a"] * 800), ids={n: f"id-{n}" for n in range(1, 801)})
        number = ledger.begun(many).batch.number
        requests = [many.request(line) for line in range(1, 801)]
        claims = ledger.submissions.claim_lines(number, requests)
        assert all(isinstance(claim, Claimed) for claim in claims)
        ledger.batches.finish(number, "stopped")
        assert refused(ledger, many).in_flight == 800


def test_the_statuses_of_failure_are_those_that_were_given() -> None:
    assert "success" not in FAILED


def test_a_refused_resend_leaves_the_line_to_the_one_that_is_unknown(ledger: Ledger) -> None:
    lines = Lines(bodies("a", "a"))
    ledger.run(lines, state=UNKNOWN)
    ledger.record(ledger.claim_line(1, lines, 1, resends=1).number, REJECTED)
    found = ledger.claim_line(1, lines, 1)
    assert isinstance(found, Attempt)
    assert (found.number, found.state) == (1, UNKNOWN)


def test_a_claim_takes_no_longer_the_more_equal_lines_were_sent(ledger: Ledger) -> None:
    equal = Lines(bodies(*["a"] * 121))
    number = ledger.begun(equal).batch.number

    def steps(line: int) -> int:
        """How much the database did for a claim, in hundreds of instructions."""
        done = 0

        def count() -> None:
            nonlocal done
            done += 1

        ledger.file.transact(lambda db: db.set_progress_handler(count, 100))
        claim = ledger.claim_line(number, equal, line)
        ledger.file.transact(lambda db: db.set_progress_handler(None, 100))
        ledger.record(claim.number, ACCEPTED)
        return done

    needed = [steps(line) for line in range(1, 122)]
    assert needed[120] <= needed[20] * 1.5
