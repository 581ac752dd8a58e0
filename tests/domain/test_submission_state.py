"""Whether the same request may be sent once more."""

from itertools import product

import pytest

from modellix_cli.domain.submission_state import STATES, SubmissionState, read_state

S = SubmissionState


def test_only_a_rejected_attempt_cannot_have_cost_money() -> None:
    assert [state for state in S if not state.may_be_charged] == [S.REJECTED]
    assert [state for state in S if state.is_open] == [S.INTENT, S.UNKNOWN]


@pytest.mark.parametrize("words", list(product([False, True], repeat=3)))
def test_each_word_of_the_user_permits_one_thing(words: tuple[bool, bool, bool]) -> None:
    resend_unknown, retry_failed, task_failed = words
    said = {
        "resend_unknown": resend_unknown,
        "retry_failed": retry_failed,
        "task_failed": task_failed,
    }
    assert S.REJECTED.may_send(**said)
    assert S.UNKNOWN.may_send(**said) == resend_unknown
    assert S.ACCEPTED.may_send(**said) == (retry_failed and task_failed)
    assert S.INTENT.may_send(**said) is False


def test_without_a_word_of_the_user_only_what_created_nothing_may_be_sent() -> None:
    assert [state for state in S if state.may_send()] == [S.REJECTED]
    assert not S.ACCEPTED.may_send(retry_failed=True)
    assert not S.ACCEPTED.may_send(task_failed=True)


def test_a_word_of_another_version_may_have_cost_money() -> None:
    assert [read_state(word) for word in STATES] == list(S)
    assert read_state("held") is S.UNKNOWN
