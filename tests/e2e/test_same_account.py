"""Whose money: the same key by any name, another key of the same team, and the key of another."""

import json

import pytest

from tests.e2e.batches import Batches, batch, running_service
from tests.e2e.orders import again, end, ended, prompts, run, task_ids, task_of
from tests.e2e.orders import lines as text_of

__all__ = ["batch", "running_service"]

TEAM_MATE = {"MODELLIX_API_KEY": "any-second-key-of-the-team"}
STRANGER = {"MODELLIX_API_KEY": "other-key-of-another-team"}


@pytest.fixture
def paid(batch: Batches) -> Batches:
    """Two lines that were paid for with the profile work."""
    batch.write({}, {})
    assert batch("--profile", "work").status == 0
    return batch


def polls(batch: Batches) -> int:
    return int(batch.served.stats()["polls"])


def test_the_same_key_under_another_profile_is_the_same_account(paid: Batches) -> None:
    ran = again(paid, "--resume", "--profile", "home")
    assert ran.status == 0, ended(ran)
    assert task_ids(ran) == paid.ids()
    assert polls(paid) == 0


def test_another_key_that_sees_an_earlier_task_is_of_the_same_team(paid: Batches) -> None:
    ran = again(paid, "--resume", **TEAM_MATE)
    assert ran.status == 0, ended(ran)
    assert task_ids(ran) == paid.ids()
    assert (paid.posts, polls(paid)) == (2, 1)


def test_a_key_is_asked_about_only_once(paid: Batches) -> None:
    again(paid, "--resume", **TEAM_MATE)
    ran = again(paid, "--resume", **TEAM_MATE)
    assert ran.status == 0, ended(ran)
    assert (paid.posts, polls(paid)) == (2, 1)


def test_another_key_of_the_team_is_refused_what_is_paid(paid: Batches) -> None:
    ran = again(paid, **TEAM_MATE)
    assert end(ran) == (2, "ALREADY_PAID"), ended(ran)
    assert paid.posts == 2


def test_a_key_of_another_team_is_refused_and_the_profile_named(paid: Batches) -> None:
    ran = again(paid, "--resume", **STRANGER)
    assert end(ran) == (2, "ACCOUNT_CHANGED"), ended(ran)
    error = ran.json["error"]
    assert "work" in error["message"] + error["hint"]
    assert error["charged"] == "no"
    assert paid.posts == 2


def test_the_way_back_to_the_account_is_one_that_works(paid: Batches) -> None:
    """A key of the environment, or of the command line, beats every profile."""
    by_variable = again(paid, "--resume", **STRANGER).json["error"]["hint"]
    assert "MODELLIX_API_KEY" in by_variable
    by_option = again(paid, "--resume", "--api-key", *STRANGER.values()).json["error"]["hint"]
    assert "--api-key" in by_option


def test_without_resume_a_key_of_another_team_sends_nothing_either(paid: Batches) -> None:
    ran = again(paid, **STRANGER)
    assert ran.status == 2, ended(ran)
    assert ran.json["error"]["code"] in ("ACCOUNT_CHANGED", "ALREADY_PAID")
    assert paid.posts == 2


def test_a_refused_account_is_refused_again(paid: Batches) -> None:
    for _ in range(2):
        assert end(again(paid, "--resume", **STRANGER)) == (2, "ACCOUNT_CHANGED")
    assert again(paid, "--resume").status == 0
    assert paid.posts == 2


def test_the_user_can_say_that_the_account_is_the_same(paid: Batches) -> None:
    ran = again(paid, "--resume", "--same-account", **STRANGER)
    assert ran.status == 0, ended(ran)
    assert task_ids(ran) == paid.ids()
    assert paid.posts == 2


def test_a_line_appended_is_paid_with_the_key_of_now(paid: Batches) -> None:
    paid.write({}, {}, {})
    ran = again(paid, "--resume", **TEAM_MATE)
    assert ran.status == 0, ended(ran)
    assert task_ids(ran) == paid.ids()
    assert paid.posts == 3


def test_an_account_that_cannot_be_told_apart_sends_nothing(paid: Batches) -> None:
    paid.served.change(flaky_read_rate=1)
    ran = again(paid, "--resume", "--max-retry-wait", "1s", **TEAM_MATE)
    assert ran.status not in (0, 8), ended(ran)
    assert paid.posts == 2


def test_lines_that_nobody_paid_for_need_no_question(paid: Batches) -> None:
    paid.path.write_text(text_of(*prompts("fresh")))
    ran = again(paid, **STRANGER)
    assert ran.status == 0, ended(ran)
    assert (paid.posts, polls(paid)) == (3, 0)


def test_a_single_run_is_resumed_within_the_team(batch: Batches) -> None:
    first = run(batch)
    ran = run(batch, "--resume", **TEAM_MATE)
    assert ran.status == 0, ended(ran)
    assert task_of(ran) == task_of(first)
    assert batch.posts == 1


def test_a_single_run_of_another_team_is_not_resumed(batch: Batches) -> None:
    run(batch)
    ran = run(batch, "--resume", **STRANGER)
    assert end(ran) == (2, "ACCOUNT_CHANGED"), ended(ran)
    assert batch.posts == 1


KEYED = ("--request-key", "build-1")


@pytest.mark.parametrize("more", [(), ("--resend-unknown",), ("--resume",)], ids=" ".join)
def test_a_request_key_is_paid_for_once_though_the_api_key_was_replaced(
    batch: Batches, more: tuple[str, ...]
) -> None:
    first = run(batch, *KEYED)
    ran = run(batch, *KEYED, *more, **TEAM_MATE)
    assert ran.status == 0, ended(ran)
    assert task_of(ran) == task_of(first)
    assert batch.posts == 1


def test_a_request_key_of_another_team_is_told(batch: Batches) -> None:
    run(batch, *KEYED)
    ran = run(batch, *KEYED, **STRANGER)
    assert end(ran) == (2, "ACCOUNT_CHANGED"), ended(ran)
    assert "another --request-key" in ran.json["error"]["hint"]
    assert run(batch, "--request-key", "build-2", **STRANGER).status == 0
    assert batch.posts == 2


def test_a_line_whose_request_key_was_paid_for_with_another_key_is_not_sent(
    batch: Batches,
) -> None:
    run(batch, *KEYED)
    line = {"modelSlug": "a/b", "body": {"prompt": "1"}, "requestKey": KEYED[1]}
    batch.path.write_text(json.dumps(line))
    assert end(again(batch, "--resume", **STRANGER)) == (2, "ACCOUNT_CHANGED")
    ran = again(batch, "--resume", **TEAM_MATE)
    assert ran.status == 0, ended(ran)
    assert batch.posts == 1


def test_an_unknown_request_of_another_team_is_sent_as_the_hint_says(batch: Batches) -> None:
    batch.served.change(lost_posts=1)
    assert run(batch).status == 8
    assert "--resend-unknown" in run(batch, **STRANGER).json["error"]["hint"]
    assert run(batch, "--resend-unknown", **STRANGER).status == 0
    assert batch.posts == 2


def test_an_unknown_request_is_not_sent_with_another_key(batch: Batches) -> None:
    batch.served.change(lost_posts=1)
    assert run(batch).status == 8
    for env in (TEAM_MATE, STRANGER):
        ran = run(batch, **env)
        assert ran.status in (2, 8), ended(ran)
    assert batch.posts == 1
