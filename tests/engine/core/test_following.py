"""Tasks: followed to their end, given up in time, their results saved; interrupts."""

from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest

from modellix_cli.domain.errors import ErrorCode, ModellixError
from modellix_cli.domain.submission_state import SubmissionState
from modellix_cli.engine.core import effects, events
from modellix_cli.engine.core.lines import Known, Line
from modellix_cli.engine.notices import PollTrouble, Stopped, TaskAwaited, TaskLeft, TaskPolled
from tests.engine.core.bench import SLUG, Bench, Follow, busy, known, lines, refused
from tests.engine.tasks import task_of

ACCEPTED = SubmissionState.ACCEPTED
URL = "https://cdn.example.com/a.png"
STOP = events.Stop("Skipped: interrupted.")
FOLLOWING = events.Stop("Skipped: enough.", follow=True)
WEB_PAGE = ModellixError(ErrorCode.BAD_REPLY, "a web page.", status=200)
MISSING = ModellixError(ErrorCode.NOT_FOUND, "no such task.", status=404)


def followed(total: int = 4, **config: object) -> Bench:
    bench = Bench(lines(total), follow=Follow.TO_THE_END, **config)
    bench.ends = {"status": "success", "urls": (URL,)}
    return bench


def earlier(count: int = 1, **facts: Any) -> list[Line]:
    """Lines whose tasks were submitted by earlier runs."""
    return [Line(n, SLUG, known=known(task_id=f"task-{n}", **facts)) for n in range(1, count + 1)]


def test_a_line_is_emitted_when_its_task_has_ended() -> None:
    outcomes = followed().run()
    assert {(o.status, o.urls, o.detail, o.waiting) for o in outcomes} == {
        ("success", (URL,), None, None)
    }


def test_the_end_of_a_task_is_recorded_before_its_line_is_emitted() -> None:
    bench = followed(1)
    outcome = bench.run()[0]
    assert bench.log.index(effects.RecordEnd(outcome)) < bench.log.index(effects.Emit(outcome))


def test_without_following_a_line_is_emitted_once_accepted() -> None:
    bench = Bench(lines(1))
    outcome = bench.run()[0]
    assert (outcome.state, outcome.status, bench.polls_at("task-1")) == (ACCEPTED, None, [])


@pytest.mark.parametrize(("runs_for", "status"), [(100.0, "processing"), (0.0, "success")])
def test_followed_once_each_task_is_polled_once(runs_for: float, status: str) -> None:
    bench = Bench(earlier(3), follow=Follow.ONCE)
    bench.runs_for = runs_for
    outcomes = bench.run()
    assert [o.status for o in outcomes] == [status] * 3
    assert [o.needs_resume for o in outcomes] == [status == "processing"] * 3
    assert [bench.polls_at(f"task-{n}") for n in (1, 2, 3)] == [[0], [0], [0]]


def test_the_reason_of_a_failure_is_one_line_of_bounded_length() -> None:
    bench = followed(1)
    reason = "\ud800bad\n" + "x" * 100_000
    bench.ends = {"status": "failed", "reason": reason}
    detail = bench.run()[0].detail or ""
    assert detail.startswith("Task reached terminal status failed. ")
    assert "\n" not in detail
    assert len(detail) < 600


def test_polls_back_off_to_ten_seconds() -> None:
    bench = Bench(earlier(), follow=Follow.TO_THE_END)
    bench.runs_for = 40
    bench.run()
    moments = [0.0, *bench.polls_at("task-1")]
    gaps = [round(b - a) for a, b in pairwise(moments)]
    assert [min(gap, 10) for gap in gaps] == [0, 1, 2, 4, 8, 10, 10, 10]


def test_an_interval_is_kept_and_the_first_poll_is_at_once() -> None:
    bench = Bench(earlier(), follow=Follow.TO_THE_END, interval=2.0)
    bench.run()
    assert bench.polls_at("task-1") == [0, 2, 4, 6]


def test_a_known_model_is_polled_when_its_tasks_end() -> None:
    bench = followed(1)
    bench.durations = {SLUG: (4.9, 5.0)}
    bench.run()
    assert bench.polls_at("task-1") == [5.2]


@pytest.mark.parametrize("age", [-3600.0, None, 1e6])
def test_an_age_from_a_clock_that_was_wrong_delays_nothing(age: float | None) -> None:
    bench = Bench(earlier(age=age), follow=Follow.TO_THE_END)
    bench.durations = {SLUG: (5.0,)}
    bench.runs_for = 3.0
    bench.run()
    assert bench.polls_at("task-1")[0] == 0
    assert bench.now < 8


def test_a_delivery_leads_to_a_poll_at_once() -> None:
    bench = followed(1)
    bench.durations = {SLUG: (60.0, 60.0)}
    bench.at = [(5.2, events.Delivered("task-1"))]
    bench.run()
    assert bench.polls_at("task-1") == [5.2]


def test_no_more_polls_at_a_time_than_allowed() -> None:
    bench = Bench(earlier(30), follow=Follow.TO_THE_END, polls=4)
    bench.runs_for = 3.0
    under_way = most = 0

    def count(effect: effects.Effect) -> None:
        nonlocal under_way, most
        under_way += isinstance(effect, effects.Poll)
        under_way -= isinstance(effect, effects.Tell) and isinstance(effect.notice, TaskPolled)
        most = max(most, under_way)

    bench.on_effect = count
    bench.run()
    assert len(bench.outcomes) == 30
    assert most <= 4


def test_a_last_poll_comes_when_the_time_is_over() -> None:
    bench = followed(1, timeout=10.0)
    bench.runs_for = 10.05
    assert bench.run()[0].status == "success"


def test_a_task_that_does_not_end_is_given_up_after_its_time() -> None:
    bench = followed(timeout=30.0)
    bench.runs_for = 1e9
    outcomes = bench.run()
    assert {(o.waiting, o.needs_resume) for o in outcomes} == {("timeout", True)}
    assert 30 <= bench.now < 32


def test_polls_that_must_wait_do_not_hold_a_batch_beyond_its_time() -> None:
    bench = followed(timeout=60.0)
    bench.poll_trouble = lambda task_id: busy(3600.0)
    assert {o.waiting for o in bench.run()} == {"timeout"}
    assert 60 <= bench.now < 65


def test_after_a_sleep_of_the_machine_one_more_poll_comes_before_a_time_out() -> None:
    bench = followed(1, timeout=100.0)
    bench.runs_for = 50.0

    def sleep(effect: effects.Effect) -> None:
        if isinstance(effect, effects.WakeAt) and 20 < bench.now < 100:
            bench.now = 5000.0

    bench.on_effect = sleep
    outcome = bench.run()[0]
    assert (outcome.status, outcome.waiting) == ("success", None)


def test_a_poll_that_is_held_after_a_sleep_still_comes() -> None:
    bench = followed(1)
    engine, task = bench.engine, "task-1"
    engine.step(events.Work(tuple(earlier()), more=False), 0.0)
    engine.step(events.PollAllowed(task), 0.0)
    engine.step(events.Polled(task_of(task)), 0.1)
    assert effects.AskPoll(task) in engine.step(events.Woke(), 5000.0)
    assert not [e for e in engine.step(events.PollHeld(task, 4.0), 5000.0)
                if isinstance(e, effects.Emit)]  # fmt: skip
    assert effects.AskPoll(task) in engine.step(events.Woke(), 5004.0)
    assert effects.Poll(task) in engine.step(events.PollAllowed(task), 5004.0)


@pytest.mark.parametrize("trouble", [WEB_PAGE, MISSING, refused(), busy()])
@pytest.mark.parametrize("interval", [None, 1.0])
def test_one_poll_that_fails_ends_no_wait(trouble: ModellixError, interval: float | None) -> None:
    bench = followed(1, interval=interval)
    troubles: list[ModellixError | None] = [trouble]
    bench.poll_trouble = lambda task_id: troubles.pop() if troubles else None
    assert bench.run()[0].status == "success"
    assert PollTrouble("task-1", trouble.message) in bench.notices


def test_a_network_that_is_away_for_a_minute_ends_no_wait() -> None:
    bench = followed(1)
    away = ModellixError(ErrorCode.NETWORK, "no route.")
    bench.poll_trouble = lambda task_id: away if bench.now < 60 else None
    assert bench.run()[0].status == "success"


def test_web_pages_for_ever_leave_a_task_that_can_be_resumed() -> None:
    bench = followed(4)
    bench.poll_trouble = lambda task_id: WEB_PAGE if task_id == "task-2" else None
    outcomes = bench.run()
    assert bench.states == ["accepted"] * 4
    assert [o.waiting for o in outcomes] == [None, "lost", None, None]
    assert [o.needs_resume for o in outcomes] == [False, True, False, False]
    assert outcomes[1].detail == "Status polling failed: a web page."
    assert TaskLeft("task-2", "a web page.") in bench.notices
    assert bench.now < 30


def test_two_lines_that_were_given_one_id_both_end() -> None:
    bench = followed()
    bench.answers = {2: ["task-1"], 3: ["task-1"]}
    outcomes = bench.run()
    assert [o.task_id for o in outcomes] == ["task-1", "task-1", "task-1", "task-4"]
    assert {o.status for o in outcomes} == {"success"}


def test_one_id_for_all_lines_does_no_harm_where_room_is_short() -> None:
    bench = Bench(lines(29))
    bench.always = "task-1"
    bench.holds = [(1.0, True)] * 5
    bench.run()
    assert bench.states == ["accepted"] * 29


def test_tasks_are_polled_for_lines_that_wait_for_room() -> None:
    """Nobody follows them, but somebody has to notice when one ends."""
    bench = Bench(lines(2), concurrency=1)
    bench.on_effect = lambda effect: (
        bench.holds.append((8.0, True)) if isinstance(effect, effects.Post) else None
    )
    bench.run()
    assert bench.polls_at("task-1") != []


def test_a_task_that_is_polled_for_room_only_is_forgotten_after_its_time() -> None:
    bench = Bench(lines(2), concurrency=1, timeout=5.0)
    bench.runs_for = 1e9
    bench.holds = []

    def hold(effect: effects.Effect) -> None:
        if isinstance(effect, effects.Post) and effect.ref == 1:
            bench.holds = [(3.0, True)] * 10

    bench.on_effect = hold
    bench.run()
    assert bench.states == ["accepted"] * 2
    assert max(bench.polls_at("task-1")) < 15


def test_tasks_of_earlier_runs_are_followed() -> None:
    bench = Bench(earlier(4), follow=Follow.TO_THE_END)
    assert {o.status for o in bench.run()} == {"success"}
    assert bench.posts == []


def test_what_is_known_to_have_ended_is_not_polled() -> None:
    bench = Bench(earlier(status="success", urls=(URL,)), follow=Follow.TO_THE_END)
    outcome = bench.run()[0]
    assert (outcome.urls, bench.polls_at("task-1")) == ((URL,), [])


def test_what_has_ended_and_is_not_saved_is_polled_for_its_result() -> None:
    bench = Bench(earlier(status="success"), follow=Follow.TO_THE_END, save=True)
    bench.run()
    assert len(bench.all(effects.Save)) == 1


@pytest.mark.parametrize("most", [1, 10, 1000])
@pytest.mark.slow
def test_many_tasks_of_earlier_runs_are_not_all_followed_at_once(most: int) -> None:
    bench = Bench(earlier(300), follow=Follow.TO_THE_END, most_followed=most, concurrency=1)
    running: list[int] = []
    bench.on_effect = lambda effect: running.append(bench.engine._following.running)
    assert {o.status for o in bench.run()} == {"success"}
    assert max(running) <= most + 1


def test_whoever_watches_is_told_which_task_is_awaited_and_how_long_it_may_take() -> None:
    bench = Bench(earlier(age=3.0), follow=Follow.TO_THE_END)
    bench.durations = {SLUG: (9.0,)}
    bench.run()
    assert TaskAwaited("task-1", SLUG, 3.0, 9.0, reused=True, ref=1) in bench.notices


def test_lengths_that_were_learned_are_recorded_with_the_tasks_age() -> None:
    bench = followed(1)
    bench.ends |= {"seconds": 4.9}
    bench.run()
    (duration,) = bench.all(effects.RecordDuration)
    assert duration.seconds == 4.9
    assert duration.age == pytest.approx(bench.now - 0.1)


# --- saving


def saved_files(save: effects.Save) -> events.Saved:
    return events.Saved(save.ref, ({"path": f"{save.ref}.png"},))


def failing(code: ErrorCode, *, final: bool) -> "object":
    error = ModellixError(code, "no.", hint="Try again.")
    return lambda save: events.Saved(save.ref, (), (error,), final=final)


def test_results_are_saved_and_named() -> None:
    bench = followed(save=True)
    bench.save = saved_files
    assert bench.run()[1].files == ({"path": "2.png"},)


def test_no_more_downloads_at_a_time_than_allowed() -> None:
    bench = followed(9, save=True, saves=2)
    most = 0

    def watch(effect: effects.Effect) -> None:
        nonlocal most
        most = max(most, len(bench.engine._following._saving))

    bench.on_effect = watch
    bench.run()
    assert most == 2


def test_a_download_that_failed_is_left_to_the_next_run() -> None:
    bench = followed(1, save=True)
    bench.save = failing(ErrorCode.DOWNLOAD_FAILED, final=False)  # type: ignore[assignment]
    outcome = bench.run()[0]
    assert (outcome.needs_resume, outcome.detail) == (True, "no. Try again.")
    (recorded,) = bench.all(effects.RecordEnd)
    assert (recorded.outcome.status, recorded.outcome.detail) == ("success", None)
    assert recorded.outcome.files is None


def test_a_result_that_is_gone_is_not_asked_for_again() -> None:
    bench = followed(1, save=True)
    bench.save = failing(ErrorCode.RESULT_EXPIRED, final=True)  # type: ignore[assignment]
    outcome = bench.run()[0]
    assert not outcome.needs_resume
    assert bench.all(effects.RecordEnd)[0].outcome.detail == "no. Try again."


def test_a_task_that_failed_has_nothing_to_save() -> None:
    bench = followed(1, save=True)
    bench.ends = {"status": "failed"}
    bench.run()
    assert bench.all(effects.Save) == []


# --- interrupts


def test_tasks_that_run_are_emitted_as_interrupted() -> None:
    bench = followed()
    bench.at = [(1.0, STOP)]
    assert {(o.state, o.waiting, o.needs_resume) for o in bench.run()} == {
        (ACCEPTED, "interrupted", True)
    }
    assert bench.now < 1.2


def test_a_stop_that_follows_lets_tasks_end() -> None:
    bench = followed(4, concurrency=1)
    bench.at = [(0.05, FOLLOWING)]
    bench.run()
    assert bench.states == ["accepted", "skipped", "skipped", "skipped"]
    assert bench.outcomes[0].status == "success"
    assert not [notice for notice in bench.notices if isinstance(notice, Stopped)]


def test_a_failure_that_stops_the_batch_is_told_while_tasks_still_run() -> None:
    bench = followed(3, concurrency=1)
    bench.answers[2] = [ModellixError(ErrorCode.PAYMENT_REQUIRED, "balance.")]
    bench.run()
    assert Stopped("balance.", 1) in bench.notices


def test_a_stop_after_one_that_followed_ends_the_waiting() -> None:
    bench = followed(1)
    bench.at = [(1.0, FOLLOWING), (2.0, STOP)]
    assert bench.run()[0].waiting == "interrupted"


def test_an_interrupted_wait_leaves_the_tasks_of_earlier_runs_for_the_next() -> None:
    bench = Bench(earlier(4), follow=Follow.TO_THE_END)
    bench.step(STOP)
    assert [o.waiting for o in bench.run()] == ["interrupted"] * 4


def test_an_interrupt_stops_saving_once_and_its_lines_are_left_to_the_next_run() -> None:
    bench = followed(1, save=True)
    bench.runs_for = 0.0
    bench.save = saved_files
    bench.on_effect = lambda effect: STOP if isinstance(effect, effects.Save) else None
    outcome = bench.run()[0]
    assert (outcome.waiting, outcome.files) == ("interrupted", None)
    assert bench.all(effects.StopSaving) == [effects.StopSaving()]
    assert bench.engine.step(events.Saved(1, ()), bench.now) == []


def test_a_poll_that_comes_in_after_an_interrupt_changes_nothing() -> None:
    bench = followed(1)
    bench.at = [(1.0, STOP)]
    bench.run()
    late = events.Polled(task_of("task-1", "success"))
    assert bench.engine.step(late, 2.0) == []
    assert bench.engine.step(events.PollFailed("task-1", WEB_PAGE), 2.0) == []


def test_an_id_of_an_unknown_outcome_stays_unknown_when_interrupted() -> None:
    unknown = Known(7, SubmissionState.UNKNOWN, "task-x")
    bench = Bench([replace(lines(1)[0], known=unknown)], follow=Follow.TO_THE_END)
    bench.poll_trouble = lambda task_id: busy()
    bench.at = [(3.0, STOP)]
    outcome = bench.run()[0]
    assert (outcome.state, outcome.task_id) == (SubmissionState.UNKNOWN, "task-x")


def test_a_poll_that_is_held_for_a_moment_at_its_deadline_still_comes() -> None:
    bench = followed(1, timeout=10.0)
    engine, task = bench.engine, "task-1"
    engine.step(events.Work(tuple(earlier()), more=False), 0.0)
    engine.step(events.PollAllowed(task), 0.0)
    engine.step(events.Polled(task_of(task)), 0.1)
    engine.step(events.Woke(), 12.0)
    asked = engine.step(events.PollHeld(task, 0.5), 12.0)
    assert not [effect for effect in asked if isinstance(effect, effects.Emit)]
    assert asked[-1] == effects.WakeAt(12.5)
    assert effects.AskPoll(task) in engine.step(events.Woke(), 12.5)


def test_holds_without_end_end_the_wait() -> None:
    bench = followed(1, timeout=10.0)
    engine, task = bench.engine, "task-1"
    engine.step(events.Work(tuple(earlier()), more=False), 0.0)
    engine.step(events.PollAllowed(task), 0.0)
    engine.step(events.Polled(task_of(task)), 0.1)
    now = 10.0
    while not engine.finished and now < 100:
        asked = engine.step(events.Woke(), now)
        if effects.AskPoll(task) in asked:
            engine.step(events.PollHeld(task, 0.5), now)
        now += 0.5
    assert now < 50
