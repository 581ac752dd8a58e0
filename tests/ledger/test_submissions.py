"""Single requests: which are sent, and what answers for those that are not."""

import threading
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from modellix_cli.domain.errors import ErrorCode, ModellixError
from modellix_cli.domain.money import Money
from modellix_cli.domain.on_paid import OnPaid
from modellix_cli.ledger.attempt import Attempt
from modellix_cli.ledger.processes import LEASE_SECONDS
from modellix_cli.ledger.records import BatchLine, Claimed, Outcome, Request
from modellix_cli.ledger.submissions import SubmissionStore
from modellix_cli.ledger.task_records import TaskReport
from tests.ledger.ledgers import (
    ACCEPTED,
    API,
    INTENT,
    OTHER,
    REJECTED,
    SANDBOX,
    UNKNOWN,
    Ledger,
    Lines,
    bodies,
    end_process,
    in_processes,
    request,
)
from tests.support import FakeClock

ONE_CENT = Money(Decimal("0.01"))

Open = Callable[..., Ledger]


def code(error: pytest.ExceptionInfo[ModellixError]) -> ErrorCode:
    return error.value.code


def test_a_first_request_is_claimed_and_its_intent_is_on_disk(ledger: Ledger, opened: Open) -> None:
    claimed = ledger.claim()
    assert claimed == Claimed(1)
    attempt = opened().submissions.attempt(1)
    assert attempt is not None
    assert (attempt.state, attempt.in_flight, attempt.slug) == (INTENT, True, "a/b")


def test_typing_an_accepted_request_again_sends_it_again(ledger: Ledger) -> None:
    assert ledger.sent() == 1
    assert ledger.sent() == 2


def test_a_resume_takes_the_accepted_one(ledger: Ledger) -> None:
    ledger.sent(task_id="task-x")
    found = ledger.claim(request('{"prompt":  "a cat"}'), resume=True)
    assert isinstance(found, Attempt)
    assert (found.state, found.task_id) == (ACCEPTED, "task-x")


def test_a_resume_of_what_was_never_sent_sends_it(ledger: Ledger) -> None:
    ledger.sent(state=REJECTED)
    assert isinstance(ledger.claim(resume=True), Claimed)


@pytest.mark.parametrize("resume", [False, True])
def test_while_the_outcome_is_unknown_the_request_is_not_sent(ledger: Ledger, resume: bool) -> None:
    ledger.sent(state=UNKNOWN)
    found = ledger.claim(resume=resume)
    assert isinstance(found, Attempt)
    assert found.state is UNKNOWN


def test_an_unknown_one_is_sent_once_more_by_the_users_word(ledger: Ledger) -> None:
    ledger.sent(state=UNKNOWN)
    assert ledger.claim(resend_unknown=True) == Claimed(2)
    ledger.record(2, ACCEPTED)
    assert isinstance(ledger.claim(), Claimed)  # its doubt is over


def test_a_resend_that_is_refused_leaves_the_first_one_unknown(ledger: Ledger) -> None:
    ledger.sent(state=UNKNOWN)
    ledger.sent(state=REJECTED, resend_unknown=True)
    found = ledger.claim()
    assert isinstance(found, Attempt)
    assert (found.number, found.state) == (1, UNKNOWN)


def test_a_resend_of_unknown_outcome_is_the_one_that_is_unknown_now(ledger: Ledger) -> None:
    ledger.sent(state=UNKNOWN)
    ledger.sent(state=UNKNOWN, resend_unknown=True)
    found = ledger.claim()
    assert isinstance(found, Attempt)
    assert found.number == 2
    assert [attempt.number for attempt in unknown(ledger)] == [2, 1]
    ledger.sent(state=UNKNOWN, resend_unknown=True)
    ledger.sent(resend_unknown=True)
    assert unknown(ledger) == []


def test_two_processes_that_resend_the_same_one_send_it_once(ledger: Ledger, opened: Open) -> None:
    ledger.sent(state=UNKNOWN)
    assert isinstance(ledger.claim(resend_unknown=True), Claimed)
    found = opened().claim(resend_unknown=True)
    assert isinstance(found, Attempt)
    assert found.in_flight


def unknown(ledger: Ledger, **other: Any) -> list[Attempt]:
    wanted: dict[str, Any] = {"sandbox_url": SANDBOX, "sandbox": False} | other
    return ledger.submissions.unknown(**wanted)


def test_an_intent_of_a_dead_process_is_unknown_at_once(ledger: Ledger) -> None:
    number = ledger.claim().number
    end_process(ledger, number)
    found = ledger.claim()
    assert isinstance(found, Attempt)
    assert (found.state, found.in_flight) == (UNKNOWN, False)
    assert [attempt.number for attempt in unknown(ledger)] == [number]


def test_an_intent_of_an_earlier_boot_is_unknown(ledger: Ledger) -> None:
    ledger.claim()
    ledger.sql("UPDATE submissions SET boot = 'another'")
    found = ledger.claim()
    assert isinstance(found, Attempt)
    assert found.state is UNKNOWN


@pytest.mark.parametrize(
    ("seconds", "in_flight"),
    [(0.0, True), (LEASE_SECONDS - 1, True), (LEASE_SECONDS + 1, False), (-3 * 3600.0, False)],
    ids=["at once", "within the lease", "after it", "our clock was three hours ahead"],
)
def test_another_hosts_intent_counts_until_its_lease_ends(
    ledger: Ledger, clock: FakeClock, seconds: float, in_flight: bool
) -> None:
    ledger.claim()
    ledger.sql("UPDATE submissions SET host = 'elsewhere'")
    clock.time += seconds
    found = ledger.submissions.attempt(1)
    assert found is not None
    assert found.in_flight == in_flight
    assert found.state is (INTENT if in_flight else UNKNOWN)


def test_a_resume_waits_for_the_one_under_way(ledger: Ledger, opened: Open) -> None:
    ledger.claim()
    found = opened().claim(resume=True)
    assert isinstance(found, Attempt)
    assert found.in_flight


def test_a_request_typed_twice_at_once_is_sent_twice(ledger: Ledger, opened: Open) -> None:
    ledger.claim()
    assert isinstance(opened().claim(), Claimed)


def test_a_key_never_pays_twice(ledger: Ledger) -> None:
    keyed = request(request_key="job-7")
    ledger.sent(keyed, task_id="task-x")
    for words in ({}, {"resume": True}, {"resend_unknown": True}):
        found = ledger.claim(keyed, **words)
        assert isinstance(found, Attempt)
        assert found.task_id == "task-x"


def test_a_key_that_was_refused_may_be_used_again(ledger: Ledger) -> None:
    ledger.sent(request(request_key="job-7"), state=REJECTED)
    assert isinstance(ledger.claim(request('{"other": 1}', request_key="job-7")), Claimed)


def test_a_key_belongs_to_one_request(ledger: Ledger) -> None:
    ledger.sent(request(request_key="job-7"))
    with pytest.raises(ModellixError) as error:
        ledger.claim(request('{"other": 1}', request_key="job-7"))
    assert code(error) is ErrorCode.REQUEST_KEY_REUSED


def test_an_unknown_key_is_sent_once_more_by_the_users_word(ledger: Ledger) -> None:
    keyed = request(request_key="job-7")
    ledger.sent(keyed, state=UNKNOWN)
    assert isinstance(ledger.claim(keyed), Attempt)
    ledger.sent(keyed, resend_unknown=True)
    found = ledger.claim(keyed, resend_unknown=True)
    assert isinstance(found, Attempt)
    assert found.number == 2


def test_keys_of_another_account_are_another_matter(ledger: Ledger, opened: Open) -> None:
    ledger.sent(request(request_key="job-7"))
    assert isinstance(opened(account=OTHER).claim(request(request_key="job-7")), Claimed)


def test_a_new_batch_ends_the_doubt_about_a_single_run(ledger: Ledger) -> None:
    ledger.sent(state=UNKNOWN)
    lines = Lines(['{"prompt": "a cat"}'])
    assert ledger.run(lines, OnPaid.NEW) == 1
    assert isinstance(ledger.claim(), Claimed)


def test_a_resume_takes_only_what_was_sent_since_the_user_started_over(ledger: Ledger) -> None:
    ledger.sent()
    lines = Lines(['{"prompt": "a cat"}'])
    ledger.begun(lines, OnPaid.NEW)
    assert isinstance(ledger.claim(resume=True), Claimed)


def claim_in_process(folder: Path, wanted: Request, words: dict[str, bool]) -> str:
    ledger = Ledger(folder)
    try:
        return type(ledger.claim(wanted, **words)).__name__
    finally:
        ledger.close()


@pytest.mark.parametrize(
    ("wanted", "words"),
    [
        (request(), {"resume": True}),
        (request(request_key="job-7"), {}),
        (request(), {"resend_unknown": True}),
    ],
    ids=["resume", "request key", "resend"],
)
def test_of_many_processes_with_one_request_one_sends_it(
    tmp_path: Path, wanted: Request, words: dict[str, bool]
) -> None:
    if "resend_unknown" in words:
        first = Ledger(tmp_path)
        first.sent(state=UNKNOWN)
        first.close()
    found = in_processes(claim_in_process, [(tmp_path, wanted, words)] * 6)
    assert sorted(found) == ["Attempt"] * 5 + ["Claimed"]


def test_of_many_threads_with_one_request_one_sends_it(ledger: Ledger, opened: Open) -> None:
    found: list[Any] = []
    ledgers = [ledger, ledger, opened(), opened()]
    threads = [
        threading.Thread(target=lambda one=one: found.append(one.claim(resume=True)))
        for one in ledgers
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(isinstance(claim, Claimed) for claim in found) == 1
    assert len(found) == 4


def test_what_was_accepted_stays_so(ledger: Ledger) -> None:
    number = ledger.sent(task_id="task-x")
    assert not ledger.record(number, UNKNOWN)
    assert not ledger.record(number, REJECTED)
    attempt = ledger.submissions.attempt(number)
    assert attempt is not None
    assert (attempt.state, attempt.task_id) == (ACCEPTED, "task-x")


def test_an_id_that_came_with_doubt_is_kept(ledger: Ledger) -> None:
    number = ledger.claim().number
    ledger.record(number, UNKNOWN, "task-x")
    ledger.record(number, UNKNOWN)
    attempt = ledger.submissions.attempt(number)
    assert attempt is not None
    assert (attempt.state, attempt.task_id) == (UNKNOWN, "task-x")
    assert ledger.tasks.recent(1) == []
    ledger.record(number, ACCEPTED, "task-x")
    assert ledger.tasks.recent(1) == ["task-x"]


def test_accepted_without_an_id_is_unknown(ledger: Ledger) -> None:
    number = ledger.claim().number
    ledger.submissions.record(number, Outcome(ACCEPTED))
    attempt = ledger.submissions.attempt(number)
    assert attempt is not None
    assert attempt.state is UNKNOWN
    assert [a.number for a in unknown(ledger)] == [number]


def test_the_outcome_of_an_attempt_that_is_not_there_is_not_taken_for_recorded(
    ledger: Ledger,
) -> None:
    with pytest.raises(ModellixError) as error:
        ledger.record(7, ACCEPTED)
    assert code(error) is ErrorCode.LEDGER_LOST


def test_a_task_counts_from_its_submission(ledger: Ledger, clock: FakeClock) -> None:
    number = ledger.claim().number
    began = clock.now()
    clock.sleep(30)
    ledger.record(number, ACCEPTED, "task-x")
    known = ledger.tasks.known_task("task-x")
    assert known is not None
    assert (known.slug, known.created_at) == ("a/b", began)


def test_everything_that_is_asked_is_kept(ledger: Ledger) -> None:
    cost = Money.parse("0.030")
    wanted = request(tag="t", webhook="https://x/y", estimated_cost=cost, request_key="k")
    ledger.claim(wanted)
    columns = "tag, webhook, estimated_cost, request_key, identity, batch, line"
    assert ledger.sql(f"SELECT {columns} FROM submissions") == [
        ("t", "https://x/y", "0.03", "k", wanted.identity.digest, None, None)
    ]


def test_a_body_is_kept_once_compressed(ledger: Ledger) -> None:
    body = '{"prompt": "' + "a" * 9000 + '"}'
    ledger.sent(request(body))
    number = ledger.sent(request(body))
    assert ledger.submissions.body(number) == body.encode()
    sizes = ledger.sql("SELECT length(compressed) FROM bodies")
    assert len(sizes) == 1
    assert sizes[0][0] < 100


def test_large_bodies_are_not_kept_and_none_if_the_user_says_so(ledger: Ledger) -> None:
    number = ledger.sent(request('{"prompt": "' + "a" * 300_000 + '"}'))
    assert ledger.submissions.body(number) is None
    silent = SubmissionStore(ledger.file, ledger.account, keep_bodies=False)
    claimed = silent.claim(request(), resume=False, resend_unknown=False)
    assert isinstance(claimed, Claimed)
    assert silent.body(claimed.number) is None
    assert ledger.sql("SELECT count(*) FROM bodies") == [(0,)]


def test_bodies_go_after_thirty_days(ledger: Ledger, clock: FakeClock) -> None:
    ledger.sent()
    clock.time += 31 * 24 * 3600
    ledger.begun(Lines(bodies("x")))
    assert ledger.sql("SELECT count(*) FROM bodies") == [(0,)]


@pytest.mark.parametrize(("size", "kept"), [(256 * 1024, True), (256 * 1024 + 1, False)])
def test_a_body_of_256_kib_is_the_largest_that_is_kept(
    ledger: Ledger, size: int, *, kept: bool
) -> None:
    body = '{"prompt": "' + "a" * (size - 14) + '"}'
    assert len(body) == size
    number = ledger.sent(request(body))
    assert ledger.submissions.body(number) == (body.encode() if kept else None)


def test_a_body_that_was_used_within_thirty_days_stays(ledger: Ledger, clock: FakeClock) -> None:
    ledger.sent()
    clock.time += 30 * 24 * 3600
    ledger.begun(Lines(bodies("x")))
    assert ledger.sql("SELECT count(*) FROM bodies") == [(1,)]


def test_a_body_that_is_used_again_is_kept_for_another_thirty_days(
    ledger: Ledger, clock: FakeClock
) -> None:
    number = ledger.sent()
    clock.time += 20 * 24 * 3600
    ledger.sent()
    clock.time += 20 * 24 * 3600
    ledger.begun(Lines(bodies("x")))
    assert ledger.submissions.body(number) is not None


def test_keys_are_not_in_the_file(ledger: Ledger) -> None:
    ledger.sent()
    ledger.close()
    assert all(b"mk-one" not in file.read_bytes() for file in ledger.path.parent.iterdir())


def test_unknown_ones_of_sandbox_and_service_are_apart(ledger: Ledger) -> None:
    ledger.sent(state=UNKNOWN)
    assert [a.number for a in unknown(ledger)] == [1]
    assert unknown(ledger, sandbox=True) == []
    assert unknown(ledger, sandbox_url=API, sandbox=True) != []
    assert unknown(ledger, profile="work") == []


def test_telling_is_recorded_once(ledger: Ledger, clock: FakeClock) -> None:
    ledger.sent(task_id="task-x")
    first = clock.now()
    ledger.submissions.told(["task-x", "task-y"])
    clock.sleep(5)
    ledger.submissions.told(["task-x"])
    assert ledger.sql("SELECT told_at FROM submissions") == [(first,)]


class TestResolving:
    def test_with_an_id_it_was_accepted(self, ledger: Ledger) -> None:
        ledger.sent(state=UNKNOWN)
        attempt = ledger.submissions.resolve(1, "task-x")
        assert (attempt.state, attempt.task_id) == (ACCEPTED, "task-x")
        assert ledger.tasks.recent(1) == ["task-x"]
        assert unknown(ledger) == []

    def test_without_an_id_it_may_be_sent_again(self, ledger: Ledger) -> None:
        ledger.sent(state=UNKNOWN)
        assert ledger.submissions.resolve(1, None).state is REJECTED
        assert isinstance(ledger.claim(), Claimed)

    def test_what_a_dead_process_left_can_be_resolved(self, ledger: Ledger) -> None:
        end_process(ledger, ledger.claim().number)
        assert ledger.submissions.resolve(1, None).state is REJECTED

    def test_another_accounts_task_is_that_accounts(self, ledger: Ledger, opened: Open) -> None:
        opened(account=OTHER).sent(state=UNKNOWN)
        ledger.submissions.resolve(1, "task-x")
        assert ledger.sql("SELECT profile FROM tasks") == [("work",)]

    @pytest.mark.parametrize("state", [ACCEPTED, REJECTED])
    def test_what_is_known_is_refused(self, ledger: Ledger, state: Any) -> None:
        ledger.sent(state=state)
        with pytest.raises(ModellixError) as error:
            ledger.submissions.resolve(1, None)
        what = {ACCEPTED: "accepted as task task-1.", REJECTED: "rejected."}[state]
        assert f"it was {what}" in error.value.message

    def test_the_word_that_it_was_not_created_can_be_taken_back(
        self, ledger: Ledger, clock: FakeClock
    ) -> None:
        ledger.sent()  # the same request, but not in its place
        ledger.sent(state=UNKNOWN)
        clock.sleep(5)
        ledger.submissions.resolve(2, None)
        clock.sleep(5)
        attempt = ledger.submissions.resolve(2, "task-x")
        assert (attempt.state, attempt.task_id, attempt.detail) == (ACCEPTED, "task-x", None)
        assert ledger.claim(resume=True).task_id == "task-x"

    def test_but_not_what_the_server_said(self, ledger: Ledger) -> None:
        ledger.sent(state=REJECTED)
        with pytest.raises(ModellixError) as error:
            ledger.submissions.resolve(1, "task-x")
        assert code(error) is ErrorCode.USAGE

    def test_a_task_that_was_named_can_be_another_one(self, ledger: Ledger) -> None:
        ledger.sent(state=UNKNOWN)
        ledger.submissions.resolve(1, "task-wrong")
        assert ledger.submissions.named_by_user("task-wrong") is not None
        attempt = ledger.submissions.resolve(1, "task-right")
        assert (attempt.state, attempt.task_id) == (ACCEPTED, "task-right")
        assert ledger.tasks.recent(9) == ["task-right"]
        assert ledger.submissions.named_by_user("task-wrong") is None
        again = ledger.submissions.resolve(1, "task-right")
        assert (again.task_id, again.others) == ("task-right", ())

    def test_or_none_as_long_as_the_service_knows_none_of_that_name(self, ledger: Ledger) -> None:
        ledger.sent(state=UNKNOWN)
        ledger.submissions.resolve(1, "task-wrong")
        attempt = ledger.submissions.resolve(1, None)
        assert (attempt.state, attempt.task_id) == (REJECTED, None)
        assert isinstance(ledger.claim(), Claimed)

    def test_an_id_that_is_named_again_is_not_among_the_others(self, ledger: Ledger) -> None:
        ledger.sent(state=UNKNOWN, task_id="task-named")
        ledger.submissions.resolve(1, "task-x")
        attempt = ledger.submissions.resolve(1, "task-named")
        assert (attempt.task_id, attempt.others) == ("task-named", ())

    @pytest.mark.parametrize("first", [(), ("task-x",)])
    def test_an_id_that_the_service_named_is_never_lost(
        self, ledger: Ledger, first: tuple[str, ...]
    ) -> None:
        ledger.sent(state=UNKNOWN, task_id="task-named")
        for task_id in (*first, "task-named"):
            ledger.submissions.resolve(1, task_id)
        for other in ("task-y", None):
            with pytest.raises(ModellixError) as error:
                ledger.submissions.resolve(1, other)
            assert "it was accepted as task task-named." in error.value.message

    def test_the_services_word_counts_though_it_comes_late(self, ledger: Ledger) -> None:
        ledger.sent(state=UNKNOWN)
        ledger.submissions.resolve(1, "task-x")
        assert not ledger.record(1, UNKNOWN)
        assert not ledger.record(1, REJECTED)
        assert ledger.record(1, ACCEPTED, "task-told")
        attempt = ledger.submissions.find("1")
        assert (attempt.task_id, attempt.others) == ("task-told", ())
        assert not attempt.accepted_by_user
        assert not ledger.record(1, ACCEPTED, "task-other")

    def test_a_task_that_was_named_by_mistake_costs_its_request_nothing(
        self, ledger: Ledger
    ) -> None:
        ledger.sent(state=UNKNOWN)
        ledger.submissions.resolve(1, "task-wrong")
        ledger.tasks.record_status(TaskReport("task-wrong", "success", billed_cost=ONE_CENT))
        assert ledger.submissions.find("1").billed == ONE_CENT
        assert ledger.submissions.resolve(1, "task-right").billed is None

    def test_a_task_that_was_named_by_mistake_stays_that_of_its_own_request(
        self, ledger: Ledger
    ) -> None:
        ledger.sent(state=UNKNOWN)
        ledger.submissions.resolve(1, "task-2")
        ledger.sql("UPDATE submissions SET base_url = base_url || '/' WHERE number = 1")
        ledger.sent(request('{"other": 1}'), task_id="task-2")
        ledger.sql("UPDATE submissions SET base_url = rtrim(base_url, '/') WHERE number = 1")
        ledger.submissions.resolve(1, "task-right")
        assert ledger.tasks.recent(9) == ["task-right", "task-2"]

    def test_who_named_a_task_is_known_for_each_service(self, ledger: Ledger) -> None:
        ledger.sent(state=UNKNOWN)
        ledger.submissions.resolve(1, "task-x")
        ledger.sql("UPDATE submissions SET base_url = 'https://elsewhere.example'")
        assert ledger.submissions.named_by_user("task-x") is None

    def test_what_became_of_a_line_by_a_wrong_task_is_forgotten(self, ledger: Ledger) -> None:
        one = Lines(bodies("a"))
        ledger.run(one, state=UNKNOWN)
        ledger.submissions.resolve(1, "task-wrong")
        end = BatchLine(1, "a/b", None, None, "failed", "It failed.", ("https://x",))
        ledger.batches.record_end(1, end, "task-wrong")
        ledger.submissions.resolve(1, "task-right")
        (line,) = ledger.batches.lines(1)
        assert (line.status, line.detail, line.urls) == (None, None, ())
        ledger.batches.record_end(1, end, "task-wrong")  # by a run that still polls it
        (line,) = ledger.batches.lines(1)
        assert line.status is None
        ledger.batches.record_end(1, end, "task-right")
        (line,) = ledger.batches.lines(1)
        assert line.status == "failed"

    def test_a_task_that_is_not_in_the_list_of_tasks_counts_as_not_known(
        self, ledger: Ledger
    ) -> None:
        ledger.sent(state=UNKNOWN)
        ledger.submissions.resolve(1, "task-wrong")
        ledger.sql("DELETE FROM tasks")
        assert ledger.submissions.resolve(1, None).state is REJECTED

    def test_what_was_refused_since_is_in_nobodys_way(
        self, ledger: Ledger, clock: FakeClock
    ) -> None:
        ledger.sent(state=UNKNOWN)
        ledger.submissions.resolve(1, None)
        clock.sleep(5)
        ledger.sent(state=REJECTED)
        assert ledger.submissions.resolve(1, "task-x").task_id == "task-x"

    def test_what_was_sent_in_the_same_moment_was_sent_since(self, ledger: Ledger) -> None:
        ledger.sent(state=UNKNOWN)
        ledger.submissions.resolve(1, None)
        ledger.sent(state=UNKNOWN)
        with pytest.raises(ModellixError) as error:
            ledger.submissions.resolve(1, "task-x")
        assert "sent again as request 2" in error.value.message

    def test_that_it_was_not_created_is_said_once(self, ledger: Ledger) -> None:
        ledger.sent(state=UNKNOWN)
        ledger.submissions.resolve(1, None)
        with pytest.raises(ModellixError) as error:
            ledger.submissions.resolve(1, None)
        assert "it was rejected." in error.value.message

    def test_another_services_task_of_the_same_name_is_in_nobodys_way(self, ledger: Ledger) -> None:
        ledger.sent(task_id="task-x")
        ledger.sql("UPDATE submissions SET base_url = 'https://elsewhere.example'")
        ledger.sent(state=UNKNOWN)
        assert ledger.submissions.resolve(2, "task-x").task_id == "task-x"

    def test_a_task_that_the_service_knows_was_created(self, ledger: Ledger) -> None:
        ledger.sent(state=UNKNOWN)
        ledger.submissions.resolve(1, "task-x")
        ledger.sql("UPDATE tasks SET status = 'pending'")
        with pytest.raises(ModellixError) as error:
            ledger.submissions.resolve(1, None)
        assert error.value.message == (
            "Task task-x was named for request 1, and the service knows it."
        )
        attempt = ledger.submissions.resolve(1, "task-y")
        assert (attempt.task_id, attempt.others) == ("task-y", ("task-x",))
        assert ledger.tasks.recent(9) == ["task-y", "task-x"]
        with pytest.raises(ModellixError) as error:  # no other word makes it forgotten
            ledger.submissions.resolve(1, None)
        assert "Task task-x was named" in error.value.message
        again = ledger.submissions.resolve(1, "task-x")
        assert (again.task_id, again.others, again.accepted_by_user) == ("task-x", (), False)

    def test_a_task_that_a_reply_named_and_the_service_knows_was_created(
        self, ledger: Ledger
    ) -> None:
        ledger.sent(state=UNKNOWN, task_id="task-named")
        ledger.tasks.record_status(TaskReport("task-named", "processing"))
        with pytest.raises(ModellixError) as error:
            ledger.submissions.resolve(1, None)
        assert "Task task-named was named for request 1" in error.value.message

    def test_a_batch_is_not_done_any_more_when_a_line_of_it_is_taken_back(
        self, ledger: Ledger
    ) -> None:
        ledger.run(Lines(bodies("a")), state=UNKNOWN)
        ledger.submissions.resolve(1, "task-x")
        ledger.batches.finish(1, "done")
        ledger.submissions.resolve(1, None)
        assert ledger.sql("SELECT state FROM batches") == [("stopped",)]

    def test_an_id_that_a_reply_named_is_kept_beside_the_users(self, ledger: Ledger) -> None:
        ledger.sent(state=UNKNOWN, task_id="task-named")
        attempt = ledger.submissions.resolve(1, "task-x")
        assert (attempt.task_id, attempt.others) == ("task-x", ("task-named",))
        ledger.sent(request('{"other": 1}'), state=UNKNOWN, task_id="task-y")
        assert ledger.submissions.resolve(2, "task-y").others == ()

    @pytest.mark.parametrize("when", ["before", "since"])
    def test_nor_what_was_sent_again(self, ledger: Ledger, clock: FakeClock, when: str) -> None:
        ledger.sent(state=UNKNOWN)
        if when == "before":
            assert ledger.claim(resend_unknown=True).number == 2
        clock.sleep(5)
        ledger.submissions.resolve(1, None)
        clock.sleep(5)
        if when == "since":
            assert ledger.claim().number == 2
        with pytest.raises(ModellixError) as error:
            ledger.submissions.resolve(1, "task-x")
        assert "sent again as request 2" in error.value.message
        assert ledger.sql("SELECT state FROM submissions WHERE number = 1") == [("rejected",)]

    def test_what_is_under_way_is_refused(self, ledger: Ledger) -> None:
        ledger.claim()
        with pytest.raises(ModellixError) as error:
            ledger.submissions.resolve(1, None)
        assert error.value.message == "Request 1 is being sent just now."

    def test_an_id_of_another_request_is_refused(self, ledger: Ledger) -> None:
        ledger.sent(task_id="task-x")
        ledger.sent(request('{"other": 1}'), state=UNKNOWN)
        with pytest.raises(ModellixError) as error:
            ledger.submissions.resolve(2, "task-x")
        assert code(error) is ErrorCode.USAGE

    def test_a_number_that_is_not_there_is_not_found(self, ledger: Ledger) -> None:
        with pytest.raises(ModellixError) as error:
            ledger.submissions.resolve(9, None)
        assert code(error) is ErrorCode.NOT_FOUND


class TestFinding:
    def test_by_number_or_the_beginning_of_the_id(self, ledger: Ledger) -> None:
        number = ledger.sent(state=UNKNOWN)
        attempt = ledger.submissions.find(str(number))
        for text in (attempt.id, attempt.id[:4], attempt.id[:8].upper()):
            assert ledger.submissions.find(text).number == number

    @pytest.mark.parametrize("text", ["", "2", "abc", "zzzz", "9" * 40, "-1", "٣"])
    def test_nothing_else_is_found(self, ledger: Ledger, text: str) -> None:
        ledger.sent(state=UNKNOWN)
        with pytest.raises(ModellixError) as error:
            ledger.submissions.find(text)
        assert code(error) is ErrorCode.NOT_FOUND

    def test_a_beginning_that_several_have_is_refused(self, ledger: Ledger) -> None:
        ledger.sent()
        ledger.sent()
        ledger.sql("UPDATE submissions SET id = 'aaaabbbb-' || number")
        with pytest.raises(ModellixError) as error:
            ledger.submissions.find("aaaabbbb")
        assert code(error) is ErrorCode.USAGE


# One task, several requests


def test_another_request_that_was_accepted_as_the_same_task_is_found(ledger: Ledger) -> None:
    first = ledger.sent(request("{}"), task_id="task-x")
    second = ledger.sent(request('{"n": 1}'), task_id="task-x")
    ledger.sent(request('{"n": 2}'), UNKNOWN, "task-x")
    other = ledger.submissions.other_of_task(second)
    assert other is not None
    assert other.number == first
    assert ledger.submissions.other_of_task(ledger.sent(request('{"n": 3}'))) is None


def test_a_request_that_was_sent_once_more_may_have_the_same_task(ledger: Ledger) -> None:
    first = ledger.sent(request("{}"), UNKNOWN)
    again = ledger.sent(request("{}"), task_id="task-x", resend_unknown=True)
    assert ledger.submissions.other_of_task(again) is None
    ledger.record(first, ACCEPTED, "task-x")
    assert ledger.submissions.other_of_task(first) is None
    assert ledger.submissions.other_of_task(again) is None
